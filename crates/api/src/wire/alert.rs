//! Rules that watch games, on the wire.

use domain::{AlertOutcome, CompetitionKey, FixtureId, Line, Market, TeamId};
use engine::{AlertStanding, AlertView};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::MarketKind;
use crate::problem::FieldError;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlertOn {
    /// The probability of an outcome crosses a level.
    Probability,
    /// The largest edge of a fixture without doubts reaches a level.
    Edge,
    /// The probability of an outcome moves by so much within so many minutes.
    Swing,
}

/// Which way a level is crossed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlertDirection {
    /// From below.
    Up,
    /// From above.
    Down,
    /// Either way.
    Either,
}

/// What a rule waits for. `probability` takes market, outcome, level and direction; `edge` takes
/// level, and no market but `h2h`; `swing` takes market, outcome, by and `within_minutes`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertCondition {
    /// What is watched.
    pub(crate) on: AlertOn,
    /// Which market; `h2h` where not given, the only one that has edges.
    #[serde(default)]
    pub(crate) market: Option<MarketKind>,
    /// Its line, in quarters of a goal or point; due exactly for `totals` and `spreads`.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = -1000, maximum = 1000, multiple_of = 0.25,
        example = json!(null))]
    pub(crate) line: Option<Line>,
    /// Which outcome: `home`, `draw`, `away`, `over`, `under`, `yes`, `no`, or `team`, that the team
    /// of the scope wins.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "home")]
    pub(crate) outcome: Option<AlertOutcome>,
    /// The level: a probability between 0 and 1, or an expected value per unit staked.
    #[serde(default)]
    #[schema(example = 0.6)]
    pub(crate) level: Option<f64>,
    /// Which way it is crossed; either where not given.
    #[serde(default)]
    pub(crate) direction: Option<AlertDirection>,
    /// By how much a probability moves, between 0 and 1.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub(crate) by: Option<f64>,
    /// Within how many minutes.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1440, example = json!(null))]
    pub(crate) within_minutes: Option<u16>,
}

/// Which fixtures a rule looks at: one, those of a team or of a competition, or all where none is
/// named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlertScope {
    /// Number of the fixture.
    #[serde(default)]
    #[schema(example = 8)]
    pub(crate) fixture_id: Option<i64>,
    /// Number of the team.
    #[serde(default)]
    #[schema(example = json!(null))]
    pub(crate) team_id: Option<i64>,
    /// Key of the competition.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = json!(null))]
    pub(crate) competition: Option<CompetitionKey>,
}

/// Whether a rule looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AlertState {
    /// It does.
    Active,
    /// It is paused.
    Paused,
    /// Its receiver answered 410: it is gone.
    Gone,
    /// The key that made it is revoked.
    Revoked,
}

/// A rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Alert {
    /// Its number.
    #[schema(example = 3)]
    id: i64,
    /// Its name.
    #[schema(example = "Home side ahead")]
    name: String,
    /// Public part of the API key that made it.
    #[schema(example = "se_1a2b3c4d")]
    made_by: String,
    /// Whether it looks.
    state: AlertState,
    /// What it waits for.
    condition: AlertCondition,
    /// Which fixtures it looks at.
    scope: AlertScope,
    /// What the scope is called.
    #[schema(example = "Arsenal – Wolves")]
    about: String,
    /// How far a number must go back before the same crossing counts again.
    #[schema(example = 0.02)]
    hysteresis: f64,
    /// How long it is quiet about a fixture once it has fired; null is for good.
    #[schema(example = 60)]
    quiet_minutes: Option<u16>,
    /// Who is told of firings beside pages and the live feed: scheme, host and port. The path, which
    /// may hold a secret, is not shown.
    #[schema(example = "https://hooks.example.com")]
    webhook: Option<String>,
    /// What signs what is told, by the Standard Webhooks scheme; shown once, when it is made.
    #[schema(example = json!(null))]
    webhook_secret: Option<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-05-01T15:10:02Z")]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime, example = "2026-05-01T15:10:02Z")]
    changed_at: Timestamp,
    /// When it last fired.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-05-02T16:04:11Z")]
    fired_at: Option<Timestamp>,
}

/// Rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Alerts {
    /// In order of number.
    pub(crate) data: Vec<Alert>,
}

fn due(field: &str, on: &str) -> FieldError {
    FieldError::at(format!("/condition/{field}"), format!("is due for {on}"))
}

fn stray(field: &str, on: &str) -> FieldError {
    let detail = format!("is nothing that {on} takes");
    FieldError::at(format!("/condition/{field}"), detail)
}

impl AlertCondition {
    /// Reads it; the fault points into the body.
    pub(crate) fn read(&self) -> Result<domain::AlertCondition, FieldError> {
        self.refuse_strays()?;
        match self.on {
            AlertOn::Probability => Ok(domain::AlertCondition::Probability {
                market: self.market()?,
                outcome: self.outcome.ok_or_else(|| due("outcome", "probability"))?,
                level: self.level.ok_or_else(|| due("level", "probability"))?,
                direction: match self.direction {
                    Some(AlertDirection::Up) => domain::Direction::Up,
                    Some(AlertDirection::Down) => domain::Direction::Down,
                    Some(AlertDirection::Either) | None => domain::Direction::Either,
                },
            }),
            AlertOn::Edge => Ok(domain::AlertCondition::Edge {
                market: self.market.map(domain::MarketKind::from),
                level: self.level.ok_or_else(|| due("level", "edge"))?,
            }),
            AlertOn::Swing => Ok(domain::AlertCondition::Swing {
                market: self.market()?,
                outcome: self.outcome.ok_or_else(|| due("outcome", "swing"))?,
                by: self.by.ok_or_else(|| due("by", "swing"))?,
                within_minutes: self
                    .within_minutes
                    .ok_or_else(|| due("within_minutes", "swing"))?,
            }),
        }
    }

