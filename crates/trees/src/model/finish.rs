//! From sums of leaves to predictions.

use crate::{Aggregate, Base, Ensemble, Link, Precision};

/// Turns sums into predictions, as many as there are sums.
pub(super) fn in_place(head: &Ensemble, out: &mut [f64]) {
    complete(head, out);
    if head.link == Link::Identity {
        return;
    }
    for row in out.chunks_exact_mut(head.outputs) {
        link(head, row);
    }
}

/// Turns sums into predictions, two for each.
pub(super) fn apart(head: &Ensemble, raw: &mut [f64], out: &mut [f64]) {
    complete(head, raw);
    let (rows, outs) = (
        raw.chunks_exact(head.outputs),
        out.chunks_exact_mut(2 * head.outputs),
    );
    for (raw, out) in rows.zip(outs) {
        for (raw, pair) in raw.iter().zip(out.chunks_exact_mut(2)) {
            let round = rounding(head.precision);
            let yes = match head.link {
                Link::SigmoidPair => sigmoid(*raw, 1.0, round),
                _ => *raw,
            };
            pair.copy_from_slice(&[round(1.0 - yes), yes]);
        }
    }
}

/// Divides and adds what comes last.
fn complete(head: &Ensemble, sums: &mut [f64]) {
    let single = head.precision == Precision::Single;
    if let Aggregate::Mean(by) = head.aggregate {
        for sum in &mut *sums {
            *sum = if single {
                f64::from(*sum as f32 / by as f32)
            } else {
                *sum / by
            };
        }
    }
    if let Base::Last(base) = &head.base {
        for row in sums.chunks_exact_mut(head.outputs) {
            for (sum, base) in row.iter_mut().zip(base) {
                *sum = if single {
                    f64::from(*sum as f32 + *base as f32)
                } else {
                    *sum + base
                };
            }
        }
    }
}

/// Every step of a `Single` model is rounded to `f32`.
fn rounding(precision: Precision) -> fn(f64) -> f64 {
    match precision {
        Precision::Double => |it| it,
        Precision::Single => |it| f64::from(it as f32),
    }
}

fn sigmoid(score: f64, slope: f64, round: fn(f64) -> f64) -> f64 {
    round(1.0 / round(1.0 + round((-round(slope * score)).exp())))
}

fn link(head: &Ensemble, row: &mut [f64]) {
    let round = rounding(head.precision);
    let each = |row: &mut [f64], one: &dyn Fn(f64) -> f64| {
        row.iter_mut().for_each(|it| *it = one(*it));
    };
    match head.link {
        Link::Identity | Link::SigmoidPair | Link::IdentityPair => {}
        Link::Sigmoid { slope } | Link::SigmoidEach { slope } => {
            each(row, &|it| sigmoid(it, slope, round));
        }
        Link::Exponential => each(row, &|it| round(it.exp())),
        Link::Softmax => softmax(row, round, |_| true),
        Link::SoftmaxZero => softmax(row, round, |it| it != 0.0),
        Link::LogOnePlusExp => each(row, &|it| round(round(1.0 + round(it.exp())).ln())),
        Link::SignedSquare => each(row, &|it| round((it * it).copysign(it))),
        Link::Probit => each(row, &|it| {
            round(0.5 * libm::erfc(-it * std::f64::consts::FRAC_1_SQRT_2))
        }),
        Link::Step => each(row, &|it| f64::from(u8::from(it > 0.0))),
    }
}

fn softmax(row: &mut [f64], round: fn(f64) -> f64, counts: fn(f64) -> bool) {
    let greatest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for it in row.iter_mut().filter(|it| counts(**it)) {
        *it = round(round(*it - greatest).exp());
        sum = round(sum + *it);
    }
    if sum > 0.0 {
        row.iter_mut().for_each(|it| *it = round(*it / sum));
    }
}
