//! The front door, passed by every request: id and log, host, load, time, panics, and the
//! writing of problems.

mod conditional;
mod reason;

use std::{
    any::Any,
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use engine::chain;
use tokio::time::timeout;
use tonic::Code;
use tracing::{Instrument, Level, Span, debug, error, field, info, info_span};

use crate::{
    ApiState, Hosts, KeyText, Peer, auth,
    error::ApiError,
    host::{self, Host},
    pages,
    problem::{self, Problem, ProblemKind},
    rate::Verdict,
};

pub(crate) use conditional::{conditional, find_tag, name_encoding_in_etag, tag};
pub(crate) use reason::Reason;

/// How long an upload or a load may take.
const MODEL_CHANGE_TIME_MAX: Duration = Duration::from_secs(600);
/// How long a write may take that nobody waits for any more; then another with its key may be done.
const WRITE_TIME_MAX: Duration = Duration::from_secs(60);
/// What is asked by a `POST` and changes nothing.
const ASKED_BY_POST: &str = "/v1/predictions/batch";
/// What takes longer is worth a line in the log.
const LONG: Duration = Duration::from_secs(1);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What an answer may load where its handler sets no policy of its own: nothing.
const STRICT_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'; base-uri 'none'");

/// A request's id; taken from `X-Request-Id` where that is sane.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(String);

impl RequestId {
    /// The id.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names the request, times and logs it, and sets the headers every answer has.
pub(crate) async fn outside(
    State(state): State<ApiState>,
    mut request: Request,
    next: Next,
) -> Response {
    host::settle(&mut request);
    let name_value = request_id(&state, request.headers());
    let id = name_value.to_str().unwrap_or_default().to_owned();
    let span = span(
        &name_value,
        (request.method(), request.uri()),
        (request.headers(), request.extensions().get().copied()),
    );
    let route = request.extensions().get::<MatchedPath>().cloned();
    request.extensions_mut().insert(RequestId(id));
    let method = request.method().clone();
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();
    let asked = (&method, route.as_ref().map(MatchedPath::as_str));
    span.in_scope(|| note(&state, asked, &response, took));
    dress(&mut response, name_value);
    response
}

/// Answers without passing the router, named, timed, logged and dressed as by [`outside`]; `route`
/// is what the router would have found.
pub(crate) fn short(
    state: &ApiState,
    request: &Parts,
    route: &'static str,
    answer: impl FnOnce() -> Option<Response>,
) -> Option<Response> {
    let started = Instant::now();
    let mut response = answer()?;
    let took = started.elapsed();
    let name_value = request_id(state, &request.headers);
    let asked = (&request.method, Some(route));
    // Where nobody reads that all went well, putting it together would be half of the work.
    let span = if is_seen(false, took) {
        span(
            &name_value,
            (&request.method, &request.uri),
            (&request.headers, request.extensions.get().copied()),
        )
    } else {
        Span::none()
    };
    span.in_scope(|| note(state, asked, &response, took));
    dress(&mut response, name_value);
    Some(response)
}

/// Whether an answer is one for all to see in the log.
pub(crate) fn is_seen(failed: bool, took: Duration) -> bool {
    failed || took >= LONG || tracing::enabled!(Level::DEBUG)
}

/// What all that is logged of a request stands under, with who sent it: the address, and the public
/// prefix of the key that it says it has.
pub(crate) fn span(
    id: &HeaderValue,
    (method, uri): (&Method, &Uri),
    (headers, peer): (&HeaderMap, Option<Peer>),
) -> Span {
    let id = id.to_str().unwrap_or_default();
    info_span!(
        "request",
        id,
        %method,
        path = uri.path(),
        client = peer.map(|it| field::display(it.0)),
        key = auth::carried(headers).as_ref().map(KeyText::prefix),
    )
}

/// Counts an answer and logs it.
fn note(state: &ApiState, asked: (&Method, Option<&str>), response: &Response, took: Duration) {
    state.figures.answered(asked, response.status(), took);
    log(response, took, asked.1);
}

/// Logs an answer: for all to see where it was refused, failed or took long, with the reason.
pub(crate) fn log(response: &Response, took: Duration, route: Option<&str>) {
    let status = response.status().as_u16();
    let (is_error, wait_ms) = (status >= 400, took.as_secs_f64() * 1e3);
    let reason = is_error.then(|| reason::of(response)).flatten();
    if is_error || took >= LONG {
        info!(status, wait_ms, route, reason, "request answered");
    } else {
        debug!(status, wait_ms, route, "request answered");
    }
}

/// Logs the answer to a call of gRPC in the same way.
pub(crate) fn log_call(code: Code, reason: &str, took: Duration) {
    let wait_ms = took.as_secs_f64() * 1e3;
    if code != Code::Ok {
        let reason = reason::bounded(reason.to_owned());
        info!(?code, wait_ms, reason, "call answered");
    } else if took >= LONG {
        info!(?code, wait_ms, "call answered");
    } else {
        debug!(?code, wait_ms, "call answered");
    }
}

/// Sets the headers that every answer has.
fn dress(response: &mut Response, id: HeaderValue) {
    name(response, id);
    let headers = response.headers_mut();
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    // A page says `same-origin` itself: without a referrer browsers hide the origin of its forms.
    headers
        .entry(header::REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("no-referrer"));
    let own_origin = HeaderValue::from_static("same-origin");
    headers.insert("cross-origin-opener-policy", own_origin.clone());
    headers.insert("cross-origin-resource-policy", own_origin);
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(STRICT_POLICY);
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    name_encoding_in_etag(headers);
}

/// The id a request brought, or a new one.
pub(crate) fn request_id(state: &ApiState, headers: &HeaderMap) -> HeaderValue {
    match headers.get(&REQUEST_ID) {
        Some(id) if is_sane_id(id.as_bytes()) => id.clone(),
        _ => state.next_request_id(),
    }
}

/// Sets the headers that even the shortest answer has.
pub(crate) fn name(response: &mut Response, id: HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
}

fn is_sane_id(id: &[u8]) -> bool {
    let sane = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_' | b'.');
    (1..=64).contains(&id.len()) && id.iter().all(sane)
}

/// Writes an error's problem where an answer is an error without a body of its own.
pub(crate) async fn explain(request: Request, next: Next) -> Response {
    let instance = request.uri().clone();
    let id = request.extensions().get::<RequestId>().cloned();
    let wants_page = pages::wants_page(instance.path(), request.headers());
    let asked = wants_page.then(|| request.headers().clone());
    let response = next.run(request).await;
    let status = response.status();
    let page = response.headers().get(header::CONTENT_TYPE);
    let is_page = page.is_some_and(|it| it.as_bytes().starts_with(b"text/html"));
    if is_page || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let error = response.extensions().get::<Arc<ApiError>>().cloned();
    let error = error.unwrap_or_else(|| Arc::new(unexplained(status)));
    log_if_ours(&error);
    if let Some(asked) = asked {
        let mut page = as_page(&error, &instance, &asked);
        page.extensions_mut().insert(error);
        return page;
    }
    let id = id.map_or_else(String::new, |it| it.0);
    with_problem(response, &error, &instance, &id)
}

/// Logs an error with its causes where it is a fault of ours.
pub(crate) fn log_if_ours(error: &ApiError) {
    if is_ours(error.kind()) {
        error!(error = chain(error), "request failed");
    }
}

/// Whether an error is a fault of ours, whose causes belong in the log.
fn is_ours(kind: ProblemKind) -> bool {
    [
        problem::INTERNAL,
        problem::STORE_FAILED,
        problem::MODELS_FOLDER_AWAY,
        problem::MODELS_FOLDER_FULL,
    ]
    .contains(&kind)
}

/// The error for people; who has to say who they are is sent to sign in.
fn as_page(error: &ApiError, instance: &Uri, asked: &HeaderMap) -> Response {
    if error.kind().status != StatusCode::UNAUTHORIZED {
        return pages::problem_page(error.kind(), error.detail(), asked);
    }
    let back = instance.path_and_query().map_or("/", |it| it.as_str());
    let mut to = pages::sign_in_address(back);
    let has_ended = matches!(error, ApiError::SessionEnded);
    if has_ended {
        to.push_str("&ended=1");
    }
    let to = HeaderValue::try_from(to).expect("an encoded query is visible ASCII");
    // Else pages would go on to show who is signed in.
    let cookies = has_ended.then(|| auth::forgotten(asked));
    (StatusCode::SEE_OTHER, cookies, [(header::LOCATION, to)]).into_response()
}

/// The error behind a status that came without one.
pub(crate) fn unexplained(status: StatusCode) -> ApiError {
    match status {
        StatusCode::NOT_FOUND => ApiError::UnknownRoute,
        StatusCode::METHOD_NOT_ALLOWED => ApiError::MethodNotAllowed,
        other => ApiError::Unexplained(other),
    }
}

fn with_problem(response: Response, error: &ApiError, instance: &Uri, id: &str) -> Response {
    let kind = error.kind();
    let problem = problem_of(error, instance.path().into(), id);
    let body = serde_json::to_vec(&problem).expect("a problem has only texts and numbers");
    let (mut parts, _) = response.into_parts();
    parts.status = kind.status;
    parts.headers.remove(header::CONTENT_LENGTH);
    let json = HeaderValue::from_static("application/problem+json");
    parts.headers.insert(header::CONTENT_TYPE, json);
    Response::from_parts(parts, Body::from(body))
}

/// The problem an error becomes, where `instance` was asked for.
pub(crate) fn problem_of<'a>(
    error: &ApiError,
    instance: Cow<'a, str>,
    request_id: &'a str,
) -> Problem<'a> {
    let kind = error.kind();
    Problem {
        r#type: kind.uri(),
        title: kind.title,
        status: kind.status.as_u16(),
        detail: error.detail(),
        instance,
        request_id: request_id.into(),
        errors: error.errors(),
    }
}

