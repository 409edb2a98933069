//! What becomes of a request that must happen once.

use jiff::{SignedDuration, Timestamp};

use crate::code::{corrupt, micros};
use crate::{IdempotencyClaim, IdempotencyRecord, StoreError};

/// How long an answer is remembered.
const ANSWER_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How long a request may be at work before another may take its place.
const WORK_MAX: SignedDuration = SignedDuration::from_mins(1);

/// The first request: fingerprint, status and body, when it came, and when the first of those came
/// whose place it took.
pub(crate) type First = (Vec<u8>, Option<i64>, Option<Vec<u8>>, i64, Option<i64>);

/// What is to be done about a request.
pub(crate) enum Turn {
    /// It is carried out, as one that came then, in microseconds.
    Go(i64),
    /// It is told what became of the first.
    Told(IdempotencyClaim),
}

/// Before when claims are forgotten at `at`.
pub(crate) fn forgotten(at: Timestamp) -> i64 {
    before(at, ANSWER_KEPT)
}

fn before(at: Timestamp, span: SignedDuration) -> i64 {
    let before = at.saturating_sub(span);
    micros(before.expect("a fixed span never overflows"))
}

/// What the first request means to another with the same key. One that has been at work for too long
/// was perhaps carried out, by a server that ended before it could say so: the same request, sent
/// again, is then carried out as of the first one's time, so that what it writes is the same.
pub(crate) fn turn(first: Option<First>, record: &IdempotencyRecord) -> Result<Turn, StoreError> {
    let now = micros(record.at);
    let Some((fingerprint, status, body, at, since)) = first else {
        return Ok(Turn::Go(now));
    };
    let is_same = fingerprint == record.fingerprint;
    Ok(match status {
        None if at < before(record.at, WORK_MAX) => Turn::Go(match is_same {
            true => since.unwrap_or(at),
            false => now,
        }),
        _ if !is_same => Turn::Told(IdempotencyClaim::Mismatch),
        None => Turn::Told(IdempotencyClaim::InProgress),
        Some(status) => Turn::Told(IdempotencyClaim::Done {
            status: u16::try_from(status).map_err(|_| corrupt("idempotency.status", status))?,
            body: body.unwrap_or_default(),
        }),
    })
}
