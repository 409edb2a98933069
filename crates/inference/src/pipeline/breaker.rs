//! Leaves a version alone for a while once it failed so many times in a row, then lets one request
//! try.
//!
//! A try that says nothing of the version, its caller gone or its rows bad, gives its turn to the
//! next. What is known is known of a content: another file begins anew.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Breaker, ContentHash, histogram::nanoseconds};

/// How a version has been doing.
#[derive(Debug)]
pub(crate) struct BreakerState {
    born: Instant,
    /// The beginning of the content's hash.
    of: AtomicU64,
    in_a_row: AtomicU32,
    closed_until_ns: AtomicU64,
}

/// The turn of the one request that tries.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    breaker: &'a BreakerState,
    until_ns: u64,
    in_a_row: u32,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let breaker = self.breaker;
        if breaker.in_a_row.load(Ordering::Acquire) == self.in_a_row {
            // Where it is another's turn by now, that one stays.
            let _ = breaker.closed_until_ns.compare_exchange(
                self.until_ns,
                0,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
        }
    }
}

impl BreakerState {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            born: now,
            of: AtomicU64::new(0),
            in_a_row: AtomicU32::new(0),
            closed_until_ns: AtomicU64::new(0),
        }
    }

    /// Whether it is open for a content.
    pub(crate) fn is_open(&self, settings: &Breaker, content: &ContentHash) -> bool {
        self.is_of(content) && self.has_failed(settings)
    }

    fn is_of(&self, content: &ContentHash) -> bool {
        self.of.load(Ordering::Relaxed) == beginning(content)
    }

    fn has_failed(&self, settings: &Breaker) -> bool {
        settings.failures > 0 && self.in_a_row.load(Ordering::Relaxed) >= settings.failures
    }

    /// Lets a request in, as the one that tries where it is open, or says when to come again.
    pub(super) fn enter(
        &self,
        settings: &Breaker,
        content: &ContentHash,
        now: impl FnOnce() -> Instant,
    ) -> Result<Option<Turn<'_>>, Duration> {
        if !self.is_of(content) {
            self.of.store(beginning(content), Ordering::Relaxed);
            self.in_a_row.store(0, Ordering::Release);
            self.closed_until_ns.store(0, Ordering::Release);
        }
        if !self.has_failed(settings) {
            return Ok(None);
        }
        let in_a_row = self.in_a_row.load(Ordering::Acquire);
        let now_ns = nanoseconds(now().duration_since(self.born));
        let until = self.closed_until_ns.load(Ordering::Acquire);
        if now_ns < until {
            return Err(Duration::from_nanos(until - now_ns));
        }
        let open = Duration::from_millis(settings.open_ms);
        let until_ns = now_ns.saturating_add(nanoseconds(open));
        self.closed_until_ns
            .compare_exchange(until, until_ns, Ordering::AcqRel, Ordering::Acquire)
            .map_err(|_| open)?;
        Ok(Some(Turn {
            breaker: self,
            until_ns,
            in_a_row,
        }))
    }

    /// Closes it.
    pub(super) fn succeeded(&self) {
        if self.in_a_row.load(Ordering::Relaxed) != 0 {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// Counts a failure, unless another content has taken its place.
    pub(super) fn failed(&self, settings: &Breaker, content: &ContentHash, now: Instant) {
        if !self.is_of(content) {
            return;
        }
        let now = now.duration_since(self.born);
        let until = now + Duration::from_millis(settings.open_ms);
        self.closed_until_ns
            .store(nanoseconds(until), Ordering::Release);
        self.in_a_row.fetch_add(1, Ordering::AcqRel);
    }
}

/// What tells one content from another without a lock.
fn beginning(content: &ContentHash) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = content.0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
