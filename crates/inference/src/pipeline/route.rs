//! Which version a request goes to.

use super::states::ModelState;
use crate::{InferRequest, InferenceError, Values, VersionRef, repository::ModelEntry};

/// The version asked for; a canary that was not stopped gets its share of what names none.
pub(super) fn version(
    entry: &ModelEntry,
    request: &InferRequest,
    state: &ModelState,
) -> Result<u64, InferenceError> {
    if let (VersionRef::Serving, Some(canary)) = (&request.version, &entry.canary)
        && !state.is_stopped(canary)
        && position(request) < canary.share
    {
        return Ok(canary.version);
    }
    entry.resolve(&request.version)
}

/// Where a request stands between 0 and 1: the same for the same key, or the same inputs.
fn position(request: &InferRequest) -> f64 {
    let mut hash = Fnv::default();
    match &request.key {
        Some(key) => hash.add(key.as_bytes()),
        None => request
            .inputs
            .iter()
            .for_each(|it| hash.add_values(&it.values)),
    }
    hash.position()
}

/// The same for the shadow, drawn anew, so that its share is not that of the canary.
pub(super) fn shadow_position(request: &InferRequest) -> f64 {
    let at = position(request).to_bits();
    mix(at ^ 0x5bd1_e995) as f64 / u64::MAX as f64
}

/// FNV-1a over eight bytes at a time, mixed at the end; fixed, so that shares outlive restarts.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn word(&mut self, word: u64) {
        self.0 = (self.0 ^ word)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(23);
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.word(u64::from(*byte));
        }
        self.word(bytes.len() as u64);
    }

    fn add_values(&mut self, values: &Values) {
        match values {
            Values::Bool(it) => it.iter().for_each(|it| self.word(u64::from(*it))),
            Values::Int64(it) => it.iter().for_each(|it| self.word(it.cast_unsigned())),
            Values::Uint64(it) => it.iter().for_each(|it| self.word(*it)),
            Values::Fp32(it) => it.iter().for_each(|it| self.word(u64::from(it.to_bits()))),
            Values::Fp64(it) => it.iter().for_each(|it| self.word(it.to_bits())),
            Values::Bytes(it) => it.iter().for_each(|it| self.add(it)),
        }
    }

    fn position(&self) -> f64 {
        mix(self.0) as f64 / u64::MAX as f64
    }
}

/// Spreads a number over all bits.
pub(super) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
