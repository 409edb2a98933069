//! `GET /v1/teams/{id}/form`: the last results of a team.

use axum::{Json, extract::State};
use domain::TeamId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{Path, Query},
    problem::Problem,
    wire::{Fixture, GameCount, Tally, Team},
};

/// Games where the client does not say.
const GAMES_DEFAULT: u32 = 5;

/// How many results.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormQuery {
    /// Games at most; 5 where not given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 50, example = 5)]
    limit: Option<GameCount>,
}

/// The last results of a team.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Form {
    /// The team.
    team: Team,
    /// What the games add up to.
    tally: Tally,
    /// The games, newest first.
    data: Vec<Fixture>,
}

/// Get a team's form
///
/// The last results of a team in every competition, newest first, and what they add up to.
#[utoipa::path(
    get,
    path = "/v1/teams/{id}/form",
    operation_id = "getForm",
    tag = "Fixtures",
    params(("id" = i64, Path, description = "Number of the team.", example = 1), FormQuery),
    responses(
        (status = 200, description = "The last results.", body = Form),
        (status = 404, description = "The team is not known.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_form(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    Query(query): Query<FormQuery>,
) -> Result<Json<Form>, ApiError> {
    let limit = GameCount::or(query.limit, GAMES_DEFAULT);
    let form = state.engine.form(TeamId(id), limit).await?;
    Ok(Json(Form {
        team: form.team.into(),
        tally: form.tally.into(),
        data: form.games.into_iter().map(Fixture::from).collect(),
    }))
}
