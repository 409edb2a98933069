//! Odds arithmetic: formats, the overround and its removal, expected value, stakes.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Price;

/// How odds are written for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OddsFormat {
    /// What one unit returns: `2.50`.
    Decimal,
    /// What 100 win, or what wins 100: `+150`, `-200`.
    American,
    /// What is won over what is staked: `6/4`.
    Fractional,
}

/// How the overround is taken out of prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overround {
    /// Implied probabilities divided by their sum.
    Proportional,
    /// Implied probabilities raised to a common power (Clarke, Kovalchik and Ingram 2017).
    Power,
    /// Shin's model of insider trading (Shin 1992, 1993).
    Shin,
    /// A common odds ratio between implied and fair probabilities (Cheung 2015).
    OddsRatio,
}

/// Why no fair probabilities come out of prices.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
pub enum OverroundError {
    /// Fewer than two prices.
    #[error("{0} prices make no market")]
    TooFew(usize),
}

/// The sum of implied probabilities less one: the bookmaker's margin, negative when the prices
/// can be beaten by backing every outcome.
pub fn overround(prices: &[Price]) -> f64 {
    prices.iter().map(|it| it.implied_probability()).sum::<f64>() - 1.0
}

/// The fair probabilities behind `prices`, in their order; they add up to one.
pub fn remove_overround(prices: &[Price], _method: Overround) -> Result<Vec<f64>, OverroundError> {
    if prices.len() < 2 {
        return Err(OverroundError::TooFew(prices.len()));
    }
    let sum: f64 = prices.iter().map(|it| it.implied_probability()).sum();
    Ok(prices.iter().map(|it| it.implied_probability() / sum).collect())
}

/// Expected profit of one unit staked at `price` on an outcome of probability `probability`.
pub fn expected_value(probability: f64, price: Price) -> f64 {
    probability * price.decimal() - 1.0
}

/// The share of the bankroll that maximises its expected logarithm (Kelly 1956); zero where the
/// price offers no value.
pub fn kelly_fraction(probability: f64, price: Price) -> f64 {
    (expected_value(probability, price) / (price.decimal() - 1.0)).max(0.0)
}
