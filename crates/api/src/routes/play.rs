//! `GET /v1/fixtures/{id}/play`: what a page that follows a game shows, and no more.

use axum::{Json, extract::State};
use domain::{FixtureId, MarketKind};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::prediction::AsOfQuery;
use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{Path, Query},
    problem::Problem,
    wire::{Against, Play, brief},
};

/// A game as it stands, and how it is likely to end.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FixturePlay {
    /// The fixture.
    #[schema(example = 8)]
    fixture_id: i64,
    /// Name of the model that answered; `in_play` once the game is under way.
    #[schema(example = "in_play")]
    model: String,
    /// Version of the trained model.
    #[schema(example = "20240520T060000Z-1f0c8a2b")]
    version: String,
    /// The moment whose knowledge was used: nothing later was read.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:10:02Z")]
    as_of: Timestamp,
    /// Probabilities of home, draw (where there is one), away; to five places, so that their sum may
    /// be 0.00002 off one, and 0 or 1 only where it is certain, as all probabilities of this answer. Empty
    /// where the game was abandoned; of a tie that stands, where there is no draw, half each.
    #[schema(example = json!([0.5, 0.27, 0.23]))]
    probabilities: Vec<f64>,
    /// How the game stands; null before it is under way.
    play: Option<Play>,
    /// The model against the market; null unless the game is under way and was priced since the last
    /// goal or red card.
    against: Option<Against>,
}

/// Follow a game
///
/// How a game stands and who wins it, as of a moment: small enough to be asked for, or followed
/// over `/v1/live`, all through the game. Its markets are in the prediction.
#[utoipa::path(
    get,
    path = "/v1/fixtures/{id}/play",
    operation_id = "getFixturePlay",
    tag = "Games under way",
    params(("id" = i64, Path, description = "Number of the fixture.", example = 7000), AsOfQuery),
    responses(
        (status = 200, description = "The game.", body = FixturePlay),
        (status = 404, description = "The fixture is not known.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The fixture cannot be predicted as of this moment.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_fixture_play(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    Query(query): Query<AsOfQuery>,
) -> Result<Json<FixturePlay>, ApiError> {
    let as_of = query.as_of.map(|it| it.0);
    let kinds = [MarketKind::H2h];
    let prediction = state.engine.predict_markets(FixtureId(id), as_of, &kinds);
    let prediction = prediction.await?;
    let h2h = prediction.markets.into_iter().next();
    let outcomes = h2h.map_or_else(Vec::new, |it| it.outcomes);
    Ok(Json(FixturePlay {
        fixture_id: prediction.fixture.0,
        model: prediction.model,
        version: prediction.version,
        as_of: prediction.as_of,
        probabilities: outcomes.iter().map(|it| brief(it.probability)).collect(),
        play: prediction.play.map(|it| Play::from(it).brief()),
        against: prediction.against.map(|it| Against::from(it).brief()),
    }))
}
