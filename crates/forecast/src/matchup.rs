//! What of a fixture a base model may read.

use domain::{CompetitionKey, Game, TeamId};
use jiff::Timestamp;

/// A fixture without its score, its statistics and its prices.
#[derive(Debug, Clone, PartialEq)]
pub struct Matchup {
    /// Competition.
    pub competition: CompetitionKey,
    /// Home side.
    pub home: TeamId,
    /// Away side.
    pub away: TeamId,
    /// Whether neither side is at home.
    pub neutral: bool,
    /// Start, UTC.
    pub kickoff: Timestamp,
    /// Days since the last game of home and away, where a source says; else they are counted
    /// from the games known.
    pub rest_days: Option<[u16; 2]>,
}

impl From<&Game> for Matchup {
    fn from(game: &Game) -> Self {
        Self {
            competition: game.competition.clone(),
            home: game.home,
            away: game.away,
            neutral: game.neutral,
            kickoff: game.kickoff,
            rest_days: game.stats.rest_days,
        }
    }
}
