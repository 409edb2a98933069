//! `POST /v1/cache/purge`.

use axum::{Json, extract::State};
use engine::{
    Topic,
    caching::{Cache, Preview, Target},
};
use serde::Deserialize;
use tracing::info;
use utoipa::ToSchema;

use crate::{
    ApiState,
    aside::aside,
    auth::Operator,
    error::ApiError,
    extract::{JsonBody, NoQuery, Query, read_object},
    kept::KeptReads,
    problem::{FieldError, Problem},
    wire::CacheDrop,
};

/// Kinds, tags and addresses of a purge, at most.
const TARGETS_MAX: usize = 1_000;

/// What to forget; at least one of the four.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Purge {
    /// Kinds of values, as the statistics name them.
    #[serde(default)]
    #[schema(required = false, example = json!(["answer.board"]))]
    pub(crate) kinds: Vec<String>,
    /// What values were made from: `fixture:ID`, `team:ID`, `competition:KEY`, `history:SPORT:POOL`,
    /// `fixtures`, `names` or `model`.
    #[serde(default)]
    #[schema(required = false, example = json!(["fixture:8"]))]
    pub(crate) tags: Vec<String>,
    /// Path and query of reads, to the letter.
    #[serde(default)]
    #[schema(required = false, example = json!(["/v1/board?limit=20"]))]
    pub(crate) addresses: Vec<String>,
    /// Whether to forget everything.
    #[serde(default)]
    #[schema(required = false)]
    pub(crate) everything: bool,
}

/// Purge the cache
///
/// Forgets kept values: whoever asks after the answer, any replica, gets none of them again.
/// Nothing that is stored is touched, so the next request makes the value anew. Answers with what
/// was dropped; the log says who purged what, and how much that was.
#[utoipa::path(
    post,
    path = "/v1/cache/purge",
    operation_id = "purgeCache",
    tag = "Cache",
    request_body(content = Purge, description = "What to forget."),
    responses(
        (status = 200, description = "It is forgotten.", body = CacheDrop),
        (status = 422, description = "A kind, tag or address is not known, or nothing is named.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = ["admin"]), ("api_key" = ["admin"]))
)]
pub(crate) async fn purge_cache(
    operator: Operator,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<CacheDrop>, ApiError> {
    let purge: Purge = read_object(&body.bytes)?;
    let cache = state.engine.cache();
    let targets = purge.targets(cache, &state.kept)?;
    // Counted before: what comes in between is forgotten, too, and not counted.
    let dropped = preview(cache, targets.clone()).await;
    let done = cache.remove(&targets).await;
    info!(
        kinds = ?purge.kinds,
        tags = ?purge.tags,
        addresses = ?purge.addresses,
        everything = purge.everything,
        entries = dropped.entries,
        bytes = dropped.bytes,
        replicas = done.replicas,
        lapsed = done.lapsed,
        queued = done.queued,
        key = operator.principal,
        key_name = operator.name,
        "cache purged"
    );
    Ok(Json(CacheDrop::from(dropped).done(&done)))
}

/// What forgetting `targets` would drop now.
pub(crate) async fn preview(cache: &Cache, targets: Vec<Target>) -> Preview {
    let cache = cache.clone();
    aside(move || cache.preview(&targets)).await
}

impl Purge {
    /// What the cache is told to forget.
    ///
    /// # Errors
    /// Where something is named that is not known, or nothing.
    pub(crate) fn targets(&self, cache: &Cache, kept: &KeptReads) -> Result<Vec<Target>, ApiError> {
        if self.everything {
            return Ok(vec![Target::Everything]);
        }
        let count = self.kinds.len() + self.tags.len() + self.addresses.len();
        if count == 0 || count > TARGETS_MAX {
            let detail =
                format!("name 1 to {TARGETS_MAX} kinds, tags and addresses, or everything");
            return Err(refused("", detail));
        }
        let known = cache.statistics();
        let mut targets = Vec::with_capacity(count);
        for (at, kind) in self.kinds.iter().enumerate() {
            if !known.iter().any(|it| it.kind == *kind) {
                let detail = format!("there is no kind {kind:?}; GET /v1/cache lists them");
                return Err(refused(&format!("/kinds/{at}"), detail));
            }
            targets.push(Target::Kind(kind.clone()));
        }
        for (at, text) in self.tags.iter().enumerate() {
            let topic = Topic::parse(text).ok_or_else(|| {
                let detail = format!("{text:?} is no tag, such as fixture:8 or competition:eng.1");
                refused(&format!("/tags/{at}"), detail)
            })?;
            targets.push(topic.tag().into());
        }
        for (at, address) in self.addresses.iter().enumerate() {
            let place = kept.place(address);
            let place = place.map_err(|detail| refused(&format!("/addresses/{at}"), detail))?;
            targets.push(Target::Key(place.key));
        }
        Ok(targets)
    }
}

pub(super) fn refused(pointer: &str, detail: String) -> ApiError {
    ApiError::InvalidEntries(vec![FieldError::at(pointer.to_owned(), detail)])
}
