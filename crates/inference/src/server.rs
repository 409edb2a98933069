//! The door: everything that can be asked of the server of models.

use std::{path::PathBuf, sync::Arc, time::Duration};

use serde::Serialize;

use crate::{
    Canary, ModelConfig, ServerOptions, Shadow, Signature,
    models::{Models, Poller},
    pipeline::Pipeline,
};

mod answer;
mod change;
mod push;
mod remove;
mod upload;
mod view;

use upload::Uploads;

pub use upload::Upload;

/// The server of models.
#[derive(Debug)]
pub struct ModelServer {
    options: ServerOptions,
    models: Arc<Models>,
    poller: Poller,
    pub(crate) pipeline: Arc<Pipeline>,
    uploads: Uploads,
}

/// How far a version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LoadState {
    /// On disk; loads on first use.
    Available,
    /// Being loaded.
    Loading,
    /// Takes traffic.
    Ready,
    /// Failed; the reason says why.
    Failed,
    /// Unloaded by hand: loads only when told to.
    Unloaded,
}

/// A line of the repository's index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IndexEntry {
    /// Model.
    pub name: String,
    /// Version.
    pub version: u64,
    /// How far it is.
    pub state: LoadState,
    /// Why it is not further; empty where nothing is wrong.
    pub reason: String,
}

/// What the protocol calls a model's metadata.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelMetadata {
    /// Model.
    pub name: String,
    /// Versions that may be asked for, lowest first.
    pub versions: Vec<u64>,
    /// What runs it: `trees_lightgbm`, `trees_xgboost`, `trees_onnx`, `trees_compact`, `onnx`.
    pub platform: String,
    /// What it takes and gives.
    pub signature: Signature,
}

/// A model and where its traffic goes, as operators see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelView {
    /// Model.
    pub name: String,
    /// What serves where no version is asked for; `None` where nothing can.
    pub serving: Option<u64>,
    /// What a roll-back brings back.
    pub previous: Option<u64>,
    /// The canary in force.
    pub canary: Option<Canary>,
    /// The shadow in force.
    pub shadow: Option<Shadow>,
    /// Versions on disk, lowest first, those that cannot be served too.
    pub versions: Vec<u64>,
    /// What is wrong with the model's own files.
    pub problem: Option<String>,
}

/// A version, as operators see it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VersionView {
    /// Model.
    pub name: String,
    /// Version.
    pub version: u64,
    /// How far it is.
    pub state: LoadState,
    /// Why it is not further.
    pub reason: Option<String>,
    /// Labels that point at it.
    pub labels: Vec<String>,
    /// Share of the traffic it gets where no version is asked for.
    pub traffic_share: f64,
    /// Whether it runs in the shadow.
    pub shadow: bool,
    /// Mean absolute difference of the shadow's outputs to the serving version's.
    pub shadow_difference: Option<f64>,
    /// The largest difference.
    pub shadow_difference_max: Option<f64>,
    /// Rows compared.
    pub shadow_rows: u64,
    /// Shadow runs that gave nothing to compare.
    pub shadow_failed: u64,
    /// Copies for the shadow dropped because too many waited.
    pub shadow_dropped: u64,
    /// Why it was stopped as a canary.
    pub canary_stopped: Option<String>,
    /// Results that it was scored on.
    pub scored: u64,
    /// Mean log loss on results that are classes.
    pub log_loss: Option<f64>,
    /// Mean squared error on results that are values.
    pub squared_error: Option<f64>,
    /// What runs it.
    pub platform: String,
    /// Its file, in bytes.
    pub file_bytes: u64,
    /// Hash of its file, SHA-256 in hex; empty until it was read once.
    pub sha256: String,
    /// Memory it takes; zero where it is not loaded.
    pub memory_bytes: u64,
    /// How long loading took.
    pub load_ms: Option<f64>,
    /// What one row takes, measured at warm-up.
    pub row_us: Option<f64>,
    /// `direct` or `batched`.
    pub mode: Option<String>,
    /// Requests that hold it now.
    pub in_use: u64,
    /// Whether the breaker is open.
    pub breaker_open: bool,
    /// Whether golden rows lie beside it: once it is loaded, it agreed with them.
    pub golden: bool,
    /// What it takes or gives otherwise than what serves, where both were loaded once.
    pub differs: Option<String>,
    /// What a trainer left beside it (`report.json`), as it stands.
    pub report: Option<String>,
}

/// What a version has done, in the units of Triton's statistics extension.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct StatisticsView {
    /// Model.
    pub name: String,
    /// Version.
    pub version: u64,
    /// For how long nobody has asked it; `None` where nobody ever did.
    pub idle: Option<Duration>,
    /// Rows answered.
    pub inference_count: u64,
    /// Times the model ran.
    pub execution_count: u64,
    /// Requests answered.
    pub success_count: u64,
    /// Nanoseconds they took.
    pub success_ns: u64,
    /// Requests failed.
    pub fail_count: u64,
    /// Nanoseconds they took.
    pub fail_ns: u64,
    /// Requests refused at a bound.
    pub refused_count: u64,
    /// Nanoseconds in the queue.
    pub queue_ns: u64,
    /// Nanoseconds in the model.
    pub compute_infer_ns: u64,
    /// Nanoseconds making outputs ready.
    pub compute_output_ns: u64,
    /// Answers from kept results.
    pub cache_hit_count: u64,
    /// Looks that found none.
    pub cache_miss_count: u64,
    /// Answers by a fallback.
    pub fallback_count: u64,
    /// Latency at the 50th, 90th and 99th percentile of whole requests, µs.
    pub latency_us: [f64; 3],
    /// The same for stages: queue, compute, post.
    pub stages_us: [[f64; 3]; 3],
    /// Executions by batch size: rows and times.
    pub batches: Vec<(u64, u64)>,
}

/// A version to be added.
#[derive(Debug, Clone)]
pub struct Push {
    /// Model; made where it is not there. Letters, digits, `_`, `-`, `.`, at most 64.
    pub name: String,
    /// Version; the next free one where not given.
    pub version: Option<u64>,
    /// What the file must hash to, SHA-256 in hex.
    pub sha256: Option<String>,
    /// A file in the same filesystem that is taken over, hash and format checked.
    pub file: PathBuf,
    /// Golden rows (JSON: `inputs` and `outputs`), a report, a config; each beside the model.
    pub golden: Option<Vec<u8>>,
    /// What a trainer has to say.
    pub report: Option<Vec<u8>>,
    /// The model's settings; only for a model that is not there yet.
    pub config: Option<ModelConfig>,
}

impl ModelServer {
    /// What it was told.
    pub fn options(&self) -> &ServerOptions {
        &self.options
    }
}

#[cfg(test)]
mod formats;
#[cfg(test)]
mod tests;
