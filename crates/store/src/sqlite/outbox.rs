//! Numbers what writes changed, and waits for changes.

use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use tokio::time::{Instant, timeout};

use super::sql::Bulk;
use super::{SqliteStore, views};
use crate::outbox::{Outgoing, TRIMMED_MAX};
use crate::{CHANGES_MAX, Changes, StoreError};

/// How long whoever waits goes without a look at what other processes wrote.
const POLL: Duration = Duration::from_millis(25);

const NOW: &str = "CAST(unixepoch('subsec') * 1000000 AS INTEGER)";

/// Writes, in the transaction at hand, what it changed.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    outgoing: &Outgoing,
) -> Result<(), StoreError> {
    let before: i64 =
        sqlx::query_scalar("UPDATE meta SET outbox = outbox + $1 RETURNING outbox - $1")
            .bind(outgoing.len())
            .fetch_one(&mut *connection)
            .await?;
    let now: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT {NOW}")))
        .fetch_one(&mut *connection)
        .await?;
    let (kinds, keys) = outgoing.columns();
    let rows: Vec<_> = (before + 1..).zip(kinds).zip(keys).collect();
    let bulk = Bulk {
        head: "INSERT INTO outbox (seq, kind, key, at)",
        columns: 4,
        tail: "",
    };
    bulk.insert(connection, &rows, |query, ((seq, kind), key)| {
        query.bind(*seq).bind(*kind).bind(key.clone()).bind(now)
    })
    .await?;
    views::mark(connection, &outgoing.marks, before + outgoing.len()).await
}

pub(super) async fn changes(
    store: &SqliteStore,
    after: u64,
    limit: u32,
) -> Result<Changes, StoreError> {
    // The counter first, in one statement with the rows: both are of one state. A bare parameter as
    // the limit would have SQLite compile the statement anew for each value.
    let mut rows: Vec<(i64, String, String)> = sqlx::query_as(
        "SELECT outbox, '', '' FROM meta UNION ALL
         SELECT * FROM (SELECT seq, kind, key FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2 + 0)",
    )
    .bind(i64::try_from(after).unwrap_or(i64::MAX))
    .bind(limit.clamp(1, CHANGES_MAX))
    .fetch_all(&store.reader)
    .await?;
    let (newest, ..) = rows.remove(0);
    Changes::of(after, newest, rows)
}

/// The number of the last change.
pub(super) async fn newest(store: &SqliteStore) -> Result<u64, StoreError> {
    let newest: i64 = sqlx::query_scalar("SELECT outbox FROM meta")
        .fetch_one(&store.reader)
        .await?;
    Ok(newest.unsigned_abs())
}

pub(super) async fn wait(
    store: &SqliteStore,
    after: u64,
    patience: Duration,
) -> Result<u64, StoreError> {
    let deadline = Instant::now() + patience;
    loop {
        // Before the look, so that a write right after it is heard.
        let written = store.bell.notified();
        let newest = newest(store).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        if newest != after || left.is_zero() {
            return Ok(newest);
        }
        let _ = timeout(left.min(POLL), written).await;
    }
}

/// Only ever the oldest, up to the first that is not old, so that what is kept has no gaps, whatever
/// clocks did: one of the future is not the first that is not old. It looks at what it deletes and
/// one more, and deletes no more than [`TRIMMED_MAX`].
pub(super) async fn trim(store: &SqliteStore, older_than: Duration) -> Result<u64, StoreError> {
    let age = i64::try_from(older_than.as_micros()).unwrap_or(i64::MAX / 2);
    let sql = format!(
        "DELETE FROM outbox WHERE seq < min((SELECT min(seq) FROM outbox) + {TRIMMED_MAX}, coalesce(
             (SELECT seq FROM outbox WHERE seq > 0 AND at BETWEEN {NOW} - $1 AND {NOW}
                  ORDER BY seq LIMIT 1),
             (SELECT max(seq) + 1 FROM outbox)))"
    );
    let trimmed = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(age);
    let trimmed = store.writer.run(trimmed).await?;
    Ok(trimmed.rows_affected())
}
