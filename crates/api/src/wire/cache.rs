//! The cache as operators see it.

use engine::caching::KindStatistics;
use serde::Serialize;
use utoipa::ToSchema;

/// What the cache holds and has done since the server started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CacheStatus {
    /// Bytes that kept values take in memory.
    #[schema(example = 1_204_224)]
    pub(crate) memory_bytes: u64,
    /// Values being made.
    #[schema(example = 1)]
    pub(crate) loads_under_way: usize,
    /// One entry for each kind of values.
    pub(crate) kinds: Vec<CacheKind>,
}

/// What a kind of kept values has done since the server started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CacheKind {
    /// Name of the kind.
    #[schema(example = "answer.prediction")]
    kind: String,
    /// Share of requests answered without making the value, 0..1.
    #[schema(example = 0.93)]
    hit_ratio: f64,
    /// Fresh answers from memory.
    #[schema(example = 930)]
    hits: u64,
    /// Fresh answers from the tier that replicas share.
    #[schema(example = 0)]
    shared_hits: u64,
    /// Requests that found nothing fresh in memory.
    #[schema(example = 70)]
    misses: u64,
    /// Requests that got what another one was having made.
    #[schema(example = 12)]
    joined: u64,
    /// Answers past their time, given because a new one could not be made in time.
    #[schema(example = 0)]
    stale: u64,
    /// Values that were begun to be made.
    #[schema(example = 58)]
    loads: u64,
    /// Those that failed.
    #[schema(example = 0)]
    failures: u64,
    /// Values not kept because what they were made from changed meanwhile.
    #[schema(example = 1)]
    outdated: u64,
    /// Values dropped because what they were made from changed.
    #[schema(example = 20)]
    invalidations: u64,
    /// Values dropped for want of room.
    #[schema(example = 0)]
    evictions: u64,
    /// Seconds spent making values.
    #[schema(example = 0.12)]
    load_seconds: f64,
    /// Seconds that making the values again would have taken.
    #[schema(example = 1.9)]
    saved_seconds: f64,
    /// Values held.
    #[schema(example = 38)]
    entries: u64,
    /// Their bytes.
    #[schema(example = 51_200)]
    bytes: u64,
}

impl From<KindStatistics> for CacheKind {
    fn from(it: KindStatistics) -> Self {
        Self {
            hit_ratio: it.hit_ratio(),
            hits: it.front_hits + it.memory_hits,
            shared_hits: it.shared_hits,
            misses: it.misses,
            joined: it.joined,
            stale: it.stale,
            loads: it.loads,
            failures: it.failures,
            outdated: it.outdated,
            invalidations: it.invalidations,
            evictions: it.evictions,
            load_seconds: it.load_time.as_secs_f64(),
            saved_seconds: it.time_saved.as_secs_f64(),
            entries: it.entries,
            bytes: it.bytes,
            kind: it.kind,
        }
    }
}
