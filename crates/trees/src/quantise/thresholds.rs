//! What features are compared with, and the numbers of the columns in which that is asked.

use super::plan::Key;
use super::{CHUNK, at_most, missing_code};
use crate::Split;

/// Rules for the missing.
const RULES: usize = 5;

/// What each feature is compared with. Possible columns of ranks have numbers, as questions about
/// thresholds are most of all and a number is found faster than a key.
pub(super) struct Thresholds {
    pub(super) single: bool,
    /// In order.
    features: Vec<u32>,
    /// By feature, in order.
    sorted: Vec<Vec<f64>>,
    /// By feature, the number of its first column.
    first: Vec<usize>,
    /// Possible columns.
    pub(super) count: usize,
}

impl Thresholds {
    pub(super) fn new<'a>(single: bool, splits: impl Iterator<Item = &'a Split> + Clone) -> Self {
        let limits = splits.filter_map(|it| Some((it.feature, at_most(&it.test, single)?)));
        let mut features: Vec<u32> = limits.clone().map(|it| it.0).collect();
        features.sort_unstable();
        features.dedup();
        let mut sorted = vec![Vec::new(); features.len()];
        for (feature, limit) in limits {
            let at = features.binary_search(&feature).expect("of a split");
            sorted[at].push(limit);
        }
        let (mut first, mut count) = (Vec::new(), 0);
        for sorted in &mut sorted {
            sorted.sort_unstable_by(f64::total_cmp);
            sorted.dedup_by(|left, right| *left == *right);
            first.push(count);
            count += sorted.len().div_ceil(CHUNK) * RULES;
        }
        Self {
            single,
            features,
            sorted,
            first,
            count,
        }
    }

    /// The number of the column in which a question is asked, and its rank there; nothing where it
    /// is not about a threshold.
    pub(super) fn rank(&self, split: &Split) -> Option<(usize, i8)> {
        let limit = at_most(&split.test, self.single)?;
        let at = self.features.binary_search(&split.feature).ok()?;
        let index = self.sorted[at].partition_point(|it| *it < limit);
        let rule = usize::from(missing_code(split.missing));
        let number = self.first[at] + index / CHUNK * RULES + rule;
        Some((number, biased(index % CHUNK)))
    }

    /// The key of a column.
    pub(super) fn key(&self, number: usize) -> Key {
        let at = self.first.partition_point(|it| *it <= number) - 1;
        let number = number - self.first[at];
        let small = |it: usize| u32::try_from(it).expect("counted in u32");
        Key::Rank {
            feature: self.features[at],
            missing: missing_code_of(number % RULES),
            chunk: small(number / RULES),
        }
    }

    /// Thresholds of a feature.
    pub(super) fn of(&self, feature: u32) -> &[f64] {
        let at = self.features.binary_search(&feature);
        at.map_or(&[], |at| &self.sorted[at])
    }
}

fn missing_code_of(rule: usize) -> u8 {
    u8::try_from(rule).expect("five rules")
}

fn biased(rank: usize) -> i8 {
    u8::try_from(rank).expect("at most 254").wrapping_sub(128) as i8
}
