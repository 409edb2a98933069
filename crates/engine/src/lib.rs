//! What the platform does: import, train, predict, list, write.
//!
//! Knows no HTTP, no SQL and no model runtime; it introduces strangers to each other.

mod clock;
mod command;
mod error;
mod filter;
mod view;

pub use clock::{Clock, FixedClock};
pub use command::{BatchOutcome, FixtureCommand, QuoteCommand, ResultCommand, TeamRef};
pub use error::{BatchProblem, EngineError};
pub use filter::{
    BoardFilter, EdgeFilter, FixtureFilter, Flagged, Newest, PageRequest, TeamFilter,
};
pub use view::{
    BoardRow, CompetitionView, EdgeFlag, EdgeView, FixtureInsight, FixtureView, MarketView,
    ModelView, Opinion, Page, PredictionView, QuoteView, RatingSeries, ReasonView,
};
