//! Ranks by registers of 512 bits: 32 features are searched at once, eight to a register, then
//! sixteen columns at once are made of what was found.
#![expect(
    unsafe_code,
    reason = "intrinsics need a processor that has them; the kernel is asked before this is reached"
)]

use super::{FEW, NAN, NOUGHT, Quantiser, ZERO};
use crate::Number;
use std::arch::x86_64::{
    __m256i, __m512d, __m512i, _CMP_GE_OQ, _CMP_LE_OQ, _CMP_LT_OQ, _CMP_UNORD_Q, _mm_storeu_si128,
    _mm256_mask_storeu_epi32, _mm256_maskz_loadu_epi32, _mm256_mmask_i32gather_ps,
    _mm256_setzero_ps, _mm512_add_epi64, _mm512_andnot_si512, _mm512_cmp_pd_mask,
    _mm512_cmple_epi64_mask, _mm512_cvtepi32_epi8, _mm512_cvtepi64_epi32, _mm512_cvtepu32_epi64,
    _mm512_cvtpd_ps, _mm512_cvtps_pd, _mm512_mask_cmp_pd_mask, _mm512_mask_i32gather_epi32,
    _mm512_mask_i32gather_pd, _mm512_mask_i64gather_pd, _mm512_mask_mov_epi32,
    _mm512_mask_mov_epi64, _mm512_mask_or_epi64, _mm512_maskz_loadu_epi32, _mm512_maskz_mov_pd,
    _mm512_max_epu32, _mm512_min_epu32, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_set1_pd,
    _mm512_setzero_pd, _mm512_setzero_si512, _mm512_sub_epi32, _mm512_test_epi32_mask,
    _mm512_xor_si512,
};

/// Features in a register.
const LANES: usize = 8;
/// Registers searched at once.
const FLIGHT: usize = 4;

/// Writes every column's rank of a row, as `Quantiser::ranks` does.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bitalg,bmi1,bmi2")]
pub(crate) fn ranks<T: Number>(quantiser: &Quantiser, row: &[T], ranks: &mut [u8]) {
    assert!(row.len() >= quantiser.reach && ranks.len() >= quantiser.room());
    let count = quantiser.features.feature.len();
    let (mut few, mut all) = ([0; FEW], Vec::new());
    let positions = match few.get_mut(..count) {
        Some(few) => few,
        None => {
            all.resize(count, 0);
            &mut all
        }
    };
    for from in (0..count).step_by(LANES * FLIGHT) {
        search(quantiser, row, from, positions);
    }
    columns(quantiser, positions, ranks);
    quantiser.others(row, ranks);
}

/// A bit for each of so many lanes of eight.
fn first(lanes: usize) -> u8 {
    match lanes {
        0..LANES => (1 << lanes) - 1,
        _ => u8::MAX,
    }
}

/// Finds the positions of up to 32 features.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bitalg,bmi1,bmi2")]
fn search<T: Number>(quantiser: &Quantiser, row: &[T], from: usize, positions: &mut [u32]) {
    let features = &quantiser.features;
    let count = features.feature.len();
    let zero = _mm512_setzero_si512();
    let (mut values, mut numbers) = ([_mm512_setzero_pd(); FLIGHT], [_mm512_setzero_pd(); FLIGHT]);
    let (mut firsts, mut counts, mut found) = ([zero; FLIGHT], [zero; FLIGHT], [zero; FLIGHT]);
    let used = (count - from).div_ceil(LANES).min(FLIGHT);
    for part in 0..used {
        let at = from + part * LANES;
        let lanes = first(count - at);
        // SAFETY: lanes beyond the features are masked out; every feature lies within `reach`,
        // which the row has.
        unsafe {
            let load = |of: &[u32]| _mm256_maskz_loadu_epi32(lanes, of.as_ptr().add(at).cast());
            values[part] = gather(row, lanes, load(&features.feature), quantiser.single);
            firsts[part] = _mm512_cvtepu32_epi64(load(&features.first));
            counts[part] = _mm512_cvtepu32_epi64(load(&features.count));
        }
        let ordered = !_mm512_cmp_pd_mask::<_CMP_UNORD_Q>(values[part], values[part]);
        numbers[part] = _mm512_maskz_mov_pd(ordered, values[part]);
    }
    // The first feature has most thresholds.
    let mut step = match features.count[from] {
        0 => 0,
        most => 1_i64 << most.ilog2(),
    };
    let thresholds = quantiser.thresholds.as_ptr();
    while step > 0 {
        for part in 0..used {
            let next = _mm512_add_epi64(found[part], _mm512_set1_epi64(step));
            let is_there = _mm512_cmple_epi64_mask(next, counts[part]);
            let at = _mm512_add_epi64(firsts[part], next);
            let least = _mm512_setzero_pd();
            // SAFETY: where it is read, `next` is at least one and at most the feature's count of
            // thresholds, which begin at `firsts` and lie in the vector.
            let threshold = unsafe {
                _mm512_mask_i64gather_pd::<8>(least, is_there, at, thresholds.wrapping_sub(1))
            };
            let is_below =
                _mm512_mask_cmp_pd_mask::<_CMP_LT_OQ>(is_there, threshold, numbers[part]);
            found[part] = _mm512_mask_mov_epi64(found[part], is_below, next);
        }
        step /= 2;
    }
    for part in 0..used {
        let at = from + part * LANES;
        let marked = marked(found[part], values[part], numbers[part]);
        // SAFETY: lanes beyond the features are masked out.
        unsafe {
            let to = positions.as_mut_ptr().add(at).cast();
            _mm256_mask_storeu_epi32(to, first(count - at), _mm512_cvtepi64_epi32(marked));
        }
    }
}

