//! From a request that wishes to speak WebSocket to a conversation (RFC 6455, 4.2).

use std::{borrow::Cow, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header, request::Parts},
};
use engine::feeding::{Reader as FeedReader, websocket};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::watch;

use super::{
    Live, Place, TakeOver,
    talk::{Talk, turn_away},
};
use crate::{
    ApiState,
    auth::{Reader, check_own_site},
    error::ApiError,
    problem::FieldError,
    rate::{Meter, Peer},
};

/// Who was let in, and what counts what is asked for.
type Entered = ((FeedReader, Place), Option<Meter>);

/// Whether a request wishes for another protocol than HTTP.
pub(crate) fn is_asked(headers: &HeaderMap) -> bool {
    names(headers, &header::UPGRADE, "websocket")
}

/// The ticket in a query.
pub(crate) fn ticket_in(uri: &Uri) -> Option<Cow<'_, str>> {
    let mut query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    query.find(|it| it.0 == "ticket").map(|it| it.1)
}

/// Answers such a request. A page cannot read the status of a refusal, so who may come from one is
/// let in and told why it must leave by the code of the close.
pub(crate) async fn upgraded(
    state: &ApiState,
    mut parts: Parts,
) -> Result<Response<Body>, ApiError> {
    let accept = accept(&parts)?;
    check_origin(&state.options.allowed_origins, &parts.headers)?;
    check_query(&parts.uri)?;
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let upgrade = upgrade.ok_or_else(|| bad("connection", "this connection cannot be upgraded"))?;
    let live = Arc::clone(&state.live);
    let may_be_page = parts.headers.contains_key(header::ORIGIN) || ticket_in(&parts.uri).is_some();
    let entered = match enter(state, &parts).await {
        Err(error) if !may_be_page => return Err(error),
        entered => entered,
    };
    let take_over = state.options.take_over;
    // From here on a server that stops waits for it.
    let stopped = live.stopped();
    tokio::spawn(converse(live, (upgrade, take_over), (entered, stopped)));
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

async fn enter(state: &ApiState, parts: &Parts) -> Result<Entered, ApiError> {
    let who = Reader::of_follower(parts, state).await?;
    let address = Peer::of(parts);
    let meter = state.rates.meter(who.principal.as_deref(), address);
    let place = state.live.enter(who, address)?;
    Ok((place, meter))
}

async fn converse(
    live: Arc<Live>,
    (upgrade, take_over): (OnUpgrade, Option<TakeOver>),
    (entered, stopped): (Result<Entered, ApiError>, watch::Receiver<bool>),
) {
    let Ok(upgraded) = upgrade.await else {
        return; // The client is gone.
    };
    let (place, meter) = match entered {
        Ok(entered) => entered,
        Err(error) => {
            return Box::pin(turn_away(TokioIo::new(upgraded), &error.closing())).await;
        }
    };
    let taken = match take_over {
        Some(take_over) => take_over(upgraded),
        None => Err(upgraded),
    };
    // Each in a task of its own, for most are idle and this one is larger than what is left to do.
    match taken {
        Ok(mut line) => {
            let outlet = line.outlet(place.1.pass());
            let talk = Talk::new(line, (live, stopped), place).let_out(outlet);
            tokio::spawn(Box::new(talk.counted(meter)).run());
        }
        Err(other) => {
            let talk = Talk::new(TokioIo::new(other), (live, stopped), place);
            tokio::spawn(Box::new(talk.counted(meter)).run());
        }
    }
}

/// Checks what RFC 6455, 4.2.1, demands; what is to be answered.
fn accept(parts: &Parts) -> Result<HeaderValue, ApiError> {
    let headers = &parts.headers;
    if parts.method != Method::GET {
        return Err(ApiError::MethodNotAllowed);
    }
    if !names(headers, &header::CONNECTION, "upgrade") {
        return Err(bad("connection", "it does not name upgrade"));
    }
    let version = headers.get(header::SEC_WEBSOCKET_VERSION);
    if version.is_none_or(|it| it != "13") {
        return Err(ApiError::OtherVersion);
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY);
    let accept = key.and_then(|it| websocket::accept(it.as_bytes()));
    let accept = accept.ok_or_else(|| bad("sec-websocket-key", "it is not 16 bytes in base64"))?;
    Ok(HeaderValue::from_str(&accept).expect("base64 is ASCII"))
}

/// A page of another origin would speak with the rights of who looks at it: browsers send what
/// they know of the user with every socket, whoever opens it.
fn check_origin(allowed: &[String], headers: &HeaderMap) -> Result<(), ApiError> {
    let origin = headers.get(header::ORIGIN);
    let text = origin.and_then(|it| it.to_str().ok()).unwrap_or_default();
    if check_own_site(headers).is_ok() || allowed.iter().any(|it| it == text) {
        return Ok(());
    }
    Err(ApiError::ForeignOrigin(text.chars().take(100).collect()))
}

fn check_query(uri: &Uri) -> Result<(), ApiError> {
    let mut query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    match query.find(|it| it.0 != "ticket") {
        None => Ok(()),
        Some((name, _)) => Err(ApiError::BadQuery(FieldError::of_parameter(
            &name,
            "over a socket keys are asked for by messages; only `ticket` stands here".to_owned(),
        ))),
    }
}

/// Whether a header that lists words names one.
fn names(headers: &HeaderMap, name: &header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).into_iter();
    let mut words = values
        .filter_map(|it| it.to_str().ok())
        .flat_map(|it| it.split(','));
    words.any(|it| it.trim().eq_ignore_ascii_case(word))
}

fn bad(header: &str, detail: &str) -> ApiError {
    ApiError::BadHeader(FieldError::of_header(header, detail))
}
