//! Quotes: what a bookmaker offered, and when.

use jiff::{SignedDuration, Timestamp};
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
    /// No price: from then on, until a later quote, the bookmaker takes no bets on the market.
    Suspended,
}

/// The moment that prices are looked at from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PricesAt {
    /// Prices that stand then.
    Moment(Timestamp),
    /// Prices that stood when the game began. Bookmakers suspend a market because it does: what was
    /// on offer until less than [`PricesAt::CLOSING_LEAD`] before is what the market closed at.
    Start(Timestamp),
}

impl PricesAt {
    /// How long before a game a market is suspended because it begins.
    pub const CLOSING_LEAD: SignedDuration = SignedDuration::from_hours(1);

    /// The moment itself.
    pub fn moment(self) -> Timestamp {
        match self {
            Self::Moment(at) | Self::Start(at) => at,
        }
    }
}

impl From<Timestamp> for PricesAt {
    fn from(at: Timestamp) -> Self {
        Self::Moment(at)
    }
}

/// One bookmaker's prices for one market of one fixture at one time.
///
/// Prices stand in the order of [`Market::outcomes`]; an outcome the bookmaker did not price is
/// `None`, and at least one is priced unless the market is suspended, when none is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// Who offered.
    pub bookmaker: BookmakerKey,
    /// What was offered.
    pub market: Market,
    /// Opening, on the way, closing, or suspended.
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

    /// Whether it was known at a moment, and says what stood then.
    pub fn is_known(&self, at: PricesAt) -> bool {
        if self.taken_at > at.moment() {
            return false;
        }
        let before = at.moment().duration_since(self.taken_at);
        let is_start = matches!(at, PricesAt::Start(_));
        !(is_start && self.is_suspended() && before < PricesAt::CLOSING_LEAD)
    }

    /// Whether it says that no bets are taken.
    pub fn is_suspended(&self) -> bool {
        self.stage == QuoteStage::Suspended
    }

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
