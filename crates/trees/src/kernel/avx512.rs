//! The vector in one register of 512 bits.
#![expect(
    unsafe_code,
    reason = "intrinsics need a processor that has them; `is_here` is asked before any is reached"
)]

use super::blocks::Column;
use super::tables::Job;
use super::{NEAR, Real, Vector, WIDTH, blocks, lanes};
use crate::quantise::Quantiser;
use crate::quantise::avx512::{ranks, ranks_of_block};
use crate::{Number, Rows};
use std::arch::asm;
use std::arch::x86_64::{
    __m512, __m512d, __m512i, __mmask64, _mm_cvtsi32_si128, _mm512_add_epi8, _mm512_add_pd,
    _mm512_add_ps, _mm512_and_si512, _mm512_bitshuffle_epi64_mask, _mm512_castsi256_si512,
    _mm512_cmpge_epi8_mask, _mm512_cvtepi64_epi32, _mm512_i32gather_ps, _mm512_i64gather_pd,
    _mm512_inserti64x4, _mm512_loadu_pd, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_blend_pd,
    _mm512_mask_blend_ps, _mm512_mask_cmpge_epu8_mask, _mm512_mask_mov_epi8, _mm512_maskz_loadu_ps,
    _mm512_movm_epi8, _mm512_or_si512, _mm512_permutex2var_epi8, _mm512_permutex2var_pd,
    _mm512_permutex2var_ps, _mm512_permutexvar_epi8, _mm512_set1_epi32, _mm512_set1_epi64,
    _mm512_setzero_pd, _mm512_setzero_si512, _mm512_sll_epi32, _mm512_sll_epi64, _mm512_srl_epi32,
    _mm512_srl_epi64, _mm512_storeu_pd, _mm512_storeu_ps, _mm512_storeu_si512,
    _mm512_test_epi32_mask, _mm512_test_epi64_mask,
};
use std::ops::Range;

/// Whether this processor has what is used here.
pub(crate) fn is_here() -> bool {
    super::avx2::is_here()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi")
        && is_x86_feature_detected!("avx512bitalg")
}

/// Scores `K` rows.
pub(crate) fn few<T: Number, R: Real, const K: usize>(
    job: &Job<'_>,
    rows: [&[T]; K],
    out: &mut [f64],
) {
    assert!(is_here(), "chosen on a processor that has it");
    // SAFETY: the processor has what is enabled, as was asserted.
    unsafe { few_here::<T, R, K>(job, rows, out) }
}

/// Scores rows.
pub(crate) fn many<T: Number, R: Real>(job: &Job<'_>, rows: &Rows<'_, T>, out: &mut [f64]) {
    assert!(is_here(), "chosen on a processor that has it");
    // SAFETY: the processor has what is enabled, as was asserted.
    unsafe { many_here::<T, R>(job, rows, out) }
}

compiled_with!("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bitalg,bmi1,bmi2");

/// A register; made and used only below `few_here` and `many_here`.
#[derive(Clone, Copy)]
struct V(__m512i);

/// Has answers known before what depends on them. Left alone, the compiler compares the leaf held
/// first and the rank under the mask of that, which makes every step wait for two comparisons.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn first(mut answers: __mmask64) -> __mmask64 {
    // SAFETY: no instruction, and nothing is changed.
    unsafe {
        asm!("/* {0} */", inout(kreg) answers, options(pure, nomem, nostack, preserves_flags));
    }
    answers
}

impl Vector for V {
    type Table = [__m512i; 2];
    /// A bit set for no.
    type Answers = __mmask64;

    const GROUPS: usize = 2;

