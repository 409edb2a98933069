//! How long things took: buckets that double in width, four to each doubling, in fixed memory.
//!
//! A quantile is at most an eighth off. Counting takes two additions and no lock.

use std::{
    array,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

/// Steps within a doubling.
const STEPS: u64 = 4;
/// From 1 ns to beyond an hour.
const BUCKETS: usize = PARTS * PART;
/// Buckets come into memory by parts: one version's times lie close together, and versions are many.
const PARTS: usize = 14;
const PART: usize = 12;

/// Where times are told apart for others, ns: every second doubling from a microsecond on.
pub(crate) const EDGES: [u64; 13] = {
    let mut edges = [1 << 10; 13];
    let mut at = 1;
    while at < edges.len() {
        edges[at] = edges[at - 1] * 4;
        at += 1;
    }
    edges
};

/// Times as others count them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct HistogramView {
    /// Times below each of [`EDGES`].
    pub(crate) below: [u64; EDGES.len()],
    /// All times.
    pub(crate) count: u64,
    /// Their sum.
    pub(crate) sum_ns: u64,
}

/// Times counted by how long they were.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    parts: [OnceLock<Box<[AtomicU64; PART]>>; PARTS],
    sum_ns: AtomicU64,
}

impl Histogram {
    /// Counts a time.
    pub(crate) fn add(&self, time: Duration) {
        let ns = nanoseconds(time);
        let bucket = bucket(ns);
        let part = self.parts[bucket / PART].get_or_init(Box::default);
        part[bucket % PART].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    fn counts(&self) -> [u64; BUCKETS] {
        array::from_fn(|bucket| {
            let part = self.parts[bucket / PART].get();
            part.map_or(0, |it| it[bucket % PART].load(Ordering::Relaxed))
        })
    }

    /// All times together.
    pub(crate) fn sum_ns(&self) -> u64 {
        self.sum_ns.load(Ordering::Relaxed)
    }

    /// Times as others count them.
    pub(crate) fn view(&self) -> HistogramView {
        let mut view = HistogramView::default();
        let counts = self.counts();
        for (below, edge) in view.below.iter_mut().zip(EDGES) {
            *below = counts[..bucket(edge)].iter().sum();
        }
        view.count = counts.iter().sum();
        view.sum_ns = self.sum_ns();
        view
    }

    /// Quantiles in microseconds; zero where nothing was counted.
    pub(crate) fn quantiles_us<const N: usize>(&self, wanted: [f64; N]) -> [f64; N] {
        let counts = self.counts();
        let total: u64 = counts.iter().sum();
        wanted.map(|share| {
            let rank = (share * total as f64).ceil().max(1.0) as u64;
            let mut below = 0;
            for (index, count) in counts.iter().enumerate() {
                below += count;
                if below >= rank {
                    return middle_ns(index) / 1_000.0;
                }
            }
            0.0
        })
    }
}

/// A time in whole nanoseconds, as long as a counter can hold.
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn bucket(ns: u64) -> usize {
    if ns < STEPS {
        return ns as usize;
    }
    let doubling = u64::from(ns.ilog2()) - 2;
    let step = (ns >> doubling) & (STEPS - 1);
    (((doubling + 1) * STEPS + step) as usize).min(BUCKETS - 1)
}

fn middle_ns(index: usize) -> f64 {
    let index = index as u64;
    if index < STEPS {
        return index as f64;
    }
    let width = (1_u64 << (index / STEPS - 1)) as f64;
    let start = (STEPS + index % STEPS) as f64 * width;
    start + width / 2.0
}

#[cfg(test)]
mod tests;
