//! `POST /v1/models/{name}/versions`.

use std::{future::poll_fn, pin::Pin, sync::Arc};

use axum::{
    Json,
    body::{Body, Bytes, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use engine::serving::{InferenceError, ModelConfig, ModelServer, Push, Upload};
use serde::{Deserialize, de::Error as _};
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;
use tracing::info;
use utoipa::IntoParams;

use super::served;
use crate::{
    ApiState,
    auth::Keeper,
    error::ApiError,
    extract::{Path, Query},
    problem::{FieldError, Problem},
    wire::ModelVersion,
};

/// Bytes gathered before they are written.
const PIECE_BYTES: usize = 1 << 20;
/// The longest JSON before a file.
const FRONT_BYTES_MAX: usize = 16 << 20;
/// How long the JSON before the file is, as the Open Inference Protocol says it.
const FRONT_LENGTH: HeaderName = HeaderName::from_static("inference-header-content-length");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("content-digest");

/// Which version, and what it must be.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// Number of the version, from 1; the next free one where not given.
    #[param(value_type = Option<u64>, minimum = 1, example = 2)]
    version: Option<Number>,
    /// What the file must hash to, SHA-256 in hex. `Content-Digest: sha-256=:…:` does the same
    /// for a body without JSON in front.
    #[param(value_type = Option<String>, pattern = "^[0-9A-Fa-f]{64}$")]
    sha256: Option<Hash>,
}

/// The header that says how long the JSON before the file is.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "documents the header, which the handler reads")]
pub(crate) struct FrontHeader {
    /// Bytes of a JSON object in front of the file, with what lies beside the model: `golden`
    /// (rows that must be answered as given before the version is taken), `report` (anything),
    /// `config` (the settings of a model that is not there yet).
    #[param(
        rename = "Inference-Header-Content-Length",
        maximum = 16_777_216,
        example = 0
    )]
    length: Option<usize>,
}

/// What may stand in front of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Front {
    golden: Option<Box<RawValue>>,
    report: Option<Box<RawValue>>,
    config: Option<ModelConfig>,
}

#[derive(Debug)]
struct Number(u64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        let number = text.parse().ok().filter(|it| *it > 0).map(Self);
        number.ok_or_else(|| D::Error::custom("a version is a whole number from 1"))
    }
}

#[derive(Debug)]
struct Hash(String);

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = String::deserialize(input)?;
        if text.len() == 64 && text.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Ok(Self(text));
        }
        Err(D::Error::custom("a SHA-256 is 64 hexadecimal digits"))
    }
}