    #[inline(always)]
    fn load(bytes: &[u8; WIDTH]) -> Self {
        // SAFETY: 64 bytes are there to be read from any address; the processor fits, see `V`.
        Self(unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) })
    }
    #[inline(always)]
    fn store(self) -> [u8; WIDTH] {
        let mut bytes = [0; WIDTH];
        // SAFETY: 64 bytes are there to be written at any address; the processor fits, see `V`.
        unsafe { _mm512_storeu_si512(bytes.as_mut_ptr().cast(), self.0) }
        bytes
    }
    #[inline(always)]
    fn splat(four: u32) -> Self {
        // SAFETY: the processor fits, see `V`.
        Self(unsafe { _mm512_set1_epi32(four.cast_signed()) })
    }
    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: the processor fits, see `V`.
        Self(unsafe { _mm512_add_epi8(self.0, other.0) })
    }
    #[inline(always)]
    fn table(ranks: &[u8; NEAR]) -> Self::Table {
        let (halves, _) = ranks.as_chunks::<WIDTH>();
        [0, 1].map(|at| Self::load(&halves[at]).0)
    }
    #[inline(always)]
    fn look_up<const N: usize>(table: &Self::Table, numbers: Self) -> Self {
        // SAFETY: the processor fits, see `V`.
        Self(unsafe {
            match N {
                32 | 64 => _mm512_permutexvar_epi8(numbers.0, table[0]),
                _ => _mm512_permutex2var_epi8(table[0], numbers.0, table[1]),
            }
        })
    }
    #[inline(always)]
    fn ask(self, limits: Self) -> __mmask64 {
        // SAFETY: the processor fits, see `V`.
        unsafe { first(_mm512_cmpge_epi8_mask(self.0, limits.0)) }
    }
    #[inline(always)]
    fn and_ask(answers: __mmask64, no: u64) -> __mmask64 {
        answers | no
    }
    #[inline(always)]
    fn step(self, answers: __mmask64, low: Self, next: Self) -> Self {
        // SAFETY: the processor fits, see `V`.
        unsafe {
            let moves = _mm512_mask_cmpge_epu8_mask(answers, self.0, low.0);
            Self(_mm512_mask_mov_epi8(self.0, moves, next.0))
        }
    }
    #[inline(always)]
    fn lanes<R: Real, const K: usize>(job: &Job<'_>, ranks: [&[u8]; K], out: &mut [f64]) {
        // SAFETY: the processor has what is enabled, see `V`.
        unsafe { lanes_here::<R, K>(job, ranks, out) }
    }
    #[inline(always)]
    fn blocks<R: Real, const B: usize>(job: &Job<'_>, columns: &mut [Column<B>], out: &mut [f64]) {
        // SAFETY: the processor has what is enabled, see `V`.
        unsafe { blocks_here::<R, B>(job, columns, out) }
    }
    #[inline(always)]
    fn members(self, set: u64) -> Self {
        // SAFETY: the processor fits, see `V`.
        Self(unsafe {
            let set = _mm512_set1_epi64(set.cast_signed());
            _mm512_movm_epi8(_mm512_bitshuffle_epi64_mask(set, self.0))
        })
    }

    #[inline(always)]
    fn quantise<T: Number>(quantiser: &Quantiser, row: &[T], to: &mut [u8]) {
        // SAFETY: the processor has what `ranks` asks for, see `V`.
        unsafe { ranks(quantiser, row, to) }
    }

    #[inline(always)]
    fn quantise_block<T: Number, R: Real, const B: usize>(
        (quantiser, by_feature): (&Quantiser, &[u32]),
        rows: &Rows<'_, T>,
        of_rows: Range<usize>,
        block: usize,
        columns: &mut [Column<B>],
    ) {
        let wide = size_of::<R>() == 8;
        let put = |column: usize, ranks| {
            // SAFETY: 64 bytes are there to be written at any address; the processor fits, see `V`.
            unsafe {
                let ranks = if wide {
                    by_eight(ranks)
                } else {
                    by_sixteen(ranks)
                };
                let to: &mut [u8; WIDTH] = &mut columns[column].0[block];
                _mm512_storeu_si512(to.as_mut_ptr().cast(), ranks);
            }
        };
        // SAFETY: the processor has what `block` asks for, see `V`.
        unsafe { ranks_of_block(quantiser, rows, of_rows, by_feature, put) }
    }

    /// Scores of eight (sixteen) rows are one register, and a register's leaves one byte of each
    /// of its lanes.
    #[inline(always)]
    fn place<R: Real>(row: usize) -> usize {
        let lanes = WIDTH / size_of::<R>();
        row % lanes * size_of::<R>() + row / lanes
    }

    #[inline(always)]
    fn add<R: Real>(self, leaves: &[R::Bytes], scores: &mut [R; WIDTH]) {
        let (first, count, scores) = (leaves.as_ptr(), leaves.len(), scores.as_mut_ptr());
        // SAFETY: R is f64 or f32, which is as long as its bytes; what is read and written lies
        // within `leaves` and `scores`; the processor fits, see `V`.
        unsafe {
            if size_of::<R>() == 8 {
                add_f64(self.0, first.cast(), count, scores.cast());
            } else {
                add_f32(self.0, first.cast(), count, scores.cast());
            }
        }
    }
}

/// Ranks of 64 rows, a row to each lane of eight bytes, as [`Vector::place`] has them for `f64`.
#[inline(always)]
unsafe fn by_eight(ranks: [__m512i; 8]) -> __m512i {
    let mut all = ranks[0];
    for (byte, ranks) in ranks.into_iter().enumerate().skip(1) {
        // SAFETY: the caller answers for the processor.
        all = unsafe {
            let moved = _mm512_sll_epi64(ranks, _mm_cvtsi32_si128(8 * byte as i32));
            _mm512_or_si512(all, moved)
        };
    }
    all
}

