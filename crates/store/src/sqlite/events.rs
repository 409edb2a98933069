//! Logs of games under way.

use std::collections::{BTreeSet, HashMap};

use domain::FixtureId;

use super::SqliteStore;
use super::appender::Row;
use crate::changes::unknown;
use crate::code::{json, micros};
use crate::events::{EventRow, body, event, events_by_fixture, sequence};
use crate::{Appended, FixtureEvent, RecordedEvent, Recording, StoreError};

pub(super) async fn append(
    store: &SqliteStore,
    recording: &Recording,
    events: &[FixtureEvent],
) -> Result<Appended, StoreError> {
    let bodies: Vec<String> = events.iter().map(|it| body(&it.event)).collect();
    let rows = events.iter().zip(&bodies);
    let rows: Vec<Row<'_>> = rows.map(|(it, body)| row(it, body)).collect();
    let by = (micros(recording.at), recording.source.as_str());
    // Who waits for changes is not woken: whoever appends follows by the span, and the look of
    // others would be in the way of what is made of the events.
    let written = match store.writer.append(&rows, by).await {
        Err(StoreError::Append(error)) if is_foreign(&error) => {
            return Err(missing(store, events, error).await);
        }
        written => written?,
    };
    let span = written.span.start.unsigned_abs()..written.span.end.unsigned_abs();
    Ok(Appended::of(
        recording,
        (events, &bodies),
        written.rows,
        span,
    ))
}

fn row<'a>(it: &FixtureEvent, body: &'a str) -> Row<'a> {
    Row {
        fixture: it.fixture.0,
        sequence: sequence(&it.event),
        revision: i64::from(it.event.revision),
        known_at: micros(it.known_at),
        body,
    }
}

/// Whether a row refers to one that is not there.
fn is_foreign(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error().map(|it| it.extended_code);
    code == Some(rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY)
}

/// Which fixture of these is not there.
async fn missing(
    store: &SqliteStore,
    events: &[FixtureEvent],
    error: rusqlite::Error,
) -> StoreError {
    let fixtures: BTreeSet<i64> = events.iter().map(|it| it.fixture.0).collect();
    let missing: Result<Option<i64>, _> = sqlx::query_scalar(
        "SELECT value FROM json_each($1) WHERE value NOT IN (SELECT id FROM fixtures) LIMIT 1",
    )
    .bind(json(fixtures))
    .fetch_optional(&store.reader)
    .await;
    match missing {
        Ok(Some(id)) => unknown("fixture", id),
        Ok(None) => error.into(),
        Err(error) => error.into(),
    }
}

pub(super) async fn list(
    store: &SqliteStore,
    id: FixtureId,
    number: i64,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let rows: Vec<EventRow> = sqlx::query_as(
        "SELECT id, fixture, known_at, recorded_at, source, body
         FROM events INDEXED BY events_by_game WHERE fixture = $1 AND id > $2
         ORDER BY sequence, revision, id",
    )
    .bind(id.0)
    .bind(number)
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter().map(event).collect()
}

/// What is asked is a list of lists: game and number.
pub(super) async fn of(
    store: &SqliteStore,
    after: &[(FixtureId, i64)],
) -> Result<HashMap<FixtureId, Vec<RecordedEvent>>, StoreError> {
    let asked: Vec<(i64, i64)> = after.iter().map(|(id, number)| (id.0, *number)).collect();
    let rows: Vec<EventRow> = sqlx::query_as(
        "SELECT e.id, e.fixture, e.known_at, e.recorded_at, e.source, e.body
         FROM json_each($1) AS asked CROSS JOIN events AS e INDEXED BY events_by_game
         WHERE e.fixture = asked.value ->> 0 AND e.id > asked.value ->> 1
         ORDER BY e.sequence, e.revision, e.id",
    )
    .bind(json(asked))
    .fetch_all(&store.reader)
    .await?;
    events_by_fixture(rows)
}
