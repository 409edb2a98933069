//! What the cache counts.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::{Inner, Slot, lock};

/// Counters, kept where the work is done.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Leases given; its value is also the clock of recency.
    pub(super) uses: AtomicU64,
    /// Of these, leases that were not there at once.
    pub(super) waited: AtomicU64,
    pub(super) misses: AtomicU64,
    pub(super) loads: AtomicU64,
    pub(super) load_failures: AtomicU64,
    pub(super) load_ns: AtomicU64,
    pub(super) evictions: AtomicU64,
}

/// What the cache did and holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CacheFigures {
    /// Loads that succeeded.
    pub loads: u64,
    /// Loads that failed.
    pub load_failures: u64,
    /// Time spent loading, failures included.
    pub load_time: Duration,
    /// Leases given on what was in memory.
    pub hits: u64,
    /// Leases asked for on what was not.
    pub misses: u64,
    /// Versions evicted to make room.
    pub evictions: u64,
    /// Bytes held, by versions in use that were already replaced or unloaded too.
    pub bytes: u64,
    /// Bytes that may be held.
    pub budget_bytes: u64,
    /// Versions in memory.
    pub resident: u64,
    /// Of these, versions with a lease out.
    pub in_use: u64,
}

impl Inner {
    /// Notes a use that had to wait for its lease.
    pub(super) fn used_after_wait(&self, slot: &Slot) {
        self.counts.waited.fetch_add(1, Ordering::Relaxed);
        slot.touch(self.counts.uses.fetch_add(1, Ordering::Relaxed));
    }

    pub(super) fn figures(&self) -> CacheFigures {
        let get = |it: &AtomicU64| it.load(Ordering::Relaxed);
        let counts = &self.counts;
        let residents: Vec<_> = lock(&self.residents)
            .iter()
            .filter_map(|slot| slot.resident())
            .collect();
        let in_use = residents.iter().filter(|it| it.in_use() > 0).count();
        CacheFigures {
            loads: get(&counts.loads),
            load_failures: get(&counts.load_failures),
            load_time: Duration::from_nanos(get(&counts.load_ns)),
            hits: get(&counts.uses).saturating_sub(get(&counts.waited)),
            misses: get(&counts.misses),
            evictions: get(&counts.evictions),
            bytes: self.bytes.load(Ordering::Acquire),
            budget_bytes: self.options.budget_bytes,
            resident: residents.len() as u64,
            in_use: in_use as u64,
        }
    }
}
