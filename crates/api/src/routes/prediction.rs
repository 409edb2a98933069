//! `GET /v1/fixtures/{id}/prediction`.

use axum::{Json, extract::State};
use domain::FixtureId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{Path, Query},
    problem::Problem,
    wire::{Moment, Prediction},
};

/// As of when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOfQuery {
    /// The moment whose knowledge counts (RFC 3339), not in the future; after kickoff only where
    /// events of the game were known by then.
    /// Where not given: now, or, once kickoff has passed and no events are told, one hour before it.
    #[param(value_type = Option<String>, format = DateTime, example = "2024-02-18T12:00:00Z")]
    pub(crate) as_of: Option<Moment>,
}

/// Predict a fixture
///
/// Probabilities and fair prices of every market as of a moment. Nothing that became known later
/// is used, so the answer for a past moment is, bit for bit, what a backtest of that moment says.
/// A result that has been corrected counts at every moment as it is known now, and a price from the
/// moment it was taken at, whenever it was written.
#[utoipa::path(
    get,
    path = "/v1/fixtures/{id}/prediction",
    operation_id = "getPrediction",
    tag = "Predictions",
    params(("id" = i64, Path, description = "Number of the fixture.", example = 7000), AsOfQuery),
    responses(
        (status = 200, description = "The prediction.", body = Prediction),
        (status = 404, description = "The fixture is not known.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The fixture cannot be predicted as of this moment.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_prediction(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    Query(query): Query<AsOfQuery>,
) -> Result<Json<Prediction>, ApiError> {
    let as_of = query.as_of.map(|it| it.0);
    let prediction = state.engine.predict(FixtureId(id), as_of).await?;
    Ok(Json(prediction.into()))
}
