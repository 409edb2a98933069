//! Numbers to ranks: how many of a feature's thresholds lie below a value, exactly, so that every
//! question of a tree becomes a comparison of two bytes.
//!
//! A column is a feature under one rule for what is missing. A feature with more thresholds than
//! a byte counts gets several columns; a set of categories gets one of zeros and ones. Ranks are
//! stored less 128, as the comparison that every processor has is signed.

use crate::kernel::WIDTH;
use crate::{Missing, Number, Rows, Side, Test};
use std::ops::Range;

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
mod plan;
mod stored;
mod thresholds;

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
const LINES: u32 = 62;
/// A question's answer is no where the rank is above the question's.
const LEAST: i8 = i8::MIN;
/// Features whose positions need no room from the heap.
const FEW: usize = 64;

/// In a position: the value is not a number.
const NAN: u32 = 1 << 31;
/// In a position: the value counts as zero.
const NOUGHT: u32 = 1 << 30;

/// Columns by which rows are compared: first those of ranks, then those of single values, then
/// those of categories.
#[derive(Debug, Default)]
pub(crate) struct Quantiser {
    single: bool,
    width: usize,
    /// Features that a row has at least.
    reach: usize,
    thresholds: Vec<f64>,
    features: Features,
    ranks: Ranks,
    equals: Vec<Equal>,
    groups: Vec<Group>,
    table: Vec<i8>,
}

/// Features with thresholds, a vector for each thing known of them; a row's position in one is the
/// number of thresholds below its value, and marks.
#[derive(Debug, Default)]
struct Features {
    /// Where in a row.
    feature: Vec<u32>,
    /// The first threshold.
    first: Vec<u32>,
    /// How many thresholds.
    count: Vec<u32>,
}

/// Columns of ranks within 254 thresholds of a feature, under one rule for the missing; a vector
/// for each thing known of them.
#[derive(Debug, Default)]
struct Ranks {
    /// Which of the features with thresholds.
    of: Vec<u32>,
    /// Thresholds below its own.
    below: Vec<u32>,
    /// Marks of values that are missing.
    marks: Vec<u32>,
    /// The rank of what is missing.
    missing: Vec<u32>,
}

/// A column that asks for one value, which may be none at all (NaN).
#[derive(Debug)]
struct Equal {
    feature: u32,
    missing: u8,
    value: f64,
}

