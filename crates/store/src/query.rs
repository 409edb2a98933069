//! What can be asked for.

use domain::{CompetitionKey, FixtureId, FixtureStatus, SeasonKey, Sport, TeamId};
use jiff::Timestamp;

/// The most fixtures one list holds.
pub(crate) const FIXTURES_MAX: u32 = 1_000;

/// The order of a list of fixtures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortOrder {
    /// Earliest kickoff first, then id.
    #[default]
    Ascending,
    /// Latest kickoff first, then id descending.
    Descending,
}

/// Which fixtures to list. Empty lists and `None` match everything.
#[derive(Debug, Clone, Default)]
pub struct FixtureQuery {
    /// Only these fixtures.
    pub ids: Vec<FixtureId>,
    /// Competitions.
    pub competitions: Vec<CompetitionKey>,
    /// Season.
    pub season: Option<SeasonKey>,
    /// A side, home or away.
    pub team: Option<TeamId>,
    /// A second side: with `team`, their meetings.
    pub opponent: Option<TeamId>,
    /// Where they stand.
    pub status: Option<FixtureStatus>,
    /// Only those with prices.
    pub priced: bool,
    /// Kickoff at or after.
    pub from: Option<Timestamp>,
    /// Kickoff before.
    pub until: Option<Timestamp>,
    /// Continue behind this kickoff and id, in the direction of `order`.
    pub after: Option<(Timestamp, FixtureId)>,
    /// Direction.
    pub order: SortOrder,
    /// At most so many; the store caps it at 1 000.
    pub limit: u32,
}

/// Which teams to list.
#[derive(Debug, Clone, Default)]
pub struct TeamQuery {
    /// Only these.
    pub ids: Vec<TeamId>,
    /// What they play.
    pub sport: Option<Sport>,
    /// Only those with a fixture in this competition.
    pub competition: Option<CompetitionKey>,
    /// Part of the name, any case.
    pub search: Option<String>,
    /// Continue behind this id.
    pub after: Option<TeamId>,
    /// At most so many; 0 means all.
    pub limit: u32,
}

/// Which games to read for models.
#[derive(Debug, Clone, Default)]
pub struct GameQuery {
    /// Only these fixtures.
    pub ids: Vec<FixtureId>,
    /// Competitions; empty means all.
    pub competitions: Vec<CompetitionKey>,
    /// Kickoff at or after.
    pub from: Option<Timestamp>,
    /// Kickoff before.
    pub until: Option<Timestamp>,
    /// Only games that a write with a later data revision touched.
    pub changed_after: Option<u64>,
}
