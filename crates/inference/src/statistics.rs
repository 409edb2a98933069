//! What a version has done, counted with atomics; large batches, which take their time, under a lock.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    InferenceError, StageTimes, StatisticsView,
    histogram::{Histogram, HistogramView, nanoseconds},
};

/// Batches of up to so many rows are counted without a lock. Every version that is known has this
/// much, loaded or not.
const SMALL: usize = 32;
/// Sizes of larger batches told apart; one more counts as the next smaller of these.
const LARGE_MAX: usize = 1_024;
/// The quantiles told.
const QUANTILES: [f64; 3] = [0.5, 0.9, 0.99];

/// Counters of a version.
#[derive(Debug)]
pub(crate) struct Statistics {
    born: Instant,
    /// When it was last asked, from its birth on; zero where it never was.
    asked_ns: AtomicU64,
    pub(crate) rows: AtomicU64,
    pub(crate) executions: AtomicU64,
    pub(crate) successes: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) fail_ns: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) fallbacks: AtomicU64,
    pub(crate) cache_hits: AtomicU64,
    pub(crate) cache_misses: AtomicU64,
    small: Box<[AtomicU64]>,
    large: Mutex<BTreeMap<u64, u64>>,
    whole: Histogram,
    queue: Histogram,
    compute: Histogram,
    post: Histogram,
}

impl Statistics {
    pub(crate) fn new(born: Instant) -> Self {
        Self {
            born,
            asked_ns: AtomicU64::new(0),
            rows: AtomicU64::new(0),
            executions: AtomicU64::new(0),
            successes: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            fail_ns: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            fallbacks: AtomicU64::new(0),
            cache_hits: AtomicU64::new(0),
            cache_misses: AtomicU64::new(0),
            small: (0..SMALL).map(|_| AtomicU64::new(0)).collect(),
            large: Mutex::default(),
            whole: Histogram::default(),
            queue: Histogram::default(),
            compute: Histogram::default(),
            post: Histogram::default(),
        }
    }

    /// Notes that it is asked.
    pub(crate) fn asked(&self, at: Instant) {
        let at_ns = nanoseconds(at.duration_since(self.born)).max(1);
        if self.asked_ns.load(Ordering::Relaxed) < at_ns {
            self.asked_ns.store(at_ns, Ordering::Relaxed);
        }
    }

    /// For how long nobody has asked it.
    fn idle(&self) -> Option<Duration> {
        let asked = Duration::from_nanos(self.asked_ns.load(Ordering::Relaxed));
        (!asked.is_zero()).then(|| (self.born + asked).elapsed())
    }

    /// Counts a run of the model.
    pub(crate) fn ran(&self, rows: u64) {
        self.executions.fetch_add(1, Ordering::Relaxed);
        let at = usize::try_from(rows.max(1) - 1).unwrap_or(usize::MAX);
        if let Some(times) = self.small.get(at) {
            times.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let mut large = self.large.lock().unwrap_or_else(PoisonError::into_inner);
        if large.len() < LARGE_MAX {
            *large.entry(rows).or_default() += 1;
        } else if let Some((_, times)) = large.range_mut(..=rows).next_back() {
            *times += 1;
        } else {
            self.small[SMALL - 1].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Runs of the model by their rows.
    fn batches(&self) -> Vec<(u64, u64)> {
        let small = self.small.iter().map(|it| it.load(Ordering::Relaxed));
        let small = (1..).zip(small).filter(|(_, times)| *times > 0);
        let large = self.large.lock().unwrap_or_else(PoisonError::into_inner);
        small.chain(large.clone()).collect()
    }

    /// Counts a request that was answered.
    pub(crate) fn succeeded(&self, rows: u64, times: &StageTimes) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.successes.fetch_add(1, Ordering::Relaxed);
        self.whole.add(times.queue + times.compute + times.post);
        self.queue.add(times.queue);
        self.compute.add(times.compute);
        self.post.add(times.post);
    }

    /// Counts a request that was answered without a run of its own.
    pub(crate) fn hit(&self, time: Duration) {
        self.successes.fetch_add(1, Ordering::Relaxed);
        self.cache_hits.fetch_add(1, Ordering::Relaxed);
        self.whole.add(time);
    }

    /// Counts a request that got no answer: refused at a bound, or failed.
    pub(crate) fn missed(&self, error: &InferenceError, time: Duration) {
        if let InferenceError::ModelBusy { .. } = error {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.fail_ns.fetch_add(nanoseconds(time), Ordering::Relaxed);
    }

    /// Times of whole requests, and of their stages: queue, compute, post.
    pub(crate) fn times(&self) -> (HistogramView, [HistogramView; 3]) {
        let stages = [&self.queue, &self.compute, &self.post];
        (self.whole.view(), stages.map(Histogram::view))
    }

    /// What was counted so far.
    pub(crate) fn view(&self, name: &str, version: u64) -> StatisticsView {
        let get = |it: &AtomicU64| it.load(Ordering::Relaxed);
        StatisticsView {
            name: name.to_owned(),
            version,
            idle: self.idle(),
            inference_count: get(&self.rows),
            execution_count: get(&self.executions),
            success_count: get(&self.successes),
            success_ns: self.whole.sum_ns(),
            fail_count: get(&self.failures),
            fail_ns: get(&self.fail_ns),
            refused_count: get(&self.refused),
            queue_ns: self.queue.sum_ns(),
            compute_infer_ns: self.compute.sum_ns(),
            compute_output_ns: self.post.sum_ns(),
            cache_hit_count: get(&self.cache_hits),
            cache_miss_count: get(&self.cache_misses),
            fallback_count: get(&self.fallbacks),
            latency_us: self.whole.quantiles_us(QUANTILES),
            stages_us: [&self.queue, &self.compute, &self.post]
                .map(|it| it.quantiles_us(QUANTILES)),
            batches: self.batches(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_counted_by_the_rows_they_had() {
        let counted = Statistics::new(Instant::now());
        for rows in [3, 3, 1, 256, 257, 65_536, 257] {
            counted.ran(rows);
        }
        let told = counted.view("m", 1).batches;
        assert_eq!(told, [(1, 1), (3, 2), (256, 1), (257, 2), (65_536, 1)]);
        for rows in 0..3_000 {
            counted.ran(rows);
        }
        let told = counted.view("m", 1).batches;
        assert_eq!(told.len(), SMALL + LARGE_MAX);
        assert_eq!(told.iter().map(|it| it.1).sum::<u64>(), 3_007);
    }
}
