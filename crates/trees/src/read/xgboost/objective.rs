//! What XGBoost's objective does to a raw score, and to the base score before the first tree.

use crate::{Link, ReadError};

/// An objective as far as a prediction shows it.
pub(super) struct Objective {
    pub(super) link: Link,
    /// From a prediction to a raw score.
    pub(super) margin: fn(f32) -> f32,
}

/// The objective of a name.
pub(super) fn known(name: &str) -> Result<Objective, ReadError> {
    let same: fn(f32) -> f32 = |it| it;
    let (link, margin) = match name {
        "reg:squarederror"
        | "reg:linear"
        | "reg:squaredlogerror"
        | "reg:pseudohubererror"
        | "reg:absoluteerror"
        | "reg:quantileerror"
        | "rank:pairwise"
        | "rank:ndcg"
        | "rank:map"
        | "binary:logitraw" => (Link::Identity, same),
        "reg:logistic" | "binary:logistic" => (Link::Sigmoid { slope: 1.0 }, log_odds as _),
        "binary:hinge" => (Link::Step, same),
        "count:poisson" | "reg:gamma" | "reg:tweedie" | "survival:cox" | "survival:aft" => {
            (Link::Exponential, f32::ln as _)
        }
        "multi:softprob" => (Link::Softmax, same),
        "multi:softmax" => (Link::Class, same),
        other => {
            return Err(ReadError::Unsupported(format!(
                "the XGBoost objective {other:?}"
            )));
        }
    };
    Ok(Objective { link, margin })
}

fn log_odds(share: f32) -> f32 {
    -(1.0 / share - 1.0).ln()
}
