//! How long things took: buckets that double in width, four to each doubling, in fixed memory.
//!
//! A quantile is at most an eighth off. Counting takes two additions and no lock.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Steps within a doubling.
const STEPS: u64 = 4;
/// From 1 ns to beyond an hour.
const BUCKETS: usize = 168;

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
#[derive(Debug)]
pub(crate) struct Histogram {
    counts: [AtomicU64; BUCKETS],
    sum_ns: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; BUCKETS],
            sum_ns: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Counts a time.
    pub(crate) fn add(&self, time: Duration) {
        let ns = nanoseconds(time);
        self.counts[bucket(ns)].fetch_add(1, Ordering::Relaxed);
        self.sum_ns.fetch_add(ns, Ordering::Relaxed);
    }

    /// All times together.
    pub(crate) fn sum_ns(&self) -> u64 {
        self.sum_ns.load(Ordering::Relaxed)
    }

    /// Times as others count them.
    pub(crate) fn view(&self) -> HistogramView {
        let mut view = HistogramView::default();
        let mut counts = self.counts.iter().enumerate().peekable();
        for (below, edge) in view.below.iter_mut().zip(EDGES) {
            while let Some((_, count)) = counts.next_if(|(index, _)| *index < bucket(edge)) {
                view.count += count.load(Ordering::Relaxed);
            }
            *below = view.count;
        }
        let rest: u64 = counts.map(|(_, it)| it.load(Ordering::Relaxed)).sum();
        view.count += rest;
        view.sum_ns = self.sum_ns();
        view
    }

    /// Quantiles in microseconds; zero where nothing was counted.
    pub(crate) fn quantiles_us<const N: usize>(&self, wanted: [f64; N]) -> [f64; N] {
        let counts = self.counts.each_ref().map(|it| it.load(Ordering::Relaxed));
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
