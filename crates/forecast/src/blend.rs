//! Blends: the opinions of several models pooled into one, with weights learned from how they did
//! on fixtures none of them had seen.
//!
//! A blend is never worse than its best part on the fixtures it was fitted on: where it would be,
//! it is its best part.

mod fit;

use serde::{Deserialize, Serialize};

use crate::ModelName;

pub(crate) use fit::{Observation, fit_stage};

/// A model's opinion of who wins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// Whose.
    pub model: ModelName,
    /// Home, draw, away; home, away in sports without draws.
    pub h2h: Vec<f64>,
}

/// Models that read results only, best first where nothing is known of their merits.
const FROM_RESULTS: [ModelName; 4] = [
    ModelName::DixonColesShots,
    ModelName::Elo,
    ModelName::DixonColes,
    ModelName::Margin,
];

/// Models that read the prices of past fixtures.
const FROM_PAST_PRICES: [ModelName; 2] = [ModelName::MarketImplied, ModelName::MarketImpliedMargin];

/// The blends, from the least informed to the best informed; each reads what the ones before it
/// read, and steps back to them where its own parts are missing.
const BLENDS: [ModelName; 3] = [
    ModelName::BlendResults,
    ModelName::Blend,
    ModelName::BlendPriced,
];

/// What may go into a blend.
fn ingredients(blend: ModelName) -> Vec<ModelName> {
    let mut parts = FROM_RESULTS.to_vec();
    if blend != ModelName::BlendResults {
        parts.extend(FROM_PAST_PRICES);
        parts.push(ModelName::Boosted);
    }
    if blend == ModelName::BlendPriced {
        parts.push(ModelName::MarketEarly);
    }
    parts
}

/// How one blend is made of its parts: probabilities are proportional to
/// `exp(bias) * product(part ^ weight)` (a logarithmic opinion pool with free total weight, which
/// makes it calibrate as well).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Recipe {
    blend: ModelName,
    parts: Vec<ModelName>,
    weights: Vec<f64>,
    /// One per outcome, the first zero.
    bias: Vec<f64>,
    /// The part that did best alone.
    best: ModelName,
    /// Fixtures it was fitted on.
    n: u64,
    /// Log loss of the blend on them.
    log_loss: f64,
    /// Log loss of the best part on them.
    log_loss_best: f64,
}

impl Recipe {
    fn apply(&self, opinions: &[Opinion]) -> Option<Vec<f64>> {
        let mut logits = self.bias.clone();
        for (part, weight) in self.parts.iter().zip(&self.weights) {
            let h2h = opinion(opinions, *part)?;
            for (logit, probability) in logits.iter_mut().zip(h2h) {
                *logit += weight * probability.max(PROBABILITY_MIN).ln();
            }
        }
        Some(softmax(&logits))
    }
}

/// Keeps logarithms finite.
const PROBABILITY_MIN: f64 = 1e-9;

fn softmax(logits: &[f64]) -> Vec<f64> {
    let highest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let raw: Vec<f64> = logits.iter().map(|it| (it - highest).exp()).collect();
    let sum: f64 = raw.iter().sum();
    raw.into_iter().map(|it| it / sum).collect()
}

/// The blends of a sport in force from a moment on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct BlendStage {
    /// Fitted on what was known then.
    pub(crate) valid_from: jiff::Timestamp,
    /// Of several for one blend, the first whose parts are all there counts.
    recipes: Vec<Recipe>,
}

/// A model's probabilities among opinions.
pub(crate) fn opinion(opinions: &[Opinion], model: ModelName) -> Option<&[f64]> {
    opinions
        .iter()
        .find(|it| it.model == model)
        .map(|it| it.h2h.as_slice())
}

/// Adds the opinions of every blend that has something to go by.
pub(crate) fn add_blends(opinions: &mut Vec<Opinion>, stage: Option<&BlendStage>) {
    for blend in BLENDS {
        if let Some(h2h) = blended(opinions, stage, blend) {
            opinions.push(Opinion { model: blend, h2h });
        }
    }
}

/// A blend by its recipe; without one, or with a part missing, what is left that knows most.
fn blended(opinions: &[Opinion], stage: Option<&BlendStage>, blend: ModelName) -> Option<Vec<f64>> {
    if blend == ModelName::BlendPriced {
        opinion(opinions, ModelName::MarketEarly)?;
    }
    let mut recipes = stage.iter().flat_map(|it| &it.recipes);
    let applies = |it: &Recipe| (it.blend == blend).then(|| it.apply(opinions)).flatten();
    if let Some(h2h) = recipes.find_map(applies) {
        return Some(h2h);
    }
    let fallback: Vec<ModelName> = match blend {
        ModelName::BlendPriced => vec![ModelName::MarketEarly],
        ModelName::Blend if stage.is_some() => vec![ModelName::BlendResults],
        ModelName::Blend => [FROM_PAST_PRICES.as_slice(), &[ModelName::BlendResults]].concat(),
        _ => FROM_RESULTS.to_vec(),
    };
    fallback
        .into_iter()
        .find_map(|it| opinion(opinions, it))
        .map(<[f64]>::to_vec)
}

/// The best informed model that has an opinion, closing prices apart.
pub(crate) fn best(opinions: &[Opinion]) -> Option<ModelName> {
    let ranked = BLENDS.iter().rev().chain([&ModelName::Climatology]);
    ranked.copied().find(|it| opinion(opinions, *it).is_some())
}

/// Whose distribution of scores a blend borrows its shape from, best first.
pub(crate) const SHAPES: [ModelName; 6] = [
    ModelName::MarketImplied,
    ModelName::MarketImpliedMargin,
    ModelName::DixonColesShots,
    ModelName::DixonColes,
    ModelName::Margin,
    ModelName::Elo,
];

#[cfg(test)]
mod tests;
