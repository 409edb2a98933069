//! Entries of the cache, and what a purge drops of them.

use engine::caching::{Acknowledged, Glimpse, Preview, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::kept::address_of;

/// A kept value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CacheEntry {
    /// Path and query of the request that it answers; absent for what is no answer of the API.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/v1/board?limit=20")]
    pub(crate) address: Option<String>,
    /// Its kind.
    #[schema(example = "answer.board")]
    pub(crate) kind: String,
    /// `fresh`: it is served. `stale`: it stands in while another is made, or cannot be.
    /// `gone`: it is never served again.
    #[schema(example = "fresh")]
    pub(crate) state: &'static str,
    /// Seconds since it was begun to be made.
    #[schema(example = 12.4)]
    pub(crate) age_seconds: f64,
    /// How often it was answered.
    #[schema(example = 930)]
    pub(crate) hits: u32,
    /// Bytes it takes in memory.
    #[schema(example = 4_096)]
    pub(crate) bytes: u32,
    /// Seconds that making it took.
    #[schema(example = 0.004)]
    pub(crate) load_seconds: f64,
}

/// What is kept of an address.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CacheLook {
    /// The address.
    #[schema(example = "/v1/board?limit=20")]
    pub(crate) address: String,
    /// The kind of its answers.
    #[schema(example = "answer.board")]
    pub(crate) kind: String,
    /// The answer that is kept in this server's memory; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) entry: Option<CacheEntry>,
}

/// What a purge drops from this server's memory.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CacheDrop {
    /// Values. Tags share places in a table, so that a value may be among them that has none of
    /// those named; it is only made again.
    #[schema(example = 12)]
    pub(crate) entries: u64,
    /// Their bytes.
    #[schema(example = 51_200)]
    pub(crate) bytes: u64,
    /// Their number by kind.
    pub(crate) kinds: Vec<CacheDropKind>,
    /// Servers that have taken note by now, this one included; absent in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    pub(crate) replicas: Option<u64>,
    /// Servers that did not answer and believe their memory no more; absent in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0)]
    pub(crate) lapsed: Option<u64>,
    /// Whether other servers learn of it only when the shared cache is back; absent in a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = false)]
    pub(crate) queued: Option<bool>,
}

/// What a purge drops of a kind.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CacheDropKind {
    /// The kind.
    #[schema(example = "answer.prediction")]
    kind: String,
    /// Its values.
    #[schema(example = 12)]
    entries: u64,
}

impl From<Glimpse> for CacheEntry {
    fn from(it: Glimpse) -> Self {
        Self {
            address: address_of(&it).map(str::to_owned),
            state: match it.state {
                State::Fresh => "fresh",
                State::Stale => "stale",
                State::Gone => "gone",
            },
            age_seconds: it.age.as_secs_f64(),
            hits: it.hits,
            bytes: it.bytes,
            load_seconds: it.cost.as_secs_f64(),
            kind: it.kind,
        }
    }
}

impl From<Preview> for CacheDrop {
    fn from(it: Preview) -> Self {
        let kinds = it.by_kind.into_iter();
        Self {
            entries: it.entries,
            bytes: it.bytes,
            kinds: kinds
                .map(|(kind, entries)| CacheDropKind { kind, entries })
                .collect(),
            replicas: None,
            lapsed: None,
            queued: None,
        }
    }
}

impl CacheDrop {
    /// The same, done.
    pub(crate) fn done(self, done: &Acknowledged) -> Self {
        Self {
            replicas: Some(done.replicas as u64),
            lapsed: Some(done.lapsed as u64),
            queued: Some(done.queued),
            ..self
        }
    }
}