    fn market(&self) -> Result<Market, FieldError> {
        let kind = self.market.unwrap_or(MarketKind::H2h);
        let market = Market::new(kind.into(), self.line);
        market.map_err(|error| FieldError::at("/condition/line".to_owned(), error.to_string()))
    }

    fn refuse_strays(&self) -> Result<(), FieldError> {
        let swings = self.by.is_some();
        let within = self.within_minutes.is_some();
        let faults: &[(bool, &str, &str)] = match self.on {
            AlertOn::Probability => &[
                (swings, "by", "probability"),
                (within, "within_minutes", "probability"),
            ],
            AlertOn::Edge => &[
                (swings, "by", "edge"),
                (within, "within_minutes", "edge"),
                (self.line.is_some(), "line", "edge"),
                (self.outcome.is_some(), "outcome", "edge"),
                (self.direction.is_some(), "direction", "edge"),
            ],
            AlertOn::Swing => &[
                (self.level.is_some(), "level", "swing"),
                (self.direction.is_some(), "direction", "swing"),
            ],
        };
        let fault = faults.iter().find(|it| it.0);
        fault.map_or(Ok(()), |(_, field, on)| Err(stray(field, on)))
    }
}

impl From<&domain::AlertCondition> for AlertCondition {
    fn from(condition: &domain::AlertCondition) -> Self {
        let bare = |on| Self {
            on,
            market: None,
            line: None,
            outcome: None,
            level: None,
            direction: None,
            by: None,
            within_minutes: None,
        };
        let of = |on, market: Market, outcome| Self {
            market: Some(market.kind().into()),
            line: market.line(),
            outcome: Some(outcome),
            ..bare(on)
        };
        match *condition {
            domain::AlertCondition::Probability {
                market,
                outcome,
                level,
                direction,
            } => Self {
                level: Some(level),
                direction: Some(match direction {
                    domain::Direction::Up => AlertDirection::Up,
                    domain::Direction::Down => AlertDirection::Down,
                    domain::Direction::Either => AlertDirection::Either,
                }),
                ..of(AlertOn::Probability, market, outcome)
            },
            domain::AlertCondition::Edge { market, level } => Self {
                market: market.map(MarketKind::from),
                level: Some(level),
                ..bare(AlertOn::Edge)
            },
            domain::AlertCondition::Swing {
                market,
                outcome,
                by,
                within_minutes,
            } => Self {
                by: Some(by),
                within_minutes: Some(within_minutes),
                ..of(AlertOn::Swing, market, outcome)
            },
        }
    }
}

impl AlertScope {
    /// Reads it; the fault points into the body.
    pub(crate) fn read(&self) -> Result<domain::AlertScope, FieldError> {
        match (self.fixture_id, self.team_id, &self.competition) {
            (None, None, None) => Ok(domain::AlertScope::All),
            (Some(id), None, None) => Ok(domain::AlertScope::Fixture(FixtureId(id))),
            (None, Some(id), None) => Ok(domain::AlertScope::Team(TeamId(id))),
            (None, None, Some(key)) => Ok(domain::AlertScope::Competition(key.clone())),
            _ => {
                let detail = "a scope names one thing at most".to_owned();
                Err(FieldError::at("/scope".to_owned(), detail))
            }
        }
    }
}

impl From<&domain::AlertScope> for AlertScope {
    fn from(scope: &domain::AlertScope) -> Self {
        let mut wire = Self::default();
        match scope {
            domain::AlertScope::Fixture(id) => wire.fixture_id = Some(id.0),
            domain::AlertScope::Team(id) => wire.team_id = Some(id.0),
            domain::AlertScope::Competition(key) => wire.competition = Some(key.clone()),
            domain::AlertScope::All => {}
        }
        wire
    }
}

impl From<AlertView> for Alert {
    fn from(view: AlertView) -> Self {
        let webhook = view.receiver();
        let record = view.record;
        Self {
            id: record.id.0,
            name: record.name,
            made_by: record.principal,
            state: match view.standing {
                AlertStanding::Active => AlertState::Active,
                AlertStanding::Paused => AlertState::Paused,
                AlertStanding::Gone => AlertState::Gone,
                AlertStanding::Revoked => AlertState::Revoked,
            },
            condition: record.rule.condition().into(),
            scope: record.rule.scope().into(),
            about: view.about,
            hysteresis: record.rule.hysteresis(),
            quiet_minutes: record.rule.quiet_minutes(),
            webhook,
            webhook_secret: view.secret,
            created_at: record.created_at,
            changed_at: record.changed_at,
            fired_at: record.fired_at,
        }
    }
}
