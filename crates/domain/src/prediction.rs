//! Predictions: a model's probabilities for a fixture's markets as of a moment.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{FixtureId, Market, Outcome};

/// The probability of one outcome.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct OutcomeProbability {
    /// Which outcome.
    pub outcome: Outcome,
    /// Probability in 0..=1 that a bet on it wins, given that it is not refunded.
    pub probability: f64,
}

/// Probabilities of one market; they add up to one (except for correct score, which lists the
/// likeliest scores only).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketPrediction {
    /// Which market.
    pub market: Market,
    /// Probabilities in the order of [`Market::outcomes`].
    pub outcomes: Vec<OutcomeProbability>,
}

/// A model's probabilities for one fixture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Which fixture.
    pub fixture: FixtureId,
    /// Name of the model, such as `blend`.
    pub model: String,
    /// Version of the trained model.
    pub version: String,
    /// The moment whose knowledge was used.
    pub as_of: Timestamp,
    /// Every market, coherent with each other.
    pub markets: Vec<MarketPrediction>,
}
