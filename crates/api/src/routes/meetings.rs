//! `GET /v1/teams/{id}/meetings`: what a team did against another.

use axum::{Json, extract::State};
use domain::TeamId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{Path, Query},
    problem::{FieldError, Problem},
    wire::{Fixture, GameCount, Tally, Team, TeamNumber},
};

/// Games where the client does not say.
const GAMES_DEFAULT: u32 = 10;

/// Against whom, and how many games.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MeetingsQuery {
    /// Number of the other team.
    #[param(value_type = i64, example = 2)]
    with: TeamNumber,
    /// Games at most; 10 where not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 50, example = 10)]
    limit: Option<GameCount>,
}

/// What a team did against another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Meetings {
    /// The team whose figures these are.
    team: Team,
    /// The other.
    opponent: Team,
    /// All their games, over all seasons and competitions.
    total: Tally,
    /// Those in which the team is named first, on neutral ground, too.
    home: Tally,
    /// Those in which it is named second.
    away: Tally,
    /// Number of the change that last touched a fixture of either: the figures have that one and all
    /// before.
    #[schema(example = 4711)]
    change: u64,
    /// The last games, newest first.
    data: Vec<Fixture>,
}

/// Get two teams' meetings
///
/// What a team did against another, in figures of all their games and in the last ones one by one.
#[utoipa::path(
    get,
    path = "/v1/teams/{id}/meetings",
    operation_id = "getMeetings",
    tag = "Fixtures",
    params(("id" = i64, Path, description = "Number of the team.", example = 1), MeetingsQuery),
    responses(
        (status = 200, description = "The meetings.", body = Meetings),
        (status = 404, description = "One of the teams is not known.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_meetings(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    Query(query): Query<MeetingsQuery>,
) -> Result<Json<Meetings>, ApiError> {
    if query.with.0 == id {
        let detail = "a team does not meet itself".to_owned();
        return Err(ApiError::BadQuery(FieldError::of_parameter("with", detail)));
    }
    let limit = GameCount::or(query.limit, GAMES_DEFAULT);
    let teams = [TeamId(id), TeamId(query.with.0)];
    let view = state.engine.team_meetings(teams, limit).await?;
    let [team, opponent] = view.teams;
    Ok(Json(Meetings {
        team: team.into(),
        opponent: opponent.into(),
        total: (view.home + view.away).into(),
        home: view.home.into(),
        away: view.away.into(),
        change: view.change,
        data: view.games.into_iter().map(Fixture::from).collect(),
    }))
}
