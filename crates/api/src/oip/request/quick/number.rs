//! Numbers of JSON as floats, rounded right.
//!
//! A number of few digits is one exact division or multiplication (Clinger, "How to read floating
//! point numbers accurately", 1990); any other is left to the standard library.

use std::str::FromStr;

/// Powers of ten that a float holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Whole numbers up to here are exact.
const EXACT_MAX: u64 = 1 << 53;
/// Digits that surely fit a word.
const DIGITS_MAX: usize = 19;

/// A float that can be read.
pub(super) trait Float: FromStr + Copy {
    /// What `null` stands for.
    const NAN: Self;

    /// The nearest to a number whose nearest `f64` is known; `None` where that does not decide.
    fn nearest(double: f64) -> Option<Self>;
}

impl Float for f64 {
    const NAN: Self = Self::NAN;

    fn nearest(double: f64) -> Option<Self> {
        Some(double)
    }
}

impl Float for f32 {
    const NAN: Self = Self::NAN;

    /// Rounding twice is wrong only where the first time ends half way between two `f32`.
    fn nearest(double: f64) -> Option<Self> {
        const BELOW: u64 = (1 << 29) - 1;
        const HALF: u64 = 1 << 28;
        (double.to_bits() & BELOW != HALF).then_some(double as Self)
    }
}

/// Reads the number that `json` begins with, and how many bytes it takes.
pub(super) fn read<T: Float>(json: &[u8]) -> Option<(T, usize)> {
    let negative = json.first() == Some(&b'-');
    let mut at = usize::from(negative);
    let mut mantissa = 0_u64;
    let first = at;
    at += digits(&json[at..], &mut mantissa);
    let mut count = at - first;
    if count == 0 || (count > 1 && json[first] == b'0') {
        return None;
    }
    let mut power = 0_i32;
    if json.get(at) == Some(&b'.') {
        let places = digits(&json[at + 1..], &mut mantissa);
        if places == 0 {
            return None;
        }
        at += 1 + places;
        count += places;
        power = -i32::try_from(places).ok()?;
    }
    let has_exponent = matches!(json.get(at), Some(b'e' | b'E'));
    if has_exponent {
        at += 1 + exponent(&json[at + 1..])?;
    }
    if !has_exponent && count <= DIGITS_MAX && mantissa <= EXACT_MAX && power >= -22 {
        let double = mantissa as f64 / TENS[power.unsigned_abs() as usize];
        if let Some(value) = T::nearest(if negative { -double } else { double }) {
            return Some((value, at));
        }
    }
    let text = std::str::from_utf8(&json[..at]).ok()?;
    Some((text.parse().ok()?, at))
}

/// Takes digits into `mantissa`, which is worth nothing after too many; how many there are.
fn digits(json: &[u8], mantissa: &mut u64) -> usize {
    let mut count = 0;
    for byte in json {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        *mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        count += 1;
    }
    count
}

/// How many bytes an exponent takes after its letter.
fn exponent(json: &[u8]) -> Option<usize> {
    let sign = usize::from(matches!(json.first(), Some(b'+' | b'-')));
    let count = digits(&json[sign..], &mut 0);
    (count > 0).then_some(sign + count)
}
