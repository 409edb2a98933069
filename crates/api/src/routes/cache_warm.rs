//! `POST /v1/cache/warm`.

use std::collections::HashSet;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use tracing::info;
use utoipa::ToSchema;

use super::cache_purge::refused;
use crate::{
    ApiState, WarmBounds, Warmed, Warmer,
    auth::Operator,
    error::ApiError,
    extract::{JsonBody, NoQuery, Query, read_object},
    problem::Problem,
};

/// Addresses, at most.
const ADDRESSES_MAX: usize = 1_000;
/// Answers made at the same time.
const PARALLEL: usize = 4;

/// What to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Warm {
    /// Path and query of reads, the most wanted first.
    #[serde(default)]
    #[schema(required = false, example = json!(["/v1/board?limit=20"]))]
    addresses: Vec<String>,
    /// How many of the answers that were asked for most over the last hour, after those named.
    #[serde(default)]
    #[schema(required = false, example = 50, maximum = 1000)]
    hottest: usize,
}

/// What warming came to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WarmOutcome {
    /// Answers made, which are there now.
    #[schema(example = 12)]
    made: usize,
    /// Answers that were there and fresh.
    #[schema(example = 3)]
    kept: usize,
    /// Answers that could not be made, or are not kept once they are: too large, for one.
    #[schema(example = 0)]
    failed: usize,
    /// Answers left for want of time: ask again for the rest.
    #[schema(example = 0)]
    left: usize,
    /// Why answers could not be made or kept, of the first twenty.
    failures: Vec<WarmFailure>,
}

/// Why an answer could not be made or kept.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WarmFailure {
    /// Its address.
    #[schema(example = "/v1/fixtures/1")]
    address: String,
    /// Why.
    #[schema(example = "fixture 1 is not known")]
    detail: String,
}

/// Warm the cache
///
/// Makes answers before they are asked for, those that are not there and fresh: the ones named, and
/// the ones that were asked for most lately, kept still or not. Takes four fifths of the time that a
/// request may take, and says what was left.
#[utoipa::path(
    post,
    path = "/v1/cache/warm",
    operation_id = "warmCache",
    tag = "Cache",
    request_body(content = Warm, description = "What to make."),
    responses(
        (status = 200, description = "What was made.", body = WarmOutcome),
        (status = 422, description = "Too many addresses are named, or nothing.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = ["admin"]), ("api_key" = ["admin"]))
)]
pub(crate) async fn warm_cache(
    operator: Operator,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<WarmOutcome>, ApiError> {
    let warm: Warm = read_object(&body.bytes)?;
    let addresses = addresses(&state, warm)?;
    let bounds = WarmBounds {
        time_max: state.options.handler_time_max * 4 / 5,
        parallel: PARALLEL,
    };
    let warmed = Warmer::new(&state).warm(addresses, bounds).await;
    info!(
        made = warmed.made,
        kept = warmed.kept,
        failed = warmed.failed,
        left = warmed.left,
        key = operator.principal,
        key_name = operator.name,
        "cache warmed"
    );
    Ok(Json(warmed.into()))
}

/// The addresses named and the hottest, each once.
fn addresses(state: &ApiState, warm: Warm) -> Result<Vec<String>, ApiError> {
    let count = warm.addresses.len().saturating_add(warm.hottest);
    if !(1..=ADDRESSES_MAX).contains(&count) {
        let detail = format!("name 1 to {ADDRESSES_MAX} addresses, the hottest ones included");
        return Err(refused("", detail));
    }
    let mut seen = HashSet::new();
    let hottest = state.hottest_answers(warm.hottest);
    let all = warm.addresses.into_iter().chain(hottest);
    Ok(all.filter(|it| seen.insert(it.clone())).collect())
}

impl From<Warmed> for WarmOutcome {
    fn from(it: Warmed) -> Self {
        let failures = it.failures.into_iter();
        Self {
            made: it.made,
            kept: it.kept,
            failed: it.failed,
            left: it.left,
            failures: failures
                .map(|(address, detail)| WarmFailure { address, detail })
                .collect(),
        }
    }
}
