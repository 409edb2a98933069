//! Calibration: whether what was given 30 % happened 30 times in 100.

use serde::{Deserialize, Serialize};

use super::{Interval, Scored, wilson};
use crate::random::Random;

/// How often resampling and the simulation of the floor are repeated.
const REPEATS: usize = 200;

/// One bin of a reliability diagram: forecasts of about the same probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// How many probabilities.
    pub count: u64,
    /// Their mean.
    pub forecast: f64,
    /// The share of them that happened.
    pub observed: f64,
    /// Wilson's 95 % interval of that share.
    pub interval: Interval,
}

/// Every probability of every outcome in its bin of equal count.
pub(crate) struct Calibration {
    /// Outcomes per fixture.
    width: usize,
    /// The bin of each probability, fixture by fixture.
    bins: Vec<u8>,
    probabilities: Vec<f64>,
    /// Which probabilities came true.
    hits: Vec<bool>,
    bin_count: usize,
}

/// Sums of one bin.
#[derive(Clone, Copy, Default)]
struct Bin {
    count: u32,
    forecast: f64,
    hits: u32,
}

impl Calibration {
    /// Bins the forecasts; `None` where there are none.
    pub(crate) fn new(scored: &[Scored<'_>]) -> Option<Self> {
        let width = scored.first()?.probabilities.len();
        let bin_count = if width == 2 { 10 } else { 20 };
        let probabilities: Vec<f64> = scored
            .iter()
            .flat_map(|it| it.probabilities.iter().copied())
            .collect();
        let hits = scored
            .iter()
            .flat_map(|it| (0..width).map(|index| index == it.outcome));
        let mut order: Vec<usize> = (0..probabilities.len()).collect();
        order.sort_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
        let mut bins = vec![0; probabilities.len()];
        for (rank, index) in order.iter().enumerate() {
            let bin = rank * bin_count / order.len();
            bins[*index] = u8::try_from(bin).expect("there are at most 20 bins");
        }
        Some(Self {
            width,
            bins,
            hits: hits.collect(),
            probabilities,
            bin_count,
        })
    }

    pub(crate) fn ece(&self) -> f64 {
        error(&self.sums())
    }

    pub(crate) fn reliability(&self) -> Vec<ReliabilityBin> {
        let filled = self.sums().into_iter().filter(|it| it.count > 0);
        filled
            .map(|it| ReliabilityBin {
                count: u64::from(it.count),
                forecast: it.forecast / f64::from(it.count),
                observed: f64::from(it.hits) / f64::from(it.count),
                interval: wilson(u64::from(it.hits), u64::from(it.count)),
            })
            .collect()
    }

    /// The 95 % interval of the ECE by drawing as many fixtures with replacement. A draw has more
    /// noise than what is drawn from, and noise is error: by how much they have more on average is
    /// taken off.
    pub(crate) fn ece_interval(&self, seed: u64) -> Interval {
        let mut random = Random::new(seed);
        let fixtures = self.probabilities.len() / self.width;
        let mut errors: Vec<f64> = (0..REPEATS)
            .map(|_| {
                let mut sums = vec![Bin::default(); self.bin_count];
                for _ in 0..fixtures {
                    let first = random.below(fixtures) * self.width;
                    (first..first + self.width).for_each(|it| self.add(&mut sums, it));
                }
                error(&sums)
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        let more = errors.iter().sum::<f64>() / REPEATS as f64 - self.ece();
        Interval {
            low: (quantile(&errors, 25) - more).max(0.0),
            high: quantile(&errors, 975) - more,
        }
    }

    /// The 95 % quantile of the ECE of a forecaster whose probabilities are the truth.
    pub(crate) fn ece_floor_p95(&self, scored: &[Scored<'_>], seed: u64) -> f64 {
        let mut random = Random::new(seed ^ 0x5EED);
        let forecasts = self.sums();
        let mut errors: Vec<f64> = (0..REPEATS)
            .map(|_| {
                let mut sums = forecasts.clone();
                sums.iter_mut().for_each(|it| it.hits = 0);
                for (fixture, it) in scored.iter().enumerate() {
                    let outcome = draw(it.probabilities, random.unit());
                    sums[usize::from(self.bins[fixture * self.width + outcome])].hits += 1;
                }
                error(&sums)
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        quantile(&errors, 950)
    }

    fn sums(&self) -> Vec<Bin> {
        let mut sums = vec![Bin::default(); self.bin_count];
        (0..self.probabilities.len()).for_each(|it| self.add(&mut sums, it));
        sums
    }

    fn add(&self, sums: &mut [Bin], index: usize) {
        let bin = &mut sums[usize::from(self.bins[index])];
        bin.count += 1;
        bin.forecast += self.probabilities[index];
        bin.hits += u32::from(self.hits[index]);
    }
}

/// The mean distance between forecast and observed share, weighted by count.
fn error(bins: &[Bin]) -> f64 {
    let total: u32 = bins.iter().map(|it| it.count).sum();
    let distances: f64 = bins
        .iter()
        .map(|it| (it.forecast - f64::from(it.hits)).abs())
        .sum();
    distances / f64::from(total)
}

/// The outcome at height `unit` of the cumulated probabilities.
fn draw(probabilities: &[f64], unit: f64) -> usize {
    let mut left = unit;
    for (index, probability) in probabilities.iter().enumerate() {
        left -= probability;
        if left < 0.0 {
            return index;
        }
    }
    probabilities.len() - 1
}

/// The value at so many thousandths of a sorted list.
fn quantile(sorted: &[f64], thousandths: usize) -> f64 {
    sorted[(sorted.len() - 1) * thousandths / 1000]
}