/// Upload a version
///
/// The body is the model's file: LightGBM text, XGBoost JSON or UBJSON, ONNX with trees or a
/// network, or the compact form; which, is told by its first bytes. It is hashed, read, compared with its golden
/// rows and warmed up before anybody sees it, and is then there for all in one step. What is
/// refused or breaks off leaves nothing behind. A first version serves at once; a later one serves
/// when the version policy or a promotion says so.
#[utoipa::path(
    post,
    path = "/v1/models/{name}/versions",
    operation_id = "uploadModelVersion",
    tag = "Models",
    params(
        ("name" = String, Path, description = "Name of the model; made where it is not there.",
            example = "goals"),
        UploadQuery,
        FrontHeader,
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream",
        description = "The file, as long as `models.upload_bytes_max` allows."),
    responses(
        (status = 201, description = "The version is there.", body = ModelVersion,
            headers(("Location" = String, description = "Where the version is described."))),
        (status = 409, description = "There is such a version already.", body = Problem,
            content_type = "application/problem+json"),
        (status = 413, description = "The file is too long.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The file is not taken; the reason is said.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn upload_model(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    Query(query): Query<UploadQuery>,
    request: Request,
) -> Result<
    (
        StatusCode,
        [(HeaderName, HeaderValue); 1],
        Json<ModelVersion>,
    ),
    ApiError,
> {
    let models = served::serving(&state, &name)?;
    let front_bytes = front_length(request.headers())?;
    refuse_long(models, request.headers(), front_bytes)?;
    let digest = content_digest(request.headers(), front_bytes)?;
    let sha256 = query.sha256.map(|it| it.0).or(digest);
    let (front, upload) = receive(models, request.into_body(), front_bytes).await?;
    if let Some(sha256) = &sha256 {
        upload.expect_sha256(sha256)?;
    }
    let text = |it: Box<RawValue>| it.get().as_bytes().to_vec();
    let push = Push {
        name,
        version: query.version.map(|it| it.0),
        sha256,
        file: upload.path().to_owned(),
        golden: front.golden.map(text),
        report: front.report.map(text),
        config: front.config,
    };
    let view = models.push(push).await?;
    drop(upload);
    info!(
        model = view.name,
        version = view.version,
        bytes = view.file_bytes,
        sha256 = view.sha256,
        key = keeper.principal,
        key_name = keeper.name,
        "model uploaded"
    );
    let place = format!("/v1/models/{}/versions/{}", view.name, view.version);
    let place = HeaderValue::from_str(&place).expect("a model's name is visible ASCII");
    let location = [(header::LOCATION, place)];
    Ok((StatusCode::CREATED, location, Json(view.into())))
}

/// Refuses a file that says itself that it is too long.
fn refuse_long(
    models: &ModelServer,
    headers: &HeaderMap,
    front_bytes: usize,
) -> Result<(), ApiError> {
    let bytes_max = models.options().upload_bytes_max;
    let length = headers.get(header::CONTENT_LENGTH);
    let length: Option<u64> = length.and_then(|it| it.to_str().ok()?.parse().ok());
    if length.is_some_and(|it| it.saturating_sub(front_bytes as u64) > bytes_max) {
        return Err(InferenceError::TooLarge { bytes_max }.into());
    }
    Ok(())
}

fn front_length(headers: &HeaderMap) -> Result<usize, ApiError> {
    let Some(value) = headers.get(&FRONT_LENGTH) else {
        return Ok(0);
    };
    let length: Option<usize> = value.to_str().ok().and_then(|it| it.parse().ok());
    length.filter(|it| *it <= FRONT_BYTES_MAX).ok_or_else(|| {
        let detail = format!("a whole number up to {FRONT_BYTES_MAX} is due");
        ApiError::BadHeader(FieldError::of_header(FRONT_LENGTH.as_str(), &detail))
    })
}

/// The SHA-256 of a `Content-Digest` (RFC 9530), in hex.
fn content_digest(headers: &HeaderMap, front_bytes: usize) -> Result<Option<String>, ApiError> {
    let bad = |detail| ApiError::BadHeader(FieldError::of_header(CONTENT_DIGEST.as_str(), detail));
    let Some(value) = headers.get(&CONTENT_DIGEST) else {
        return Ok(None);
    };
    if front_bytes > 0 {
        return Err(bad("it would cover the JSON in front too: use `sha256`"));
    }
    let members = value.to_str().unwrap_or_default().split(',');
    let found = members
        .filter_map(|it| it.trim().strip_prefix("sha-256=:")?.strip_suffix(':'))
        .find_map(|it| BASE64_STANDARD.decode(it).ok());
    let hex = |it: Vec<u8>| it.iter().map(|byte| format!("{byte:02x}")).collect();
    let form = || bad("the form is `sha-256=:BASE64:` (RFC 9530)");
    found.map(hex).map(Some).ok_or_else(form)
}

/// Takes a body in: the JSON in front, and the file after it.
async fn receive(
    models: &Arc<ModelServer>,
    mut body: Body,
    front_bytes: usize,
) -> Result<(Front, Upload), ApiError> {
    let server = Arc::clone(models);
    let mut upload = on_disk(move || server.upload()).await?;
    let mut front = Vec::new();
    let mut piece = Vec::new();
    while let Some(bytes) = next(&mut body).await? {
        let (head, rest) = bytes.split_at(bytes.len().min(front_bytes - front.len()));
        front.extend_from_slice(head);
        piece.extend_from_slice(rest);
        if piece.len() >= PIECE_BYTES {
            upload = written(upload, std::mem::take(&mut piece)).await?;
        }
    }
    let upload = written(upload, piece).await?;
    if front_bytes == 0 {
        return Ok((Front::default(), upload));
    }
    let front = serde_json::from_slice(&front).map_err(|error| {
        let detail = format!("the JSON in front of the file: {error}");
        ApiError::MalformedBody(FieldError::at(String::new(), detail))
    })?;
    Ok((front, upload))
}

/// The next bytes of a body, `None` at its end.
async fn next(body: &mut Body) -> Result<Option<Bytes>, ApiError> {
    loop {
        let frame = poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await;
        match frame {
            None => return Ok(None),
            Some(Err(_)) => return Err(ApiError::UploadBroken),
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
        }
    }
}

async fn written(mut upload: Upload, piece: Vec<u8>) -> Result<Upload, ApiError> {
    on_disk(move || upload.write(&piece).map(|()| upload)).await
}

/// Does what waits for a disk on a thread for that.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, InferenceError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = spawn_blocking(work).await;
    // The work itself never panics; what fails here is a runtime that is going down.
    Ok(done.unwrap_or(Err(InferenceError::Stopping))?)
}
