//! The cache as operators see it.

use engine::caching::{KindStatistics, shared::SharedHealth};
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
    /// How the tier does that servers share; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shared: Option<SharedStatus>,
    /// One entry for each kind of values.
    pub(crate) kinds: Vec<CacheKind>,
}

/// How the tier does that servers share, and what this server has done with it since it started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SharedStatus {
    /// Whether it answers.
    #[schema(example = true)]
    up: bool,
    /// For how long it has been up or away, in seconds.
    #[schema(example = 86_400.5)]
    since_seconds: f64,
    /// Why it is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    /// Whether this server's memory is proven to hold nothing outdated.
    #[schema(example = true)]
    proven: bool,
    /// Changes that wait for it to return.
    #[schema(example = 0)]
    queued_changes: usize,
    /// Looks for a value.
    #[schema(example = 70)]
    gets: u64,
    /// Looks that found a fresh one.
    #[schema(example = 12)]
    hits: u64,
    /// Looks that found one that a change had outdated.
    #[schema(example = 3)]
    outdated: u64,
    /// Values stored.
    #[schema(example = 58)]
    puts: u64,
    /// Values not stored for want of memory.
    #[schema(example = 0)]
    puts_full: u64,
    /// Changes sent to other servers.
    #[schema(example = 20)]
    changes_sent: u64,
    /// Changes heard from other servers.
    #[schema(example = 41)]
    changes_heard: u64,
    /// Times a change had been missed and was fetched.
    #[schema(example = 0)]
    gaps: u64,
    /// Times everything had to be forgotten.
    #[schema(example = 1)]
    forgets: u64,
    /// Commands that ran out of time.
    #[schema(example = 0)]
    timeouts: u64,
    /// Answers that made no sense.
    #[schema(example = 0)]
    garbage: u64,
    /// Bytes of values received.
    #[schema(example = 10_240)]
    received_bytes: u64,
    /// Bytes of values sent.
    #[schema(example = 51_200)]
    sent_bytes: u64,
}

impl From<SharedHealth> for SharedStatus {
    fn from(it: SharedHealth) -> Self {
        Self {
            up: it.up,
            since_seconds: it.since.as_secs_f64(),
            trouble: it.trouble,
            proven: it.proven,
            queued_changes: it.queued,
            gets: it.counts.gets,
            hits: it.counts.hits,
            outdated: it.counts.outdated,
            puts: it.counts.puts,
            puts_full: it.counts.puts_full,
            changes_sent: it.counts.invalidations,
            changes_heard: it.counts.heard,
            gaps: it.counts.gaps,
            forgets: it.counts.forgets,
            timeouts: it.counts.timeouts,
            garbage: it.counts.garbage,
            received_bytes: it.counts.bytes_in,
            sent_bytes: it.counts.bytes_out,
        }
    }
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
