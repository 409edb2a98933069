//! What becomes of a request that must happen once.

use jiff::{SignedDuration, Timestamp};

use crate::code::{corrupt, micros};
use crate::{IdempotencyClaim, IdempotencyRecord, StoreError};

/// How long an answer is remembered.
const ANSWER_KEPT: SignedDuration = SignedDuration::from_hours(24);

/// How long a request may be at work before its claim is forgotten.
const WORK_MAX: SignedDuration = SignedDuration::from_mins(1);

/// Fingerprint, status and body of the first request.
pub(crate) type First = (Vec<u8>, Option<i64>, Option<Vec<u8>>);

/// Before when answers are forgotten at `at`, and before when unfinished claims are.
pub(crate) fn forgotten(at: Timestamp) -> [i64; 2] {
    [ANSWER_KEPT, WORK_MAX].map(|span| {
        let before = at.saturating_sub(span);
        micros(before.expect("a fixed span never overflows"))
    })
}

/// What the first request means to another with the same key.
pub(crate) fn seen(
    first: First,
    record: &IdempotencyRecord,
) -> Result<IdempotencyClaim, StoreError> {
    Ok(match first {
        (fingerprint, ..) if fingerprint != record.fingerprint => IdempotencyClaim::Mismatch,
        (_, Some(status), body) => IdempotencyClaim::Done {
            status: u16::try_from(status).map_err(|_| corrupt("idempotency.status", status))?,
            body: body.unwrap_or_default(),
        },
        (_, None, _) => IdempotencyClaim::InProgress,
    })
}
