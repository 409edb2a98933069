//! Logs of games under way.

use std::collections::BTreeSet;

use domain::FixtureId;

use super::{SqliteStore, outbox};
use crate::changes::unknown;
use crate::code::{json, micros};
use crate::events::{EventRow, body, event, sequence};
use crate::outbox::{ChangeKind, Outgoing};
use crate::{FixtureEvent, RecordedEvent, Recording, StoreError};

pub(super) async fn append(
    store: &SqliteStore,
    recording: &Recording,
    events: &[FixtureEvent],
) -> Result<Vec<bool>, StoreError> {
    let fixtures: BTreeSet<i64> = events.iter().map(|it| it.fixture.0).collect();
    let mut tx = store.write().await?;
    let missing: Option<i64> = sqlx::query_scalar(
        "SELECT value FROM json_each($1) WHERE value NOT IN (SELECT id FROM fixtures) LIMIT 1",
    )
    .bind(json(fixtures))
    .fetch_optional(&mut *tx)
    .await?;
    if let Some(id) = missing {
        return Err(unknown("fixture", id));
    }
    let (mut new, mut outgoing) = (Vec::with_capacity(events.len()), Outgoing::default());
    for it in events {
        let written = sqlx::query(
            "INSERT INTO events (fixture, sequence, revision, known_at, recorded_at, source, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(it.fixture.0)
        .bind(sequence(&it.event))
        .bind(i64::from(it.event.revision))
        .bind(micros(it.known_at))
        .bind(micros(recording.at))
        .bind(recording.source.as_str())
        .bind(body(&it.event))
        .execute(&mut *tx)
        .await?;
        new.push(written.rows_affected() > 0);
        if written.rows_affected() > 0 {
            outgoing.add(ChangeKind::Events, it.fixture);
        }
    }
    if !outgoing.is_empty() {
        outbox::add(&mut tx, &outgoing).await?;
        store.commit(tx).await?;
    }
    Ok(new)
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