/// Refuses foreign hosts, requests that their limit refuses, more work than the bound, and answers
/// that take too long. What is only asked ends when nobody waits for it; a write goes on to its end,
/// so that it is whole, and a repeat with its key hears of it.
pub(crate) async fn admit(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    check_host(&state, request.headers())?;
    let path = request.uri().path();
    // Who has asked for too much can still sign out.
    let signs_out = request.method() == Method::DELETE && path == "/v1/session";
    if let Some(refusal) = request.extensions().get::<Verdict>().filter(|_| !signs_out) {
        return Err(ApiError::TooManyRequests(*refusal));
    }
    // What is followed has bounds of its own, and is waited for longer than an answer may take. A
    // server that is busy is not one to be sent nobody any more.
    if matches!(path, "/health/live" | "/health/ready" | "/v1/live") {
        return Ok(next.run(request).await);
    }
    let permit = Arc::clone(&state.requests)
        .try_acquire_owned()
        .map_err(|_| ApiError::Overloaded(state.options.concurrent_requests_max))?;
    let bound = time_max(&state, &request);
    let changes = !request.method().is_safe() && path != ASKED_BY_POST;
    let work = async move {
        let answer = next.run(request).await;
        drop(permit);
        answer
    };
    if !changes {
        return timeout(bound, work)
            .await
            .map_err(|_| ApiError::TimedOut(bound));
    }
    let work = timeout(bound.max(WRITE_TIME_MAX), work).in_current_span();
    match timeout(bound, tokio::spawn(work)).await {
        Ok(Ok(Ok(answer))) => Ok(answer),
        Ok(Err(broken)) => Ok(panicked(Box::new(broken.to_string()))),
        Ok(Ok(Err(_))) | Err(_) => Err(ApiError::TimedOut(bound)),
    }
}

