//! Rules that watch a number of a game, and when they speak up.
//!
//! A rule looks at one number of one fixture at a time and remembers what it saw ([`AlertWatch`]).
//! Nothing here knows a clock, a database or how the number was made.

mod watch;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{CompetitionKey, FixtureId, Market, MarketKind, Outcome, TeamId};

pub use watch::{AlertFired, AlertWatch, Crossing};

/// Number of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AlertId(pub i64);

impl std::fmt::Display for AlertId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Which way a number crosses a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From below.
    Up,
    /// From above.
    Down,
    /// Either way.
    Either,
}

/// Whose probability is watched. As text: `team`, or the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AlertOutcome {
    /// That the team of the rule's scope wins, at home or away.
    Team,
    /// This outcome.
    Of(Outcome),
}

impl std::fmt::Display for AlertOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Team => f.write_str("team"),
            Self::Of(outcome) => outcome.fmt(f),
        }
    }
}

impl TryFrom<String> for AlertOutcome {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if text == "team" {
            return Ok(Self::Team);
        }
        text.parse().map(Self::Of)
    }
}

impl From<AlertOutcome> for String {
    fn from(outcome: AlertOutcome) -> String {
        outcome.to_string()
    }
}

/// What a rule waits for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum AlertCondition {
    /// The probability of an outcome crosses a level.
    Probability {
        /// Which market.
        market: Market,
        /// Which outcome of it.
        outcome: AlertOutcome,
        /// The level, between 0 and 1.
        level: f64,
        /// Which way.
        direction: Direction,
    },
    /// The largest edge of a fixture, doubtful ones left out, reaches a level.
    Edge {
        /// In what kind of market; in any for `None`.
        market: Option<MarketKind>,
        /// The expected value per unit staked.
        level: f64,
    },
    /// The probability of an outcome moves by so much within so many minutes.
    Swing {
        /// Which market.
        market: Market,
        /// Which outcome of it.
        outcome: AlertOutcome,
        /// By how much, between 0 and 1.
        by: f64,
        /// Within how many minutes.
        within_minutes: u16,
    },
}

/// Which fixtures a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertScope {
    /// One.
    Fixture(FixtureId),
    /// Those of a team.
    Team(TeamId),
    /// Those of a competition.
    Competition(CompetitionKey),
    /// All.
    All,
}

/// What cannot be watched, and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field} {detail}")]
pub struct InvalidAlert {
    /// Which part of the rule.
    pub field: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

/// What is watched, where, and how often it may speak up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawRule", into = "RawRule")]
pub struct AlertRule {
    condition: AlertCondition,
    scope: AlertScope,
    hysteresis: f64,
    quiet_minutes: Option<u16>,
}

/// What a rule is made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawRule {
    /// What it waits for.
    pub condition: AlertCondition,
    /// Which fixtures it looks at.
    pub scope: AlertScope,
    /// How far a number must go back before the same crossing counts again; the usual for `None`.
    pub hysteresis: Option<f64>,
    /// How long it is quiet about a fixture once it has fired; for good for `None`.
    pub quiet_minutes: Option<u16>,
}

impl AlertRule {
    /// The usual hysteresis of probabilities, and of edges; less where a level lies nearer its end.
    pub const HYSTERESIS: [f64; 2] = [0.02, 0.005];
    /// The longest time in which a swing is looked for, in minutes.
    pub const WITHIN_MINUTES_MAX: u16 = 1_440;
    /// The longest quiet time, in minutes: a week.
    pub const QUIET_MINUTES_MAX: u16 = 10_080;
    /// The highest level of an edge.
    pub const EDGE_MAX: f64 = 10.0;

    /// Refuses what can never happen, or would happen all the time.
    pub fn new(raw: RawRule) -> Result<Self, InvalidAlert> {
        check_condition(&raw.condition, &raw.scope)?;
        let usual = usual_hysteresis(&raw.condition);
        let hysteresis = raw.hysteresis.unwrap_or(usual);
        check_hysteresis(&raw.condition, hysteresis)?;
        if let Some(quiet) = raw.quiet_minutes
            && !(1..=Self::QUIET_MINUTES_MAX).contains(&quiet)
        {
            let detail = format!(
                "is {quiet}; it must be 1 to {} minutes",
                Self::QUIET_MINUTES_MAX
            );
            return Err(invalid("quiet_minutes", detail));
        }
        Ok(Self {
            condition: raw.condition,
            scope: raw.scope,
            hysteresis,
            quiet_minutes: raw.quiet_minutes,
        })
    }

    /// What it waits for.
    pub fn condition(&self) -> &AlertCondition {
        &self.condition
    }

    /// Which fixtures it looks at.
    pub fn scope(&self) -> &AlertScope {
        &self.scope
    }

    /// How far a number must go back before the same crossing counts again.
    pub fn hysteresis(&self) -> f64 {
        self.hysteresis
    }

    /// How long it is quiet about a fixture once it has fired; `None` is for good.
    pub fn quiet_minutes(&self) -> Option<u16> {
        self.quiet_minutes
    }

