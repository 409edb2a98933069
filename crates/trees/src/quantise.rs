//! Numbers to ranks: how many of a feature's thresholds lie below a value, exactly, so that every
//! question of a tree becomes a comparison of two bytes.
//!
//! A column is a feature under one rule for what is missing. A feature with more thresholds than
//! a byte counts gets several columns; a set of categories gets one of zeros and ones. Ranks are
//! stored less 128, as the comparison that every processor has is signed.

use crate::{Missing, Number, Side, Test};

mod plan;
mod stored;

pub(crate) use plan::{Place, Plan};

/// What lies this close to zero is zero where zeros are missing.
const ZERO: f64 = 1e-35_f32 as f64;
/// Thresholds that one column holds.
const CHUNK: usize = 254;
/// Columns at most.
const COLUMNS_MAX: usize = 4096;
/// Bytes of category tables at most.
const TABLE_MAX: usize = 1 << 22;
/// Categories of which a column holds the line.
const LINES: u32 = 30;
/// A question's answer is no where the rank is above the question's.
const LEAST: i8 = i8::MIN;

/// Columns by which rows are compared.
#[derive(Debug, Default)]
pub(crate) struct Quantiser {
    single: bool,
    width: usize,
    thresholds: Vec<f64>,
    features: Vec<Feature>,
    columns: Vec<Column>,
    groups: Vec<Group>,
    table: Vec<i8>,
}

/// Thresholds and columns of one feature.
#[derive(Debug)]
struct Feature {
    feature: u32,
    thresholds: u32,
    columns: u32,
}

/// Ranks of one feature within 254 thresholds, under one rule for the missing.
#[derive(Debug)]
struct Column {
    at: u32,
    missing: u8,
    below: u32,
    /// The one value that is asked for; not a number where the column is one of ranks.
    equal: Option<f64>,
}

/// Sets of categories of one feature: a line per category, one for no category and one for missing
/// values that go left. Up to 32 lines are one column that holds the line; more have a column per
/// set, out of a table.
#[derive(Debug)]
struct Group {
    feature: u32,
    missing: u8,
    fraction_is_zero: bool,
    at: u32,
    /// None where the column holds the line.
    sets: u32,
    categories: u32,
    table: u32,
}

/// A rule for the missing as one byte.
pub(crate) fn missing_code(missing: Missing) -> u8 {
    match missing {
        Missing::Nothing => 0,
        Missing::Nan(Side::Left) => 1,
        Missing::Nan(Side::Right) => 2,
        Missing::NanAndZero(Side::Left) => 3,
        Missing::NanAndZero(Side::Right) => 4,
    }
}

/// The rule that a byte stands for.
pub(crate) fn missing_of(code: u8) -> Option<Missing> {
    Some(match code {
        0 => Missing::Nothing,
        1 => Missing::Nan(Side::Left),
        2 => Missing::Nan(Side::Right),
        3 => Missing::NanAndZero(Side::Left),
        4 => Missing::NanAndZero(Side::Right),
        _ => return None,
    })
}

/// Whether a value counts as missing, and whether it then goes left.
#[inline(always)]
pub(crate) fn missing_side(code: u8, value: f64) -> Option<bool> {
    let missing = match code {
        0 => false,
        1 | 2 => value.is_nan(),
        _ => value.is_nan() || (-ZERO..=ZERO).contains(&value),
    };
    missing.then_some(code % 2 == 1)
}

/// A feature's value in the arithmetic of the model.
#[inline(always)]
pub(crate) fn rounded(single: bool, value: f64) -> f64 {
    if single {
        f64::from(value as f32)
    } else {
        value
    }
}

/// The greatest number for which the answer is yes; nothing where it never is.
pub(crate) fn at_most(test: &Test, single: bool) -> Option<f64> {
    let limit = match *test {
        Test::AtMost(limit) => rounded(single, limit),
        Test::Below(limit) => {
            let limit = rounded(single, limit);
            if limit == f64::NEG_INFINITY {
                return None;
            }
            match single {
                true => f64::from((limit as f32).next_down()),
                false => limit.next_down(),
            }
        }
        Test::Equal(_) | Test::Member(_) => return None,
    };
    (!limit.is_nan()).then_some(limit)
}

