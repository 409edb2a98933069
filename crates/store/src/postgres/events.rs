//! Logs of games under way.

use std::collections::{BTreeSet, HashMap};

use domain::FixtureId;

use super::sql::Args;
use super::{PostgresStore, outbox};
use crate::changes::unknown;
use crate::code::micros;
use crate::events::{EventRow, body, event, events_by_fixture, sequence};
use crate::outbox::{ChangeKind, Outgoing};
use crate::{Appended, FixtureEvent, RecordedEvent, Recording, StoreError};

const APPEND: &str = "INSERT INTO events
         (fixture, sequence, revision, known_at, recorded_at, source, body)
     SELECT fixture, sequence, revision, known_at, $5::bigint, $6::text, body
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $7::text[])
         WITH ORDINALITY AS e (fixture, sequence, revision, known_at, body, place)
     ORDER BY place
     ON CONFLICT DO NOTHING RETURNING id, fixture, body";

pub(super) async fn append(
    store: &PostgresStore,
    recording: &Recording,
    events: &[FixtureEvent],
) -> Result<Appended, StoreError> {
    let fixtures: BTreeSet<i64> = events.iter().map(|it| it.fixture.0).collect();
    let fixtures: Vec<i64> = fixtures.into_iter().collect();
    let mut session = store.write().await?;
    // Numbered under the lock that every numbering takes, so that who reads on from a number
    // misses nothing.
    let lock = "SELECT 1 FROM sports_edge FOR UPDATE";
    session.one::<(i32,)>(lock, Args::default()).await?;
    let missing: Option<(i64,)> = session
        .optional(
            "SELECT it FROM unnest($1::bigint[]) AS wanted (it)
             WHERE NOT EXISTS (SELECT 1 FROM fixtures WHERE id = it) LIMIT 1",
            Args::default().with(fixtures),
        )
        .await?;
    if let Some((id,)) = missing {
        return Err(unknown("fixture", id));
    }
    let column = |of: fn(&FixtureEvent) -> i64| events.iter().map(of).collect::<Vec<i64>>();
    let bodies: Vec<String> = events.iter().map(|it| body(&it.event)).collect();
    let args = Args::default()
        .with(column(|it| it.fixture.0))
        .with(column(|it| sequence(&it.event)))
        .with(column(|it| i64::from(it.event.revision)))
        .with(column(|it| micros(it.known_at)))
        .with(micros(recording.at))
        .with(recording.source.as_str())
        .with(&bodies);
    let rows: Vec<(i64, i64, String)> = session.rows(APPEND, args).await?;
    let mut outgoing = Outgoing::default();
    for (_, fixture, _) in &rows {
        outgoing.add(ChangeKind::Events, fixture);
    }
    let span = if outgoing.is_empty() {
        0..0
    } else {
        outbox::tell(store, session, &outgoing).await?
    };
    Ok(Appended::of(recording, (events, &bodies), rows, span))
}

pub(super) async fn list(
    store: &PostgresStore,
    id: FixtureId,
    number: i64,
) -> Result<Vec<RecordedEvent>, StoreError> {
    let mut session = store.read().await?;
    let rows: Vec<EventRow> = session
        .rows(
            "SELECT id, fixture, known_at, recorded_at, source, body FROM events
             WHERE fixture = $1 AND id > $2 ORDER BY sequence, revision, id",
            Args::default().with(id.0).with(number),
        )
        .await?;
    rows.into_iter().map(event).collect()
}

/// `OFFSET 0` keeps the planner from another order than by game.
const OF: &str = "SELECT e.id, e.fixture, e.known_at, e.recorded_at, e.source, e.body
     FROM unnest($1::bigint[], $2::bigint[]) AS asked (fixture, number)
     CROSS JOIN LATERAL (
         SELECT * FROM events WHERE fixture = asked.fixture AND id > asked.number OFFSET 0) AS e
     ORDER BY e.sequence, e.revision, e.id";

pub(super) async fn of(
    store: &PostgresStore,
    after: &[(FixtureId, i64)],
) -> Result<HashMap<FixtureId, Vec<RecordedEvent>>, StoreError> {
    let (fixtures, numbers): (Vec<i64>, Vec<i64>) =
        after.iter().map(|(id, number)| (id.0, *number)).unzip();
    let args = Args::default().with(fixtures).with(numbers);
    let rows: Vec<EventRow> = store.read().await?.rows(OF, args).await?;
    events_by_fixture(rows)
}
