//! `POST /v1/results`.

use axum::{extract::State, response::Response};
use domain::FixtureId;
use engine::ResultCommand;
use serde::Deserialize;
use utoipa::ToSchema;

use super::written::{Batch, IdempotencyHeader, Written, written};
use crate::{
    ApiState,
    auth::Writer,
    error::ApiError,
    extract::{JsonBody, NoQuery, Query, read_batch},
    idempotency::once,
    problem::Problem,
    wire::{MatchStats, Score},
};

/// How a game ended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResultEntry {
    /// Number of the fixture.
    #[schema(example = 8)]
    fixture_id: i64,
    /// Final score, overtime included where the sport counts it.
    score: Score,
    /// What else is known of the game.
    #[serde(default)]
    stats: MatchStats,
}

impl From<ResultEntry> for ResultCommand {
    fn from(entry: ResultEntry) -> Self {
        Self {
            fixture: FixtureId(entry.fixture_id),
            score: entry.score.into(),
            stats: entry.stats.into(),
        }
    }
}

/// Write results
///
/// Finishes fixtures that have kicked off, or corrects their results; what a result was before
/// is kept. All entries are written or none.
#[utoipa::path(
    post,
    path = "/v1/results",
    operation_id = "putResults",
    tag = "Writing",
    params(IdempotencyHeader),
    request_body(content = Batch<ResultEntry>, description = "1 to 1,000 results.",
        example = json!({"data": [{"fixture_id": 7000, "score": {"home": 0, "away": 0}}]})),
    responses(
        (status = 200, description = "All entries are written.", body = Written,
            headers(("sports-edge-position" = u64, description = "Makes a read see this write."))),
        (status = 422, description = "Entries cannot be taken; nothing was written.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = ["write"]), ("api_key" = ["write"]))
)]
pub(crate) async fn put_results(
    writer: Writer,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Response, ApiError> {
    once(
        &state.engine,
        &writer,
        "POST /v1/results",
        &body,
        |_| async {
            let entries: Vec<ResultEntry> = read_batch(&body.bytes)?;
            let commands = entries.into_iter().map(ResultCommand::from).collect();
            written(state.engine.put_results(commands).await)
        },
    )
    .await
}
