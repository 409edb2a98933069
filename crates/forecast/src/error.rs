//! Why there is no forecast.

use domain::{CompetitionKey, FixtureId};
use jiff::Timestamp;
use thiserror::Error;

/// Why there is no forecast, model or report.
#[derive(Debug, Error)]
pub enum ForecastError {
    /// A competition is asked for that is not configured.
    #[error("competition {0} is not known")]
    UnknownCompetition(CompetitionKey),
    /// No game to learn from or to judge by lies in the time asked for.
    #[error("no played game is known in the time asked for")]
    NoGames,
    /// A forecast was asked for as of a moment after kickoff.
    #[error("fixture {fixture} kicked off at {kickoff}, before {as_of}")]
    KickedOff {
        /// Which fixture.
        fixture: FixtureId,
        /// Its kickoff.
        kickoff: Timestamp,
        /// The moment asked of.
        as_of: Timestamp,
    },
    /// Nothing can be learned from examples or by settings like these.
    #[error("no trees can be grown: {0}")]
    Untrainable(String),
    /// The threads to compute on could not be started.
    #[error("the threads to compute on could not be started")]
    Threads(#[from] rayon::ThreadPoolBuildError),
}
