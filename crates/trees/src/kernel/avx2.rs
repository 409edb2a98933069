//! The vector in two registers of 256 bits.
#![expect(
    unsafe_code,
    reason = "intrinsics need a processor that has them; `is_here` is asked before any is reached"
)]

use super::blocks::Column;
use super::tables::Job;
use super::{NEAR, Real, Vector, WIDTH, blocks, lanes};
use crate::quantise::avx2::below;
use crate::{Number, Rows};
use std::arch::asm;
use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi8, _mm256_and_si256, _mm256_andnot_si256,
    _mm256_blendv_epi8, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_cmpgt_epi8,
    _mm256_loadu_si256, _mm256_max_epu8, _mm256_or_si256, _mm256_set1_epi8, _mm256_set1_epi32,
    _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16,
    _mm256_srli_epi16, _mm256_storeu_si256,
};

/// Whether this processor has what is used here.
pub(crate) fn is_here() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
}

/// Scores `K` rows.
pub(crate) fn few<T: Number, R: Real, const K: usize>(
    job: &Job<'_>,
    rows: [&[T]; K],
    out: &mut [f64],
) {
    assert!(is_here(), "chosen on a processor that has it");
    // SAFETY: the processor has AVX2, as was asserted.
    unsafe { few_here::<T, R, K>(job, rows, out) }
}

/// Scores rows.
pub(crate) fn many<T: Number, R: Real>(job: &Job<'_>, rows: &Rows<'_, T>, out: &mut [f64]) {
    assert!(is_here(), "chosen on a processor that has it");
    // SAFETY: the processor has AVX2, as was asserted.
    unsafe { many_here::<T, R>(job, rows, out) }
}

compiled_with!("avx2,bmi1,bmi2,lzcnt,popcnt");

/// Two registers; made and used only below `few_here` and `many_here`.
#[derive(Clone, Copy)]
struct V([__m256i; 2]);

#[inline(always)]
fn sixteen(bytes: &[u8; 16]) -> __m256i {
    // SAFETY: sixteen bytes are there to be read from any address; AVX2 is there, see `V`.
    unsafe { _mm256_broadcastsi128_si256(_mm_loadu_si128(bytes.as_ptr().cast())) }
}

/// Numbers below 32, out of two registers of sixteen.
#[inline(always)]
fn look_up_32(table: [__m256i; 2], numbers: __m256i) -> __m256i {
    // SAFETY: AVX2 is there, see `V`.
    unsafe {
        let even = _mm256_shuffle_epi8(table[0], numbers);
        let odd = _mm256_shuffle_epi8(table[1], numbers);
        _mm256_blendv_epi8(even, odd, _mm256_slli_epi16::<3>(numbers))
    }
}

/// Numbers below 64.
#[inline(always)]
fn look_up_64(table: [__m256i; 4], numbers: __m256i) -> __m256i {
    let low = look_up_32([table[0], table[1]], numbers);
    let high = look_up_32([table[2], table[3]], numbers);
    // SAFETY: AVX2 is there, see `V`.
    unsafe { _mm256_blendv_epi8(low, high, _mm256_slli_epi16::<2>(numbers)) }
}

/// Numbers below 128.
#[inline(always)]
fn look_up_128(table: &[__m256i; 8], numbers: __m256i) -> __m256i {
    let [a, b, c, d, e, f, g, h] = *table;
    let low = look_up_64([a, b, c, d], numbers);
    let high = look_up_64([e, f, g, h], numbers);
    // SAFETY: AVX2 is there, see `V`.
    unsafe { _mm256_blendv_epi8(low, high, _mm256_slli_epi16::<1>(numbers)) }
}

/// In each eight bytes, a byte for each bit.
const BITS: i64 = i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]);

/// Numbers of four bytes, each eight times.
const EIGHT_TIMES: [u64; 4] = [
    0,
    0x0101_0101_0101_0101,
    0x0202_0202_0202_0202,
    0x0303_0303_0303_0303,
];

/// Has a register known as it is. Left alone, the compiler makes a choice by mask of a step, which
/// newer processors take three operations for instead of one.
#[inline]
#[target_feature(enable = "avx2")]
fn known(mut register: __m256i) -> __m256i {
    // SAFETY: no instruction, and nothing is changed.
    unsafe {
        asm!("/* {0} */", inout(ymm_reg) register, options(pure, nomem, nostack, preserves_flags));
    }
    register
}

// No closures below: what a closure calls is compiled for any processor unless the closure is
// inlined, which compilers leave off in long functions.

/// Numbers below `N`, which is 32, 64 or 128.
#[inline(always)]
fn look_up<const N: usize>(table: &[__m256i; NEAR / 16], numbers: __m256i) -> __m256i {
    let [a, b, c, d, ..] = *table;
    match N {
        32 => look_up_32([a, b], numbers),
        64 => look_up_64([a, b, c, d], numbers),
        _ => look_up_128(table, numbers),
    }
}

/// Yes where `answers` says so and the bit is not set.
#[inline(always)]
fn and_bits(answers: __m256i, no: u32) -> __m256i {
    // SAFETY: AVX2 is there, see `V`.
    unsafe {
        let bits = _mm256_set1_epi64x(BITS);
        let spread = _mm256_loadu_si256(EIGHT_TIMES.as_ptr().cast());
        let no = _mm256_shuffle_epi8(_mm256_set1_epi32(no.cast_signed()), spread);
        let no = _mm256_cmpeq_epi8(_mm256_and_si256(no, bits), bits);
        _mm256_andnot_si256(no, answers)
    }
}

