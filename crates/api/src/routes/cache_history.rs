//! `GET /v1/cache/history`.

use axum::{Json, extract::State};
use engine::caching::{Sample, Window};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{ApiState, auth::Operator, error::ApiError, extract::Query};

/// Which stretch of time.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// `hour`, every 15 seconds, or `day`, every five minutes.
    #[serde(default)]
    #[param(inline)]
    window: Stretch,
}

/// A stretch of time until now.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stretch {
    /// The last hour.
    #[default]
    Hour,
    /// The last day.
    Day,
}

/// What the cache did over time, since the server started at most.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CacheHistory {
    /// The stretch of time.
    window: Stretch,
    /// Seconds from one moment to the next, but where the server's machine slept.
    #[schema(example = 15)]
    step_seconds: i64,
    /// The moments, oldest first; every list below has a number for each.
    #[schema(value_type = Vec<String>, example = json!(["2026-08-15T14:00:00Z"]))]
    times: Vec<Timestamp>,
    /// One entry for each kind.
    kinds: Vec<CacheKindHistory>,
}

/// What a kind did, each number counted since the moment before.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct CacheKindHistory {
    /// Name of the kind.
    #[schema(example = "answer.prediction")]
    kind: String,
    /// Share of requests answered without making the value; null where there were none.
    #[schema(example = json!([0.93, null]))]
    hit_ratio: Vec<Option<f64>>,
    /// Fresh answers from memory.
    #[schema(example = json!([930, 0]))]
    hits: Vec<u64>,
    /// Fresh answers from the tier that replicas share.
    #[schema(example = json!([0, 0]))]
    shared_hits: Vec<u64>,
    /// Requests that found nothing fresh in memory.
    #[schema(example = json!([70, 0]))]
    misses: Vec<u64>,
    /// Answers past their time.
    #[schema(example = json!([0, 0]))]
    stale: Vec<u64>,
    /// Values begun to be made.
    #[schema(example = json!([58, 0]))]
    loads: Vec<u64>,
    /// Seconds that making values again would have taken.
    #[schema(example = json!([1.9, 0.0]))]
    saved_seconds: Vec<f64>,
    /// Bytes held at the moment.
    #[schema(example = json!([51_200, 51_200]))]
    bytes: Vec<u64>,
}

/// Get the cache's history
///
/// What each kind of kept values of this server did over the last hour or day: requests answered,
/// time saved, bytes held.
#[utoipa::path(
    get,
    path = "/v1/cache/history",
    operation_id = "getCacheHistory",
    tag = "Cache",
    params(HistoryQuery),
    responses((status = 200, description = "The history.", body = CacheHistory)),
    security(("bearer" = ["admin"]), ("api_key" = ["admin"]))
)]
pub(crate) async fn get_cache_history(
    _operator: Operator,
    State(state): State<ApiState>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<CacheHistory>, ApiError> {
    let window = match query.window {
        Stretch::Hour => Window::Hour,
        Stretch::Day => Window::Day,
    };
    let (kinds, samples) = state.kept.watch.samples(window);
    let moment = |it: &Sample| Timestamp::from_second(it.at_s).ok();
    let kinds = kinds.into_iter().enumerate();
    Ok(Json(CacheHistory {
        window: query.window,
        step_seconds: window.step_s(),
        times: samples.iter().filter_map(moment).collect(),
        kinds: kinds
            .map(|(number, kind)| CacheKindHistory::new(kind, number, &samples))
            .collect(),
    }))
}

impl CacheKindHistory {
    fn new(kind: String, number: usize, samples: &[Sample]) -> Self {
        let mut history = Self {
            kind,
            ..Self::default()
        };
        for sample in samples {
            let done = sample.kinds.get(number).copied().unwrap_or_default();
            history.hit_ratio.push(done.hit_ratio());
            history.hits.push(done.hits);
            history.shared_hits.push(done.shared_hits);
            history.misses.push(done.misses);
            history.stale.push(done.stale);
            history.loads.push(done.loads);
            history.saved_seconds.push(done.time_saved.as_secs_f64());
            history.bytes.push(done.bytes);
        }
        history
    }
}
