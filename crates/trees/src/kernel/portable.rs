//! The vector in plain code, in halves of sixteen bytes, which compilers make vectors of.

use super::{Vector, WIDTH};

/// Thirty-two bytes.
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

impl Vector for Bytes {
    type Table = [u8; 64];

    #[inline(always)]
    fn load(bytes: &[u8; WIDTH]) -> Self {
        Self(*bytes)
    }
    #[inline(always)]
    fn store(self) -> [u8; WIDTH] {
        self.0
    }
    #[inline(always)]
    fn splat(byte: u8) -> Self {
        Self([byte; WIDTH])
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        self.with(other, |left, right| left & right)
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        self.with(other, |left, right| left | right)
    }
    #[inline(always)]
    fn above(self, other: Self) -> Self {
        let ones = |left: u8, right: u8| if left as i8 > right as i8 { u8::MAX } else { 0 };
        self.with(other, ones)
    }
    #[inline(always)]
    fn is_zero(self) -> Self {
        self.with(self, |it, _| if it == 0 { u8::MAX } else { 0 })
    }
    #[inline(always)]
    fn pick(mask: Self, zeros: Self, ones: Self) -> Self {
        let zeros = zeros.with(mask, |it, mask| it & !mask);
        zeros.or(ones.and(mask))
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.with(other, u8::wrapping_add)
    }
    #[inline(always)]
    fn lowest_bit(self) -> Self {
        self.with(self, |it, _| {
            let low = it & it.wrapping_neg();
            let bit = |of: u8, is: u8| if low & of == 0 { 0 } else { is };
            bit(0xaa, 1) + bit(0xcc, 2) + bit(0xf0, 4)
        })
    }
    #[inline(always)]
    fn table(bytes: &[u8; 64]) -> Self::Table {
        *bytes
    }
    #[inline(always)]
    fn look_up_32(table: &Self::Table, numbers: Self) -> Self {
        Self(numbers.0.map(|it| table[usize::from(it & 31)]))
    }
    #[inline(always)]
    fn look_up_64(table: &Self::Table, numbers: Self) -> Self {
        Self(numbers.0.map(|it| table[usize::from(it & 63)]))
    }
}
