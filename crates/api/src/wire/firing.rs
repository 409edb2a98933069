//! What rules that watch games fired, and how it was told, on the wire.

use domain::{Line, Market};
use engine::{DeliveryState, FiringView, NoticeKind};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::MarketKind;

/// That a rule fired.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Fired {
    /// Its number.
    #[schema(example = 17)]
    id: i64,
    /// Number of the rule.
    #[schema(example = 3)]
    alert_id: i64,
    /// Its name, when it fired.
    #[schema(example = "Home side ahead")]
    alert: String,
    /// Whether it was a test.
    #[schema(example = false)]
    test: bool,
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2026-05-02T16:04:11Z")]
    fired_at: Timestamp,
    /// Number of the fixture; null for a test.
    #[schema(example = 8)]
    fixture_id: Option<i64>,
    /// Name of the home side.
    #[schema(example = "Arsenal")]
    home: Option<String>,
    /// Name of the away side.
    #[schema(example = "Wolves")]
    away: Option<String>,
    /// Which market.
    market: Option<MarketKind>,
    /// Its line.
    #[schema(value_type = Option<f64>, example = json!(null))]
    line: Option<Line>,
    /// Which outcome.
    #[schema(example = "home")]
    outcome: Option<String>,
    /// Which way the number went: `up` or `down`.
    #[schema(example = "up")]
    direction: Option<&'static str>,
    /// The number before: the last one seen, or for a swing the one it began from.
    #[schema(example = 0.58)]
    before: Option<f64>,
    /// The number then.
    #[schema(example = 0.63)]
    after: Option<f64>,
    /// Who offers, for an edge.
    #[schema(example = json!(null))]
    bookmaker: Option<String>,
    /// The price, for an edge.
    #[schema(example = json!(null))]
    price: Option<f64>,
}

/// Firings, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Firings {
    /// At most 20.
    pub(crate) data: Vec<Fired>,
}

/// How the telling of a firing stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DeliveryStatus {
    /// Nobody is told but pages and the live feed.
    None,
    /// It is tried now, or again at `due_at`.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It was tried for about a day, or the webhook was taken away.
    GivenUp,
    /// The receiver is gone.
    Gone,
}

/// A firing and how it was told.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FiringDeliveries {
    /// What fired.
    firing: Fired,
    /// How its telling stands.
    status: DeliveryStatus,
    /// When it is tried again, at the soonest.
    #[schema(value_type = Option<String>, format = DateTime, example = json!(null))]
    due_at: Option<Timestamp>,
    /// Every attempt, in order.
    attempts: Vec<DeliveryAttempt>,
}

/// An attempt to tell.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DeliveryAttempt {
    /// Counted from one.
    #[schema(example = 1)]
    attempt: u32,
    /// When it began.
    #[schema(value_type = String, format = DateTime, example = "2026-05-02T16:04:11Z")]
    at: Timestamp,
    /// How long it took, in ms.
    #[schema(example = 41.5)]
    took_ms: f64,
    /// The status that was answered.
    #[schema(example = 204)]
    status: Option<u16>,
    /// What went wrong.
    #[schema(example = json!(null))]
    fault: Option<String>,
}

/// What fired and how it was told, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    /// The firings.
    pub(crate) data: Vec<FiringDeliveries>,
    /// Pass it as `cursor` to get the next page; null where there is none.
    #[schema(example = json!(null))]
    pub(crate) next_cursor: Option<String>,
}

impl From<&FiringView> for Fired {
    fn from(view: &FiringView) -> Self {
        let data = &view.notice.data;
        let fixture = data.fixture.as_ref();
        let edge = data.edge.as_ref();
        Self {
            id: view.record.id,
            alert_id: view.record.alert.0,
            alert: data.alert.name.clone(),
            test: view.notice.kind == NoticeKind::Test,
            fired_at: view.record.at,
            fixture_id: fixture.map(|it| it.id.0),
            home: fixture.map(|it| it.home.clone()),
            away: fixture.map(|it| it.away.clone()),
            market: data.market.map(|it| it.kind().into()),
            line: data.market.and_then(Market::line),
            outcome: data.outcome.map(|it| it.to_string()),
            direction: data.direction.map(|it| match it {
                domain::Crossing::Up => "up",
                domain::Crossing::Down => "down",
            }),
            before: data.before,
            after: data.after,
            bookmaker: edge.map(|it| it.bookmaker.to_string()),
            price: edge.map(|it| it.price.decimal()),
        }
    }
}

impl From<FiringView> for FiringDeliveries {
    fn from(view: FiringView) -> Self {
        let (status, due_at) = match view.record.delivery {
            None => (DeliveryStatus::None, None),
            Some(DeliveryState::Due(at)) => (DeliveryStatus::Pending, Some(at)),
            Some(DeliveryState::Delivered) => (DeliveryStatus::Delivered, None),
            Some(DeliveryState::GivenUp) => (DeliveryStatus::GivenUp, None),
            Some(DeliveryState::Gone) => (DeliveryStatus::Gone, None),
        };
        let attempt = |it: &engine::DeliveryAttempt| DeliveryAttempt {
            attempt: it.attempt,
            at: it.at,
            took_ms: it.took.as_secs_f64() * 1e3,
            status: it.status,
            fault: it.fault.clone(),
        };
        Self {
            firing: Fired::from(&view),
            status,
            due_at,
            attempts: view.record.attempts.iter().map(attempt).collect(),
        }
    }
}
