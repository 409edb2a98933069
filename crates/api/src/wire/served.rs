//! Models of the repository on the wire: versions, traffic, figures.

use engine::serving::{self, LoadState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A model of the repository and where its traffic goes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ServedModel {
    /// Name.
    #[schema(example = "goals")]
    name: String,
    /// The version that serves where none is asked for; null where nothing can.
    #[schema(example = 2)]
    serving: Option<u64>,
    /// The version a roll-back brings back; null where there is none.
    #[schema(example = 1)]
    previous: Option<u64>,
    /// Another version that gets a share of the traffic.
    canary: Option<Canary>,
    /// Another version that gets a copy of the traffic and answers nobody.
    shadow: Option<Shadow>,
    /// What is wrong with the model's own files; null where nothing is.
    #[schema(example = json!(null))]
    problem: Option<String>,
    /// Its versions, lowest first.
    versions: Vec<ModelVersion>,
}

/// A version of a model of the repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelVersion {
    /// Name of the model.
    #[schema(example = "goals")]
    model: String,
    /// Number of the version.
    #[schema(example = 2, minimum = 1)]
    version: u64,
    /// How far it is.
    state: VersionState,
    /// Why it is not further; null where nothing is wrong.
    #[schema(example = json!(null))]
    reason: Option<String>,
    /// Labels that point at it; `stable` is the one that serves.
    #[schema(example = json!(["stable"]))]
    labels: Vec<String>,
    /// Share of the traffic it gets where no version is asked for.
    #[schema(example = 1.0, minimum = 0, maximum = 1)]
    traffic_share: f64,
    /// Whether it runs in the shadow.
    shadow: bool,
    /// Mean absolute difference of the shadow's outputs to the serving version's.
    #[schema(example = json!(null))]
    shadow_difference: Option<f64>,
    /// The largest difference.
    #[schema(example = json!(null))]
    shadow_difference_max: Option<f64>,
    /// Rows compared in the shadow.
    #[schema(example = 0)]
    shadow_rows: u64,
    /// Runs in the shadow that gave nothing to compare.
    #[schema(example = 0)]
    shadow_failed: u64,
    /// Copies for the shadow dropped because too many waited.
    #[schema(example = 0)]
    shadow_dropped: u64,
    /// Why it was stopped as a canary; null where it was not.
    #[schema(example = json!(null))]
    canary_stopped: Option<String>,
    /// Results it was scored on.
    #[schema(example = 0)]
    scored: u64,
    /// Mean log loss on results that are classes.
    #[schema(example = json!(null))]
    log_loss: Option<f64>,
    /// Mean squared error on results that are values.
    #[schema(example = json!(null))]
    squared_error: Option<f64>,
    /// What runs it; empty until it was loaded once.
    #[schema(example = "trees_lightgbm")]
    platform: String,
    /// Its file in bytes.
    #[schema(example = 1_572_864)]
    file_bytes: u64,
    /// SHA-256 of its file in hex; empty until it was read once.
    sha256: String,
    /// Memory it takes in bytes; zero where it is not loaded.
    #[schema(example = 1_048_576)]
    memory_bytes: u64,
    /// How long loading took; null where it was not loaded.
    #[schema(example = 4.2)]
    load_ms: Option<f64>,
    /// What one row takes, measured at warm-up.
    #[schema(example = 1.1)]
    row_us: Option<f64>,
    /// How requests run: `direct` on the calling thread, or `batched`.
    #[schema(example = "direct")]
    mode: Option<String>,
    /// Requests that hold it now.
    #[schema(example = 0)]
    in_use: u64,
    /// Whether it is left alone after failures.
    breaker_open: bool,
    /// Whether golden rows lie beside it, with which it agreed when it was loaded.
    golden: bool,
    /// Whether its trainer left a report beside it; `GET /v1/models/{name}/report` gives that of
    /// the version that serves.
    has_report: bool,
}

/// How far a version is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum VersionState {
    /// On disk; loads on first use.
    Available,
    /// Being loaded.
    Loading,
    /// Takes traffic.
    Ready,
    /// Failed; `reason` says why.
    Failed,
    /// Unloaded by hand: loads only when told to.
    Unloaded,
}

/// A share of the traffic for another version.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Canary {
    /// Which version.
    #[schema(example = 2)]
    pub(crate) version: u64,
    /// Its share of requests, by a stable hash of the request.
    #[schema(example = 0.1, minimum = 0, maximum = 1)]
    pub(crate) share: f64,
    /// Failures in a row after which it gets none; never where not given.
    #[schema(example = json!(null))]
    pub(crate) failures_max: Option<u32>,
}

/// A copy of the traffic for another version, which answers nobody.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shadow {
    /// Which version.
    #[schema(example = 2)]
    pub(crate) version: u64,
    /// Share of requests copied.
    #[schema(example = 1.0, minimum = 0, maximum = 1)]
    pub(crate) share: f64,
    /// Rows to compare before it may be promoted; none where not given.
    #[serde(default)]
    #[schema(example = 1000, required = false)]
    pub(crate) rows_min: u64,
    /// Mean absolute difference of outputs up to which it may be promoted; any where not given.
    #[schema(example = 0.01)]
    pub(crate) difference_max: Option<f64>,
    /// Promote by itself once both hold.
    #[serde(default)]
    #[schema(required = false)]
    pub(crate) promote: bool,
}