/// Sets of categories of one feature: a line per category, one for no category and one for missing
/// values that go left. Up to 64 lines are one column that holds the line; more have a column per
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

    /// Bytes that the ranks of a row are written to: a multiple of sixteen.
    pub(crate) fn room(&self) -> usize {
        self.width.next_multiple_of(16)
    }

    /// Bytes on the heap.
    pub(crate) fn size_bytes(&self) -> usize {
        self.thresholds.capacity() * size_of::<f64>()
            + self.features.feature.capacity() * 3 * size_of::<u32>()
            + self.ranks.of.capacity() * 4 * size_of::<u32>()
            + self.equals.capacity() * size_of::<Equal>()
            + self.groups.capacity() * size_of::<Group>()
            + self.table.capacity()
    }

    /// Writes every column's rank of a row.
    #[inline(always)]
    pub(crate) fn ranks<T: Number>(&self, row: &[T], ranks: &mut [u8]) {
        let count = self.features.feature.len();
        let (mut few, mut all) = ([0; FEW], Vec::new());
        let positions = match few.get_mut(..count) {
            Some(few) => few,
            None => {
                all.resize(count, 0);
                &mut all
            }
        };
        let mut thresholds = self.thresholds.as_slice();
        let counts = self.features.count.iter();
        let known = self.features.feature.iter().zip(counts);
        for (position, (feature, count)) in positions.iter_mut().zip(known) {
            let (sorted, rest) = thresholds.split_at(*count as usize);
            thresholds = rest;
            *position = position_in(sorted, rounded(self.single, row[*feature as usize].wide()));
        }
        for (at, rank) in ranks[..self.ranks.of.len()].iter_mut().enumerate() {
            let position = positions[self.ranks.of[at] as usize];
            *rank = self.ranks.rank(at, position) as u8;
        }
        self.others(row, ranks);
    }

    /// Columns of ranks, those of a feature one after the other.
    pub(crate) fn by_feature(&self) -> Vec<u32> {
        let mut columns: Vec<u32> = (0..).take(self.ranks.of.len()).collect();
        columns.sort_by_key(|at| self.ranks.of[*at as usize]);
        columns
    }

    /// Ranks of up to 64 rows, a column at a time: gives `put` the column, the row's place and its
    /// rank. `columns` are as `by_feature` has them, `search` says how many thresholds are below
    /// each of 64 numbers.
    #[inline(always)]
    pub(crate) fn block<T: Number>(
        &self,
        rows: &Rows<'_, T>,
        of_rows: Range<usize>,
        (columns, search): (&[u32], impl Fn(&[f64], &[f64; WIDTH], &mut [u32; WIDTH])),
        mut put: impl FnMut(usize, usize, u8),
    ) {
        let (mut numbers, mut marks) = ([0.0; WIDTH], [0; WIDTH]);
        let mut positions = [0; WIDTH];
        for columns in columns.chunk_by(|left, right| self.of(*left) == self.of(*right)) {
            let at = self.of(columns[0]) as usize;
            let (feature, first) = (self.features.feature[at], self.features.first[at] as usize);
            let sorted = &self.thresholds[first..][..self.features.count[at] as usize];
            for ((number, mark), row) in numbers.iter_mut().zip(&mut marks).zip(of_rows.clone()) {
                let value = rows.row(row)[feature as usize].wide();
                (*number, *mark) = number_in(rounded(self.single, value));
            }
            search(sorted, &numbers, &mut positions);
            for (position, mark) in positions.iter_mut().zip(&marks) {
                *position |= *mark;
            }
            for column in columns {
                let column = *column as usize;
                for (row, position) in positions[..of_rows.len()].iter().enumerate() {
                    put(column, row, self.ranks.rank(column, *position) as u8);
                }
            }
        }
    }

    /// The columns after those of ranks, of up to 64 rows.
    #[inline(always)]
    pub(crate) fn block_of_others<T: Number>(
        &self,
        rows: &Rows<'_, T>,
        of_rows: Range<usize>,
        mut put: impl FnMut(usize, usize, u8),
    ) {
        let value =
            |row: usize, feature: u32| rounded(self.single, rows.row(row)[feature as usize].wide());
        for (equal, column) in self.equals.iter().zip(self.ranks.of.len()..) {
            for (place, row) in of_rows.clone().enumerate() {
                put(column, place, equal.rank(value(row, equal.feature)) as u8);
            }
        }
        for group in &self.groups {
            let (at, sets) = (group.at as usize, group.sets as usize);
            for (place, row) in of_rows.clone().enumerate() {
                let line = group.line(value(row, group.feature));
                if sets == 0 {
                    put(at, place, line as u8);
                }
                let line = &self.table[group.table as usize + line as usize * sets..][..sets];
                for (rank, column) in line.iter().zip(at..) {
                    put(column, place, *rank as u8);
                }
            }
        }
    }

    /// Which of the features with thresholds a column of ranks is about.
    #[inline(always)]
    fn of(&self, column: u32) -> u32 {
        self.ranks.of[column as usize]
    }

    /// Writes the columns after those of ranks.
    #[inline(always)]
    fn others<T: Number>(&self, row: &[T], ranks: &mut [u8]) {
        for (equal, rank) in self.equals.iter().zip(&mut ranks[self.ranks.of.len()..]) {
            *rank = equal.rank(rounded(self.single, row[equal.feature as usize].wide())) as u8;
        }
        for group in &self.groups {
            let value = rounded(self.single, row[group.feature as usize].wide());
            let (line, sets) = (group.line(value), group.sets as usize);
            let at = group.at as usize;
            if sets == 0 {
                ranks[at] = line as u8;
            }
            let line = &self.table[group.table as usize + line as usize * sets..][..sets];
            for (to, rank) in ranks[at..].iter_mut().zip(line) {
                *to = *rank as u8;
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

impl Ranks {
    #[inline(always)]
    fn rank(&self, at: usize, position: u32) -> i8 {
        let rank = if position & self.marks[at] == 0 {
            let below = (position & !(NAN | NOUGHT)).saturating_sub(self.below[at]);
            below.min(CHUNK as u32)
        } else {
            self.missing[at]
        };
        (rank as u8).wrapping_sub(128) as i8
    }
}

impl Equal {
    #[inline(always)]
    fn rank(&self, value: f64) -> i8 {
        let number = if value.is_nan() { 0.0 } else { value };
        let left = missing_side(self.missing, value).unwrap_or(number == self.value);
        LEAST + i8::from(!left)
    }
}

/// Marks, and how many thresholds are below a value.
#[inline(always)]
fn position_in(sorted: &[f64], value: f64) -> u32 {
    let (number, marks) = number_in(value);
    below(sorted, number) | marks
}

/// The number that a value is looked up as, and its marks.
#[inline(always)]
fn number_in(value: f64) -> (f64, u32) {
    let is_nan = value.is_nan();
    let number = if is_nan { 0.0 } else { value };
    let is_zero = (-ZERO..=ZERO).contains(&number);
    (number, u32::from(is_nan) << 31 | u32::from(is_zero) << 30)
}

/// How many thresholds are below a number; as many steps for any number.
#[inline(always)]
pub(crate) fn below(sorted: &[f64], number: f64) -> u32 {
    let (mut rank, mut size) = (0, sorted.len());
    while size > 1 {
        let half = size / 2;
        let right = sorted[rank + half - 1] < number;
        rank += std::hint::select_unpredictable(right, half, 0);
        size -= half;
    }
    (rank + usize::from(sorted.get(rank).is_some_and(|it| *it < number))) as u32
}
