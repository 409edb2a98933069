//! Conditional reads: a strong entity tag of the body, and 304 where the client has it already.

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

use crate::error::ApiError;

/// Codings whose name ends the entity tag of a compressed answer.
const CODINGS: [&str; 2] = ["br", "gzip"];
/// A client may keep an answer but must ask whether it still holds.
const KEEP_AND_ASK: HeaderValue = HeaderValue::from_static("private, no-cache");

/// Tags answers of reads by their content and leaves out the body of one the client has.
///
/// The tag is a digest of the body, so it is right whatever the answer was made from.
pub(crate) async fn conditional(request: Request, next: Next) -> Result<Response, ApiError> {
    let read = request.method() == Method::GET || request.method() == Method::HEAD;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if !read || response.status() != StatusCode::OK {
        return Ok(response);
    }
    if response.body().size_hint().exact().is_none() {
        return Ok(response); // A stream has no end to hash.
    }
    let (mut parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await;
    let bytes = bytes.map_err(|_| ApiError::Unexplained(StatusCode::INTERNAL_SERVER_ERROR))?;
    let tag = tag(&bytes);
    parts
        .headers
        .entry(header::CACHE_CONTROL)
        .or_insert(KEEP_AND_ASK);
    if let Some(matched) = known.as_ref().and_then(|it| find_tag(it, &tag)) {
        parts.headers.insert(header::ETAG, matched);
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Ok((StatusCode::NOT_MODIFIED, parts.headers).into_response());
    }
    let tag = HeaderValue::from_str(&format!("\"{tag}\"")).expect("hex is visible ASCII");
    parts.headers.insert(header::ETAG, tag);
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// The first 16 bytes of the body's SHA-256, in hex.
pub(crate) fn tag(bytes: &[u8]) -> String {
    Sha256::digest(bytes)[..16]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The tag of a list the client sent that names this content, in any coding.
pub(crate) fn find_tag(list: &HeaderValue, tag: &str) -> Option<HeaderValue> {
    let list = list.to_str().ok()?;
    let matching = list.split(',').map(str::trim).find(|given| {
        let bare = given.strip_prefix("W/").unwrap_or(given).trim_matches('"');
        let coding = bare.strip_prefix(tag);
        *given == "*"
            || coding == Some("")
            || coding
                .and_then(|it| it.strip_prefix('-'))
                .is_some_and(|it| CODINGS.contains(&it))
    })?;
    let named = if matching == "*" {
        format!("\"{tag}\"")
    } else {
        matching.to_owned()
    };
    HeaderValue::from_str(&named).ok()
}

/// Gives a compressed answer a tag of its own, since its bytes are others.
pub(crate) fn name_encoding_in_etag(headers: &mut HeaderMap) {
    let (Some(coding), Some(tag)) = (
        headers.get(header::CONTENT_ENCODING),
        headers.get(header::ETAG),
    ) else {
        return;
    };
    let (Ok(coding), Ok(tag)) = (coding.to_str(), tag.to_str()) else {
        return;
    };
    let Some(open) = tag.strip_suffix('"') else {
        return;
    };
    let named = open
        .strip_suffix(coding)
        .is_some_and(|it| it.ends_with('-'));
    if !named && CODINGS.contains(&coding) {
        let tag = HeaderValue::from_str(&format!("{open}-{coding}\""));
        headers.insert(header::ETAG, tag.expect("both parts are header values"));
    }
}
