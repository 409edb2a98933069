//! What is asked of one model: readiness, metadata, configuration, statistics, inference.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
    routing::{get, post},
};
use engine::serving::{ModelConfig, ModelMetadata, StatisticsView, TensorSpec};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    answer::{self, JSON_LENGTH},
    error::OipError,
    json,
    request::{self, Asked, version_of},
    serving, values,
};
use crate::{
    ApiState,
    auth::{Reader, Viewer},
};

/// The routes, each with and without a version.
pub(super) fn router() -> Router<ApiState> {
    let of = |router: Router<ApiState>, base: &str| {
        router
            .route(base, get(metadata))
            .route(&format!("{base}/ready"), get(ready))
            .route(&format!("{base}/config"), get(config))
            .route(&format!("{base}/stats"), get(statistics))
            .route(&format!("{base}/infer"), post(infer))
    };
    let router = Router::new().route("/v2/models/stats", get(all_statistics));
    let router = of(router, "/v2/models/{name}");
    of(router, "/v2/models/{name}/versions/{version}")
}

#[derive(Deserialize)]
struct Which {
    name: String,
    #[serde(default)]
    version: Option<String>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    name: &'a str,
    versions: Vec<String>,
    platform: &'a str,
    inputs: &'a [TensorSpec],
    outputs: &'a [TensorSpec],
}

async fn metadata(
    _: Viewer,
    State(state): State<ApiState>,
    Path(which): Path<Which>,
) -> Result<Response, OipError> {
    let version = version_of(which.version.as_deref());
    let found = serving(&state.engine)?
        .metadata(&which.name, &version)
        .await?;
    Ok(json(&Metadata {
        name: &found.name,
        versions: found.versions.iter().map(ToString::to_string).collect(),
        platform: &found.platform,
        inputs: &found.signature.inputs,
        outputs: &found.signature.outputs,
    }))
}

async fn ready(
    _: Viewer,
    State(state): State<ApiState>,
    Path(which): Path<Which>,
) -> Result<StatusCode, OipError> {
    let version = version_of(which.version.as_deref());
    if serving(&state.engine)?.is_ready(&which.name, &version)? {
        Ok(StatusCode::OK)
    } else {
        Ok(StatusCode::SERVICE_UNAVAILABLE)
    }
}

/// A model's configuration, as far as Triton has words for it.
#[derive(Debug, Serialize)]
pub(super) struct Config {
    pub(super) name: String,
    pub(super) platform: String,
    pub(super) backend: String,
    /// Rows in a request, at most.
    pub(super) max_batch_size: u32,
    pub(super) input: Vec<ConfigTensor>,
    pub(super) output: Vec<ConfigTensor>,
}

/// A tensor of a configuration; rows are not among its dimensions.
#[derive(Debug, Serialize)]
pub(super) struct ConfigTensor {
    pub(super) name: String,
    pub(super) data_type: String,
    pub(super) dims: Vec<i64>,
}

impl Config {
    pub(super) fn of(found: &ModelMetadata, config: &ModelConfig) -> Self {
        let all = |specs: &[TensorSpec]| specs.iter().map(ConfigTensor::of).collect();
        Self {
            name: found.name.clone(),
            platform: found.platform.clone(),
            backend: found.platform.clone(),
            max_batch_size: config.limits.rows_max,
            input: all(&found.signature.inputs),
            output: all(&found.signature.outputs),
        }
    }
}

impl ConfigTensor {
    fn of(spec: &TensorSpec) -> Self {
        let name = match values::name_of(spec.datatype) {
            "BYTES" => "STRING",
            name => name,
        };
        Self {
            name: spec.name.clone(),
            data_type: format!("TYPE_{name}"),
            dims: spec.shape.get(1..).unwrap_or_default().to_vec(),
        }
    }
}

async fn config(
    _: Viewer,
    State(state): State<ApiState>,
    Path(which): Path<Which>,
) -> Result<Response, OipError> {
    let models = serving(&state.engine)?;
    let version = version_of(which.version.as_deref());
    let found = models.metadata(&which.name, &version).await?;
    Ok(json(&Config::of(&found, &*models.config(&which.name)?)))
}

#[derive(Serialize)]
struct AllStatistics {
    model_stats: Vec<Statistics>,
}

#[derive(Serialize)]
struct Statistics {
    name: String,
    version: String,
    last_inference: u64,
    inference_count: u64,
    execution_count: u64,
    inference_stats: Stages,
    batch_stats: Vec<Batch>,
}

