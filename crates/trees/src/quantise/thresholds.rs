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
    /// By possible column, how many ask in it.
    pub(super) uses: Vec<usize>,
    /// By node, the number of the column in which it asks, and its rank there.
    ranks: Vec<Option<(u32, i8)>>,
}

/// A question about a threshold: the threshold as a number of the same order, node, rule for the
/// missing.
type Asked = (i64, u32, u8);

impl Thresholds {
    /// Of splits with the numbers of their nodes, which are below `nodes`, and beside them those
    /// that are about no threshold; nothing where there are too many to number.
    pub(super) fn new<'a>(
        single: bool,
        splits: impl Iterator<Item = (u32, &'a Split)>,
        nodes: usize,
    ) -> Option<(Self, Vec<&'a Split>)> {
        let mut limits: Vec<(u32, Asked)> = Vec::with_capacity(nodes / 2);
        let mut others = Vec::new();
        for (node, it) in splits {
            match at_most(&it.test, single) {
                Some(limit) => {
                    let asked = (ordered(limit), node, missing_code(it.missing));
                    limits.push((it.feature, asked));
                }
                None => others.push(it),
            }
        }
        let mut features: Vec<u32> = limits.iter().map(|it| it.0).collect();
        features.sort_unstable();
        features.dedup();
        let mut asked: Vec<Vec<Asked>> = vec![Vec::new(); features.len()];
        for (feature, it) in limits {
            let at = features.binary_search(&feature).expect("of a split");
            asked[at].push(it);
        }
        let mut it = Self {
            single,
            features,
            sorted: Vec::with_capacity(asked.len()),
            first: Vec::with_capacity(asked.len()),
            uses: Vec::new(),
            ranks: vec![None; nodes],
        };
        for asked in &mut asked {
            it.add(asked)?;
        }
        Some((it, others))
    }

    /// Adds the questions about the next feature.
    fn add(&mut self, asked: &mut [Asked]) -> Option<()> {
        asked.sort_unstable_by_key(|it| it.0);
        let mut sorted: Vec<f64> = Vec::new();
        let first = self.uses.len();
        for (limit, node, rule) in asked {
            let limit = limit_of(*limit);
            if sorted.last() != Some(&limit) {
                sorted.push(limit);
            }
            let index = sorted.len() - 1;
            if index.is_multiple_of(CHUNK) {
                self.uses.resize(first + (index / CHUNK + 1) * RULES, 0);
            }
            let number = first + index / CHUNK * RULES + usize::from(*rule);
            self.uses[number] += 1;
            let number = u32::try_from(number).ok()?;
            self.ranks[*node as usize] = Some((number, biased(index % CHUNK)));
        }
        self.first.push(first);
        self.sorted.push(sorted);
        Some(())
    }

    /// The number of the column in which a node asks, and its rank there; nothing where it asks
    /// about no threshold.
    pub(super) fn rank(&self, node: u32) -> Option<(usize, i8)> {
        self.ranks[node as usize].map(|(number, rank)| (number as usize, rank))
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

/// A whole number that stands among others as the threshold among thresholds.
fn ordered(limit: f64) -> i64 {
    let bits = limit.to_bits().cast_signed();
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

/// The threshold that such a number stands for.
fn limit_of(it: i64) -> f64 {
    f64::from_bits((it ^ ((it >> 63).cast_unsigned() >> 1).cast_signed()).cast_unsigned())
}
