//! Events of games under way: what goes in, what comes out, and how it lies in a row.

use domain::{FixtureId, PlayEvent, SourceKey};
use jiff::Timestamp;

use crate::StoreError;
use crate::code::{corrupt, moment};

/// An event of a game, to be appended to its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixtureEvent {
    /// Which game.
    pub fixture: FixtureId,
    /// What happened.
    pub event: PlayEvent,
    /// The moment from which it counts as known.
    pub known_at: Timestamp,
}

/// An event as it stands in the log of its game.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedEvent {
    /// Grows with every event that is written.
    pub number: i64,
    /// Which game.
    pub fixture: FixtureId,
    /// What happened.
    pub event: PlayEvent,
    /// The moment from which it counts as known.
    pub known_at: Timestamp,
    /// When it was written.
    pub recorded_at: Timestamp,
    /// Who told it.
    pub source: SourceKey,
}

/// Id, fixture, known at, recorded at, source, body.
pub(crate) type EventRow = (i64, i64, i64, i64, String, String);

pub(crate) fn event(row: EventRow) -> Result<RecordedEvent, StoreError> {
    let (number, fixture, known_at, recorded_at, source, body) = row;
    let event = serde_json::from_str(&body);
    Ok(RecordedEvent {
        number,
        fixture: FixtureId(fixture),
        event: event.map_err(|_| corrupt("events.body", body))?,
        known_at: moment("events.known_at", known_at)?,
        recorded_at: moment("events.recorded_at", recorded_at)?,
        source: SourceKey::new(source).map_err(|it| corrupt("events.source", it.text))?,
    })
}

/// The event as its row holds it; the same words for equal events.
pub(crate) fn body(event: &PlayEvent) -> String {
    serde_json::to_string(event).expect("an event is numbers and texts")
}

/// The number as the column holds it, for order only: the body says it exactly.
pub(crate) fn sequence(event: &PlayEvent) -> i64 {
    i64::try_from(event.sequence).unwrap_or(i64::MAX)
}
