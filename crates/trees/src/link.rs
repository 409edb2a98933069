//! From raw scores to predictions, by the operations of the library that made the model, in its
//! order and its arithmetic, so that the bits are the same.

use crate::{Link, Precision};

/// Turns one row's raw scores into its predictions. `out` has room for what
/// [`crate::Ensemble::predictions`] says; both may not be told apart where the link is none.
pub(crate) fn apply(link: Link, precision: Precision, raw: &[f64], out: &mut [f64]) {
    match precision {
        Precision::Double => double(link, raw, out),
        Precision::Single => single(link, raw, out),
    }
}

fn double(link: Link, raw: &[f64], out: &mut [f64]) {
    match link {
        Link::Identity => out.copy_from_slice(raw),
        Link::Sigmoid { slope } | Link::SigmoidEach { slope } => {
            each(raw, out, |it| 1.0 / (1.0 + (-slope * it).exp()));
        }
        Link::Exponential => each(raw, out, f64::exp),
        Link::LogOnePlusExp => each(raw, out, |it| it.exp().ln_1p()),
        Link::SignedSquare => each(raw, out, |it| it.signum() * it * it),
        Link::Step => each(raw, out, |it| f64::from(u8::from(it > 0.0))),
        Link::Probit => each(raw, out, probit),
        Link::Softmax => softmax(raw, out),
        Link::SoftmaxZero => softmax_zero(raw, out),
        Link::SigmoidPair => pair(out, 1.0 / (1.0 + (-raw[0]).exp())),
        Link::IdentityPair => pair(out, raw[0]),
    }
}

fn single(link: Link, raw: &[f64], out: &mut [f64]) {
    match link {
        Link::Sigmoid { slope } | Link::SigmoidEach { slope } => each(raw, out, |it| {
            f64::from(sigmoid(narrow(slope) * narrow(it)))
        }),
        Link::Exponential => each(raw, out, |it| f64::from(narrow(it).exp())),
        Link::LogOnePlusExp => each(raw, out, |it| f64::from(narrow(it).exp().ln_1p())),
        Link::SignedSquare => each(raw, out, |it| {
            let it = narrow(it);
            f64::from(it.signum() * it * it)
        }),
        Link::Probit => each(raw, out, |it| f64::from(narrow(probit(it)))),
        Link::Softmax => softmax_single(raw, out),
        Link::SoftmaxZero => {
            softmax_zero(raw, out);
            out.iter_mut().for_each(|it| *it = f64::from(narrow(*it)));
        }
        Link::SigmoidPair => pair_single(out, sigmoid(narrow(raw[0]))),
        Link::IdentityPair => pair_single(out, narrow(raw[0])),
        Link::Identity | Link::Step => double(link, raw, out),
    }
}

fn each(raw: &[f64], out: &mut [f64], link: impl Fn(f64) -> f64) {
    for (out, raw) in out.iter_mut().zip(raw) {
        *out = link(*raw);
    }
}

fn pair(out: &mut [f64], yes: f64) {
    out[0] = 1.0 - yes;
    out[1] = yes;
}

fn pair_single(out: &mut [f64], yes: f32) {
    out[0] = f64::from(1.0 - yes);
    out[1] = f64::from(yes);
}

#[expect(clippy::cast_possible_truncation, reason = "rounding is what is wanted")]
fn narrow(value: f64) -> f32 {
    value as f32
}

/// XGBoost bounds the exponent so that nothing overflows.
fn sigmoid(score: f32) -> f32 {
    const EXPONENT_MAX: f32 = 88.7;
    const EPSILON: f32 = 1e-16;
    1.0 / ((-score).min(EXPONENT_MAX).exp() + 1.0 + EPSILON)
}

fn softmax(raw: &[f64], out: &mut [f64]) {
    let highest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (out, raw) in out.iter_mut().zip(raw) {
        *out = (raw - highest).exp();
        sum += *out;
    }
    out.iter_mut().for_each(|it| *it /= sum);
}

/// XGBoost adds the exponentials up in `f64` and divides in `f32`.
fn softmax_single(raw: &[f64], out: &mut [f64]) {
    let highest = raw.iter().copied().map(narrow).fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0_f64;
    for (out, raw) in out.iter_mut().zip(raw) {
        *out = f64::from((narrow(*raw) - highest).exp());
        sum += *out;
    }
    let sum = narrow(sum);
    out.iter_mut().for_each(|it| *it = f64::from(narrow(*it) / sum));
}

/// A softmax in which scores of zero stay zero and count for nothing.
fn softmax_zero(raw: &[f64], out: &mut [f64]) {
    const ZERO: f64 = 1e-7;
    let highest = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (out, raw) in out.iter_mut().zip(raw) {
        if raw.abs() > ZERO {
            *out = (raw - highest).exp();
            sum += *out;
        } else {
            *out = 0.0;
        }
    }
    if sum > 0.0 {
        out.iter_mut().for_each(|it| *it /= sum);
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
