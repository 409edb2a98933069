//! Events of games under way: what goes in, what comes out, and how it lies in a row.

use std::{collections::HashMap, ops::Range};

use domain::{FixtureId, PlayEvent, SourceKey};
use jiff::Timestamp;

use crate::code::{corrupt, micros, moment};
use crate::{Recording, StoreError};

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

/// What became of events that were to be appended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Appended {
    /// Each that was new as the log has it now, in the order given; `None` for what was there.
    pub recorded: Vec<Option<RecordedEvent>>,
    /// The number of the last change before, and of the last of these; no span where nothing was
    /// new. Who knows every change up to its start knows them all up to its end.
    pub span: Range<u64>,
}

impl Appended {
    /// Which of them were new, in the order given.
    pub fn were_new(&self) -> Vec<bool> {
        self.recorded.iter().map(Option::is_some).collect()
    }

    /// Finds each event's own among the rows that were written: number, fixture, body.
    pub(crate) fn of(
        recording: &Recording,
        (events, bodies): (&[FixtureEvent], &[String]),
        rows: Vec<(i64, i64, String)>,
        span: Range<u64>,
    ) -> Self {
        let rows = rows.into_iter();
        let mut numbers: HashMap<(i64, String), i64> = rows
            .map(|(number, fixture, body)| ((fixture, body), number))
            .collect();
        let record = |(it, body): (&FixtureEvent, &String)| {
            Some(RecordedEvent {
                number: numbers.remove(&(it.fixture.0, body.clone()))?,
                fixture: it.fixture,
                event: it.event,
                known_at: stored(it.known_at),
                recorded_at: stored(recording.at),
                source: recording.source.clone(),
            })
        };
        Self {
            recorded: events.iter().zip(bodies).map(record).collect(),
            span,
        }
    }
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

/// Events by fixture, each list in the order of the rows.
pub(crate) fn events_by_fixture(
    rows: Vec<EventRow>,
) -> Result<HashMap<FixtureId, Vec<RecordedEvent>>, StoreError> {
    let mut events: HashMap<_, Vec<_>> = HashMap::new();
    for row in rows {
        let own = events.entry(FixtureId(row.1)).or_default();
        own.push(event(row)?);
    }
    Ok(events)
}

/// A moment as a row holds it.
fn stored(at: Timestamp) -> Timestamp {
    let at = Timestamp::from_microsecond(micros(at));
    at.expect("a microsecond of a moment is one, too")
}

/// The event as its row holds it; the same words for equal events.
pub(crate) fn body(event: &PlayEvent) -> String {
    serde_json::to_string(event).expect("an event is numbers and texts")
}

/// The number as the column holds it, for order only: the body says it exactly.
pub(crate) fn sequence(event: &PlayEvent) -> i64 {
    i64::try_from(event.sequence).unwrap_or(i64::MAX)
}
