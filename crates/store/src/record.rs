//! What goes in and comes out besides the domain's own values.

use domain::{
    CompetitionKey, FixtureId, FixtureStatus, KickoffPrecision, MatchStats, Quote, Score,
    SeasonKey, SeasonType, SourceKey, Sport, TeamId,
};
use jiff::Timestamp;

/// A team to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTeam {
    /// What it plays.
    pub sport: Sport,
    /// Canonical name.
    pub name: String,
    /// ISO 3166 country code, or empty.
    pub country: String,
}

/// A name a team is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamName {
    /// Which team.
    pub team: TeamId,
    /// What it plays.
    pub sport: Sport,
    /// The name.
    pub name: String,
    /// The source that uses it; `None` for canonical names and names good everywhere.
    pub source: Option<SourceKey>,
}

/// Who writes, and when.
#[derive(Debug, Clone)]
pub struct Recording {
    /// Where the records came from.
    pub source: SourceKey,
    /// The import they belong to, where they do.
    pub import: Option<i64>,
    /// The time of writing.
    pub at: Timestamp,
}

/// A fixture with what a source says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FixtureRecord {
    /// The fixture, where the caller knows it.
    pub id: Option<FixtureId>,
    /// Competition.
    pub competition: CompetitionKey,
    /// Season.
    pub season: SeasonKey,
    /// The part of the season; `None` leaves it (a new fixture is of the regular one).
    pub season_type: Option<SeasonType>,
    /// Start.
    pub kickoff: Timestamp,
    /// How exactly the start is known; `Day` never replaces a `Minute` of the same day.
    pub kickoff_precision: KickoffPrecision,
    /// Home side.
    pub home: TeamId,
    /// Away side.
    pub away: TeamId,
    /// Whether neither side is at home.
    pub neutral: bool,
    /// Where it stands; `None` leaves it (a new fixture is scheduled).
    pub status: Option<FixtureStatus>,
    /// The result, where played; makes the fixture finished.
    pub result: Option<ResultRecord>,
    /// What bookmakers offered.
    pub quotes: Vec<Quote>,
}

/// What a source adds to a fixture that is known; what stands of the fixture itself is left alone,
/// whatever it has become meanwhile.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownRecord {
    /// The fixture.
    pub fixture: FixtureId,
    /// The result, where played; makes the fixture finished.
    pub result: Option<ResultRecord>,
    /// What bookmakers offered.
    pub quotes: Vec<Quote>,
}

/// How a game ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ResultRecord {
    /// Final score.
    pub score: Score,
    /// What else is known.
    pub stats: MatchStats,
}

/// What a write did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recorded {
    /// The fixture of each record, in the order given.
    pub fixtures: Vec<FixtureId>,
    /// Fixtures that were new.
    pub fixtures_added: u64,
    /// Fixtures of which something changed (kickoff, status, result, stats).
    pub fixtures_changed: u64,
    /// Single prices that were new.
    pub prices_added: u64,
    /// Single prices that replaced another at the same moment.
    pub prices_changed: u64,
}

/// A quote with its trace.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedQuote {
    /// The quote.
    pub quote: Quote,
    /// Where it came from.
    pub source: SourceKey,
    /// When it was written.
    pub recorded_at: Timestamp,
    /// When a corrected quote took its place.
    pub superseded_at: Option<Timestamp>,
}

/// A change of something remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// Which field, such as `score`.
    pub field: String,
    /// What it was, as JSON.
    pub old: String,
    /// What it became, as JSON.
    pub new: String,
    /// Who said so.
    pub source: SourceKey,
    /// When.
    pub at: Timestamp,
}

/// An import, running or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportRecord {
    /// The connector.
    pub source: SourceKey,
    /// File or URL.
    pub location: String,
    /// SHA-256 of the content, in hex.
    pub digest: String,
    /// Start.
    pub started_at: Timestamp,
    /// End, once done.
    pub finished_at: Option<Timestamp>,
    /// Rows read.
    pub rows_read: u64,
    /// Rows set aside.
    pub rows_rejected: u64,
    /// The rows set aside, then the quotes set aside of others, with line, column and reason, as JSON;
    /// at most 1 000 of each.
    pub rejected: String,
}

/// What a URL answered last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchState {
    /// The URL.
    pub url: String,
    /// Its entity tag.
    pub etag: Option<String>,
    /// Its date of change.
    pub last_modified: Option<String>,
    /// When it answered.
    pub fetched_at: Timestamp,
}

/// A version of a trained model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelRecord {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// When it was trained.
    pub created_at: Timestamp,
    /// Digest of the data it was trained on, in hex.
    pub data_digest: String,
    /// The trained parameters; empty in lists.
    pub body: Vec<u8>,
    /// The report card, as JSON; empty in lists.
    pub report: Vec<u8>,
}

/// An API key; the secret itself is never kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// The public start of the key, by which it is found.
    pub prefix: String,
    /// SHA-256 of the whole key.
    pub hash: [u8; 32],
    /// A name for people.
    pub name: String,
    /// What it may do, such as `write`.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// Names a request that may come again; equal where it is the same.
pub type RequestDigest = [u8; 32];

/// A request that must happen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyRecord {
    /// Who asks.
    pub principal: String,
    /// Method and route.
    pub route: String,
    /// The client's key.
    pub key: String,
    /// SHA-256 of the body.
    pub fingerprint: [u8; 32],
    /// When it came.
    pub at: Timestamp,
}

/// What became of the first request with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdempotencyClaim {
    /// This is the first, or none before it said how it ended; go on.
    New {
        /// When the first of them came, which may have been carried out.
        since: Timestamp,
    },
    /// The first is still at work.
    InProgress,
    /// The first had another body.
    Mismatch,
    /// The first was answered so.
    Done {
        /// HTTP status.
        status: u16,
        /// Body.
        body: Vec<u8>,
    },
}
