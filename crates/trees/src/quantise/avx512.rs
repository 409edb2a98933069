//! Ranks by registers of 512 bits: 32 features are searched at once, eight to a register, then
//! sixteen columns at once are made of what was found.
#![expect(
    unsafe_code,
    reason = "intrinsics need a processor that has them; the kernel is asked before this is reached"
)]

use super::{FEW, NAN, NOUGHT, Quantiser, ZERO};
use crate::{Number, Rows};
use std::arch::x86_64::{
    __m256i, __m512d, __m512i, _CMP_GE_OQ, _CMP_LE_OQ, _CMP_LT_OQ, _CMP_UNORD_Q, _mm_storeu_si128,
    _mm256_mask_storeu_epi32, _mm256_maskz_loadu_epi32, _mm256_mmask_i32gather_ps,
    _mm256_setzero_ps, _mm512_add_epi64, _mm512_andnot_si512, _mm512_cmp_pd_mask,
    _mm512_cmple_epi64_mask, _mm512_cvtepi32_epi8, _mm512_cvtepi64_epi32, _mm512_cvtepu32_epi64,
    _mm512_cvtpd_ps, _mm512_cvtps_pd, _mm512_i64gather_pd, _mm512_i64gather_ps, _mm512_loadu_pd,
    _mm512_mask_cmp_pd_mask, _mm512_mask_i32gather_epi32, _mm512_mask_i32gather_pd,
    _mm512_mask_i64gather_pd, _mm512_mask_mov_epi32, _mm512_mask_mov_epi64, _mm512_mask_or_epi64,
    _mm512_maskz_loadu_epi32, _mm512_maskz_mov_pd, _mm512_max_epu32, _mm512_max_epu64,
    _mm512_min_epi64, _mm512_min_epu32, _mm512_min_epu64, _mm512_mullo_epi64,
    _mm512_permutex2var_pd, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_set1_pd,
    _mm512_setr_epi64, _mm512_setzero_pd, _mm512_setzero_si512, _mm512_slli_epi64,
    _mm512_sub_epi32, _mm512_sub_epi64, _mm512_test_epi32_mask, _mm512_xor_si512,
};
use std::ops::Range;

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
    let is_zero = is_zero(numbers);
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

/// Thresholds from one of a register's to the next where a search begins in registers.
const STRIDE: usize = 16;

/// Ranks of up to 64 rows, a column at a time: eight rows to each register, a row to each lane.
/// Lanes beyond the rows hold what is in the last.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bitalg,bmi1,bmi2")]
pub(crate) fn ranks_of_block<T: Number>(
    quantiser: &Quantiser,
    rows: &Rows<'_, T>,
    of_rows: Range<usize>,
    columns: &[u32],
    mut put: impl FnMut(usize, [__m512i; LANES]),
) {
    assert!(rows.columns() >= quantiser.reach && of_rows.end <= rows.count());
    assert!(!of_rows.is_empty(), "a block has rows");
    let (data, stride) = rows.parts();
    let last = (of_rows.end - 1) as i64;
    let lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    let starts: [__m512i; LANES] = std::array::from_fn(|part| {
        let first = _mm512_set1_epi64((of_rows.start + part * LANES) as i64);
        let row = _mm512_min_epi64(_mm512_add_epi64(first, lanes), _mm512_set1_epi64(last));
        _mm512_mullo_epi64(row, _mm512_set1_epi64(stride as i64))
    });
    for columns in columns.chunk_by(|left, right| quantiser.of(*left) == quantiser.of(*right)) {
        let of = quantiser.of(columns[0]) as usize;
        let feature = quantiser.features.feature[of] as usize;
        let (mut found, mut nan, mut zero) =
            ([_mm512_setzero_si512(); LANES], [0; LANES], [0; LANES]);
        for half in [0, LANES / 2] {
            let values: [__m512d; LANES / 2] = std::array::from_fn(|part| {
                // SAFETY: each row lies within the data and reaches the feature, as was asserted.
                unsafe {
                    values_of(
                        data.as_ptr().wrapping_add(feature),
                        starts[half + part],
                        quantiser.single,
                    )
                }
            });
            let mut numbers = values;
            for (part, number) in numbers.iter_mut().enumerate() {
                nan[half + part] = _mm512_cmp_pd_mask::<_CMP_UNORD_Q>(values[part], values[part]);
                *number = _mm512_maskz_mov_pd(!nan[half + part], values[part]);
                zero[half + part] = is_zero(*number);
            }
            let positions = search_one(quantiser, of, numbers);
            found[half..][..LANES / 2].copy_from_slice(&positions);
        }
        for column in columns {
            let column = *column as usize;
            let (marks, missing) = (
                quantiser.ranks.marks[column],
                quantiser.ranks.missing[column],
            );
            let (marks_nan, marks_zero) = (all_if(marks & NAN != 0), all_if(marks & NOUGHT != 0));
            let below = _mm512_set1_epi64(i64::from(quantiser.ranks.below[column]));
            let missing = _mm512_set1_epi64(i64::from(missing));
            let ranks = std::array::from_fn(|part| {
                let is_missing = nan[part] & marks_nan | zero[part] & marks_zero;
                let rank = _mm512_sub_epi64(_mm512_max_epu64(found[part], below), below);
                let rank = _mm512_min_epu64(rank, _mm512_set1_epi64(super::CHUNK as i64));
                let rank = _mm512_mask_mov_epi64(rank, is_missing, missing);
                _mm512_xor_si512(rank, _mm512_set1_epi64(128))
            });
            put(column, ranks);
        }
    }
}

