//! Ways to get from ranks to scores, all with the same bits: a tree's leaves are bits in bytes
//! ("planes"), every question that is answered with no clears those of its left branch, and the
//! lowest bit that stays is where the row comes to rest.
//!
//! Lucchese et al., `QuickScorer` (SIGIR 2015); Ye et al., `RapidScorer` (KDD 2018).

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
pub(crate) mod blocks;
pub(crate) mod compile;
pub(crate) mod lanes;
pub(crate) mod portable;
pub(crate) mod tables;
pub(crate) mod walk;

/// Trees of a group, rows of a block, bytes of a vector.
pub(crate) const WIDTH: usize = 32;

/// Thirty-two bytes that are worked on at once.
pub(crate) trait Vector: Copy {
    /// Up to 64 bytes that are looked up by number.
    type Table: Copy;

    fn load(bytes: &[u8; WIDTH]) -> Self;
    fn store(self) -> [u8; WIDTH];
    fn splat(byte: u8) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    /// All ones where this is above the other, both signed.
    fn above(self, other: Self) -> Self;
    /// All ones where a byte is zero.
    fn is_zero(self) -> Self;
    /// The first where the mask is all zeros, the second where it is all ones.
    fn pick(mask: Self, zeros: Self, ones: Self) -> Self;
    fn plus(self, other: Self) -> Self;
    /// The number of each byte's lowest bit; 0 for no bit.
    fn lowest_bit(self) -> Self;
    fn table(bytes: &[u8; 64]) -> Self::Table;
    /// Bytes of the first half of a table by number.
    fn look_up_32(table: &Self::Table, numbers: Self) -> Self;
    /// Bytes of a table by number.
    fn look_up_64(table: &Self::Table, numbers: Self) -> Self;
}

/// The number in which leaves are added up.
pub(crate) trait Real: Copy {
    const BYTES: usize;
    fn read(leaves: &[u8], index: usize) -> Self;
    fn plus(self, other: Self) -> Self;
    fn of(value: f64) -> Self;
    fn wide(self) -> f64;
}

impl Real for f64 {
    const BYTES: usize = 8;
    #[inline(always)]
    fn read(leaves: &[u8], index: usize) -> Self {
        Self::from_le_bytes(leaves.as_chunks::<8>().0[index])
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    fn of(value: f64) -> Self {
        value
    }
    fn wide(self) -> f64 {
        self
    }
}

impl Real for f32 {
    const BYTES: usize = 4;
    #[inline(always)]
    fn read(leaves: &[u8], index: usize) -> Self {
        Self::from_le_bytes(leaves.as_chunks::<4>().0[index])
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    fn of(value: f64) -> Self {
        value as f32
    }
    fn wide(self) -> f64 {
        f64::from(self)
    }
}

/// Where each of thirty-two comes to rest.
#[inline(always)]
fn rest<V: Vector, const P: usize>(planes: [V; P]) -> [u8; WIDTH] {
    let mut held = planes[P - 1];
    let mut base = V::splat(8 * (P as u8 - 1));
    for plane in (0..P - 1).rev() {
        let zero = planes[plane].is_zero();
        held = V::pick(zero, planes[plane], held);
        base = V::pick(zero, V::splat(8 * plane as u8), base);
    }
    held.lowest_bit().plus(base).store()
}
