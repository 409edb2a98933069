//! Writes that happen once: the same `Idempotency-Key` gives the first answer again.
//!
//! Only successes are kept. A refused or failed request gives its claim up, so that a corrected
//! one may use the key. A write goes on when its client hangs up ([`crate::guard::admit`]), so that
//! the repeat has its answer. A claim without an answer loses its place after a minute: of a server
//! that ended between the commit of a write and the note of its answer, which
//! are two transactions. The write is then done again as of the time of the first: the same entries
//! change nothing, quotes that said no time too. What has no key of its own to be known again by, as
//! a rule that watches games, keeps the digest of the request that made it.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::{Engine, IdempotencyClaim, IdempotencyRecord, RequestDigest, chain};
use jiff::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::{auth::Writer, error::ApiError, extract::JsonBody, position, problem::FieldError};

const HEADER: &str = "idempotency-key";
const KEY_LEN_MAX: usize = 255;

/// What a write answers.
pub(crate) trait Answer: Serialize {
    /// The position at which what was written is there, where the write itself learned it.
    fn position(&self) -> Option<u64> {
        None
    }
}

/// As what a write is carried out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// When the request came, or the first with its key of which nobody knows how it ended.
    pub at: Timestamp,
    /// Names the request, where it has a key: the same again has the same name.
    pub request: Option<RequestDigest>,
}

/// Runs `write` unless a request with the same key was answered before; the answer says by which
/// position the write is there.
pub(crate) async fn once<T: Answer, W: Future<Output = Result<T, ApiError>>>(
    engine: &Engine,
    writer: &Writer,
    route: &str,
    body: &JsonBody,
    write: impl FnOnce(Asked) -> W,
) -> Result<Response, ApiError> {
    let (mut answer, position) = answered(engine, writer, route, body, write).await?;
    match position {
        Some(position) => position::put(position, &mut answer),
        None => position::tell(engine, &mut answer).await,
    }
    Ok(answer)
}

async fn answered<T: Answer, W: Future<Output = Result<T, ApiError>>>(
    engine: &Engine,
    writer: &Writer,
    route: &str,
    body: &JsonBody,
    write: impl FnOnce(Asked) -> W,
) -> Result<(Response, Option<u64>), ApiError> {
    let Some(key) = key(&body.headers)? else {
        let (at, request) = (engine.now(), None);
        let answer = write(Asked { at, request }).await?;
        let text = serde_json::to_vec(&answer)?;
        return Ok((json(StatusCode::OK, text), answer.position()));
    };
    let record = IdempotencyRecord {
        principal: writer.principal.clone(),
        route: route.to_owned(),
        key,
        fingerprint: fingerprint(body),
        at: engine.now(),
    };
    let at = match engine.claim_idempotency(&record).await? {
        IdempotencyClaim::New { since } => since,
        IdempotencyClaim::InProgress => return Err(ApiError::IdempotencyInProgress),
        IdempotencyClaim::Mismatch => return Err(ApiError::IdempotencyMismatch),
        IdempotencyClaim::Done { status, body } => {
            return Ok((replay(status, body), None));
        }
    };
    let request = Some(digest(&record));
    match write(Asked { at, request }).await {
        Ok(answer) => {
            let text = serde_json::to_vec(&answer)?;
            let kept = (StatusCode::OK.as_u16(), text.clone());
            engine.finish_idempotency(&record, Some(kept)).await?;
            Ok((json(StatusCode::OK, text), answer.position()))
        }
        Err(error) => {
            if let Err(lost) = engine.finish_idempotency(&record, None).await {
                // It loses its place by itself; why the write was refused is worth more.
                tracing::warn!(error = chain(&lost), "a claim cannot be given up");
            }
            Err(error)
        }
    }
}

/// What tells one request with a key from another: its body and its query.
fn fingerprint(body: &JsonBody) -> [u8; 32] {
    let mut digest = Sha256::new_with_prefix(&body.bytes);
    if let Some(query) = &body.query {
        // No JSON has this byte.
        digest.update([0]);
        digest.update(query);
    }
    digest.finalize().into()
}

/// What names a request: who sent what where with which key.
fn digest(record: &IdempotencyRecord) -> RequestDigest {
    let mut digest = Sha256::new();
    for part in [&record.principal, &record.route, &record.key] {
        digest.update(part);
        // No part has this byte.
        digest.update([0]);
    }
    digest.update(record.fingerprint);
    digest.finalize().into()
}

/// The request's idempotency key, where it has one.
fn key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let text = value.to_str().ok().filter(|it| {
        (1..=KEY_LEN_MAX).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let bad = || {
        let detail = "an idempotency key has 1 to 255 visible ASCII characters";
        ApiError::BadHeader(FieldError::of_header(HEADER, detail))
    };
    text.map(|it| Some(it.to_owned())).ok_or_else(bad)
}

fn replay(status: u16, body: Vec<u8>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    let mut response = json(status, body);
    let yes = HeaderValue::from_static("true");
    response.headers_mut().insert("idempotent-replayed", yes);
    response
}

fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
