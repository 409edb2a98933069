//! What prices are worth: the claim, learned from what the closing market thought of such prices
//! before, and a simulation of betting on it.

mod claim;
mod simulate;

use domain::{Price, Sport};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{EdgeClaim, Interval};

pub(crate) use claim::{ClaimStage, Offer, best_sum, fit_claims, offers};
pub(crate) use simulate::simulate;

/// How one bets, in a simulation as in service.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BettingOptions {
    /// Least expected closing-line value to bet on.
    pub claimed_value_min: f64,
    /// Share of the full Kelly stake.
    pub kelly_share: f64,
    /// Largest stake as a share of the bankroll.
    pub stake_max: f64,
    /// Longest price to bet on.
    pub price_max: f64,
}

impl Default for BettingOptions {
    fn default() -> Self {
        Self {
            claimed_value_min: 0.005,
            kelly_share: 0.25,
            stake_max: 0.02,
            price_max: 10.0,
        }
    }
}

impl BettingOptions {
    /// The stake on the best price of an outcome, as a share of the bankroll; zero where it is not
    /// bet on.
    pub fn stake(&self, claim: &EdgeClaim, price: Price) -> f64 {
        if self.wants(claim, price) && claim.flags.is_empty() {
            self.share(claim)
        } else {
            0.0
        }
    }

    /// Whether one would bet, were there no doubt.
    fn wants(&self, claim: &EdgeClaim, price: Price) -> bool {
        claim.claimed_value >= self.claimed_value_min && price.decimal() <= self.price_max
    }

    fn share(&self, claim: &EdgeClaim) -> f64 {
        (claim.kelly * self.kelly_share).min(self.stake_max)
    }
}

/// What betting at pre-game best prices would have brought. Money is in units of the bankroll at
/// the start; intervals cover 95 %, and there are none of a single bet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BettingReport {
    /// What is played.
    pub sport: Sport,
    /// How it bet.
    pub options: BettingOptions,
    /// How many bets were placed.
    pub bets: u64,
    /// Bets that were claimed but not placed because their price was flagged.
    pub flagged: u64,
    /// Sum of stakes.
    pub turnover: f64,
    /// Sum of winnings less stakes.
    pub profit: f64,
    /// Profit per unit staked.
    #[serde(rename = "yield")]
    pub yield_: f64,
    /// Interval of the yield.
    pub yield_interval: Option<Interval>,
    /// Profit per bet of a stake of one.
    pub yield_flat: f64,
    /// Interval of the flat yield.
    pub yield_flat_interval: Option<Interval>,
    /// Largest fall of the bankroll from its highest point, as a share of that point.
    pub drawdown_max: f64,
    /// Mean claimed closing-line value.
    pub claimed_value: f64,
    /// Mean closing-line value: price times the closing market's probability, less one; of the
    /// bets whose close is known, as what follows.
    pub closing_line_value: Option<f64>,
    /// Interval of the mean closing-line value.
    pub closing_line_value_interval: Option<Interval>,
    /// Mean of claim less closing-line value.
    pub claim_error: Option<f64>,
    /// Interval of that difference.
    pub claim_error_interval: Option<Interval>,
    /// Slope of closing-line value on claim over the bets; one is honest, and there is none where
    /// all claims are the same.
    pub slope: Option<f64>,
    /// Interval of the slope.
    pub slope_interval: Option<Interval>,
    /// The bankroll after each day with bets.
    pub curve: Vec<CurvePoint>,
}

/// The bankroll at the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// When the day's last bet was settled.
    pub at: Timestamp,
    /// Profit so far.
    pub profit: f64,
    /// Lower end of where 95 % of bettors with these stakes would stand if every claim were true.
    pub low: f64,
    /// Upper end of that band.
    pub high: f64,
}

#[cfg(test)]
mod tests;
