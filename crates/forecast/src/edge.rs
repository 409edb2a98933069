//! Edges that are meant: what a price is expected to be worth at kickoff, learned from what such
//! prices were worth before. The raw expected value of a model against a price is not shown to
//! anyone as a promise, for it is not one.

use domain::{BookmakerKey, Market, Outcome, Price};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Why an edge is shown but not to be taken at its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EdgeFlag {
    /// The best prices of the market add up to less than one: at least one is not on offer.
    ImpossibleBook,
    /// The price is older than [`EdgeFlag::STALE_AFTER`].
    StalePrice,
    /// The price is far above everybody else's.
    Outlier,
    /// The price is longer than those that claims are learned from.
    Longshot,
    /// Too few closing prices are known of games before to check such claims against: the value
    /// is what the market's own probability makes of the price, and no more.
    Unproven,
}

impl EdgeFlag {
    /// From which age on a price is taken to be gone.
    pub const STALE_AFTER: SignedDuration = SignedDuration::from_hours(48);
}

/// What is claimed of a price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EdgeClaim {
    /// The market's probability moved as far as history justifies: the expected probability of
    /// the closing market.
    pub probability: f64,
    /// The price at which `probability` breaks even.
    pub fair_price: f64,
    /// What the blend with prices makes of the price, `probability * price - 1`, before history
    /// had its say.
    pub raw_value: f64,
    /// Expected closing-line value: the share of the stake the price is worth more than the
    /// market will think at kickoff.
    pub claimed_value: f64,
    /// Full Kelly stake as a share of the bankroll; zero where the claim is not positive.
    pub kelly: f64,
    /// Why the edge should not be bet on; empty for an edge that is meant.
    pub flags: Vec<EdgeFlag>,
}

/// One price with what is claimed of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Edge {
    /// Which market.
    pub market: Market,
    /// Which outcome.
    pub outcome: Outcome,
    /// Who offers the price.
    pub bookmaker: BookmakerKey,
    /// The price.
    pub price: Price,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Whether it is the best price of the outcome, on which one would bet; of equal ones, one is.
    pub is_best: bool,
    /// What is claimed of it.
    pub claim: EdgeClaim,
}
