//! Thresholds below numbers by registers of 256 bits: four numbers to a register, sixteen searched
//! at once.
#![expect(
    unsafe_code,
    reason = "intrinsics need a processor that has them; the kernel is asked before this is reached"
)]

use crate::kernel::WIDTH;
use std::arch::x86_64::{
    __m256d, __m256i, _CMP_LT_OQ, _mm256_add_epi64, _mm256_and_si256, _mm256_castpd_si256,
    _mm256_cmp_pd, _mm256_i64gather_pd, _mm256_loadu_pd, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_storeu_si256,
};

/// Numbers in a register.
const LANES: usize = 4;
/// Registers searched at once.
const FLIGHT: usize = 4;

/// For each number, how many of the sorted thresholds are below it, as `super::below` does.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(crate) fn below(sorted: &[f64], numbers: &[f64; WIDTH], found: &mut [u32; WIDTH]) {
    const AT_ONCE: usize = LANES * FLIGHT;
    if sorted.is_empty() {
        return found.fill(0);
    }
    let numbers = numbers.as_chunks::<AT_ONCE>().0;
    for (numbers, found) in numbers.iter().zip(found.as_chunks_mut::<AT_ONCE>().0) {
        let mut all = [0_u64; AT_ONCE];
        for (to, ranks) in all
            .as_chunks_mut::<LANES>()
            .0
            .iter_mut()
            .zip(search(sorted, numbers))
        {
            // SAFETY: 32 bytes are there to be written at any address.
            unsafe { _mm256_storeu_si256(to.as_mut_ptr().cast(), ranks) }
        }
        for (found, rank) in found.iter_mut().zip(all) {
            *found = rank as u32;
        }
    }
}

/// The same for sixteen numbers and at least one threshold.
#[inline]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
fn search(sorted: &[f64], numbers: &[f64; LANES * FLIGHT]) -> [__m256i; FLIGHT] {
    let (numbers, _) = numbers.as_chunks::<LANES>();
    let numbers: [__m256d; FLIGHT] = std::array::from_fn(|part| {
        // SAFETY: 32 bytes are there to be read from any address.
        unsafe { _mm256_loadu_pd(numbers[part].as_ptr()) }
    });
    let mut ranks = [_mm256_setzero_si256(); FLIGHT];
    let (mut size, thresholds) = (sorted.len(), sorted.as_ptr());
    while size > 0 {
        // The last step is about one threshold.
        let half = (size / 2).max(1);
        let by = _mm256_set1_epi64x(half as i64);
        for (ranks, numbers) in ranks.iter_mut().zip(numbers) {
            // SAFETY: `ranks + size` never exceeds the count of thresholds, and `half` not `size`.
            let threshold =
                unsafe { _mm256_i64gather_pd::<8>(thresholds.wrapping_add(half - 1), *ranks) };
            let is_below = _mm256_castpd_si256(_mm256_cmp_pd::<_CMP_LT_OQ>(threshold, numbers));
            *ranks = _mm256_add_epi64(*ranks, _mm256_and_si256(is_below, by));
        }
        size -= half;
    }
    ranks
}
