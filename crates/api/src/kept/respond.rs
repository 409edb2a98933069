//! A kept answer as a response: whole, or only the word that the client has it.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    response::Response,
};
use engine::caching::{Hit, Tier};

use super::answer::{Answer, Coding};
use crate::guard::find_tag;

const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
/// What another request could have been answered differently by.
const VARY: HeaderValue =
    HeaderValue::from_static("accept-encoding, authorization, x-api-key, sports-edge-position");

/// The response to a request (its method and headers).
pub(super) fn with(
    hit: &Hit<Answer>,
    (method, asked): &(Method, HeaderMap),
    cache_control: HeaderValue,
) -> Response {
    let variant = hit.variant(Coding::accepted(asked));
    let plain = hit.variant(Coding::Identity);
    let known = asked.get(header::IF_NONE_MATCH);
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
    if *method != Method::HEAD {
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