/// The category that a number stands for.
#[inline(always)]
pub(crate) fn category(value: f64, fraction_is_zero: bool) -> Option<u32> {
    let least = if fraction_is_zero {
        value > -1.0
    } else {
        value >= 0.0
    };
    (least && value < f64::from(u32::MAX)).then_some(value as u32)
}

impl Quantiser {
    /// Columns.
    pub(crate) fn width(&self) -> usize {
        self.width
    }

    /// A number for a probe, by lot: a threshold, a number beside one, a category, zero or a gap.
    pub(crate) fn probe(&self, lot: u64) -> f64 {
        let at = (lot >> 3) as usize % self.thresholds.len().max(1);
        let near = self.thresholds.get(at).copied().unwrap_or(1.0);
        match lot % 8 {
            0 => f64::NAN,
            1 => 0.0,
            2 | 3 => (lot >> 3 & 31) as f64 - 1.0,
            4 => near.next_up(),
            5 => near.next_down(),
            _ => near,
        }
    }

    /// Bytes on the heap.
    pub(crate) fn size_bytes(&self) -> usize {
        self.thresholds.capacity() * size_of::<f64>()
            + self.features.capacity() * size_of::<Feature>()
            + self.columns.capacity() * size_of::<Column>()
            + self.groups.capacity() * size_of::<Group>()
            + self.table.capacity()
    }

    /// Hands out every column's rank of a row.
    #[inline(always)]
    pub(crate) fn ranks<T: Number>(&self, row: &[T], mut put: impl FnMut(usize, i8)) {
        let mut thresholds = self.thresholds.as_slice();
        let mut columns = self.columns.as_slice();
        for feature in &self.features {
            let (sorted, rest) = thresholds.split_at(feature.thresholds as usize);
            thresholds = rest;
            let (mine, rest) = columns.split_at(feature.columns as usize);
            columns = rest;
            let value = rounded(self.single, row[feature.feature as usize].wide());
            let number = if value.is_nan() { 0.0 } else { value };
            let rank = below(sorted, number);
            for column in mine {
                put(column.at as usize, column.rank(value, number, rank));
            }
        }
        for group in &self.groups {
            let value = rounded(self.single, row[group.feature as usize].wide());
            let (line, sets) = (group.line(value), group.sets as usize);
            if sets == 0 {
                put(group.at as usize, line as i8);
            }
            let line = &self.table[group.table as usize + line as usize * sets..][..sets];
            for (rank, at) in line.iter().zip(group.at as usize..) {
                put(at, *rank);
            }
        }
    }
}

impl Group {
    #[inline(always)]
    fn line(&self, value: f64) -> u32 {
        match missing_side(self.missing, value) {
            Some(true) => self.categories + 1,
            Some(false) => self.categories,
            None => {
                let number = if value.is_nan() { 0.0 } else { value };
                category(number, self.fraction_is_zero)
                    .map_or(self.categories, |it| it.min(self.categories))
            }
        }
    }
}

impl Column {
    #[inline(always)]
    fn rank(&self, value: f64, number: f64, rank: u32) -> i8 {
        if let Some(left) = missing_side(self.missing, value) {
            return if left { LEAST } else { LEAST + 127 + 127 };
        }
        if let Some(equal) = self.equal {
            return LEAST + i8::from(number != equal);
        }
        let rank = rank.saturating_sub(self.below).min(254);
        (rank as u8).wrapping_sub(128) as i8
    }
}

/// How many thresholds are below a number; as many steps for any number.
#[inline(always)]
fn below(sorted: &[f64], number: f64) -> u32 {
    let (mut rank, mut size) = (0, sorted.len());
    while size > 1 {
        let half = size / 2;
        let right = sorted[rank + half - 1] < number;
        rank += std::hint::select_unpredictable(right, half, 0);
        size -= half;
    }
    (rank + usize::from(sorted.get(rank).is_some_and(|it| *it < number))) as u32
}
