//! The vector in one register of 256 bits.
#![expect(
    unsafe_code,
    reason = "intrinsics need a processor that has them; `is_here` is asked before any is reached"
)]

use super::tables::Job;
use super::{Real, Vector, WIDTH, blocks, lanes};
use crate::{Number, Rows};
use std::arch::x86_64::{
    __m128i, __m256i, _mm_loadu_si128, _mm256_add_epi8, _mm256_and_si256, _mm256_blendv_epi8,
    _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8, _mm256_loadu_si256,
    _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_slli_epi16, _mm256_srli_epi16, _mm256_storeu_si256, _mm256_sub_epi8,
};

/// Whether this processor has what is used here.
pub(crate) fn is_here() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// Scores one row.
pub(crate) fn one<T: Number, R: Real>(job: &Job<'_>, row: &[T], out: &mut [f64]) {
    assert!(is_here(), "chosen on a processor that has it");
    // SAFETY: the processor has AVX2, as was asserted.
    unsafe { one_here::<T, R>(job, row, out) }
}

/// Scores rows.
pub(crate) fn many<T: Number, R: Real>(job: &Job<'_>, rows: &Rows<'_, T>, out: &mut [f64]) {
    assert!(is_here(), "chosen on a processor that has it");
    // SAFETY: the processor has AVX2, as was asserted.
    unsafe { many_here::<T, R>(job, rows, out) }
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn one_here<T: Number, R: Real>(job: &Job<'_>, row: &[T], out: &mut [f64]) {
    lanes::score::<V, T, R>(job, row, out);
}

#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn many_here<T: Number, R: Real>(job: &Job<'_>, rows: &Rows<'_, T>, out: &mut [f64]) {
    blocks::score::<V, T, R>(job, rows, out);
}

/// A register; made and used only below `one_here` and `many_here`.
#[derive(Clone, Copy)]
struct V(__m256i);

#[inline(always)]
fn sixteen(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: sixteen bytes are there to be read from any address; AVX2 is there, see `V`.
    unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast::<__m128i>())) }
}

impl Vector for V {
    type Table = [__m256i; 4];

    #[inline(always)]
    fn load(bytes: &[u8; WIDTH]) -> Self {
        // SAFETY: 32 bytes are there to be read from any address; AVX2 is there, see `V`.
        Self(unsafe { _mm256_loadu_si256(bytes.as_ptr().cast()) })
    }
    #[inline(always)]
    fn store(self) -> [u8; WIDTH] {
        let mut bytes = [0; WIDTH];
        // SAFETY: 32 bytes are there to be written at any address; AVX2 is there, see `V`.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().cast(), self.0) }
        bytes
    }
    #[inline(always)]
    fn splat(byte: u8) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        Self(unsafe { _mm256_set1_epi8(byte as i8) })
    }
    #[inline(always)]
    fn and(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        Self(unsafe { _mm256_and_si256(self.0, other.0) })
    }
    #[inline(always)]
    fn or(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        Self(unsafe { _mm256_or_si256(self.0, other.0) })
    }
    #[inline(always)]
    fn above(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        Self(unsafe { _mm256_cmpgt_epi8(self.0, other.0) })
    }
    #[inline(always)]
    fn is_zero(self) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        Self(unsafe { _mm256_cmpeq_epi8(self.0, _mm256_setzero_si256()) })
    }
    #[inline(always)]
    fn pick(mask: Self, zeros: Self, ones: Self) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        Self(unsafe { _mm256_blendv_epi8(zeros.0, ones.0, mask.0) })
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        Self(unsafe { _mm256_add_epi8(self.0, other.0) })
    }
    #[inline(always)]
    fn lowest_bit(self) -> Self {
        let low = sixteen(&[0, 0, 1, 0, 2, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
        let high = sixteen(&[0, 4, 5, 0, 6, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        // SAFETY: AVX2 is there, see `V`.
        unsafe {
            let one = _mm256_and_si256(self.0, _mm256_sub_epi8(_mm256_setzero_si256(), self.0));
            let nibble = _mm256_set1_epi8(15);
            let upper = _mm256_and_si256(_mm256_srli_epi16::<4>(one), nibble);
            let lower = _mm256_and_si256(one, nibble);
            let lower = _mm256_shuffle_epi8(low, lower);
            Self(_mm256_add_epi8(lower, _mm256_shuffle_epi8(high, upper)))
        }
    }
    #[inline(always)]
    fn table(bytes: &[u8; 64]) -> Self::Table {
        let (parts, _) = bytes.as_chunks::<16>();
        [0, 1, 2, 3].map(|part| sixteen(&parts[part]))
    }
    #[inline(always)]
    fn look_up_32(table: &Self::Table, numbers: Self) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        unsafe {
            let even = _mm256_shuffle_epi8(table[0], numbers.0);
            let odd = _mm256_shuffle_epi8(table[1], numbers.0);
            Self(_mm256_blendv_epi8(
                even,
                odd,
                _mm256_slli_epi16::<3>(numbers.0),
            ))
        }
    }
    #[inline(always)]
    fn look_up_64(table: &Self::Table, numbers: Self) -> Self {
        let low = Self::look_up_32(table, numbers);
        let high = Self::look_up_32(&[table[2], table[3], table[2], table[3]], numbers);
        // SAFETY: AVX2 is there, see `V`.
        Self(unsafe { _mm256_blendv_epi8(low.0, high.0, _mm256_slli_epi16::<2>(numbers.0)) })
    }
}
