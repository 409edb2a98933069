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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_lies_above_one_and_at_most_at_ten_thousand() {
        for decimal in [1.01, 2.0, 10_000.0] {
            assert_eq!(Price::new(decimal).unwrap().decimal(), decimal);
        }
        for decimal in [1.0, 0.0, -2.0, 10_000.1, f64::INFINITY, f64::NAN] {
            assert!(Price::new(decimal).is_err());
        }
        let error = Price::new(0.5).unwrap_err();
        assert_eq!(
            error.to_string(),
            "0.5 is not a price: decimal odds lie above 1 and at most 10000"
        );
    }

    #[test]
    fn a_price_is_a_number_in_json_and_text_and_is_checked_on_the_way_in() {
        let price: Price = serde_json::from_str("2.5").unwrap();
        assert_eq!(serde_json::to_string(&price).unwrap(), "2.5");
        assert_eq!(format!("{price:.2}"), "2.50");
        assert_eq!((f64::from(price), price.implied_probability()), (2.5, 0.4));
        assert!(serde_json::from_str::<Price>("1.0").is_err());
    }
}