/// What comes next, which is greater than what is held, where the answer is no and what is held is
/// not before `low`.
#[inline(always)]
fn step(at: __m256i, answers: __m256i, low: __m256i, next: __m256i) -> __m256i {
    // SAFETY: AVX2 is there, see `V`.
    unsafe {
        let stays = _mm256_or_si256(_mm256_cmpgt_epi8(low, at), answers);
        _mm256_max_epu8(at, known(_mm256_andnot_si256(stays, next)))
    }
}

/// All ones where the bit of a line (below 64) is set.
#[inline(always)]
fn members(lines: __m256i, set: u64) -> __m256i {
    // SAFETY: AVX2 is there, see `V`.
    unsafe {
        let (set, bits) = (set.cast_signed(), _mm256_set1_epi64x(BITS));
        let (set, seven) = (_mm256_set1_epi64x(set), _mm256_set1_epi8(7));
        let byte = _mm256_and_si256(_mm256_srli_epi16::<3>(lines), seven);
        let byte = _mm256_shuffle_epi8(set, byte);
        let bit = _mm256_shuffle_epi8(bits, _mm256_and_si256(lines, seven));
        let is_out = _mm256_cmpeq_epi8(_mm256_and_si256(byte, bit), _mm256_setzero_si256());
        _mm256_cmpeq_epi8(is_out, _mm256_setzero_si256())
    }
}

impl Vector for V {
    type Table = [__m256i; NEAR / 16];
    /// All ones for yes.
    type Answers = Self;

    #[inline(always)]
    fn load(bytes: &[u8; WIDTH]) -> Self {
        let (halves, _) = bytes.as_chunks::<32>();
        // SAFETY: 32 bytes are there to be read from any address; AVX2 is there, see `V`.
        unsafe {
            Self([
                _mm256_loadu_si256(halves[0].as_ptr().cast()),
                _mm256_loadu_si256(halves[1].as_ptr().cast()),
            ])
        }
    }
    #[inline(always)]
    fn store(self) -> [u8; WIDTH] {
        let mut bytes = [0; WIDTH];
        for (to, half) in bytes.as_chunks_mut::<32>().0.iter_mut().zip(self.0) {
            // SAFETY: 32 bytes are there to be written at any address; AVX2 is there, see `V`.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), half) }
        }
        bytes
    }
    #[inline(always)]
    fn splat(four: u32) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        Self([unsafe { _mm256_set1_epi32(four.cast_signed()) }; 2])
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        unsafe {
            Self([
                _mm256_add_epi8(self.0[0], other.0[0]),
                _mm256_add_epi8(self.0[1], other.0[1]),
            ])
        }
    }
    #[inline(always)]
    fn table(ranks: &[u8; NEAR]) -> Self::Table {
        let (parts, _) = ranks.as_chunks::<16>();
        [
            sixteen(&parts[0]),
            sixteen(&parts[1]),
            sixteen(&parts[2]),
            sixteen(&parts[3]),
            sixteen(&parts[4]),
            sixteen(&parts[5]),
            sixteen(&parts[6]),
            sixteen(&parts[7]),
        ]
    }
    #[inline(always)]
    fn look_up<const N: usize>(table: &Self::Table, numbers: Self) -> Self {
        Self([
            look_up::<N>(table, numbers.0[0]),
            look_up::<N>(table, numbers.0[1]),
        ])
    }
    #[inline(always)]
    fn ask(self, limits: Self) -> Self {
        // SAFETY: AVX2 is there, see `V`.
        unsafe {
            Self([
                _mm256_cmpgt_epi8(limits.0[0], self.0[0]),
                _mm256_cmpgt_epi8(limits.0[1], self.0[1]),
            ])
        }
    }
    #[inline(always)]
    fn and_ask(answers: Self, no: u64) -> Self {
        Self([
            and_bits(answers.0[0], no as u32),
            and_bits(answers.0[1], (no >> 32) as u32),
        ])
    }
    #[inline(always)]
    fn step(self, answers: Self, low: Self, next: Self) -> Self {
        Self([
            step(self.0[0], answers.0[0], low.0[0], next.0[0]),
            step(self.0[1], answers.0[1], low.0[1], next.0[1]),
        ])
    }
    #[inline(always)]
    fn below(sorted: &[f64], numbers: &[f64; WIDTH], found: &mut [u32; WIDTH]) {
        // SAFETY: AVX2 is there, see `V`.
        unsafe { below(sorted, numbers, found) }
    }
    #[inline(always)]
    fn lanes<R: Real, const K: usize>(job: &Job<'_>, ranks: [&[u8]; K], out: &mut [f64]) {
        // SAFETY: AVX2 is there, see `V`.
        unsafe { lanes_here::<R, K>(job, ranks, out) }
    }
    #[inline(always)]
    fn blocks<R: Real, const B: usize>(job: &Job<'_>, columns: &mut [Column<B>], out: &mut [f64]) {
        // SAFETY: AVX2 is there, see `V`.
        unsafe { blocks_here::<R, B>(job, columns, out) }
    }
    #[inline(always)]
    fn members(self, set: u64) -> Self {
        Self([members(self.0[0], set), members(self.0[1], set)])
    }
}
