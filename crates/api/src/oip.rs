//! The Open Inference Protocol V2 with Triton's extensions, over HTTP and gRPC.
//!
//! Its routes have a front door of their own, with only what a request of microseconds can bear.

mod answer;
mod error;
mod front;
mod grpc;
mod models;
mod repository;
mod request;
mod room;
mod values;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use axum::{
    Router,
    body::HttpBody as _,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use engine::{Engine, serving::ModelServer};
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use self::{error::OipError, room::Room};
use crate::{ApiState, auth::Viewer, error::ApiError, guard, host};

pub use front::Front;
pub use grpc::Grpc;

/// A body of this protocol in bytes, at most: a tensor may be far larger than what is written by
/// hand.
const BODY_BYTES_MAX: usize = 64 << 20;
/// Requests of this protocol at work, at most; the server of models has its own, tighter bounds.
const REQUESTS_MAX: usize = 4096;
/// What the server calls itself.
const NAME: &str = "sports-edge";
/// Extensions of the protocol that are there.
const EXTENSIONS: [&str; 4] = [
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
    "statistics",
];

/// The front door of these routes, whichever way a request takes to it.
#[derive(Clone)]
pub(crate) struct Door {
    state: ApiState,
    at_work: Arc<AtomicUsize>,
    room: Room,
}

/// A request at work; counts for as long as it lives.
struct Inside<'a>(&'a AtomicUsize);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Door {
    pub(crate) fn new(state: &ApiState) -> Self {
        Self {
            state: state.clone(),
            at_work: Arc::default(),
            room: Room::default(),
        }
    }

    /// Lets a request in: one for a host of ours, and not one too many.
    fn enter(&self, headers: &HeaderMap) -> Result<Inside<'_>, ApiError> {
        guard::check_host(&self.state, headers)?;
        self.one_more()
    }

    /// Lets a request in that is not one too many.
    fn one_more(&self) -> Result<Inside<'_>, ApiError> {
        let inside = Inside(&self.at_work);
        if self.at_work.fetch_add(1, Ordering::Relaxed) < REQUESTS_MAX {
            Ok(inside)
        } else {
            Err(ApiError::Overloaded(REQUESTS_MAX))
        }
    }
}

/// The protocol's routes behind their front door.
pub(crate) fn router(door: Door) -> Router {
    let state = door.state.clone();
    Router::new()
        .route("/v2", get(server))
        .route("/v2/health/live", get(|| async { StatusCode::OK }))
        .route("/v2/health/ready", get(ready))
        .merge(models::router())
        .merge(repository::router())
        .route("/v2/{*rest}", get(nothing).post(nothing))
        .with_state(state)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(middleware::from_fn_with_state(door, pass))
}

/// Lets a request in, and gives its answer an id and its error the protocol's form.
async fn pass(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    host::settle(&mut request);
    let id = guard::request_id(&door.state, request.headers());
    let span = guard::span(
        &id,
        (request.method(), request.uri()),
        (request.headers(), request.extensions().get().copied()),
    );
    let started = Instant::now();
    let answer = async {
        let response = match door.enter(request.headers()) {
            Ok(_inside) => {
                let held = door.room.hold();
                match held.fit(said_bytes(&request)) {
                    Ok(()) => explained(next.run(request).await),
                    Err(error) => error.into_response(),
                }
            }
            Err(error) => OipError::from(&error).into_response(),
        };
        guard::log(&response, started.elapsed(), None);
        response
    };
    let mut response = answer.instrument(span).await;
    guard::name(&mut response, id);
    response
}

/// How many bytes a request says its body has, or may have where it does not say.
fn said_bytes(request: &Request) -> usize {
    let hint = request.body().size_hint();
    let bytes = hint.upper().unwrap_or(BODY_BYTES_MAX as u64);
    usize::try_from(bytes).map_or(BODY_BYTES_MAX, |it| it.min(BODY_BYTES_MAX))
}

/// Gives an error without the protocol's form that form.
fn explained(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let json = response.headers().get(header::CONTENT_TYPE);
    if json.is_some_and(|it| it == "application/json") {
        return response;
    }
    let error = response.extensions().get::<Arc<ApiError>>().cloned();
    if error.is_none() && status == StatusCode::SERVICE_UNAVAILABLE {
        return OipError::not_ready().into_response();
    }
    let error = error.unwrap_or_else(|| {
        Arc::new(match status {
            StatusCode::PAYLOAD_TOO_LARGE => ApiError::BodyTooLarge(BODY_BYTES_MAX),
            status => guard::unexplained(status),
        })
    });
    guard::log_if_ours(&error);
    let mut answer = OipError::from(&*error).into_response();
    if let Some(challenge) = response.headers().get(header::WWW_AUTHENTICATE) {
        let headers = answer.headers_mut();
        headers.insert(header::WWW_AUTHENTICATE, challenge.clone());
    }
    answer
}

async fn nothing(_: Viewer, Path(rest): Path<String>) -> OipError {
    OipError::unknown(format!("there is nothing at /v2/{rest}"))
}

#[derive(Serialize)]
struct ServerMetadata {
    name: &'static str,
    version: &'static str,
    extensions: [&'static str; 4],
}

async fn server(_: Viewer) -> Response {
    json(&ServerMetadata {
        name: NAME,
        version: env!("CARGO_PKG_VERSION"),
        extensions: EXTENSIONS,
    })
}

async fn ready(State(state): State<ApiState>) -> StatusCode {
    if is_ready(&state) {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    }
}

/// Whether models would answer: there is a server of them, warm, and nobody is stopping it.
fn is_ready(state: &ApiState) -> bool {
    let warm = state.engine.serving().is_some_and(|it| it.is_warm());
    warm && !state.is_draining()
}

/// The server of models.
fn serving(engine: &Engine) -> Result<&Arc<ModelServer>, OipError> {
    let serving = engine.serving();
    serving.ok_or_else(|| OipError::unknown("this server has no folder of models"))
}

fn json(value: &impl Serialize) -> Response {
    let body = serde_json::to_vec(value).expect("an answer has only texts and numbers");
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (kind, body).into_response()
}
