//! `GET /v1/models/{name}/report`.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{NoQuery, Path, Query},
    problem::Problem,
};

/// Get a model's report card
///
/// How the model did on games it had not seen, season by season: log loss, Brier, RPS and
/// calibration with intervals beside the base rate and the market, reliability, and a betting
/// simulation with the closing-line value its claims realised. The document is the one
/// `sports-edge backtest --json` prints, in which the model stands beside the others.
#[utoipa::path(
    get,
    path = "/v1/models/{name}/report",
    operation_id = "getModelReport",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "blend")),
    responses(
        (status = 200, description = "The report card.", body = Object),
        (status = 404, description = "The model is not known.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_model_report(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Response, ApiError> {
    let report = state.engine.model_report(&name).await?;
    let body = serde_json::to_vec(&*report)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}
