//! What LightGBM's objective does to a raw score.

use crate::{Link, ReadError};

use super::Fields;

/// The link of the objective a header names; scores stay as they are where it names none, as a
/// model with an objective of its user's has none.
pub(super) fn link(header: &Fields<'_>) -> Result<Link, ReadError> {
    let Some(text) = header.get("objective") else {
        return Ok(Link::Identity);
    };
    let mut words = text.split_ascii_whitespace();
    let name = words.next().unwrap_or("");
    let options: Vec<&str> = words.collect();
    let slope = match options.iter().find_map(|it| it.strip_prefix("sigmoid:")) {
        None => 1.0,
        Some(text) => text
            .parse()
            .map_err(|_| header.fault("objective", &format!("sigmoid {text:?} is no number")))?,
    };
    Ok(match name {
        "binary" => Link::Sigmoid { slope },
        "cross_entropy" => Link::Sigmoid { slope: 1.0 },
        "multiclass" => Link::Softmax,
        "multiclassova" => Link::SigmoidEach { slope },
        "cross_entropy_lambda" => Link::LogOnePlusExp,
        "poisson" | "gamma" | "tweedie" => Link::Exponential,
        "regression" if options.contains(&"sqrt") => Link::SignedSquare,
        "regression" | "regression_l1" | "huber" | "fair" | "quantile" | "mape" | "lambdarank"
        | "rank_xendcg" | "custom" | "none" | "" => Link::Identity,
        other => {
            return Err(ReadError::Unsupported(format!(
                "the LightGBM objective {other:?}"
            )));
        }
    })
}