/// The same for `f32`.
#[inline(always)]
unsafe fn by_sixteen(ranks: [__m512i; 8]) -> __m512i {
    // SAFETY: the caller answers for the processor.
    unsafe {
        let mut all = _mm512_setzero_si512();
        for (byte, ranks) in ranks.as_chunks::<2>().0.iter().enumerate() {
            let [low, high] = ranks.map(|it| _mm512_cvtepi64_epi32(it));
            let both = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(low), high);
            let moved = _mm512_sll_epi32(both, _mm_cvtsi32_si128(8 * byte as i32));
            all = _mm512_or_si512(all, moved);
        }
        all
    }
}

/// Adds leaves to 64 scores. Needs `count` readable leaves, no row beyond them, and 64 scores.
#[inline(always)]
unsafe fn add_f64(at: __m512i, leaves: *const f64, count: usize, scores: *mut f64) {
    // SAFETY: registers are read only where `count` says that there are eight leaves; the caller
    // answers for the rest.
    unsafe {
        let load = |part: usize| match count >= 8 * (part + 1) {
            true => _mm512_loadu_pd(leaves.add(8 * part)),
            false => _mm512_setzero_pd(),
        };
        let add = |byte: usize, leaf: __m512d| {
            let score = scores.add(8 * byte);
            _mm512_storeu_pd(score, _mm512_add_pd(_mm512_loadu_pd(score), leaf));
        };
        let numbers = |byte: usize| _mm512_srl_epi64(at, _mm_cvtsi32_si128(8 * byte as i32));
        if count <= 16 {
            let table = [load(0), load(1)];
            for byte in 0..8 {
                add(
                    byte,
                    _mm512_permutex2var_pd(table[0], numbers(byte), table[1]),
                );
            }
        } else if count <= 32 {
            let table = [load(0), load(1), load(2), load(3)];
            for byte in 0..8 {
                let numbers = numbers(byte);
                let low = _mm512_permutex2var_pd(table[0], numbers, table[1]);
                let high = _mm512_permutex2var_pd(table[2], numbers, table[3]);
                let is_high = _mm512_test_epi64_mask(numbers, _mm512_set1_epi64(16));
                add(byte, _mm512_mask_blend_pd(is_high, low, high));
            }
        } else {
            for byte in 0..8 {
                let numbers = _mm512_and_si512(numbers(byte), _mm512_set1_epi64(0xff));
                add(byte, _mm512_i64gather_pd::<8>(numbers, leaves));
            }
        }
    }
}

/// Adds leaves to 64 scores. Needs `count` readable leaves, no row beyond them, and 64 scores.
#[inline(always)]
unsafe fn add_f32(at: __m512i, leaves: *const f32, count: usize, scores: *mut f32) {
    // SAFETY: lanes beyond `count` leaves are masked out; the caller answers for the rest.
    unsafe {
        let load = |part: usize| match count.saturating_sub(16 * part) {
            left @ 0..16 => _mm512_maskz_loadu_ps((1 << left) - 1, leaves.wrapping_add(16 * part)),
            _ => _mm512_loadu_ps(leaves.add(16 * part)),
        };
        let add = |byte: usize, leaf: __m512| {
            let score = scores.add(16 * byte);
            _mm512_storeu_ps(score, _mm512_add_ps(_mm512_loadu_ps(score), leaf));
        };
        let numbers = |byte: usize| _mm512_srl_epi32(at, _mm_cvtsi32_si128(8 * byte as i32));
        if count <= 32 {
            let table = [load(0), load(1)];
            for byte in 0..4 {
                add(
                    byte,
                    _mm512_permutex2var_ps(table[0], numbers(byte), table[1]),
                );
            }
        } else if count <= 64 {
            let table = [load(0), load(1), load(2), load(3)];
            for byte in 0..4 {
                let numbers = numbers(byte);
                let low = _mm512_permutex2var_ps(table[0], numbers, table[1]);
                let high = _mm512_permutex2var_ps(table[2], numbers, table[3]);
                let is_high = _mm512_test_epi32_mask(numbers, _mm512_set1_epi32(32));
                add(byte, _mm512_mask_blend_ps(is_high, low, high));
            }
        } else {
            for byte in 0..4 {
                let numbers = _mm512_and_si512(numbers(byte), _mm512_set1_epi32(0xff));
                add(byte, _mm512_i32gather_ps::<4>(numbers, leaves));
            }
        }
    }
}
