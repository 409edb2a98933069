//! How long changes take to the screens of those who follow, as their clients measure it: a histogram
//! that anybody who may read adds to, bounded in what one report can say.

use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the buckets, in milliseconds.
pub(crate) const BOUNDS_MS: [u32; 12] = [5, 10, 15, 20, 30, 50, 75, 100, 200, 500, 1_000, 5_000];

/// What was measured since the server started.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    /// One for each bound, and one for what is beyond the last.
    counts: [AtomicU64; BOUNDS_MS.len() + 1],
    sum_micros: AtomicU64,
}

/// A histogram as it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LatencyFigures {
    /// Measurements up to each bound, all below it counted.
    pub(crate) below: [u64; BOUNDS_MS.len()],
    pub(crate) count: u64,
    pub(crate) sum_seconds: f64,
}

impl Latencies {
    /// Adds a measurement in milliseconds.
    pub(crate) fn add(&self, took_ms: f64) {
        let bucket = BOUNDS_MS.iter().position(|it| took_ms <= f64::from(*it));
        let bucket = bucket.unwrap_or(BOUNDS_MS.len());
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a report is checked to be between nothing and a minute"
        )]
        let micros = (took_ms * 1_000.0) as u64;
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn figures(&self) -> LatencyFigures {
        let mut below = [0; BOUNDS_MS.len()];
        let mut count = 0;
        for (counter, below) in self.counts.iter().zip(&mut below) {
            count += counter.load(Ordering::Relaxed);
            *below = count;
        }
        count += self.counts[BOUNDS_MS.len()].load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a sum for people")]
        let sum_seconds = self.sum_micros.load(Ordering::Relaxed) as f64 / 1e6;
        LatencyFigures {
            below,
            count,
            sum_seconds,
        }
    }
}

impl LatencyFigures {
    /// The bound that so many hundredths of all measurements are below, in milliseconds; `None`
    /// without measurements, and where it is beyond the last bound.
    pub(crate) fn percentile_ms(&self, hundredths: u64) -> Option<u32> {
        let rank = (self.count * hundredths).div_ceil(100).max(1);
        let bucket = self.below.iter().position(|it| *it >= rank)?;
        Some(BOUNDS_MS[bucket])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measurements_fall_into_the_first_bucket_that_holds_them() {
        let latencies = Latencies::default();
        assert_eq!(latencies.figures().percentile_ms(50), None);
        for took_ms in [4.0, 5.0, 12.0, 20_000.0] {
            latencies.add(took_ms);
        }
        let figures = latencies.figures();
        assert_eq!(
            (figures.below[0], figures.below[2], figures.count),
            (2, 3, 4)
        );
        assert!((figures.sum_seconds - 20.021).abs() < 1e-9);
        assert_eq!(figures.percentile_ms(50), Some(5));
        assert_eq!(figures.percentile_ms(75), Some(15));
        assert_eq!(figures.percentile_ms(99), None, "beyond the last bound");
    }
}
