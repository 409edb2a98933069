//! What connectors produce: a fixture as a source tells it, or the reason a row was set aside.

use domain::{
    CompetitionKey, FixtureStatus, InvalidLine, InvalidPrice, KickoffPrecision, Quote, Score,
    SeasonKey, SeasonType,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer};
use store::ResultRecord;
use thiserror::Error;

/// A fixture as a source tells it: teams still by name, everything else checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Physical line in the file, from 1.
    pub line: u64,
    /// Competition.
    pub competition: CompetitionKey,
    /// Season.
    pub season: SeasonKey,
    /// The part of the season, where the source says.
    pub season_type: Option<SeasonType>,
    /// Start.
    pub kickoff: Timestamp,
    /// How exactly the start is known.
    pub kickoff_precision: KickoffPrecision,
    /// Name of the home side.
    pub home: String,
    /// Name of the away side.
    pub away: String,
    /// Where the names stand, for messages.
    pub team_columns: [String; 2],
    /// Whether neither side is at home.
    pub neutral: bool,
    /// Where the fixture stands, where the source says.
    pub status: Option<FixtureStatus>,
    /// The result, where played.
    pub result: Option<ResultRecord>,
    /// What bookmakers offered.
    pub quotes: Vec<Quote>,
    /// What of that was set aside.
    pub rejected_quotes: Vec<RejectedRow>,
}

impl Row {
    /// Whether it tells how a game ended that is still to come. Where only the day is known the game
    /// may have begun at any time of it.
    pub(crate) fn is_ahead(&self, now: Timestamp) -> bool {
        let early = match self.kickoff_precision {
            KickoffPrecision::Day => SignedDuration::from_hours(24),
            KickoffPrecision::Minute => SignedDuration::ZERO,
        };
        let from = self.kickoff.saturating_sub(early);
        self.result.is_some() && from.is_ok_and(|it| it > now)
    }
}

/// A row, or a quote of one, that was set aside: where it stands and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RejectedRow {
    /// File or URL.
    pub file: String,
    /// Physical line, from 1.
    pub line: u64,
    /// Column, where one is to blame.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with a row or a quote.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Reason {
    /// A value that every row needs is not there.
    #[error("the value is missing")]
    MissingValue,
    /// A date that is none, or not in a form the connector knows.
    #[error("{0:?} is not a date this source writes")]
    UnknownDate(String),
    /// A time of day that is none.
    #[error("{0:?} is not a time of day")]
    UnknownTime(String),
    /// A season that is none.
    #[error("{0:?} is not a season")]
    UnknownSeason(String),
    /// A part of the season that is none.
    #[error("{0:?} is not one of regular, postseason")]
    UnknownSeasonType(String),
    /// A day that is in none of the season's years.
    #[error("the day is not within the season {0}")]
    OtherSeason(SeasonKey),
    /// How a game ended that is still to come.
    #[error("the game has not kicked off and has a result")]
    ResultAhead,
    /// Another result than an earlier row has of the same game.
    #[error(
        "the game of line {line} ended {}-{} there and {}-{} here",
        first.home, first.away, score.home, score.away
    )]
    OtherResult {
        /// The earlier row.
        line: u64,
        /// What it says.
        first: Score,
        /// What this one says.
        score: Score,
    },
    /// More values than the header has columns.
    #[error("the row has {found} fields where the header has {columns}")]
    SurplusFields {
        /// How many there are.
        found: usize,
        /// How many there should be.
        columns: usize,
    },
    /// A competition that is in no table.
    #[error("competition {0:?} is not known")]
    UnknownCompetition(String),
    /// A count below zero.
    #[error("{0} is negative")]
    Negative(String),
    /// A count that is no whole number, or beyond measure.
    #[error("{0:?} is not a whole number below 65536")]
    NotACount(String),
    /// A measure that is no number from zero up.
    #[error("{0:?} is not a number from zero up")]
    NotAMeasure(String),
    /// A price that is no number.
    #[error("{0:?} is not a price")]
    NotAPrice(String),
    /// Decimal odds that cannot be.
    #[error(transparent)]
    BadPrice(#[from] InvalidPrice),
    /// American odds between −100 and 100.
    #[error("{0} is not a price: american odds lie at 100 and above or at -100 and below")]
    BadAmericanPrice(f64),
    /// A line that is no number.
    #[error("{0:?} is not a line")]
    NotALine(String),
    /// A line that nobody can bet on.
    #[error(transparent)]
    BadLine(#[from] InvalidLine),
    /// Prices of a market that needs a line, and no line.
    #[error("there are prices but no line")]
    LineMissing,
    /// A status that is none.
    #[error("{0:?} is not one of scheduled, finished, postponed, cancelled")]
    UnknownStatus(String),
    /// A finished game without a score.
    #[error("a finished game needs a score")]
    ScoreMissing,
    /// A team against itself.
    #[error("{0:?} plays itself")]
    PlaysItself(String),
    /// A name that no team can have.
    #[error("a team's name has at most 100 characters and no control characters")]
    BadName,
    /// A name no team is known by, where unknown names are refused.
    #[error("no team is known as {name:?}{}", suggestion(.nearest))]
    UnknownTeam {
        /// The name as the file has it.
        name: String,
        /// Known names like it, best first.
        nearest: Vec<String>,
    },
    /// A line longer than any row.
    #[error("the line is longer than {0} bytes")]
    LineTooLong(usize),
    /// A quotation mark that is never closed, or text behind a closed one.
    #[error("a quotation mark is out of place")]
    BadQuotation,
    /// Bytes that are no text.
    #[error("the line holds bytes that are not text")]
    NotText,
    /// A JSON value of the wrong shape.
    #[error("the entry does not have the shape of a match: {0}")]
    BadShape(String),
}

fn suggestion(nearest: &[String]) -> String {
    if nearest.is_empty() {
        String::new()
    } else {
        format!("; nearest: {}", nearest.join(", "))
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A problem of one cell, before file and line are known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CellProblem {
    pub(crate) column: Option<String>,
    pub(crate) reason: Reason,
}

impl CellProblem {
    pub(crate) fn new(column: &str, reason: Reason) -> Self {
        Self {
            column: Some(column.to_owned()),
            reason,
        }
    }

    pub(crate) fn whole(reason: Reason) -> Self {
        Self {
            column: None,
            reason,
        }
    }

    pub(crate) fn at(self, file: &str, line: u64) -> RejectedRow {
        RejectedRow {
            file: file.to_owned(),
            line,
            column: self.column,
            reason: self.reason,
        }
    }
}
