//! Leaves a version alone for a while once it failed so many times in a row, then lets one request
//! try.
//!
//! A try that never ends (its caller left) blocks nobody: after another while the next may try.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Breaker, histogram::nanoseconds};

/// How a version has been doing.
#[derive(Debug)]
pub(crate) struct BreakerState {
    born: Instant,
    in_a_row: AtomicU32,
    closed_until_ns: AtomicU64,
}

impl BreakerState {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            born: now,
            in_a_row: AtomicU32::new(0),
            closed_until_ns: AtomicU64::new(0),
        }
    }

    /// Whether it is open.
    pub(crate) fn is_open(&self, settings: &Breaker) -> bool {
        settings.failures > 0 && self.in_a_row.load(Ordering::Relaxed) >= settings.failures
    }

    /// Lets a request in, or says when to come again.
    pub(super) fn enter(&self, settings: &Breaker, now: Instant) -> Result<(), Duration> {
        if !self.is_open(settings) {
            return Ok(());
        }
        let now = nanoseconds(now.duration_since(self.born));
        let until = self.closed_until_ns.load(Ordering::Acquire);
        if now < until {
            return Err(Duration::from_nanos(until - now));
        }
        let open = Duration::from_millis(settings.open_ms);
        self.closed_until_ns
            .compare_exchange(
                until,
                now.saturating_add(nanoseconds(open)),
                Ordering::AcqRel,
                Ordering::Acquire,
            )
            .map(drop)
            .map_err(|_| open)
    }

    /// Closes it.
    pub(super) fn succeeded(&self) {
        if self.in_a_row.load(Ordering::Relaxed) != 0 {
            self.in_a_row.store(0, Ordering::Relaxed);
        }
    }

    /// Counts a failure; the number in a row.
    pub(super) fn failed(&self, settings: &Breaker, now: Instant) -> u32 {
        let now = now.duration_since(self.born);
        let until = now + Duration::from_millis(settings.open_ms);
        self.closed_until_ns
            .store(nanoseconds(until), Ordering::Release);
        self.in_a_row.fetch_add(1, Ordering::AcqRel) + 1
    }
}
