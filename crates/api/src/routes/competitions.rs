//! `GET /v1/competitions`.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{NoQuery, Query},
    wire::{List, Sport},
};

/// A league or cup with what is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Competition {
    /// Stable key.
    #[schema(example = "E0")]
    key: String,
    /// Name for people.
    #[schema(example = "Premier League")]
    name: String,
    /// What is played.
    sport: Sport,
    /// ISO 3166 country code, or `INT`.
    #[schema(example = "GB")]
    country: String,
    /// IANA time zone of its kickoff times.
    #[schema(example = "Europe/London")]
    time_zone: String,
    /// Fixtures known.
    #[schema(example = 380)]
    fixtures: u64,
    /// Of these, played.
    #[schema(example = 380)]
    finished: u64,
    /// Single prices known.
    #[schema(example = 2280)]
    prices: u64,
}

impl From<engine::CompetitionView> for Competition {
    fn from(view: engine::CompetitionView) -> Self {
        let competition = view.competition;
        Self {
            key: competition.key.into(),
            name: competition.name,
            sport: competition.sport.into(),
            country: competition.country,
            time_zone: competition.time_zone,
            fixtures: view.fixtures,
            finished: view.finished,
            prices: view.prices,
        }
    }
}

/// List competitions
///
/// Every competition with the number of its fixtures and prices, in order of key; always one page.
#[utoipa::path(
    get,
    path = "/v1/competitions",
    operation_id = "listCompetitions",
    tag = "Fixtures",
    responses((status = 200, description = "Every competition.", body = List<Competition>)),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_competitions(
    _reader: Reader,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
) -> Result<Json<List<Competition>>, ApiError> {
    let competitions = state.engine.competitions().await?;
    Ok(Json(List::whole(competitions, Competition::from)))
}
