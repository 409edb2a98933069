//! From raw scores to predictions, by the operations of the library that made the model, in its
//! order and its arithmetic, so that the bits are the same.

use crate::{Link, Precision};

/// Turns one row's raw scores into as many predictions, where they lie.
pub(crate) fn apply(link: Link, precision: Precision, row: &mut [f64]) {
    match precision {
        Precision::Double => double(link, row),
        Precision::Single => single(link, row),
    }
}

/// Turns one raw score into two predictions, no and yes.
pub(crate) fn pair(link: Link, precision: Precision, score: f64) -> [f64; 2] {
    let mut yes = [score];
    if link == Link::SigmoidPair {
        apply(Link::Sigmoid { slope: 1.0 }, precision, &mut yes);
    }
    [precision.rounded(1.0 - yes[0]), yes[0]]
}

fn double(link: Link, row: &mut [f64]) {
    match link {
        Link::Identity | Link::SigmoidPair | Link::IdentityPair => {}
        Link::Sigmoid { slope } | Link::SigmoidEach { slope } => {
            each(row, |it| 1.0 / (1.0 + (-slope * it).exp()));
        }
        Link::Exponential => each(row, f64::exp),
        Link::LogOnePlusExp => each(row, |it| it.exp().ln_1p()),
        Link::SignedSquare => each(row, |it| it.signum() * it * it),
        Link::Step => each(row, |it| f64::from(u8::from(it > 0.0))),
        Link::Probit => each(row, probit),
        Link::Softmax => softmax(row),
        Link::SoftmaxZero => softmax_zero(row),
    }
}

fn single(link: Link, row: &mut [f64]) {
    match link {
        Link::Sigmoid { slope } | Link::SigmoidEach { slope } => {
            each(row, |it| f64::from(sigmoid(narrow(slope) * narrow(it))));
        }
        Link::Exponential => each(row, |it| f64::from(narrow(it).exp())),
        Link::LogOnePlusExp => each(row, |it| f64::from(narrow(it).exp().ln_1p())),
        Link::Softmax => softmax_single(row),
        other => {
            double(other, row);
            each(row, |it| f64::from(narrow(it)));
        }
    }
}

fn each(row: &mut [f64], link: impl Fn(f64) -> f64) {
    row.iter_mut().for_each(|it| *it = link(*it));
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding is what is wanted"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// XGBoost bounds the exponent so that nothing overflows.
fn sigmoid(score: f32) -> f32 {
    const EXPONENT_MAX: f32 = 88.7;
    const EPSILON: f32 = 1e-16;
    1.0 / ((-score).min(EXPONENT_MAX).exp() + 1.0 + EPSILON)
}

fn softmax(row: &mut [f64]) {
    let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for it in row.iter_mut() {
        *it = (*it - highest).exp();
        sum += *it;
    }
    each(row, |it| it / sum);
}

/// XGBoost adds the exponentials up in `f64` and divides in `f32`.
fn softmax_single(row: &mut [f64]) {
    let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0_f64;
    for it in row.iter_mut() {
        *it = f64::from((narrow(*it) - narrow(highest)).exp());
        sum += *it;
    }
    let sum = narrow(sum);
    each(row, |it| f64::from(narrow(it) / sum));
}

/// A softmax in which scores of zero stay zero and count for nothing.
fn softmax_zero(row: &mut [f64]) {
    const ZERO: f64 = 1e-7;
    let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for it in row.iter_mut() {
        *it = if it.abs() > ZERO {
            (*it - highest).exp()
        } else {
            0.0
        };
        sum += *it;
    }
    if sum > 0.0 {
        each(row, |it| it / sum);
    }
}

/// The quantile that ONNX names after its function: `sqrt(2) * erf_inv(2 x - 1)`, with its
/// approximation of the inverse error function.
fn probit(score: f64) -> f64 {
    let x = 2.0 * score - 1.0;
    let sign = if x < 0.0 { -1.0 } else { 1.0 };
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let half = 2.0 / (std::f64::consts::PI * 0.147) + 0.5 * log;
    std::f64::consts::SQRT_2 * sign * ((half * half - log / 0.147).sqrt() - half).sqrt()
}

#[cfg(test)]
mod tests;
