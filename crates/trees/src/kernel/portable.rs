//! The vector in plain code, in runs of sixteen bytes, which compilers make vectors of.

use super::blocks::Column;
use super::tables::Job;
use super::{NEAR, Real, Vector, WIDTH, blocks, lanes};

/// Sixty-four bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bytes([u8; WIDTH]);

impl Bytes {
    #[inline(always)]
    fn with(self, other: Self, each: impl Fn(u8, u8) -> u8) -> Self {
        let mut out = [0; WIDTH];
        let pairs = self
            .0
            .as_chunks::<16>()
            .0
            .iter()
            .zip(other.0.as_chunks::<16>().0);
        for (out, (left, right)) in out.as_chunks_mut::<16>().0.iter_mut().zip(pairs) {
            for (out, (left, right)) in out.iter_mut().zip(left.iter().zip(right)) {
                *out = each(*left, *right);
            }
        }
        Self(out)
    }
}

#[inline(always)]
fn ones_where(holds: bool) -> u8 {
    if holds { u8::MAX } else { 0 }
}

impl Vector for Bytes {
    type Table = [u8; NEAR];
    /// All ones for no.
    type Answers = Self;

    #[inline(always)]
    fn load(bytes: &[u8; WIDTH]) -> Self {
        Self(*bytes)
    }
    #[inline(always)]
    fn store(self) -> [u8; WIDTH] {
        self.0
    }
    #[inline(always)]
    fn splat(four: u32) -> Self {
        Self([four as u8; WIDTH])
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.with(other, u8::wrapping_add)
    }
    #[inline(always)]
    fn table(ranks: &[u8; NEAR]) -> Self::Table {
        *ranks
    }
    #[inline(always)]
    fn look_up<const N: usize>(table: &Self::Table, numbers: Self) -> Self {
        Self(numbers.0.map(|it| table[usize::from(it) % N]))
    }
    #[inline(always)]
    fn ask(self, limits: Self) -> Self {
        self.with(limits, |rank, limit| ones_where(rank as i8 >= limit as i8))
    }
    #[inline(always)]
    fn and_ask(answers: Self, no: u64) -> Self {
        let mut out = answers;
        for (out, at) in out.0.iter_mut().zip(0..) {
            *out |= ones_where(no >> at & 1 == 1);
        }
        out
    }
    #[inline(always)]
    fn step(self, answers: Self, low: Self, next: Self) -> Self {
        let is_below = self.with(low, |at, low| ones_where(at >= low));
        let moves = answers.with(is_below, |left, right| left & right);
        // What comes next is greater than what is held.
        let next = next.with(moves, |next, moves| next & moves);
        self.with(next, u8::max)
    }
    #[inline(never)]
    fn lanes<R: Real, const K: usize>(job: &Job<'_>, ranks: [&[u8]; K], out: &mut [f64]) {
        lanes::score_ranks::<Self, R, K>(job, ranks, out);
    }
    #[inline(never)]
    fn blocks<R: Real, const B: usize>(job: &Job<'_>, columns: &mut [Column<B>], out: &mut [f64]) {
        blocks::score_ranks::<Self, R, B>(job, columns, out);
    }
    #[inline(always)]
    fn members(self, set: u64) -> Self {
        Self(self.0.map(|line| ones_where(set >> (line % 64) & 1 == 1)))
    }
}