/// How long a request may take: what changes models waits for files and loads.
fn time_max(state: &ApiState, request: &Request) -> Duration {
    let changes = !request.method().is_safe();
    if changes && request.uri().path().starts_with("/v1/models/") {
        MODEL_CHANGE_TIME_MAX
    } else {
        state.options.handler_time_max
    }
}

/// Refuses hosts this server does not answer to.
pub(crate) fn check_host(state: &ApiState, headers: &HeaderMap) -> Result<(), ApiError> {
    let Hosts::LoopbackAnd(others) = &state.options.hosts else {
        return Ok(());
    };
    let Some(Host { name, .. }) = Host::of(headers) else {
        return Ok(()); // No browser leaves the host out.
    };
    let is = |it: &str| it.as_bytes().eq_ignore_ascii_case(name);
    let loopback = ["localhost", "127.0.0.1", "[::1]"];
    if loopback.into_iter().any(is) || others.iter().any(|it| is(it)) {
        Ok(())
    } else {
        let name = String::from_utf8_lossy(name).to_lowercase();
        Err(ApiError::ForeignHost(name))
    }
}

/// Answers for a handler that panicked.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature tower-http asks for"
)]
pub(crate) fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    ApiError::Panicked(text.unwrap_or("no message").to_owned()).into_response()
}
