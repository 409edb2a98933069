//! What can be set: for the server of models as a whole, and for one model in its `config.toml`.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Signature;

/// What the server of models is told.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// The folder of models; made where it is not there.
    pub folder: PathBuf,
    /// How often the folder is looked through; `None` is never.
    pub poll_every: Option<Duration>,
    /// Memory for loaded models.
    pub budget_bytes: u64,
    /// What makes room when it is full.
    pub eviction: Eviction,
    /// Loads at the same time.
    pub loads_max: usize,
    /// How long a request waits for its model to load.
    pub load_wait_max: Duration,
    /// For how long a failed load is answered without trying again; doubles with each failure.
    pub load_backoff: Duration,
    /// The longest that doubling leads to.
    pub load_backoff_max: Duration,
    /// Requests inside at the same time, over all models; one more is refused.
    pub requests_max: usize,
    /// Threads for models that do not run where they are called.
    pub threads: usize,
    /// A model that takes less for one row than this runs on the calling thread.
    pub direct_max: Duration,
    /// The longest file that is taken.
    pub upload_bytes_max: u64,
    /// Bytes of results kept, over all models.
    pub results_bytes_max: u64,
}

/// What makes room in the cache of models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Eviction {
    /// What was used longest ago.
    Lru,
    /// What is cheapest to be without: little demand lately, quickly loaded, many bytes.
    Cost,
}

/// A model's `config.toml`. Everything may be left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelConfig {
    /// What the model takes and gives, where the file cannot say or other names are wanted.
    pub signature: Option<Signature>,
    /// Which versions may be served.
    pub versions: VersionPolicy,
    /// Names for versions. `stable` is what is served where no version is asked for; without it
    /// the highest version allowed is that is no canary or shadow and was none.
    pub labels: BTreeMap<String, u64>,
    /// How requests are put together.
    pub batching: Batching,
    /// Bounds of requests.
    pub limits: Limits,
    /// Whether results are kept.
    pub results: ResultCaching,
    /// What is tried again.
    pub retry: Retry,
    /// When a model is left alone for a while.
    pub breaker: Breaker,
    /// Model to ask when this one fails, after its own previous version.
    pub fallback: Option<String>,
    /// Whether the last good answer to the same request may be given, marked stale, when all
    /// else fails.
    pub last_good: bool,
    /// A share of the traffic for another version.
    pub canary: Option<Canary>,
    /// Another version that gets a copy of the traffic and answers nobody.
    pub shadow: Option<Shadow>,
    /// What canaries and shadows are held to besides their own settings.
    pub guard: Guard,
    /// Never evicted, and loaded at start.
    pub pin: bool,
    /// Rows scored before a loaded version takes traffic.
    pub warm_up_rows: Option<u32>,
}

/// Which versions may be served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum VersionPolicy {
    /// The highest so many.
    Latest(u32),
    /// All.
    All,
    /// These.
    Listed(Vec<u64>),
}

impl Default for VersionPolicy {
    fn default() -> Self {
        Self::Latest(2)
    }
}

/// Whether requests run alone or together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchMode {
    /// By the time one row takes, measured at warm-up.
    #[default]
    Auto,
    /// Each request runs on the calling thread.
    Direct,
    /// Requests wait for the model together.
    Batched,
}

/// How requests are put together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Batching {
    /// Alone or together.
    pub mode: BatchMode,
    /// Rows in a batch, at most.
    pub rows_max: u32,
    /// Requests that wait, at most.
    pub queue_max: u32,
    /// How long a batch may wait for more rows; zero but for models that gain from it.
    pub delay_us: u64,
}

impl Default for Batching {
    fn default() -> Self {
        Self {
            mode: BatchMode::Auto,
            rows_max: 256,
            queue_max: 1024,
            delay_us: 0,
        }
    }
}

/// Bounds of requests to one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests at work or waiting, at most.
    pub requests_max: u32,
    /// Rows in one request, at most.
    pub rows_max: u32,
    /// What a request that names no deadline gets; zero is none.
    pub deadline_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_max: 4096,
            rows_max: 65_536,
            deadline_ms: 10_000,
        }
    }
}

/// Whether results are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResultCaching {
    /// For how long; zero keeps none.
    pub ttl_ms: u64,
    /// How old the last good answer may be that is given when all else fails.
    pub stale_ms: u64,
}

impl Default for ResultCaching {
    fn default() -> Self {
        Self {
            ttl_ms: 0,
            stale_ms: 3_600_000,
        }
    }
}

/// What is tried again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Attempts after the first.
    pub attempts: u32,
    /// Wait before the second; doubles, with jitter.
    pub backoff_ms: u64,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            attempts: 2,
            backoff_ms: 5,
        }
    }
}

/// When a model is left alone for a while.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Failures in a row that open it; zero never opens.
    pub failures: u32,
    /// How long it stays open before one request may try.
    pub open_ms: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            failures: 5,
            open_ms: 1_000,
        }
    }
}

/// A share of the traffic for another version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// Which version.
    pub version: u64,
    /// Its share of requests, 0 to 1, by a stable hash of the request's key.
    pub share: f64,
    /// Failures in a row after which it gets none; the share is then set to zero and said so.
    #[serde(default)]
    pub failures_max: Option<u32>,
}

/// Another version that gets a copy of the traffic and answers nobody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// Which version.
    pub version: u64,
    /// Share of requests copied.
    pub share: f64,
    /// Rows to compare before it may be promoted.
    #[serde(default)]
    pub rows_min: u64,
    /// Mean absolute difference of outputs up to which it may be promoted.
    #[serde(default)]
    pub difference_max: Option<f64>,
    /// Promote by itself once both hold.
    #[serde(default)]
    pub promote: bool,
}

/// What canaries and shadows are held to besides their own settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Share of a canary's latest requests that may fail where what serves answers them; beyond
    /// it the canary is stopped.
    pub error_rate_max: Option<f64>,
    /// Requests before that share counts.
    pub requests_min: u32,
    /// By how much a canary's or shadow's score (log loss, squared error) may be worse than that
    /// of what serves; beyond it a canary is stopped and a shadow not promoted.
    pub score_margin: Option<f64>,
    /// Results before scores count.
    pub scores_min: u64,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            error_rate_max: None,
            requests_min: 100,
            score_margin: None,
            scores_min: 100,
        }
    }
}
