//! `GET /v1/scoreboard`: the board in brief, which the dashboard's first page follows.

use axum::{Json, extract::State};

use super::board::BoardQuery;
use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::Query,
    wire::{List, ScoreRow},
};

/// Get the scoreboard
///
/// The board in brief: what a list of games shows and no more, small enough to be followed over
/// `/v1/live` all day. Everything else of a game is in `/v1/board` and below `/v1/fixtures/{id}`.
#[utoipa::path(
    get,
    path = "/v1/scoreboard",
    operation_id = "getScoreboard",
    tag = "Games under way",
    params(BoardQuery),
    responses((status = 200, description = "The rows.", body = List<ScoreRow>)),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_scoreboard(
    _reader: Reader,
    State(state): State<ApiState>,
    Query(query): Query<BoardQuery>,
) -> Result<Json<List<ScoreRow>>, ApiError> {
    let rows = state.engine.board(&query.filter()).await?;
    Ok(Json(List::whole(rows, ScoreRow::from)))
}
