//! A kept answer as a response: whole, or only the word that the client has it.

use std::time::Duration;

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use engine::caching::{Hit, Tier};

use super::answer::{Answer, Coding, bare};
use crate::guard::find_tag;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// What another request could have been answered differently by.
const VARY: HeaderValue =
    HeaderValue::from_static("accept-encoding, authorization, x-api-key, sports-edge-position");

/// What of a request its response depends on.
pub(super) struct Asked {
    is_head: bool,
    pub(super) coding: Coding,
    known: Option<HeaderValue>,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        Self::by(request.method(), request.headers())
    }

    pub(super) fn by(method: &Method, headers: &HeaderMap) -> Self {
        Self {
            is_head: *method == Method::HEAD,
            coding: Coding::accepted(headers),
            known: headers.get(header::IF_NONE_MATCH).cloned(),
        }
    }
}

/// An answer, and how it came.
pub(super) struct Given<'a> {
    pub(super) answer: &'a Answer,
    pub(super) age: Duration,
    pub(super) tier: Tier,
    pub(super) is_stale: bool,
}

impl<'a> Given<'a> {
    pub(super) fn of(hit: &'a Hit<Answer>) -> Self {
        Self {
            answer: hit,
            age: hit.age(),
            tier: hit.tier(),
            is_stale: hit.is_stale(),
        }
    }
}

/// The response to a request.
pub(super) fn with(given: &Given<'_>, asked: &Asked, cache_control: HeaderValue) -> Response {
    let answer = given.answer;
    let plain = answer.variant(Coding::Identity);
    let known = asked.known.as_ref();
    let known = known.and_then(|it| find_tag(it, bare(&plain.etag)));
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    // With those that every answer has.
    headers.reserve(20);
    headers.insert(header::CACHE_CONTROL, cache_control);
    headers.insert(header::VARY, VARY);
    headers.insert(header::AGE, HeaderValue::from(given.age.as_secs()));
    headers.insert(SERVER_TIMING, tier(given));
    if let Some(tag) = known {
        headers.insert(header::ETAG, tag);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let variant = answer.variant(asked.coding);
    headers.insert(header::ETAG, variant.etag.clone());
    headers.insert(header::CONTENT_TYPE, answer.content_type.clone());
    headers.insert(
        header::CONTENT_LENGTH,
        HeaderValue::from(variant.body.len()),
    );
    if let Some(coding) = variant.coding.header() {
        headers.insert(header::CONTENT_ENCODING, coding);
    }
    if !asked.is_head {
        *response.body_mut() = Body::from(variant.body.clone());
    }
    response
}

/// Which tier answered, for people who look at a request's timing.
fn tier(given: &Given<'_>) -> HeaderValue {
    HeaderValue::from_static(match (given.tier, given.is_stale) {
        (_, true) => "cache;desc=stale",
        (Tier::Front | Tier::Memory, _) => "cache;desc=memory",
        (Tier::Shared, _) => "cache;desc=shared",
        (Tier::Loader, _) => "cache;desc=loader",
    })
}
