//! `GET /v1/teams`.

use axum::{Json, extract::State};
use domain::CompetitionKey;
use engine::{PageRequest, TeamFilter};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::Query,
    wire::{Limit, List, Sport, Team},
};

/// Which teams, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TeamsQuery {
    /// What they play.
    #[param(inline)]
    sport: Option<Sport>,
    /// Only teams with a fixture in this competition.
    #[param(value_type = Option<String>, pattern = "^[A-Za-z0-9_./-]{1,64}$", example = "E0")]
    competition: Option<CompetitionKey>,
    /// Part of the name, in any case.
    #[param(example = "arsenal")]
    search: Option<String>,
    /// Entries of the page; 50 where not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200, example = 50)]
    limit: Option<Limit>,
    /// `next_cursor` of the page before.
    #[param(min_length = 1)]
    cursor: Option<String>,
}

/// List teams
///
/// Teams that match, in order of their number.
#[utoipa::path(
    get,
    path = "/v1/teams",
    operation_id = "listTeams",
    tag = "Fixtures",
    params(TeamsQuery),
    responses((status = 200, description = "A page of teams.", body = List<Team>)),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_teams(
    _reader: Reader,
    State(state): State<ApiState>,
    Query(query): Query<TeamsQuery>,
) -> Result<Json<List<Team>>, ApiError> {
    let filter = TeamFilter {
        sport: query.sport.map(domain::Sport::from),
        competition: query.competition,
        search: query.search,
    };
    let page = PageRequest {
        cursor: query.cursor,
        limit: Limit::number(query.limit),
    };
    let teams = state.engine.teams(&filter, &page).await?;
    Ok(Json(List::of(teams, Team::from)))
}
