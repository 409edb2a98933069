//! Logs of games under way.

use std::collections::{BTreeSet, HashMap};

use domain::{FixtureId, SourceKey};

use super::SqliteStore;
use crate::changes::unknown;
use crate::code::{json, micros};
use crate::events::{EventRow, body, event, events_by_fixture, sequence};
use crate::{Appended, ChangeKind, FixtureEvent, RecordedEvent, Recording, StoreError};

/// One way to the connection's thread: the events, what changed by them, numbered, and the numbers.
/// `changes()` are the rows of the statement before, whose ids are the highest, without gaps.
const APPEND: &str = "BEGIN IMMEDIATE;
     INSERT INTO events
         (fixture, sequence, revision, known_at, recorded_at, source, body)
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, $2, $3, value ->> 4
     FROM json_each($1) WHERE true ORDER BY key
     ON CONFLICT DO NOTHING RETURNING id, fixture, body;
     INSERT INTO outbox (seq, kind, key, at)
     SELECT (SELECT outbox FROM meta) + row_number() OVER (ORDER BY fixture), $4, fixture,
            CAST(unixepoch('subsec') * 1000000 AS INTEGER)
     FROM (SELECT DISTINCT fixture FROM events NOT INDEXED
           WHERE id > (SELECT max(id) FROM events) - changes());
     UPDATE meta SET outbox = outbox + changes() RETURNING outbox - changes(), outbox, '';
     COMMIT";

pub(super) async fn append(
    store: &SqliteStore,
    recording: &Recording,
    events: &[FixtureEvent],
) -> Result<Appended, StoreError> {
    let bodies: Vec<String> = events.iter().map(|it| body(&it.event)).collect();
    let row = |(it, body): (&FixtureEvent, _)| {
        let numbers = (sequence(&it.event), it.event.revision);
        (
            it.fixture.0,
            numbers.0,
            numbers.1,
            micros(it.known_at),
            body,
        )
    };
    let rows: Vec<_> = events.iter().zip(&bodies).map(row).collect();
    let written = written(store, (json(rows), micros(recording.at)), &recording.source);
    let mut written = match written.await {
        Err(error) if is_foreign(&error) => return Err(missing(store, events, error).await),
        written => written?,
    };
    let (before, last, _) = written.pop().expect("the counter is there");
    let span = before.unsigned_abs()..last.unsigned_abs();
    Ok(Appended::of(recording, (events, &bodies), written, span))
}

/// Runs the statement, on a task of its own: who asks may leave, and must not leave a write half
/// done. Who waits for changes is not woken: whoever appends follows by the span, and the look of
/// others would be in the way of what is made of the events.
async fn written(
    store: &SqliteStore,
    (rows, at): (String, i64),
    source: &SourceKey,
) -> Result<Vec<(i64, i64, String)>, sqlx::Error> {
    let (mut connection, source) = (store.writer.acquire().await?, source.clone());
    let at_work = tokio::spawn(async move {
        let written = sqlx::query_as(APPEND)
            .bind(rows)
            .bind(at)
            .bind(source.as_str())
            .bind(ChangeKind::Events.as_str())
            .fetch_all(&mut *connection)
            .await;
        if written.is_err() {
            // It fails where the write failed to begin.
            let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        }
        written
    });
    at_work.await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

/// Whether a row refers to one that is not there.
fn is_foreign(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(|it| it.is_foreign_key_violation())
}

/// Which fixture of these is not there.
async fn missing(store: &SqliteStore, events: &[FixtureEvent], error: sqlx::Error) -> StoreError {
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
