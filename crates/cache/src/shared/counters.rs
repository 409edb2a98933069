//! Counts of the shared tier.

use std::sync::atomic::{AtomicU64, Ordering};

use super::types::SharedCounts;

/// The counts, as they are kept.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) gets: AtomicU64,
    pub(crate) hits: AtomicU64,
    pub(crate) outdated: AtomicU64,
    pub(crate) mismatches: AtomicU64,
    pub(crate) puts: AtomicU64,
    pub(crate) puts_outdated: AtomicU64,
    pub(crate) puts_full: AtomicU64,
    pub(crate) invalidations: AtomicU64,
    pub(crate) heard: AtomicU64,
    pub(crate) gaps: AtomicU64,
    pub(crate) forgets: AtomicU64,
    pub(crate) lapses: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) garbage: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
}

impl Counters {
    pub(crate) fn add(count: &AtomicU64) {
        Self::add_many(count, 1);
    }

    pub(crate) fn add_many(count: &AtomicU64, many: usize) {
        count.fetch_add(u64::try_from(many).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> SharedCounts {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        SharedCounts {
            gets: of(&self.gets),
            hits: of(&self.hits),
            outdated: of(&self.outdated),
            mismatches: of(&self.mismatches),
            puts: of(&self.puts),
            puts_outdated: of(&self.puts_outdated),
            puts_full: of(&self.puts_full),
            invalidations: of(&self.invalidations),
            heard: of(&self.heard),
            gaps: of(&self.gaps),
            forgets: of(&self.forgets),
            lapses: of(&self.lapses),
            connections: of(&self.connections),
            timeouts: of(&self.timeouts),
            garbage: of(&self.garbage),
            bytes_in: of(&self.bytes_in),
            bytes_out: of(&self.bytes_out),
        }
    }
}
