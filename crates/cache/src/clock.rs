//! The time by which ages are told: monotonic, in milliseconds since the cache was made.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// What the clock shows when it is made: more than the greatest age, for entries that other
/// processes made are older than it.
const BEGINNING_MS: u64 = 1 << 33;

/// What is lost by rounding.
const ROUNDED_MS: u64 = 2;

/// Where the time comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Clock {
    /// The kernel's coarse monotonic clock, at most ten milliseconds behind; reading it costs some
    /// nanoseconds.
    Coarse { origin_ms: u64 },
    /// The runtime's clock, which tests can stop and move.
    Runtime { origin: tokio::time::Instant },
}

impl Clock {
    pub(crate) fn coarse() -> Self {
        Self::Coarse {
            origin_ms: coarse_ms(),
        }
    }

    pub(crate) fn runtime() -> Self {
        Self::Runtime {
            origin: tokio::time::Instant::now(),
        }
    }

    /// Milliseconds since the clock was made, and then some.
    #[inline]
    pub(crate) fn now_ms(&self) -> u64 {
        let since = match self {
            Self::Coarse { origin_ms } => coarse_ms() - origin_ms,
            Self::Runtime { origin } => {
                u64::try_from(origin.elapsed().as_millis()).unwrap_or(u64::MAX >> 1)
            }
        };
        BEGINNING_MS + since
    }

    /// The same, and not behind: where the processor that moves the coarse clock on is taken away,
    /// that stands still for longer than a lease may be wrong.
    pub(crate) fn exact_ms(&self) -> u64 {
        match self {
            Self::Coarse { origin_ms } => {
                BEGINNING_MS + monotonic_ms(ClockId::Monotonic) - origin_ms
            }
            Self::Runtime { .. } => self.now_ms(),
        }
    }

    /// What the exact clock shows at `instant` or a little earlier, never later.
    pub(crate) fn at(&self, instant: Instant) -> u64 {
        let left = instant.saturating_duration_since(Instant::now());
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX >> 1);
        (self.exact_ms() + left).saturating_sub(ROUNDED_MS)
    }
}

#[inline]
fn coarse_ms() -> u64 {
    monotonic_ms(ClockId::MonotonicCoarse)
}

#[inline]
fn monotonic_ms(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    // A monotonic clock is never below zero, nor are nanoseconds.
    now.tv_sec.unsigned_abs() * 1_000 + now.tv_nsec.unsigned_abs() / 1_000_000
}

/// The time between two readings.
pub(crate) fn between(earlier_ms: u64, later_ms: u64) -> Duration {
    Duration::from_millis(later_ms.saturating_sub(earlier_ms))
}
