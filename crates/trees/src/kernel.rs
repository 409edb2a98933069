//! Ways to get from ranks to scores, all with the same bits.
//!
//! A tree's questions are asked in order, from left to right; question `i` stands between leaves
//! `i` and `i + 1`. A row begins at leaf 0. Where a question is answered with no, and the leaf held
//! is one of those below the question, the row moves on to leaf `i + 1`; the leaf held after the
//! last question is the one in which the row comes to rest. So a question is two comparisons of
//! bytes and a choice, without a jump, for 64 trees or 64 rows at once.
//!
//! It is the search for the lowest bit that no question clears (Lucchese et al., `QuickScorer`,
//! SIGIR 2015) without the bits: intervals cleared in the order of their ends leave a number.

/// What a module of a processor's features is entered by, and what its vector `V` compiles once for
/// rows of any number. Whoever calls one answers for the features.
#[cfg(target_arch = "x86_64")]
macro_rules! compiled_with {
    ($features:literal) => {
        #[target_feature(enable = $features)]
        fn few_here<T: Number, R: Real, const K: usize>(
            job: &Job<'_>,
            rows: [&[T]; K],
            out: &mut [f64],
        ) {
            lanes::score::<V, T, R, K>(job, rows, out);
        }

        #[target_feature(enable = $features)]
        fn many_here<T: Number, R: Real>(job: &Job<'_>, rows: &Rows<'_, T>, out: &mut [f64]) {
            blocks::score::<V, T, R>(job, rows, out);
        }

        #[inline(never)]
        #[target_feature(enable = $features)]
        fn lanes_here<R: Real, const K: usize>(job: &Job<'_>, ranks: [&[u8]; K], out: &mut [f64]) {
            lanes::score_ranks::<V, R, K>(job, ranks, out);
        }

        #[inline(never)]
        #[target_feature(enable = $features)]
        fn blocks_here<R: Real, const B: usize>(
            job: &Job<'_>,
            columns: &mut [Column<B>],
            out: &mut [f64],
        ) {
            blocks::score_ranks::<V, R, B>(job, columns, out);
        }
    };
}

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
pub(crate) mod blocks;
pub(crate) mod compile;
pub(crate) mod lanes;
pub(crate) mod portable;
pub(crate) mod tables;
pub(crate) mod walk;

use crate::quantise::{Quantiser, below};
use crate::{Number, Rows};
use blocks::Column;
use std::ops::Range;
use tables::Job;

/// Trees of a group, rows of a block, bytes of a vector.
pub(crate) const WIDTH: usize = 64;

/// Ranks that a question of a group can be about.
pub(crate) const NEAR: usize = 128;

/// Sixty-four bytes that are worked on at once.
pub(crate) trait Vector: Copy {
    /// Ranks that are looked up by number.
    type Table: Copy;
    /// Sixty-four answers.
    type Answers: Copy;

    /// Groups of trees in flight for one row, one or two.
    const GROUPS: usize = 1;

    fn load(bytes: &[u8; WIDTH]) -> Self;
    fn store(self) -> [u8; WIDTH];
    /// A byte in all places, given as four of it.
    fn splat(four: u32) -> Self;
    fn plus(self, other: Self) -> Self;
    fn table(ranks: &[u8; NEAR]) -> Self::Table;
    /// Ranks by number; numbers are below `N`, which is 32, 64 or 128.
    fn look_up<const N: usize>(table: &Self::Table, numbers: Self) -> Self;
    /// No where a rank, signed, is not below its limit.
    fn ask(self, limits: Self) -> Self::Answers;
    /// No where either says no; bits that are set stand for no.
    fn and_ask(answers: Self::Answers, no: u64) -> Self::Answers;
    /// Moves on to `next` where the answer is no and the leaf held is not before `low`.
    fn step(self, answers: Self::Answers, low: Self, next: Self) -> Self;
    /// All ones where the bit of a line (below 64) is set.
    fn members(self, set: u64) -> Self;

    /// For each number, how many of the sorted thresholds are below it.
    #[inline(always)]
    fn below(sorted: &[f64], numbers: &[f64; WIDTH], found: &mut [u32; WIDTH]) {
        for (found, number) in found.iter_mut().zip(numbers) {
            *found = below(sorted, *number);
        }
    }

    /// Every column's rank of a row; `ranks` has room for [`Quantiser::room`] of them.
    #[inline(always)]
    fn quantise<T: Number>(quantiser: &Quantiser, row: &[T], ranks: &mut [u8]) {
        quantiser.ranks(row, ranks);
    }

    /// The columns of ranks of up to 64 rows, into that block of each.
    #[inline(always)]
    fn quantise_block<T: Number, R: Real, const B: usize>(
        (quantiser, by_feature): (&Quantiser, &[u32]),
        rows: &Rows<'_, T>,
        of_rows: Range<usize>,
        block: usize,
        columns: &mut [Column<B>],
    ) {
        let put = |column: usize, row, rank| {
            columns[column].0[block][Self::place::<R>(row) % WIDTH] = rank;
        };
        quantiser.block(rows, of_rows, (by_feature, Self::below), put);
    }

    /// [`lanes::score_ranks`], a function of its own: it is compiled once for rows of any number.
    fn lanes<R: Real, const K: usize>(job: &Job<'_>, ranks: [&[u8]; K], out: &mut [f64]);

    /// [`blocks::score_ranks`], as well.
    fn blocks<R: Real, const B: usize>(job: &Job<'_>, columns: &mut [Column<B>], out: &mut [f64]);

    /// Adds to a score, one after the other, the leaves in which the row came to rest, in trees of
    /// `width` leaves.
    #[inline(always)]
    fn sum<R: Real>(at: &[u8], leaves: &[R::Bytes], width: usize, score: R) -> R {
        let trees = leaves.chunks_exact(width);
        let held = at.iter().zip(trees);
        held.fold(score, |score, (at, tree)| {
            score.plus(R::read(&tree[usize::from(*at)]))
        })
    }

    /// Where in a block's columns a row lies whose score lies at its own place.
    #[inline(always)]
    fn place<R: Real>(row: usize) -> usize {
        row
    }

    /// Adds to each score the leaf in which its row came to rest.
    #[inline(always)]
    fn add<R: Real>(self, leaves: &[R::Bytes], scores: &mut [R; WIDTH]) {
        for (score, at) in scores.iter_mut().zip(self.store()) {
            *score = score.plus(R::read(&leaves[usize::from(at)]));
        }
    }
}

/// The number in which leaves are added up.
pub(crate) trait Real: Copy {
    /// Its bytes, the lowest first.
    type Bytes: Copy;
    fn leaves(bytes: &[u8]) -> &[Self::Bytes];
    fn read(bytes: &Self::Bytes) -> Self;
    fn plus(self, other: Self) -> Self;
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
}

impl Real for f64 {
    type Bytes = [u8; 8];
    #[inline(always)]
    fn leaves(bytes: &[u8]) -> &[[u8; 8]] {
        bytes.as_chunks().0
    }
    #[inline(always)]
    fn read(bytes: &[u8; 8]) -> Self {
        Self::from_le_bytes(*bytes)
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    #[inline(always)]
    fn of(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }
}

impl Real for f32 {
    type Bytes = [u8; 4];
    #[inline(always)]
    fn leaves(bytes: &[u8]) -> &[[u8; 4]] {
        bytes.as_chunks().0
    }
    #[inline(always)]
    fn read(bytes: &[u8; 4]) -> Self {
        Self::from_le_bytes(*bytes)
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    #[inline(always)]
    fn of(value: f64) -> Self {
        value as f32
    }
    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }
}
