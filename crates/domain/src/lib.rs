//! The vocabulary of the platform and the arithmetic on it.
//!
//! Plain values: nothing here does IO, reads a clock, or draws a random number.

mod alert;
mod fixture;
mod game;
mod key;
mod market;
mod odds;
mod play;
mod prediction;
mod price;
mod quote;
mod scoring;
mod standings;

pub use alert::{
    AlertCondition, AlertFired, AlertId, AlertOutcome, AlertRule, AlertScope, AlertWatch, Crossing,
    Direction, InvalidAlert, RawRule,
};
pub use fixture::{
    Competition, Fixture, FixtureStatus, KickoffPrecision, MatchStats, Score, SeasonType, Sport,
    Team,
};
pub use game::{
    BestPrice, Game, MarketPrices, Prices, REFERENCE_BOOKMAKERS, REFERENCE_LAG_MAX,
    reference_taken_at, standing_quotes, summarise_quotes,
};
pub use key::{
    BookmakerKey, CompetitionKey, FixtureId, InvalidKey, Key, KeyKind, SeasonKey, SourceKey,
    TeamId, kind,
};
pub use market::{InvalidLine, Line, Market, MarketKind, Outcome, ParseMarketError};
pub use odds::{
    OddsFormat, Overround, OverroundError, ParseOddsError, expected_value, kelly_fraction,
    overround, remove_overround,
};
pub use play::{GameClock, InvalidPlay, Period, PlayEvent, PlayKind, Side};
pub use prediction::{MarketPrediction, OutcomeProbability, Prediction};
pub use price::{InvalidPrice, Price};
pub use quote::{PricesAt, Quote, QuoteStage};
pub use scoring::{brier, log_loss, rps};
pub use standings::{RankedBy, Standing, Tally, TeamRecord, rank};
