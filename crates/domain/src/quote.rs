//! Quotes: what a bookmaker offered, and when.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{BookmakerKey, Market, Price};

/// What a source says of the moment a quote was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuoteStage {
    /// The first price known, days before.
    Opening,
    /// A price taken on the way.
    Intermediate,
    /// The last price before kickoff.
    Closing,
}

/// One bookmaker's prices for one market of one fixture at one time.
///
/// Prices stand in the order of [`Market::outcomes`]; an outcome the bookmaker did not price is
/// `None`, and at least one is priced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// Who offered.
    pub bookmaker: BookmakerKey,
    /// What was offered.
    pub market: Market,
    /// Opening, on the way, or closing.
    pub stage: QuoteStage,
    /// When it was taken; by convention where a source does not say (see the connector).
    pub taken_at: Timestamp,
    /// Decimal prices in the order of the market's outcomes.
    pub prices: [Option<Price>; 3],
}

impl Quote {
    /// Implied probabilities of a bookmaker's prices for everything that can happen add up to no
    /// less: below, whoever bets on all of it wins far too much, and some price is mistyped.
    pub const SUM_MIN: f64 = 0.97;

    /// Whether a bookmaker can have meant these prices. What a source collected over bookmakers
    /// (`market_best`) may add up to anything, and so may prices of some outcomes alone.
    pub fn is_possible(&self, has_draw: bool) -> bool {
        let width = self.market.outcomes(has_draw).len();
        let implied = self.prices[..width].iter().flatten();
        let sum: f64 = implied.clone().map(|it| it.implied_probability()).sum();
        sum >= Self::SUM_MIN
            || implied.count() < width
            || self.bookmaker.as_str().starts_with("market_")
    }
}