/// Positions with marks.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bitalg,bmi1,bmi2")]
fn marked(found: __m512i, values: __m512d, numbers: __m512d) -> __m512i {
    let is_nan = _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(values, values);
    let is_zero = _mm512_cmp_pd_mask::<_CMP_GE_OQ>(numbers, _mm512_set1_pd(-ZERO))
        & _mm512_cmp_pd_mask::<_CMP_LE_OQ>(numbers, _mm512_set1_pd(ZERO));
    let mark = |bit: u32| _mm512_set1_epi64(i64::from(bit));
    let found = _mm512_mask_or_epi64(found, is_nan, found, mark(NAN));
    _mm512_mask_or_epi64(found, is_zero, found, mark(NOUGHT))
}

/// The values of eight features, in the arithmetic of the model. Needs a row that has all of those
/// that are not masked out.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bitalg,bmi1,bmi2")]
unsafe fn gather<T: Number>(row: &[T], lanes: u8, features: __m256i, single: bool) -> __m512d {
    if size_of::<T>() == 4 {
        // SAFETY: T is f32; the caller answers for the row.
        return _mm512_cvtps_pd(unsafe {
            _mm256_mmask_i32gather_ps::<4>(
                _mm256_setzero_ps(),
                lanes,
                features,
                row.as_ptr().cast(),
            )
        });
    }
    // SAFETY: T is f64; the caller answers for the row.
    let values = unsafe {
        _mm512_mask_i32gather_pd::<8>(_mm512_setzero_pd(), lanes, features, row.as_ptr().cast())
    };
    if single {
        return _mm512_cvtps_pd(_mm512_cvtpd_ps(values));
    }
    values
}

/// Makes ranks of positions.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bitalg,bmi1,bmi2")]
fn columns(quantiser: &Quantiser, positions: &[u32], to: &mut [u8]) {
    let of = &quantiser.ranks;
    let count = of.of.len();
    let zero = _mm512_setzero_si512();
    for at in (0..count).step_by(16) {
        let lanes = match count - at {
            left @ 0..16 => (1 << left) - 1,
            _ => u16::MAX,
        };
        // SAFETY: lanes beyond the columns are masked out; each column is of a feature that has a
        // position; the room for ranks is a multiple of sixteen.
        unsafe {
            let load = |of: &[u32]| _mm512_maskz_loadu_epi32(lanes, of.as_ptr().add(at).cast());
            let (feature, positions) = (load(&of.of), positions.as_ptr().cast());
            let position = _mm512_mask_i32gather_epi32::<4>(zero, lanes, feature, positions);
            let is_missing = _mm512_test_epi32_mask(position, load(&of.marks));
            let marks = _mm512_set1_epi32((NAN | NOUGHT).cast_signed());
            let below = load(&of.below);
            let rank = _mm512_max_epu32(_mm512_andnot_si512(marks, position), below);
            let rank = _mm512_sub_epi32(rank, below);
            let rank = _mm512_min_epu32(rank, _mm512_set1_epi32(super::CHUNK as i32));
            let rank = _mm512_mask_mov_epi32(rank, is_missing, load(&of.missing));
            let rank = _mm512_xor_si512(rank, _mm512_set1_epi32(128));
            _mm_storeu_si128(to.as_mut_ptr().add(at).cast(), _mm512_cvtepi32_epi8(rank));
        }
    }
}
