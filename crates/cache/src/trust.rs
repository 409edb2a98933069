//! Whether memory may be believed: always where it stands alone; beside a shared tier only while its
//! bus proves that no change was missed, or somebody vouches for memory while that tier is away.

use std::sync::atomic::{AtomicU64, Ordering};

/// Beyond every time there is.
const ALWAYS: u64 = u64::MAX;

/// The bus is lost, as opposed to late.
const LOST: u64 = 0;

/// Until when memory may be believed, by the clock of ages.
#[derive(Debug)]
pub(crate) struct Trust {
    bus_ms: AtomicU64,
    vouched_ms: AtomicU64,
}

impl Trust {
    /// Of a memory that stands alone.
    pub(crate) const fn alone() -> Self {
        Self {
            bus_ms: AtomicU64::new(ALWAYS),
            vouched_ms: AtomicU64::new(0),
        }
    }

    /// Whether memory holds nothing at `now_ms`, by the exact clock, that a change acknowledged before has outdated, once
    /// it is judged by the versions **after** this.
    pub(crate) fn holds(&self, now_ms: impl FnOnce() -> u64) -> bool {
        let until_ms = match self.bus_ms.load(Ordering::Acquire) {
            ALWAYS => return true,
            LOST => self.vouched_ms.load(Ordering::Acquire),
            bus_ms => bus_ms,
        };
        now_ms() < until_ms
    }

    /// The bus proves it until then.
    pub(crate) fn prove(&self, until_ms: u64) {
        self.bus_ms.store(until_ms.max(1), Ordering::Release);
    }

    /// The bus is lost.
    pub(crate) fn lose(&self) {
        self.bus_ms.store(LOST, Ordering::Release);
    }

    /// Somebody vouches for it until then, which counts while the bus is lost.
    pub(crate) fn vouch(&self, until_ms: u64) {
        self.vouched_ms.fetch_max(until_ms, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_memory_alone_is_believed() {
        assert!(Trust::alone().holds(|| unreachable!("no clock is asked")));
    }

    #[test]
    fn a_proof_ends_and_a_voucher_counts_only_while_the_bus_is_lost() {
        let trust = Trust::alone();
        let holds = |now_ms| trust.holds(|| now_ms);
        trust.prove(10);
        assert!(holds(9) && !holds(10));
        trust.vouch(20);
        assert!(!holds(10), "late is not lost");
        trust.lose();
        assert!(holds(19) && !holds(20));
        trust.prove(30);
        assert!(holds(29));
    }
}
