//! What of a fixture a base model may read.

use domain::{CompetitionKey, Game, SeasonKey, TeamId};
use jiff::Timestamp;

/// A fixture without its score, its statistics and its prices. Days of rest are a statistic, heard of
/// with the result: models count them from kickoffs, in training as in service.
#[derive(Debug, Clone, PartialEq)]
pub struct Matchup {
    /// Competition.
    pub competition: CompetitionKey,
    /// Season.
    pub season: SeasonKey,
    /// Home side.
    pub home: TeamId,
    /// Away side.
    pub away: TeamId,
    /// Whether neither side is at home.
    pub neutral: bool,
    /// Start, UTC.
    pub kickoff: Timestamp,
}

impl From<&Game> for Matchup {
    fn from(game: &Game) -> Self {
        Self {
            competition: game.competition.clone(),
            season: game.season.clone(),
            home: game.home,
            away: game.away,
            neutral: game.neutral,
            kickoff: game.kickoff,
        }
    }
}
