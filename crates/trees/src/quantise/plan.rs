//! Which columns an ensemble needs, and where in them each of its questions is asked.

use super::{CHUNK, COLUMNS_MAX, Column, Feature, Group, LEAST, LINES, Quantiser, TABLE_MAX};
use super::{at_most, missing_code, rounded};
use crate::{Categories, Precision, Split, Test};
use std::collections::HashMap;

/// Where a question is asked, and when its answer is no.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// Above a rank.
    Above { column: u16, rank: i8 },
    /// In a column of categories, for those whose bit is set, of so many lines.
    Lines { column: u16, right: u32, lines: u8 },
}

impl Place {
    /// The column asked about.
    pub(crate) fn column(self) -> u16 {
        match self {
            Self::Above { column, .. } | Self::Lines { column, .. } => column,
        }
    }

    /// The column and its lines, of a column of categories.
    pub(crate) fn lines(self) -> Option<(u16, u8)> {
        match self {
            Self::Above { .. } => None,
            Self::Lines { column, lines, .. } => Some((column, lines)),
        }
    }

    /// Whether both ask about the same column of categories.
    pub(crate) fn same_lines(self, other: Self) -> bool {
        self.lines().is_some() && self.lines() == other.lines()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Rank {
        feature: u32,
        missing: u8,
        chunk: u32,
    },
    Equal {
        feature: u32,
        missing: u8,
        bits: u64,
    },
    Lines {
        feature: u32,
        missing: u8,
        fraction_is_zero: bool,
    },
    Set {
        feature: u32,
        missing: u8,
        fraction_is_zero: bool,
        words: Vec<u64>,
    },
}

/// Highest category and one, by feature, rule for the missing and rule for fractions.
type Categorised = HashMap<(u32, u8, bool), u32>;

/// Which columns an ensemble needs, and where each of its questions is asked.
pub(crate) struct Plan {
    single: bool,
    thresholds: HashMap<u32, Vec<f64>>,
    categorised: Categorised,
    places: HashMap<Key, u16>,
}

fn key_of(
    split: &Split,
    single: bool,
    thresholds: &HashMap<u32, Vec<f64>>,
    categorised: &Categorised,
) -> (Key, i8) {
    let (feature, missing) = (split.feature, missing_code(split.missing));
    if let Some(limit) = at_most(&split.test, single) {
        let sorted = &thresholds[&feature];
        let index = sorted.partition_point(|it| *it < limit);
        let chunk = u32::try_from(index / CHUNK).expect("counted in u32");
        return (
            Key::Rank {
                feature,
                missing,
                chunk,
            },
            biased(index % CHUNK),
        );
    }
    let key = match &split.test {
        Test::Member(set) if categorised[&(feature, missing, set.fraction_is_zero)] <= LINES => {
            let fraction_is_zero = set.fraction_is_zero;
            Key::Lines {
                feature,
                missing,
                fraction_is_zero,
            }
        }
        Test::Member(Categories {
            words,
            fraction_is_zero,
        }) => Key::Set {
            feature,
            missing,
            fraction_is_zero: *fraction_is_zero,
            words: words.clone(),
        },
        Test::Equal(value) => Key::Equal {
            feature,
            missing,
            bits: rounded(single, *value).to_bits(),
        },
        Test::AtMost(_) | Test::Below(_) => Key::Equal {
            feature,
            missing,
            bits: f64::NAN.to_bits(),
        },
    };
    (key, LEAST)
}

fn biased(rank: usize) -> i8 {
    u8::try_from(rank).expect("at most 254").wrapping_sub(128) as i8
}

impl Plan {
    /// Where a question is asked.
    pub(crate) fn place(&self, split: &Split) -> Place {
        let (key, rank) = key_of(split, self.single, &self.thresholds, &self.categorised);
        let column = self.places[&key];
        match (&key, &split.test) {
            (
                Key::Lines {
                    fraction_is_zero, ..
                },
                Test::Member(set),
            ) => {
                let rule = (
                    split.feature,
                    missing_code(split.missing),
                    *fraction_is_zero,
                );
                let categories = self.categorised[&rule];
                let members = set.words.first().copied().unwrap_or(0) as u32;
                let right = !members & !(u32::MAX.checked_shl(categories + 1).unwrap_or(0));
                let lines = u8::try_from(categories + 2).expect("at most 32");
                Place::Lines {
                    column,
                    right,
                    lines,
                }
            }
            _ => Place::Above { column, rank },
        }
    }
}

impl Quantiser {
    /// Columns for these questions, the most asked first; nothing where there are too many.
    pub(crate) fn plan<'a>(
        precision: Precision,
        splits: impl Iterator<Item = &'a Split> + Clone,
    ) -> Option<(Self, Plan)> {
        let single = precision == Precision::Single;
        let mut thresholds: HashMap<u32, Vec<f64>> = HashMap::new();
        for split in splits.clone() {
            if let Some(limit) = at_most(&split.test, single) {
                thresholds.entry(split.feature).or_default().push(limit);
            }
        }
        for sorted in thresholds.values_mut() {
            sorted.sort_by(f64::total_cmp);
            sorted.dedup_by(|left, right| *left == *right);
        }
        let categorised = categorised(splits.clone());
        let mut uses: HashMap<Key, usize> = HashMap::new();
        for split in splits {
            let (key, _) = key_of(split, single, &thresholds, &categorised);
            *uses.entry(key).or_default() += 1;
        }
        if uses.len() > COLUMNS_MAX {
            return None;
        }
        let mut keys: Vec<(Key, usize)> = uses.into_iter().collect();
        keys.sort_by(|(left, left_uses), (right, right_uses)| {
            let set = |key: &Key| matches!(key, Key::Set { .. });
            let order = set(left).cmp(&set(right));
            if set(left) && set(right) {
                return left.cmp(right);
            }
            order.then(right_uses.cmp(left_uses)).then(left.cmp(right))
        });
        let keys: Vec<Key> = keys.into_iter().map(|(key, _)| key).collect();
        let mut quantiser = Self::lay_out(single, &thresholds, &keys)?;
        quantiser.lay_out_lines(&keys, &categorised);
        let places = keys.into_iter().zip(0..).collect();
        let plan = Plan {
            single,
            thresholds,
            categorised,
            places,
        };
        Some((quantiser, plan))
    }