/// What a version has done since the server started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelStatistics {
    /// Name of the model.
    #[schema(example = "goals")]
    model: String,
    /// Number of the version.
    #[schema(example = 2)]
    version: u64,
    /// Requests answered.
    #[schema(example = 1200)]
    requests_answered: u64,
    /// Requests failed.
    #[schema(example = 0)]
    requests_failed: u64,
    /// Requests refused at a bound.
    #[schema(example = 0)]
    requests_refused: u64,
    /// Rows answered.
    #[schema(example = 1200)]
    rows: u64,
    /// Times the model ran.
    #[schema(example = 1200)]
    executions: u64,
    /// Answers from kept results.
    #[schema(example = 0)]
    result_hits: u64,
    /// Looks for kept results that found none.
    #[schema(example = 0)]
    result_misses: u64,
    /// Answers by a fallback.
    #[schema(example = 0)]
    fallbacks: u64,
    /// How long whole requests took.
    latency: Latency,
    /// How long they waited for the model.
    queue: Latency,
    /// How long the model took.
    compute: Latency,
    /// How long what follows took.
    post: Latency,
    /// Executions by rows.
    batches: Vec<BatchSize>,
}

/// Latency at percentiles, in µs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Latency {
    /// Half took no longer.
    #[schema(example = 3.0)]
    p50_us: f64,
    /// Nine in ten took no longer.
    #[schema(example = 5.0)]
    p90_us: f64,
    /// All but one in a hundred took no longer.
    #[schema(example = 12.0)]
    p99_us: f64,
}

/// Executions of as many rows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchSize {
    /// Rows.
    #[schema(example = 1)]
    rows: u64,
    /// How often.
    #[schema(example = 1200)]
    executions: u64,
}

impl ServedModel {
    pub(crate) fn of(model: serving::ModelView, versions: Vec<serving::VersionView>) -> Self {
        Self {
            name: model.name,
            serving: model.serving,
            previous: model.previous,
            canary: model.canary.map(Canary::from),
            shadow: model.shadow.map(Shadow::from),
            problem: model.problem,
            versions: versions.into_iter().map(ModelVersion::from).collect(),
        }
    }
}

impl From<serving::VersionView> for ModelVersion {
    fn from(view: serving::VersionView) -> Self {
        Self {
            model: view.name,
            version: view.version,
            state: view.state.into(),
            reason: view.reason,
            labels: view.labels,
            traffic_share: view.traffic_share,
            shadow: view.shadow,
            shadow_difference: view.shadow_difference,
            shadow_difference_max: view.shadow_difference_max,
            shadow_rows: view.shadow_rows,
            shadow_failed: view.shadow_failed,
            shadow_dropped: view.shadow_dropped,
            canary_stopped: view.canary_stopped,
            scored: view.scored,
            log_loss: view.log_loss,
            squared_error: view.squared_error,
            platform: view.platform,
            file_bytes: view.file_bytes,
            sha256: view.sha256,
            memory_bytes: view.memory_bytes,
            load_ms: view.load_ms,
            row_us: view.row_us,
            mode: view.mode,
            in_use: view.in_use,
            breaker_open: view.breaker_open,
            golden: view.golden,
            has_report: view.report.is_some(),
        }
    }
}

impl From<LoadState> for VersionState {
    fn from(state: LoadState) -> Self {
        match state {
            LoadState::Available => Self::Available,
            LoadState::Loading => Self::Loading,
            LoadState::Ready => Self::Ready,
            LoadState::Failed => Self::Failed,
            LoadState::Unloaded => Self::Unloaded,
        }
    }
}

impl From<serving::Canary> for Canary {
    fn from(canary: serving::Canary) -> Self {
        Self {
            version: canary.version,
            share: canary.share,
            failures_max: canary.failures_max,
        }
    }
}

impl From<Canary> for serving::Canary {
    fn from(canary: Canary) -> Self {
        Self {
            version: canary.version,
            share: canary.share,
            failures_max: canary.failures_max,
        }
    }
}

impl From<serving::Shadow> for Shadow {
    fn from(shadow: serving::Shadow) -> Self {
        Self {
            version: shadow.version,
            share: shadow.share,
            rows_min: shadow.rows_min,
            difference_max: shadow.difference_max,
            promote: shadow.promote,
        }
    }
}

impl From<Shadow> for serving::Shadow {
    fn from(shadow: Shadow) -> Self {
        Self {
            version: shadow.version,
            share: shadow.share,
            rows_min: shadow.rows_min,
            difference_max: shadow.difference_max,
            promote: shadow.promote,
        }
    }
}

impl From<serving::StatisticsView> for ModelStatistics {
    fn from(view: serving::StatisticsView) -> Self {
        let [queue, compute, post] = view.stages_us;
        let size = |(rows, executions)| BatchSize { rows, executions };
        Self {
            model: view.name,
            version: view.version,
            requests_answered: view.success_count,
            requests_failed: view.fail_count,
            requests_refused: view.refused_count,
            rows: view.inference_count,
            executions: view.execution_count,
            result_hits: view.cache_hit_count,
            result_misses: view.cache_miss_count,
            fallbacks: view.fallback_count,
            latency: view.latency_us.into(),
            queue: queue.into(),
            compute: compute.into(),
            post: post.into(),
            batches: view.batches.into_iter().map(size).collect(),
        }
    }
}

impl From<[f64; 3]> for Latency {
    fn from([p50_us, p90_us, p99_us]: [f64; 3]) -> Self {
        Self {
            p50_us,
            p90_us,
            p99_us,
        }
    }
}