    /// The market and outcome it watches of a fixture of these sides; `None` for edges, and where a
    /// rule about its team meets a fixture of others.
    pub fn watched(&self, sides: [TeamId; 2]) -> Option<(Market, Outcome)> {
        let (market, outcome) = match self.condition {
            AlertCondition::Edge { .. } => return None,
            AlertCondition::Probability {
                market, outcome, ..
            }
            | AlertCondition::Swing {
                market, outcome, ..
            } => (market, outcome),
        };
        match (outcome, &self.scope) {
            (AlertOutcome::Of(outcome), _) => Some((market, outcome)),
            (AlertOutcome::Team, AlertScope::Team(team)) => {
                let place = sides.iter().position(|it| it == team)?;
                Some((market, [Outcome::Home, Outcome::Away][place]))
            }
            (AlertOutcome::Team, _) => None,
        }
    }
}

impl TryFrom<RawRule> for AlertRule {
    type Error = InvalidAlert;
    fn try_from(raw: RawRule) -> Result<Self, InvalidAlert> {
        Self::new(raw)
    }
}

impl From<AlertRule> for RawRule {
    fn from(rule: AlertRule) -> Self {
        Self {
            condition: rule.condition,
            scope: rule.scope,
            hysteresis: Some(rule.hysteresis),
            quiet_minutes: rule.quiet_minutes,
        }
    }
}

fn invalid(field: &'static str, detail: impl Into<String>) -> InvalidAlert {
    InvalidAlert {
        field,
        detail: detail.into(),
    }
}

fn check_condition(condition: &AlertCondition, scope: &AlertScope) -> Result<(), InvalidAlert> {
    let inside = |it: f64| it > 0.0 && it < 1.0;
    match *condition {
        AlertCondition::Probability { level, .. } if !inside(level) => {
            let detail = format!("is {level}; a probability lies between 0 and 1");
            return Err(invalid("level", detail));
        }
        AlertCondition::Swing { by, .. } if !inside(by) => {
            let detail = format!("is {by}; a probability moves by more than 0 and less than 1");
            return Err(invalid("by", detail));
        }
        AlertCondition::Swing { within_minutes, .. }
            if !(1..=AlertRule::WITHIN_MINUTES_MAX).contains(&within_minutes) =>
        {
            let most = AlertRule::WITHIN_MINUTES_MAX;
            let detail = format!("is {within_minutes}; it must be 1 to {most}");
            return Err(invalid("within_minutes", detail));
        }
        AlertCondition::Edge { level, .. } if !(level > 0.0 && level <= AlertRule::EDGE_MAX) => {
            let most = AlertRule::EDGE_MAX;
            return Err(invalid(
                "level",
                format!("is {level}; an edge lies above 0 and is {most} at most"),
            ));
        }
        AlertCondition::Edge {
            market: Some(MarketKind::CorrectScore),
            ..
        } => return Err(invalid("market", "correct_score has no edges")),
        _ => {}
    }
    let (AlertCondition::Probability {
        market, outcome, ..
    }
    | AlertCondition::Swing {
        market, outcome, ..
    }) = *condition
    else {
        return Ok(());
    };
    check_outcome(market, outcome, scope)
}

fn check_outcome(
    market: Market,
    outcome: AlertOutcome,
    scope: &AlertScope,
) -> Result<(), InvalidAlert> {
    match outcome {
        AlertOutcome::Team if market != Market::H2H => {
            Err(invalid("outcome", "is the team, which h2h alone has"))
        }
        AlertOutcome::Team if !matches!(scope, AlertScope::Team(_)) => {
            Err(invalid("outcome", "is the team, but the scope names none"))
        }
        AlertOutcome::Team => Ok(()),
        AlertOutcome::Of(_) if market.kind() == MarketKind::CorrectScore => Err(invalid(
            "market",
            "correct_score lists the likeliest scores only and cannot be watched",
        )),
        AlertOutcome::Of(outcome) if !market.outcomes(true).contains(&outcome) => {
            let kind = market.kind().as_str();
            Err(invalid("outcome", format!("{outcome} is none of {kind}")))
        }
        AlertOutcome::Of(_) => Ok(()),
    }
}

/// The usual, or half the way to the nearer end where that is less.
fn usual_hysteresis(condition: &AlertCondition) -> f64 {
    let [probability, edge] = AlertRule::HYSTERESIS;
    match *condition {
        AlertCondition::Probability { level, .. } => {
            probability.min(level / 2.0).min((1.0 - level) / 2.0)
        }
        AlertCondition::Edge { level, .. } => edge.min(level / 2.0),
        AlertCondition::Swing { .. } => 0.0,
    }
}

fn check_hysteresis(condition: &AlertCondition, hysteresis: f64) -> Result<(), InvalidAlert> {
    let room = match *condition {
        AlertCondition::Probability { level, .. } => level.min(1.0 - level),
        AlertCondition::Edge { level, .. } => level,
        AlertCondition::Swing { .. } if hysteresis == 0.0 => return Ok(()),
        AlertCondition::Swing { .. } => {
            return Err(invalid("hysteresis", "is nothing a swing has"));
        }
    };
    if hysteresis >= 0.0 && hysteresis < room {
        return Ok(());
    }
    let detail =
        format!("is {hysteresis}; it must be 0 or more and leave room beside the level ({room})");
    Err(invalid("hysteresis", detail))
}

#[cfg(test)]
mod tests;
