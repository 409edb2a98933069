//! `POST /v1/cache/purge`.

use axum::{Json, extract::State};
use engine::{Topic, caching::Target};
use serde::Deserialize;
use tracing::info;
use utoipa::ToSchema;

use super::cache;
use crate::{
    ApiState,
    auth::Operator,
    error::ApiError,
    extract::{JsonBody, NoQuery, Query, read_object},
    problem::{FieldError, Problem},
    wire::CacheStatus,
};

/// Kinds and tags of a purge, at most.
const TARGETS_MAX: usize = 1_000;

/// What to forget; at least one of the three.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Purge {
    /// Kinds of values, as the statistics name them.
    #[serde(default)]
    #[schema(required = false, example = json!(["answer.board"]))]
    kinds: Vec<String>,
    /// What values were made from: `fixture:ID`, `team:ID`, `competition:KEY`, `history:SPORT:POOL`,
    /// `fixtures`, `names` or `model`.
    #[serde(default)]
    #[schema(required = false, example = json!(["fixture:8"]))]
    tags: Vec<String>,
    /// Whether to forget everything.
    #[serde(default)]
    #[schema(required = false)]
    everything: bool,
}

/// Purge the cache
///
/// Forgets kept values of this server: whoever asks after the answer gets none of them again.
/// Nothing that is stored is touched, so the next request makes the value anew. Answers with the
/// statistics as they are then; the log says who purged what.
#[utoipa::path(
    post,
    path = "/v1/cache/purge",
    operation_id = "purgeCache",
    tag = "Cache",
    request_body(content = Purge, description = "What to forget."),
    responses(
        (status = 200, description = "It is forgotten.", body = CacheStatus),
        (status = 422, description = "A kind or tag is not known, or nothing is named.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = ["admin"]), ("api_key" = ["admin"]))
)]
pub(crate) async fn purge_cache(
    operator: Operator,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<CacheStatus>, ApiError> {
    let purge: Purge = read_object(&body.bytes)?;
    let targets = targets(&state, &purge)?;
    let done = state.engine.cache().remove(&targets).await;
    info!(
        kinds = ?purge.kinds,
        tags = ?purge.tags,
        everything = purge.everything,
        replicas = done.replicas,
        lapsed = done.lapsed,
        queued = done.queued,
        key = operator.principal,
        key_name = operator.name,
        "cache purged"
    );
    Ok(Json(cache::status(&state)))
}

fn targets(state: &ApiState, purge: &Purge) -> Result<Vec<Target>, ApiError> {
    if purge.everything {
        return Ok(vec![Target::Everything]);
    }
    let count = purge.kinds.len() + purge.tags.len();
    if count == 0 || count > TARGETS_MAX {
        let detail = format!("name 1 to {TARGETS_MAX} kinds and tags, or everything");
        return Err(refused("", detail));
    }
    let known = state.engine.cache().statistics();
    let mut targets = Vec::with_capacity(count);
    for (at, kind) in purge.kinds.iter().enumerate() {
        if !known.iter().any(|it| it.kind == *kind) {
            let detail = format!("there is no kind {kind:?}; GET /v1/cache lists them");
            return Err(refused(&format!("/kinds/{at}"), detail));
        }
        targets.push(Target::Kind(kind.clone()));
    }
    for (at, text) in purge.tags.iter().enumerate() {
        let topic = Topic::parse(text).ok_or_else(|| {
            let detail = format!("{text:?} is no tag, such as fixture:8 or competition:eng.1");
            refused(&format!("/tags/{at}"), detail)
        })?;
        targets.push(topic.tag().into());
    }
    Ok(targets)
}

fn refused(pointer: &str, detail: String) -> ApiError {
    ApiError::InvalidEntries(vec![FieldError::at(pointer.to_owned(), detail)])
}
