//! Markets and their outcomes: what can be bet on and predicted.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A kind of market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketKind {
    /// Who wins: home, draw (where the sport has one), away.
    H2h,
    /// Goals or points of both sides together, over or under a line.
    Totals,
    /// Home and away after the line is added to the home side's score.
    Spreads,
    /// Whether both sides score.
    BothTeamsToScore,
    /// The exact score.
    CorrectScore,
}

impl MarketKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::H2h,
        Self::Totals,
        Self::Spreads,
        Self::BothTeamsToScore,
        Self::CorrectScore,
    ];

    /// The key used in files and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::H2h => "h2h",
            Self::Totals => "totals",
            Self::Spreads => "spreads",
            Self::BothTeamsToScore => "both_teams_to_score",
            Self::CorrectScore => "correct_score",
        }
    }

    /// Reads [`MarketKind::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether the market needs a line.
    pub fn has_line(self) -> bool {
        matches!(self, Self::Totals | Self::Spreads)
    }
}

/// A line in quarters of a goal or point: 2.5 is 10 quarters, −0.75 is −3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Line(i32);

/// Why a number cannot be a line.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("{0} is not a line: use a multiple of 0.25 between -1000 and 1000")]
pub struct InvalidLine(pub f64);

impl Line {
    /// Accepts multiples of 0.25 between −1000 and 1000.
    pub fn new(value: f64) -> Result<Self, InvalidLine> {
        let quarters = value * 4.0;
        if quarters.fract() == 0.0 && quarters.abs() <= 4000.0 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "checked to be a small integer"
            )]
            Ok(Self(quarters as i32))
        } else {
            Err(InvalidLine(value))
        }
    }

    /// Makes a line from quarters.
    pub const fn from_quarters(quarters: i32) -> Self {
        Self(quarters)
    }

    /// The line in quarters.
    pub const fn quarters(self) -> i32 {
        self.0
    }

    /// The line in goals or points.
    pub fn value(self) -> f64 {
        f64::from(self.0) / 4.0
    }
}

impl TryFrom<f64> for Line {
    type Error = InvalidLine;
    fn try_from(value: f64) -> Result<Self, InvalidLine> {
        Self::new(value)
    }
}

impl From<Line> for f64 {
    fn from(line: Line) -> f64 {
        line.value()
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

/// A market: its kind and, where the kind has one, its line.
///
/// A line of `spreads` is what the home side is given: −1.5 means home starts 1.5 behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Market {
    kind: MarketKind,
    line: Option<Line>,
}

/// Why a kind and a line make no market.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ParseMarketError {
    /// The kind needs a line.
    #[error("market {} needs a line", .0.as_str())]
    LineMissing(MarketKind),
    /// The kind has no line.
    #[error("market {} has no line", .0.as_str())]
    LineGiven(MarketKind),
}

impl Market {
    /// Who wins.
    pub const H2H: Self = Self {
        kind: MarketKind::H2h,
        line: None,
    };
    /// Whether both sides score.
    pub const BOTH_TEAMS_TO_SCORE: Self = Self {
        kind: MarketKind::BothTeamsToScore,
        line: None,
    };
    /// The exact score.
    pub const CORRECT_SCORE: Self = Self {
        kind: MarketKind::CorrectScore,
        line: None,
    };

    /// Joins a kind and a line, refusing a line too many or too few.
    pub fn new(kind: MarketKind, line: Option<Line>) -> Result<Self, ParseMarketError> {
        match (kind.has_line(), line) {
            (true, None) => Err(ParseMarketError::LineMissing(kind)),
            (false, Some(_)) => Err(ParseMarketError::LineGiven(kind)),
            _ => Ok(Self { kind, line }),
        }
    }

    /// Over or under `line`.
    pub const fn totals(line: Line) -> Self {
        Self {
            kind: MarketKind::Totals,
            line: Some(line),
        }
    }

    /// Home and away with `line` given to the home side.
    pub const fn spreads(line: Line) -> Self {
        Self {
            kind: MarketKind::Spreads,
            line: Some(line),
        }
    }

    /// The kind.
    pub const fn kind(self) -> MarketKind {
        self.kind
    }

    /// The line, for kinds that have one.
    pub const fn line(self) -> Option<Line> {
        self.line
    }

    /// The outcomes a bookmaker quotes for this market, in the order prices are kept in; empty
    /// for [`MarketKind::CorrectScore`], whose outcomes are open.
    pub fn outcomes(self, has_draw: bool) -> &'static [Outcome] {
        match self.kind {
            MarketKind::H2h if has_draw => &[Outcome::Home, Outcome::Draw, Outcome::Away],
            MarketKind::H2h | MarketKind::Spreads => &[Outcome::Home, Outcome::Away],
            MarketKind::Totals => &[Outcome::Over, Outcome::Under],
            MarketKind::BothTeamsToScore => &[Outcome::Yes, Outcome::No],
            MarketKind::CorrectScore => &[],
        }
    }
}

/// One way a market can end. As text: `home`, `draw`, `away`, `over`, `under`, `yes`, `no`, or a
/// score such as `2-1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Outcome {
    /// Home wins (after the line, for spreads).
    Home,
    /// Nobody wins.
    Draw,
    /// Away wins (after the line, for spreads).
    Away,
    /// More than the line.
    Over,
    /// Less than the line.
    Under,
    /// It happens.
    Yes,
    /// It does not happen.
    No,
    /// The exact score, home and away.
    Exactly(u8, u8),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match self {
            Self::Home => "home",
            Self::Draw => "draw",
            Self::Away => "away",
            Self::Over => "over",
            Self::Under => "under",
            Self::Yes => "yes",
            Self::No => "no",
            Self::Exactly(home, away) => return write!(f, "{home}-{away}"),
        };
        f.write_str(word)
    }
}

impl std::str::FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "home" => Self::Home,
            "draw" => Self::Draw,
            "away" => Self::Away,
            "over" => Self::Over,
            "under" => Self::Under,
            "yes" => Self::Yes,
            "no" => Self::No,
            score => {
                let unknown = || format!("{text:?} is not an outcome");
                let (home, away) = score.split_once('-').ok_or_else(unknown)?;
                let side = |part: &str| part.parse::<u8>().map_err(|_| unknown());
                Self::Exactly(side(home)?, side(away)?)
            }
        })
    }
}

impl TryFrom<String> for Outcome {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Outcome> for String {
    fn from(outcome: Outcome) -> String {
        outcome.to_string()
    }
}

#[cfg(test)]
mod tests;