    fn lay_out(single: bool, thresholds: &HashMap<u32, Vec<f64>>, keys: &[Key]) -> Option<Self> {
        let mut it = Self {
            single,
            width: keys.len(),
            ..Self::default()
        };
        let mut numbers: Vec<(u32, Column)> = Vec::new();
        for (key, at) in keys.iter().zip(0..) {
            match *key {
                Key::Rank {
                    feature,
                    missing,
                    chunk,
                } => {
                    let below = chunk * u32::try_from(CHUNK).expect("a small number");
                    numbers.push((
                        feature,
                        Column {
                            at,
                            missing,
                            below,
                            equal: None,
                        },
                    ));
                }
                Key::Equal {
                    feature,
                    missing,
                    bits,
                } => {
                    let equal = Some(f64::from_bits(bits));
                    numbers.push((
                        feature,
                        Column {
                            at,
                            missing,
                            below: 0,
                            equal,
                        },
                    ));
                }
                Key::Lines { .. } | Key::Set { .. } => {}
            }
        }
        numbers.sort_by_key(|(feature, column)| (*feature, column.at));
        for (feature, column) in numbers {
            if it
                .features
                .last()
                .is_none_or(|last| last.feature != feature)
            {
                let sorted = thresholds.get(&feature).map_or(&[][..], Vec::as_slice);
                it.thresholds.extend_from_slice(sorted);
                it.features.push(Feature {
                    feature,
                    thresholds: u32::try_from(sorted.len()).ok()?,
                    columns: 0,
                });
            }
            it.features.last_mut().expect("just pushed").columns += 1;
            it.columns.push(column);
        }
        it.lay_out_sets(keys)?;
        Some(it)
    }

    fn lay_out_lines(&mut self, keys: &[Key], categorised: &Categorised) {
        for (key, at) in keys.iter().zip(0..) {
            if let Key::Lines { .. } = key {
                let (feature, missing, fraction_is_zero) = rule(key);
                self.groups.push(Group {
                    feature,
                    missing,
                    fraction_is_zero,
                    at,
                    sets: 0,
                    categories: categorised[&rule(key)],
                    table: 0,
                });
            }
        }
    }

    fn lay_out_sets(&mut self, keys: &[Key]) -> Option<()> {
        let sets: Vec<(usize, &Key)> = keys
            .iter()
            .enumerate()
            .filter(|(_, key)| matches!(key, Key::Set { .. }))
            .collect();
        for chunk in sets.chunk_by(|(_, left), (_, right)| rule(left) == rule(right)) {
            let (feature, missing, fraction_is_zero) = rule(chunk[0].1);
            let words = |key: &Key| match key {
                Key::Set { words, .. } => words.clone(),
                _ => Vec::new(),
            };
            let sets: Vec<Vec<u64>> = chunk.iter().map(|(_, key)| words(key)).collect();
            let categories = 64 * sets.iter().map(Vec::len).max().unwrap_or(0);
            let table = self.table.len();
            if (categories + 2).checked_mul(sets.len())? > TABLE_MAX - table.min(TABLE_MAX) {
                return None;
            }
            for category in 0..=categories {
                self.table.extend(sets.iter().map(|words| {
                    let word = words.get(category / 64).copied().unwrap_or(0);
                    let member = word >> (category % 64) & 1 == 1;
                    if member { LEAST } else { LEAST + 1 }
                }));
            }
            self.table.extend(sets.iter().map(|_| LEAST));
            self.groups.push(Group {
                feature,
                missing,
                fraction_is_zero,
                at: u32::try_from(chunk[0].0).ok()?,
                sets: u32::try_from(sets.len()).ok()?,
                categories: u32::try_from(categories).ok()?,
                table: u32::try_from(table).ok()?,
            });
        }
        Some(())
    }
}

fn categorised<'a>(splits: impl Iterator<Item = &'a Split>) -> Categorised {
    let mut categorised = Categorised::new();
    for split in splits {
        if let Test::Member(set) = &split.test {
            let last = set.words.iter().rposition(|word| *word != 0);
            let end = last.map_or(0, |at| 64 * at as u32 + 64 - set.words[at].leading_zeros());
            let rule = (
                split.feature,
                missing_code(split.missing),
                set.fraction_is_zero,
            );
            let held = categorised.entry(rule).or_default();
            *held = end.max(*held);
        }
    }
    categorised
}

fn rule(key: &Key) -> (u32, u8, bool) {
    match *key {
        Key::Rank {
            feature, missing, ..
        }
        | Key::Equal {
            feature, missing, ..
        } => (feature, missing, false),
        Key::Set {
            feature,
            missing,
            fraction_is_zero,
            ..
        }
        | Key::Lines {
            feature,
            missing,
            fraction_is_zero,
        } => (feature, missing, fraction_is_zero),
    }
}
