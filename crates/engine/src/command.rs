//! What can be written through the engine.

use domain::{
    BookmakerKey, CompetitionKey, FixtureId, FixtureStatus, Market, MatchStats, Outcome,
    QuoteStage, Score, SeasonKey, SeasonType,
};
use jiff::Timestamp;

/// A team named by id or by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TeamRef {
    /// By id.
    Id(domain::TeamId),
    /// By canonical name or alias; a name never seen makes a new team.
    Name(String),
}

/// A fixture to add or change.
#[derive(Debug, Clone, PartialEq)]
pub struct FixtureCommand {
    /// Which one of those known is changed; `None` where the rest says it, or it is new.
    pub fixture: Option<FixtureId>,
    /// Competition.
    pub competition: CompetitionKey,
    /// Season.
    pub season: SeasonKey,
    /// The part of the season; `None` leaves it.
    pub season_type: Option<SeasonType>,
    /// Start.
    pub kickoff: Timestamp,
    /// Home side.
    pub home: TeamRef,
    /// Away side.
    pub away: TeamRef,
    /// Whether neither side is at home.
    pub neutral: bool,
    /// Where it stands; `None` leaves it.
    pub status: Option<FixtureStatus>,
}

/// A result.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultCommand {
    /// Which fixture.
    pub fixture: FixtureId,
    /// Final score.
    pub score: Score,
    /// What else is known.
    pub stats: MatchStats,
}

/// A bookmaker's prices for one market of one fixture.
#[derive(Debug, Clone, PartialEq)]
pub struct QuoteCommand {
    /// Which fixture.
    pub fixture: FixtureId,
    /// Who offers.
    pub bookmaker: BookmakerKey,
    /// Which market.
    pub market: Market,
    /// Opening, on the way, closing; suspended exactly where there are no prices.
    pub stage: QuoteStage,
    /// When it was taken; `None` means now.
    pub taken_at: Option<Timestamp>,
    /// Outcomes and decimal prices.
    pub prices: Vec<(Outcome, f64)>,
}

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchOutcome {
    /// The fixture of each entry, in the order given.
    pub fixtures: Vec<FixtureId>,
    /// Fixtures that were new.
    pub fixtures_added: u64,
    /// Fixtures of which something changed.
    pub fixtures_changed: u64,
    /// Single prices that were new or corrected.
    pub prices_written: u64,
    /// Names never seen before, each a new team now.
    pub teams_added: Vec<String>,
}

/// How a game might stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Supposition {
    /// Minutes played of regular time, the clock standing; stoppage time is still to come.
    pub minute: u16,
    /// Goals or points.
    pub score: Score,
    /// Players sent off, home and away.
    pub red_cards: [u8; 2],
}
