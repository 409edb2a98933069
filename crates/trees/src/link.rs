//! From raw scores to predictions, by the operations of the library that made the model, in its
//! order and its arithmetic, so that the bits are the same.

use crate::{Link, Precision};

/// Turns one row's raw scores into as many predictions, where they lie.
pub(crate) fn apply(link: Link, precision: Precision, row: &mut [f64]) {
    match (link, precision) {
        // What only ONNX has: its runtime computes in `f32` whatever the trees do.
        (Link::Logistic, _) => each_single(row, logistic),
        (Link::Probit, _) => each_single(row, probit),
        (Link::SoftmaxSingle, _) => softmax_onnx(row),
        (Link::SoftmaxZero, _) => softmax_zero(row),
        (_, Precision::Double) => double(link, row),
        (_, Precision::Single) => single(link, row),
    }
}

/// Turns one row's raw scores into more or fewer predictions.
pub(crate) fn reshape(link: Link, precision: Precision, raw: &[f64], out: &mut [f64]) {
    let score = raw[0];
    match link {
        Link::SigmoidPair => {
            let [no, yes] = [-score, score].map(|it| f64::from(logistic(narrow(it))));
            out.copy_from_slice(&[no, yes]);
        }
        Link::IdentityPair => out.copy_from_slice(&[precision.rounded(1.0 - score), score]),
        Link::OppositePair => out.copy_from_slice(&[-score, score]),
        Link::Class => out[0] = first_greatest(raw) as f64,
        _ => {
            out.copy_from_slice(raw);
            apply(link, precision, out);
        }
    }
}

fn double(link: Link, row: &mut [f64]) {
    match link {
        Link::Sigmoid { slope } | Link::SigmoidEach { slope } => {
            each(row, |it| 1.0 / (1.0 + (-slope * it).exp()));
        }
        Link::Exponential => each(row, f64::exp),
        Link::LogOnePlusExp => each(row, |it| it.exp().ln_1p()),
        Link::SignedSquare => each(row, |it| it.signum() * it * it),
        Link::Step => each(row, |it| f64::from(u8::from(it > 0.0))),
        Link::Softmax => softmax(row),
        _ => {}
    }
}

fn single(link: Link, row: &mut [f64]) {
    match link {
        Link::Sigmoid { slope } | Link::SigmoidEach { slope } => {
            each_single(row, |it| sigmoid(narrow(slope) * it));
        }
        Link::Exponential => each_single(row, f32::exp),
        Link::LogOnePlusExp => each_single(row, |it| it.exp().ln_1p()),
        Link::Softmax => softmax_single(row),
        other => {
            double(other, row);
            each_single(row, |it| it);
        }
    }
}

fn each(row: &mut [f64], link: impl Fn(f64) -> f64) {
    row.iter_mut().for_each(|it| *it = link(*it));
}

fn each_single(row: &mut [f64], link: impl Fn(f32) -> f32) {
    each(row, |it| f64::from(link(narrow(it))));
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding is what is wanted"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// Where the greatest stands, the first of equals.
fn first_greatest(row: &[f64]) -> usize {
    let later = |best: usize, at: usize| if row[at] > row[best] { at } else { best };
    (0..row.len()).fold(0, later)
}

/// XGBoost bounds the exponent so that nothing overflows.
fn sigmoid(score: f32) -> f32 {
    const EXPONENT_MAX: f32 = 88.7;
    const EPSILON: f32 = 1e-16;
    1.0 / ((-score).min(EXPONENT_MAX).exp() + 1.0 + EPSILON)
}

/// ONNX Runtime's sigmoid: that of the magnitude, turned over for what is below zero.
fn logistic(score: f32) -> f32 {
    let of_magnitude = 1.0 / (1.0 + (-score.abs()).exp());
    if score < 0.0 {
        1.0 - of_magnitude
    } else {
        of_magnitude
    }
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
    each_single(row, |it| it / sum);
}

/// ONNX Runtime adds them up in `f32`.
fn softmax_onnx(row: &mut [f64]) {
    let highest = row.iter().map(|it| narrow(*it)).fold(f32::MIN, f32::max);
    let mut sum = 0.0_f32;
    for it in row.iter_mut() {
        let part = (narrow(*it) - highest).exp();
        *it = f64::from(part);
        sum += part;
    }
    each_single(row, |it| it / sum);
}

/// A softmax in which scores of zero stay zero and count for nothing.
fn softmax_zero(row: &mut [f64]) {
    const ZERO: f32 = 1e-7;
    let highest = row.iter().map(|it| narrow(*it)).fold(f32::MIN, f32::max);
    let of_zeros = (-highest).exp();
    let mut sum = 0.0_f32;
    for it in row.iter_mut() {
        let score = narrow(*it);
        *it = f64::from(if score.abs() > ZERO {
            let part = (score - highest).exp();
            sum += part;
            part
        } else {
            score * of_zeros
        });
    }
    each_single(row, |it| it / sum);
}

/// The quantile that ONNX names after its function: `sqrt(2) * erf_inv(2 x - 1)`, with ONNX
/// Runtime's approximation of the inverse error function.
fn probit(score: f32) -> f32 {
    let x = 2.0 * score - 1.0;
    let sign = if x < 0.0 { -1.0 } else { 1.0 };
    let log = ((1.0 - x) * (1.0 + x)).ln();
    let half = 2.0 / (std::f32::consts::PI * 0.147) + 0.5 * log;
    let root = (half * half - 1.0 / 0.147 * log).sqrt();
    std::f32::consts::SQRT_2 * (sign * (root - half).sqrt())
}

#[cfg(test)]
mod tests;
