//! Sums of derivatives per bin, and the split that gains most.

use rayon::prelude::*;

use super::BoostSettings;
use super::bins::{Bins, Column};

/// Rows times features from which on threads share the work.
const SHARED_MIN: usize = 100_000;

/// A gain up to this is rounding.
const GAIN_NOISE: f64 = 1e-15;

/// First and second derivative of the loss by a row's score.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Slope {
    pub(super) first: f64,
    pub(super) second: f64,
}

/// Sums over rows.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Sums {
    pub(super) first: f64,
    pub(super) second: f64,
    pub(super) rows: u32,
}

impl Sums {
    pub(super) fn add(&mut self, slope: Slope) {
        self.first += slope.first;
        self.second += slope.second;
        self.rows += 1;
    }

    fn plus(self, other: Self) -> Self {
        Self {
            first: self.first + other.first,
            second: self.second + other.second,
            rows: self.rows + other.rows,
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            first: self.first - other.first,
            second: self.second - other.second,
            rows: self.rows - other.rows,
        }
    }

    /// Twice what the best value of a leaf with these rows takes off the loss.
    fn score(self, l2: f64) -> f64 {
        self.first * self.first / (self.second + l2)
    }
}

/// A way to part a leaf.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Parting {
    pub(super) gain: f64,
    pub(super) feature: usize,
    /// The last bin that goes left.
    pub(super) bin: usize,
    pub(super) missing_left: bool,
    pub(super) left: Sums,
    pub(super) right: Sums,
}

/// Sums per bin of each feature looked at, what is missing last.
#[derive(Debug)]
pub(super) struct Histogram {
    features: Vec<Vec<Sums>>,
}

impl Histogram {
    /// Adds up the rows of a leaf, feature by feature, in the order of rows.
    pub(super) fn new(bins: &Bins, features: &[usize], rows: &[u32], slopes: &[Slope]) -> Self {
        let ordered: Vec<Slope> = rows.iter().map(|it| slopes[*it as usize]).collect();
        let sums = |feature: &usize| {
            let column = &bins.columns()[*feature];
            let mut sums = vec![Sums::default(); column.value_bins() + 1];
            for (row, slope) in rows.iter().zip(&ordered) {
                sums[column.bins[*row as usize] as usize].add(*slope);
            }
            sums
        };
        let features = if rows.len() * features.len() >= SHARED_MIN {
            features.par_iter().map(sums).collect()
        } else {
            features.iter().map(sums).collect()
        };
        Self { features }
    }

    /// The sibling's sums, where `self` are the parent's.
    pub(super) fn less(mut self, child: &Self) -> Self {
        for (mine, theirs) in self.features.iter_mut().zip(&child.features) {
            for (sums, less) in mine.iter_mut().zip(theirs) {
                *sums = sums.minus(*less);
            }
        }
        self
    }

    /// The best split; of equals, the first feature's lowest.
    pub(super) fn best(
        &self,
        bins: &Bins,
        features: &[usize],
        leaf: Sums,
        settings: &BoostSettings,
    ) -> Option<Parting> {
        let mut best: Option<Parting> = None;
        for (feature, sums) in features.iter().zip(&self.features) {
            let scan = Scan {
                feature: *feature,
                column: &bins.columns()[*feature],
                sums,
                leaf,
                settings,
            };
            scan.improve(&mut best);
        }
        best
    }
}

/// One feature of a leaf, looked through from the lowest bin.
struct Scan<'a> {
    feature: usize,
    column: &'a Column,
    sums: &'a [Sums],
    leaf: Sums,
    settings: &'a BoostSettings,
}

impl Scan<'_> {
    fn improve(&self, best: &mut Option<Parting>) {
        let last = self.column.value_bins() - 1;
        let missing = self.sums[last + 1];
        let mut below = Sums::default();
        for bin in 0..=last {
            below = below.plus(self.sums[bin]);
            if missing.rows > 0 {
                self.consider(best, bin, below, false);
                if bin < last {
                    self.consider(best, bin, below.plus(missing), true);
                }
            } else if bin < last {
                // What turns up missing later goes with the many.
                let left = 2 * below.rows >= self.leaf.rows;
                self.consider(best, bin, below, left);
            }
        }
    }

    fn consider(&self, best: &mut Option<Parting>, bin: usize, left: Sums, missing_left: bool) {
        let settings = self.settings;
        let Some(rows) = self.leaf.rows.checked_sub(left.rows) else {
            return;
        };
        if left.rows < settings.rows_min.max(1) || rows < settings.rows_min.max(1) {
            return;
        }
        let right = self.leaf.minus(left);
        let weight_min = settings.weight_min.max(f64::MIN_POSITIVE);
        if left.second < weight_min || right.second < weight_min {
            return;
        }
        let l2 = settings.l2;
        let gain = left.score(l2) + right.score(l2) - self.leaf.score(l2);
        let least = best.map_or(settings.gain_min.max(GAIN_NOISE), |it| it.gain);
        if gain > least {
            *best = Some(Parting {
                gain,
                feature: self.feature,
                bin,
                missing_left,
                left,
                right,
            });
        }
    }
}
