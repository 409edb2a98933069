//! Which columns an ensemble needs, and where in them each of its questions is asked.

use super::thresholds::Thresholds;
use super::{CHUNK, COLUMNS_MAX, LEAST, LINES, NAN, NOUGHT, TABLE_MAX};
use super::{Equal, Features, Group, Quantiser, Ranks, missing_code, rounded};
use crate::{Categories, Precision, Split, Test};
use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

/// Where a question is asked, and when its answer is no.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place {
    /// Above a rank.
    Above { column: u16, rank: i8 },
    /// In a column of categories of so many lines, for those whose bit is not set.
    Lines { column: u16, left: u64, lines: u8 },
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
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

impl Key {
    /// The order in which columns lie.
    fn kind(&self) -> u8 {
        match self {
            Self::Rank { .. } => 0,
            Self::Equal { .. } => 1,
            Self::Lines { .. } => 2,
            Self::Set { .. } => 3,
        }
    }
}

/// Highest category and one, by feature, rule for the missing and rule for fractions.
type Categorised = HashMap<(u32, u8, bool), u32>;

/// Which columns an ensemble needs, and where each of its questions is asked.
pub(crate) struct Plan {
    thresholds: Thresholds,
    categorised: Categorised,
    /// Columns of ranks, by number.
    of_ranks: Vec<u16>,
    places: HashMap<Key, u16>,
}

/// The column of a question that is not about a threshold.
fn key_of(split: &Split, single: bool, categorised: &Categorised) -> Key {
    let (feature, missing) = (split.feature, missing_code(split.missing));
    match &split.test {
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
    }
}

impl Plan {
    /// Where the question of a node is asked.
    pub(crate) fn place(&self, node: u32, split: &Split) -> Place {
        if let Some((number, rank)) = self.thresholds.rank(node) {
            let column = self.of_ranks[number];
            return Place::Above { column, rank };
        }
        let key = key_of(split, self.thresholds.single, &self.categorised);
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
                let members = set.words.first().copied().unwrap_or(0);
                let lines = u8::try_from(categories + 2).expect("at most 64");
                Place::Lines {
                    column,
                    left: members | 1 << (categories + 1),
                    lines,
                }
            }
            _ => Place::Above {
                column,
                rank: LEAST,
            },
        }
    }
}

impl Quantiser {
    /// Columns for the questions of nodes that are numbered below `nodes`, the most asked first;
    /// nothing where there are too many.
    pub(crate) fn plan<'a>(
        precision: Precision,
        splits: impl Iterator<Item = (u32, &'a Split)>,
        nodes: usize,
    ) -> Option<(Self, Plan)> {
        let single = precision == Precision::Single;
        let (thresholds, others) = Thresholds::new(single, splits, nodes)?;
        let categorised = categorised(&others);
        let mut uses: HashMap<Key, usize> = HashMap::new();
        for split in others {
            *uses.entry(key_of(split, single, &categorised)).or_default() += 1;
        }
        let used = thresholds.uses.iter().enumerate().filter(|it| *it.1 > 0);
        let of_ranks = used.map(|(number, uses)| (thresholds.key(number), *uses));
        let mut keys: Vec<(Key, usize)> = of_ranks.chain(uses).collect();
        if keys.len() > COLUMNS_MAX {
            return None;
        }
        keys.sort_by(|(left, left_uses), (right, right_uses)| {
            let most_asked = match left {
                Key::Set { .. } => Ordering::Equal,
                _ => right_uses.cmp(left_uses),
            };
            let order = left.kind().cmp(&right.kind());
            order.then(most_asked).then_with(|| left.cmp(right))
        });
        let keys: Vec<Key> = keys.into_iter().map(|(key, _)| key).collect();
        let mut quantiser = Self::lay_out(&thresholds, &keys)?;
        quantiser.lay_out_lines(&keys, &categorised);
        let places: HashMap<Key, u16> = keys.into_iter().zip(0..).collect();
        let column = |number| places.get(&thresholds.key(number)).copied();
        let of_ranks = (0..thresholds.uses.len())
            .map(|number| column(number).unwrap_or(0))
            .collect();
        let plan = Plan {
            thresholds,
            categorised,
            of_ranks,
            places,
        };
        Some((quantiser, plan))
    }

    fn lay_out(thresholds: &Thresholds, keys: &[Key]) -> Option<Self> {
        let mut it = Self {
            single: thresholds.single,
            width: keys.len(),
            ..Self::default()
        };
        let mut features: Vec<(u32, usize)> = Vec::new();
        for key in keys {
            if let Key::Rank { feature, .. } = key {
                features.push((*feature, thresholds.of(*feature).len()));
            }
        }
        // Those of like size together, so that they are searched in the same time.
        features.sort_by_key(|(feature, count)| (Reverse(*count), *feature));
        features.dedup();
        for (feature, count) in &features {
            it.features.push(*feature, u32::try_from(*count).ok()?)?;
            it.reach = it.reach.max(*feature as usize + 1);
            it.thresholds.extend_from_slice(thresholds.of(*feature));
        }
        for key in keys {
            match *key {
                Key::Rank {
                    feature,
                    missing,
                    chunk,
                } => {
                    let of = features.iter().position(|it| it.0 == feature);
                    let of = u32::try_from(of.expect("of a key")).ok()?;
                    let below = chunk * u32::try_from(CHUNK).expect("a small number");
                    it.ranks.push(of, below, missing);
                }
                Key::Equal {
                    feature,
                    missing,
                    bits,
                } => it.equals.push(Equal {
                    feature,
                    missing,
                    value: f64::from_bits(bits),
                }),
                Key::Lines { .. } | Key::Set { .. } => {}
            }
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

impl Features {
    /// Adds a feature; nothing where thresholds are too many to count beside the marks.
    pub(super) fn push(&mut self, feature: u32, count: u32) -> Option<()> {
        let last = self.first.last().zip(self.count.last());
        let first = last.map_or(0, |(first, count)| first + count);
        first.checked_add(count).filter(|it| *it < NOUGHT)?;
        self.feature.push(feature);
        self.first.push(first);
        self.count.push(count);
        Some(())
    }
}

impl Ranks {
    pub(super) fn push(&mut self, of: u32, below: u32, missing: u8) {
        let marks = match missing {
            0 => 0,
            1 | 2 => NAN,
            _ => NAN | NOUGHT,
        };
        self.of.push(of);
        self.below.push(below);
        self.marks.push(marks);
        self.missing
            .push(if missing % 2 == 1 { 0 } else { CHUNK as u32 });
    }

    /// The rule for the missing of a column.
    pub(super) fn rule(&self, at: usize) -> u8 {
        match (self.marks[at], self.missing[at]) {
            (0, _) => 0,
            (NAN, 0) => 1,
            (NAN, _) => 2,
            (_, 0) => 3,
            _ => 4,
        }
    }
}

fn categorised(splits: &[&Split]) -> Categorised {
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
