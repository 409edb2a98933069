//! What can be asked of the engine.

use domain::{BookmakerKey, CompetitionKey, FixtureStatus, SeasonKey, Sport, TeamId};
use jiff::Timestamp;

/// Where a page begins and how long it may be.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// The `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// At most so many entries; 0 means the default of 50, the most is 200.
    pub limit: u32,
}

/// Which fixtures to list.
#[derive(Debug, Clone, Default)]
pub struct FixtureFilter {
    /// Competitions; empty means all.
    pub competitions: Vec<CompetitionKey>,
    /// Season.
    pub season: Option<SeasonKey>,
    /// A side.
    pub team: Option<TeamId>,
    /// Where they stand.
    pub status: Option<FixtureStatus>,
    /// Kickoff at or after.
    pub from: Option<Timestamp>,
    /// Kickoff before.
    pub until: Option<Timestamp>,
    /// Latest first.
    pub newest_first: Newest,
}

/// Which end of time a list starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Newest {
    /// Earliest kickoff first.
    #[default]
    Last,
    /// Latest kickoff first.
    First,
}

/// Which teams to list.
#[derive(Debug, Clone, Default)]
pub struct TeamFilter {
    /// What they play.
    pub sport: Option<Sport>,
    /// Only those with a fixture in this competition.
    pub competition: Option<CompetitionKey>,
    /// Part of the name.
    pub search: Option<String>,
}

/// Which day's board to show.
#[derive(Debug, Clone, Default)]
pub struct BoardFilter {
    /// Competitions; empty means all.
    pub competitions: Vec<CompetitionKey>,
    /// First moment; `None` shows what comes next, or the newest played day where nothing does.
    pub from: Option<Timestamp>,
    /// Last moment, exclusive.
    pub until: Option<Timestamp>,
    /// At most so many rows; 0 means 50, the most is 200.
    pub limit: u32,
}

/// Which edges to list.
#[derive(Debug, Clone, Default)]
pub struct EdgeFilter {
    /// Competitions; empty means all.
    pub competitions: Vec<CompetitionKey>,
    /// Only edges whose expected value is at least this (0.02 is 2 %).
    pub min_edge: Option<f64>,
    /// Bookmaker.
    pub bookmaker: Option<BookmakerKey>,
    /// Whether flagged edges are listed too.
    pub flagged: Flagged,
    /// Fixtures that kick off at or after; `None` as in [`BoardFilter`].
    pub from: Option<Timestamp>,
    /// Fixtures that kick off before.
    pub until: Option<Timestamp>,
}

/// Whether doubtful edges are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flagged {
    /// Sound edges only.
    #[default]
    Hidden,
    /// All.
    Shown,
}
