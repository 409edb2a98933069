//! Decimal prices.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Decimal odds: what one unit staked returns, stake included. Always above 1, at most 10 000.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Price(f64);

/// Why a number cannot be a price.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("{0} is not a price: decimal odds lie above 1 and at most 10000")]
pub struct InvalidPrice(pub f64);

impl Price {
    /// Accepts finite numbers above 1 and at most 10 000.
    pub fn new(decimal: f64) -> Result<Self, InvalidPrice> {
        if decimal > 1.0 && decimal <= 10_000.0 {
            Ok(Self(decimal))
        } else {
            Err(InvalidPrice(decimal))
        }
    }

    /// The decimal odds.
    pub const fn decimal(self) -> f64 {
        self.0
    }

    /// The probability at which the price breaks even, overround included.
    pub fn implied_probability(self) -> f64 {
        1.0 / self.0
    }
}

impl TryFrom<f64> for Price {
    type Error = InvalidPrice;
    fn try_from(decimal: f64) -> Result<Self, InvalidPrice> {
        Self::new(decimal)
    }
}

impl From<Price> for f64 {
    fn from(price: Price) -> f64 {
        price.0
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