/// All lanes or none.
fn all_if(holds: bool) -> u8 {
    if holds { u8::MAX } else { 0 }
}

/// Lanes that count as zero.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn is_zero(numbers: __m512d) -> u8 {
    _mm512_cmp_pd_mask::<_CMP_GE_OQ>(numbers, _mm512_set1_pd(-ZERO))
        & _mm512_cmp_pd_mask::<_CMP_LE_OQ>(numbers, _mm512_set1_pd(ZERO))
}

/// A feature of eight rows, in the arithmetic of the model. Needs a number wherever `rows` says.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bitalg,bmi1,bmi2")]
unsafe fn values_of<T: Number>(first: *const T, rows: __m512i, single: bool) -> __m512d {
    // SAFETY: T is f32 or f64, as its size says; the caller answers for the rows.
    let values = unsafe {
        match size_of::<T>() {
            4 => return _mm512_cvtps_pd(_mm512_i64gather_ps::<4>(rows, first.cast())),
            _ => _mm512_i64gather_pd::<8>(rows, first.cast()),
        }
    };
    if single {
        return _mm512_cvtps_pd(_mm512_cvtpd_ps(values));
    }
    values
}

/// How many of a feature's thresholds lie below each number. The first half of the way goes over
/// every sixteenth threshold, which lie in two registers.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512bitalg,bmi1,bmi2")]
fn search_one<const P: usize>(
    quantiser: &Quantiser,
    of: usize,
    numbers: [__m512d; P],
) -> [__m512i; P] {
    let first = quantiser.features.first[of] as usize;
    let sorted = &quantiser.thresholds[first..][..quantiser.features.count[of] as usize];
    let mut found = [_mm512_setzero_si512(); P];
    let mut step = match sorted.len() {
        0 => return found,
        most => 1 << most.ilog2(),
    };
    if (STRIDE..STRIDE * STRIDE).contains(&step) {
        let mut coarse = [f64::INFINITY; STRIDE];
        for (to, threshold) in coarse[1..]
            .iter_mut()
            .zip(sorted.iter().skip(STRIDE - 1).step_by(STRIDE))
        {
            *to = *threshold;
        }
        // SAFETY: eight numbers are there to be read from any address.
        let [low, high] = [0, LANES].map(|at| unsafe { _mm512_loadu_pd(coarse[at..].as_ptr()) });
        while step >= STRIDE {
            let by = _mm512_set1_epi64((step / STRIDE) as i64);
            for (found, numbers) in found.iter_mut().zip(numbers) {
                let next = _mm512_add_epi64(*found, by);
                let threshold = _mm512_permutex2var_pd(low, next, high);
                let is_below = _mm512_cmp_pd_mask::<_CMP_LT_OQ>(threshold, numbers);
                *found = _mm512_mask_mov_epi64(*found, is_below, next);
            }
            step /= 2;
        }
        found = found.map(|it| _mm512_slli_epi64::<4>(it));
    }
    let count = _mm512_set1_epi64(sorted.len() as i64);
    let thresholds = sorted.as_ptr();
    while step > 0 {
        for (found, numbers) in found.iter_mut().zip(numbers) {
            let next = _mm512_add_epi64(*found, _mm512_set1_epi64(step as i64));
            let is_there = _mm512_cmple_epi64_mask(next, count);
            // SAFETY: where it is read, `next` is at least one and at most the count of thresholds.
            let threshold = unsafe {
                let least = _mm512_setzero_pd();
                _mm512_mask_i64gather_pd::<8>(least, is_there, next, thresholds.wrapping_sub(1))
            };
            let is_below = _mm512_mask_cmp_pd_mask::<_CMP_LT_OQ>(is_there, threshold, numbers);
            *found = _mm512_mask_mov_epi64(*found, is_below, next);
        }
        step /= 2;
    }
    found
}
