//! A kept answer as a response: whole, or only the word that the client has it.

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use engine::caching::{Hit, Tier};

use super::answer::{Answer, Coding};
use crate::guard::find_tag;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// What another request could have been answered differently by.
const VARY: HeaderValue =
    HeaderValue::from_static("accept-encoding, authorization, x-api-key, sports-edge-position");

/// What of a request its response depends on.
pub(super) struct Asked {
    is_head: bool,
    coding: Coding,
    known: Option<HeaderValue>,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let headers = request.headers();
        Self {
            is_head: *request.method() == Method::HEAD,
            coding: Coding::accepted(headers),
            known: headers.get(header::IF_NONE_MATCH).cloned(),
        }
    }
}

/// The response to a request.
pub(super) fn with(hit: &Hit<Answer>, asked: &Asked, cache_control: HeaderValue) -> Response {
    let variant = hit.variant(asked.coding);
    let plain = hit.variant(Coding::Identity);
    let known = asked.known.as_ref();
    let known = known.and_then(|it| find_tag(it, bare(&plain.etag)));
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.reserve(10);
    headers.insert(header::CACHE_CONTROL, cache_control);
    headers.insert(header::VARY, VARY);
    headers.insert(header::AGE, HeaderValue::from(hit.age().as_secs()));
    headers.insert(SERVER_TIMING, tier(hit));
    if let Some(tag) = known {
        headers.insert(header::ETAG, tag);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::ETAG, variant.etag.clone());
    headers.insert(header::CONTENT_TYPE, hit.content_type.clone());
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
fn tier(hit: &Hit<Answer>) -> HeaderValue {
    HeaderValue::from_static(match (hit.tier(), hit.is_stale()) {
        (_, true) => "cache;desc=stale",
        (Tier::Front | Tier::Memory, _) => "cache;desc=memory",
        (Tier::Shared, _) => "cache;desc=shared",
        (Tier::Loader, _) => "cache;desc=loader",
    })
}

/// A tag without its quotes.
fn bare(tag: &HeaderValue) -> &str {
    let text = tag.to_str().expect("a tag of ours is ASCII");
    text.trim_matches('"')
}
