//! What is told of a rule that fired: the same words for pages, the API and receivers.

use domain::{
    AlertCondition, AlertFired, AlertId, AlertOutcome, BookmakerKey, CompetitionKey, Crossing,
    FixtureId, Market, Outcome, Price, Score,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{AlertRecord, StoreError};

use crate::{EdgeView, EngineError, FixtureView};

/// Why it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NoticeKind {
    /// The rule fired.
    #[serde(rename = "alert.fired")]
    Fired,
    /// Somebody wanted to see whether it arrives.
    #[serde(rename = "alert.test")]
    Test,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Why.
    #[serde(rename = "type")]
    pub kind: NoticeKind,
    /// When it fired.
    pub timestamp: Timestamp,
    /// The rest.
    pub data: NoticeData,
}

/// What is told of a firing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeData {
    /// Which rule.
    pub alert: NoticeAlert,
    /// On which fixture; none for a test.
    pub fixture: Option<NoticeFixture>,
    /// Whose number it is: the market, for edges none.
    pub market: Option<Market>,
    /// And the outcome.
    pub outcome: Option<Outcome>,
    /// Which way it went; none for a test.
    pub direction: Option<Crossing>,
    /// The number before.
    pub before: Option<f64>,
    /// The number now; none for a test.
    pub after: Option<f64>,
    /// The edge, where the rule watches edges.
    pub edge: Option<NoticeEdge>,
}

/// The rule that fired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeAlert {
    /// Its number.
    pub id: AlertId,
    /// Its name.
    pub name: String,
    /// What it waits for.
    pub condition: AlertCondition,
}

/// The fixture it fired on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeFixture {
    /// Its number.
    pub id: FixtureId,
    /// Key of the competition.
    pub competition: CompetitionKey,
    /// When it begins.
    pub kickoff: Timestamp,
    /// Name of the home side.
    pub home: String,
    /// Name of the away side.
    pub away: String,
    /// The score, once it is under way.
    pub score: Option<Score>,
}

/// The edge it fired for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoticeEdge {
    /// Who offers.
    pub bookmaker: BookmakerKey,
    /// What.
    pub price: Price,
    /// Our probability.
    pub probability: f64,
}

impl Notice {
    /// Tells that a rule fired.
    pub(super) fn fired(
        alert: &AlertRecord,
        (view, score): (&FixtureView, Option<Score>),
        fired: &AlertFired,
        edge: Option<&EdgeView>,
        at: Timestamp,
    ) -> Self {
        let fixture = &view.fixture;
        let watched = alert.rule.watched([fixture.home, fixture.away]);
        let watched = watched.or_else(|| edge.map(|it| (it.market, it.outcome)));
        Self {
            kind: NoticeKind::Fired,
            timestamp: at,
            data: NoticeData {
                alert: NoticeAlert::of(alert),
                fixture: Some(NoticeFixture {
                    id: fixture.id,
                    competition: fixture.competition.clone(),
                    kickoff: fixture.kickoff,
                    home: view.home.name.clone(),
                    away: view.away.name.clone(),
                    score,
                }),
                market: watched.map(|it| it.0),
                outcome: watched.map(|it| it.1),
                direction: Some(fired.crossing),
                before: fired.before,
                after: Some(fired.after),
                edge: edge.map(|it| NoticeEdge {
                    bookmaker: it.bookmaker.clone(),
                    price: it.price,
                    probability: it.probability,
                }),
            },
        }
    }

    /// Tells that a rule would be told like this.
    pub(super) fn test(alert: &AlertRecord, at: Timestamp) -> Self {
        let (market, outcome) = match *alert.rule.condition() {
            AlertCondition::Edge { .. } => (None, None),
            AlertCondition::Probability {
                market, outcome, ..
            }
            | AlertCondition::Swing {
                market, outcome, ..
            } => match outcome {
                AlertOutcome::Team => (Some(market), None),
                AlertOutcome::Of(outcome) => (Some(market), Some(outcome)),
            },
        };
        Self {
            kind: NoticeKind::Test,
            timestamp: at,
            data: NoticeData {
                alert: NoticeAlert::of(alert),
                fixture: None,
                market,
                outcome,
                direction: None,
                before: None,
                after: None,
                edge: None,
            },
        }
    }

    /// As it is stored and sent.
    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).expect("a notice is numbers and texts")
    }

    /// Reads [`Notice::text`] back.
    pub(super) fn read(text: &str) -> Result<Self, EngineError> {
        let notice = serde_json::from_str(text).map_err(|_| StoreError::Corrupt {
            column: "alert_firings.notice",
            value: text.to_owned(),
        });
        Ok(notice?)
    }
}

impl NoticeAlert {
    fn of(alert: &AlertRecord) -> Self {
        Self {
            id: alert.id,
            name: alert.name.clone(),
            condition: *alert.rule.condition(),
        }
    }
}
