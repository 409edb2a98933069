//! What each kind has done, counted by tier.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Where an answer came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tier {
    /// The calling thread's own few entries.
    Front,
    /// The memory of the process.
    Memory,
    /// The tier that replicas share.
    Shared,
    /// The caller's loader, or that of another caller who asked at the same time.
    Loader,
}

impl Tier {
    /// The word for logs and headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Memory => "memory",
            Self::Shared => "shared",
            Self::Loader => "loader",
        }
    }
}

/// A counter that threads add to.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, count: u64) {
        self.0.fetch_sub(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counters of the most frequent things, which one thread adds to and others read: no two threads
/// write the same memory.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Strand {
    front_hits: AtomicU64,
    memory_hits: AtomicU64,
    saved_us: AtomicU64,
}

/// Adds for the only thread that does.
fn add_alone(counter: &AtomicU64, count: u64) {
    let sum = counter.load(Ordering::Relaxed) + count;
    counter.store(sum, Ordering::Relaxed);
}

impl Strand {
    #[inline]
    pub(crate) fn front_hit(&self, cost_us: u32) {
        add_alone(&self.front_hits, 1);
        add_alone(&self.saved_us, u64::from(cost_us));
    }

    pub(crate) fn memory_hit(&self, cost_us: u32) {
        add_alone(&self.memory_hits, 1);
        add_alone(&self.saved_us, u64::from(cost_us));
    }
}

/// The counters of a kind.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Of the threads that are there; added to the counters here when they end.
    strands: Mutex<Vec<Arc<Strand>>>,
    pub(crate) front_hits: Counter,
    pub(crate) memory_hits: Counter,
    pub(crate) shared_hits: Counter,
    pub(crate) joined: Counter,
    pub(crate) misses: Counter,
    pub(crate) stale: Counter,
    pub(crate) loads: Counter,
    pub(crate) failures: Counter,
    pub(crate) outdated: Counter,
    pub(crate) mismatches: Counter,
    pub(crate) load_us: Counter,
    pub(crate) saved_us: Counter,
    pub(crate) evictions: Counter,
    pub(crate) invalidations: Counter,
    pub(crate) entries: Counter,
    pub(crate) bytes: Counter,
}

/// What a kind has done since the cache was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindStatistics {
    /// The kind's name.
    pub kind: String,
    /// Fresh answers from the calling thread's own entries.
    pub front_hits: u64,
    /// Fresh answers from memory.
    pub memory_hits: u64,
    /// Values taken from the shared tier instead of the loader.
    pub shared_hits: u64,
    /// Callers who got the outcome of a load that another one began.
    pub joined: u64,
    /// Calls that found nothing fresh in memory.
    pub misses: u64,
    /// Stale answers.
    pub stale: u64,
    /// Loads begun.
    pub loads: u64,
    /// Loads that failed, panicked, were cancelled or took too long.
    pub failures: u64,
    /// Loaded values that were not kept, for something had changed meanwhile.
    pub outdated: u64,
    /// Values of the shared tier that could not be decoded.
    pub mismatches: u64,
    /// Time that loads took.
    pub load_time: Duration,
    /// Time that loads would have taken where memory or the shared tier answered.
    pub time_saved: Duration,
    /// Values dropped for want of room.
    pub evictions: u64,
    /// Values found to be invalidated.
    pub invalidations: u64,
    /// Values held, those still in the hands of readers included.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl KindStatistics {
    /// The share of calls that were answered without a load, 0 where there were none.
    pub fn hit_ratio(&self) -> f64 {
        let hits = self.front_hits + self.memory_hits;
        let asked = hits + self.misses;
        match asked {
            0 => 0.0,
            _ => hits as f64 / asked as f64,
        }
    }
}

impl Tally {
    /// Counts a fresh answer that spared a load of `cost_us` microseconds.
    pub(crate) fn hit(&self, tier: Tier, cost_us: u32) {
        match tier {
            Tier::Front => self.front_hits.add(1),
            Tier::Memory => self.memory_hits.add(1),
            Tier::Shared => self.shared_hits.add(1),
            Tier::Loader => self.joined.add(1),
        }
        self.saved_us.add(u64::from(cost_us));
    }

    /// Counters for the calling thread alone, until [`Self::cut`].
    pub(crate) fn spin(&self) -> Arc<Strand> {
        let strand = Arc::new(Strand::default());
        self.strands().push(Arc::clone(&strand));
        strand
    }

    /// Takes over what a thread counted that ends.
    pub(crate) fn cut(&self, strand: &Arc<Strand>) {
        let mut strands = self.strands();
        strands.retain(|it| !Arc::ptr_eq(it, strand));
        let last = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        self.front_hits.add(last(&strand.front_hits));
        self.memory_hits.add(last(&strand.memory_hits));
        self.saved_us.add(last(&strand.saved_us));
    }

    fn strands(&self) -> MutexGuard<'_, Vec<Arc<Strand>>> {
        self.strands
            .lock()
            .expect("nothing panics with the strands")
    }

    pub(crate) fn read(&self, kind: &str) -> KindStatistics {
        // Held to the end, so that what a thread counted is not missed while it moves.
        let strands = self.strands();
        let spun = |counter: fn(&Strand) -> &AtomicU64| {
            let each = strands.iter().map(|it| counter(it).load(Ordering::Relaxed));
            each.sum::<u64>()
        };
        KindStatistics {
            kind: kind.to_owned(),
            front_hits: self.front_hits.get() + spun(|it| &it.front_hits),
            memory_hits: self.memory_hits.get() + spun(|it| &it.memory_hits),
            shared_hits: self.shared_hits.get(),
            joined: self.joined.get(),
            misses: self.misses.get(),
            stale: self.stale.get(),
            loads: self.loads.get(),
            failures: self.failures.get(),
            outdated: self.outdated.get(),
            mismatches: self.mismatches.get(),
            load_time: Duration::from_micros(self.load_us.get()),
            time_saved: Duration::from_micros(self.saved_us.get() + spun(|it| &it.saved_us)),
            evictions: self.evictions.get(),
            invalidations: self.invalidations.get(),
            entries: self.entries.get(),
            bytes: self.bytes.get(),
        }
    }
}
