//! What a client wrote is what it reads next, whichever process and whichever copy of the database
//! answers: an answer to a write carries a position, a read that sends it back sees that write.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use engine::{Engine, chain};

use crate::{ApiState, error::ApiError, problem::FieldError};

/// Names the position, in answers to writes and in requests.
pub(crate) const POSITION: HeaderName = HeaderName::from_static("sports-edge-position");

/// Has the engine see what the client has seen before anything is answered.
pub(crate) async fn honour(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if let Some(position) = asked(request.headers())? {
        state.engine.see(position).await?;
    }
    Ok(next.run(request).await)
}

/// Tells the client a position at which what it wrote is there.
///
/// The write is done: an answer that cannot be given a position is an answer still.
pub(crate) async fn tell(engine: &Engine, response: &mut Response) {
    match engine.position().await {
        Ok(position) => put(position, response),
        Err(error) => tracing::warn!(
            error = chain(&error),
            "a write is answered without a position"
        ),
    }
}

/// Says at which position what the client wrote is there.
pub(crate) fn put(position: u64, response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(POSITION, HeaderValue::from(position));
}

/// The position a request brings, where it brings one.
fn asked(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let mut all = headers.get_all(POSITION).iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    let digits = value.as_bytes();
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let text = value.to_str().ok().filter(|_| is_number);
    let position = text.and_then(|it| it.parse().ok());
    let bad = || {
        let detail = "a position is one number, as an answer to a write gave it";
        ApiError::BadHeader(FieldError::of_header(POSITION.as_str(), detail))
    };
    match all.next() {
        None => position.map(Some).ok_or_else(bad),
        Some(_) => Err(bad()),
    }
}