#[derive(Serialize)]
struct Stages {
    success: Spent,
    fail: Spent,
    queue: Spent,
    compute_input: Spent,
    compute_infer: Spent,
    compute_output: Spent,
    cache_hit: Spent,
    cache_miss: Spent,
}

#[derive(Serialize)]
struct Spent {
    count: u64,
    ns: u64,
}

/// Executions by batch size; how long they took is counted over all sizes together.
#[derive(Serialize)]
struct Batch {
    batch_size: u64,
    compute_infer: Spent,
}

impl Statistics {
    fn of(view: StatisticsView, now: Timestamp) -> Self {
        let spent = |count, ns| Spent { count, ns };
        let answered = view.success_count;
        Self {
            last_inference: last_inference_ms(&view, now),
            name: view.name,
            version: view.version.to_string(),
            inference_count: view.inference_count,
            execution_count: view.execution_count,
            inference_stats: Stages {
                success: spent(answered, view.success_ns),
                fail: spent(view.fail_count, view.fail_ns),
                queue: spent(answered, view.queue_ns),
                // Inputs are ready before a model is asked, in whatever time its caller took.
                compute_input: spent(answered, 0),
                compute_infer: spent(answered, view.compute_infer_ns),
                compute_output: spent(answered, view.compute_output_ns),
                cache_hit: spent(view.cache_hit_count, 0),
                cache_miss: spent(view.cache_miss_count, 0),
            },
            batch_stats: view
                .batches
                .into_iter()
                .map(|(batch_size, times)| Batch {
                    batch_size,
                    compute_infer: spent(times, 0),
                })
                .collect(),
        }
    }
}

/// When a version was last asked, ms since 1970; zero where it never was.
pub(super) fn last_inference_ms(view: &StatisticsView, now: Timestamp) -> u64 {
    let Some(idle) = view.idle else {
        return 0;
    };
    let now = u64::try_from(now.as_millisecond()).unwrap_or(0);
    now.saturating_sub(idle.as_millis() as u64)
}

async fn all_statistics(_: Viewer, State(state): State<ApiState>) -> Result<Response, OipError> {
    statistics_of(&state, None, None)
}

async fn statistics(
    _: Viewer,
    State(state): State<ApiState>,
    Path(which): Path<Which>,
) -> Result<Response, OipError> {
    statistics_of(&state, Some(&which.name), which.version.as_deref())
}

fn statistics_of(
    state: &ApiState,
    name: Option<&str>,
    version: Option<&str>,
) -> Result<Response, OipError> {
    let found = views(state, name, version)?;
    let now = state.engine.now();
    let model_stats = found.into_iter().map(|it| Statistics::of(it, now));
    let model_stats = model_stats.collect();
    Ok(json(&AllStatistics { model_stats }))
}

/// What versions have done; one version only where it is named.
pub(super) fn views(
    state: &ApiState,
    name: Option<&str>,
    version: Option<&str>,
) -> Result<Vec<StatisticsView>, OipError> {
    let mut found = serving(&state.engine)?.statistics(name)?;
    if let Some(version) = version.filter(|it| !it.is_empty()) {
        found.retain(|it| it.version.to_string() == version);
    }
    Ok(found)
}

async fn infer(
    _: Reader,
    State(state): State<ApiState>,
    Path(which): Path<Which>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, OipError> {
    let version = which.version.as_deref();
    answer(&state, which.name, version, &headers, body).await
}

/// Answers a request for inference from who may read.
pub(super) async fn answer(
    state: &ApiState,
    name: String,
    version: Option<&str>,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<Response, OipError> {
    let models = serving(&state.engine)?;
    if let Some(coding) = headers.get(header::CONTENT_ENCODING)
        && coding != "identity"
    {
        return Err(OipError::bad(
            "a compressed body is not read: send it plain",
        ));
    }
    let mut lengths = headers.get_all(&JSON_LENGTH).iter();
    let length = lengths.next();
    if lengths.any(|it| Some(it) != length) {
        return Err(OipError::bad(
            "Inference-Header-Content-Length is given twice and differs",
        ));
    }
    let length = match length {
        None => None,
        Some(value) => {
            let length = value.to_str().ok().and_then(|it| it.parse().ok());
            Some(length.ok_or_else(|| {
                OipError::bad("Inference-Header-Content-Length is not a whole number")
            })?)
        }
    };
    let asked = request::read(&body, length, name, version)?;
    drop(body);
    let Asked {
        request,
        id,
        format,
    } = asked;
    // On the heap, since every future around it is moved with all that it holds.
    let reply = Box::pin(models.infer(request)).await?;
    answer::write(&reply, id.as_deref(), &format)
}
