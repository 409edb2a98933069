//! Competitions, what they hold, and the revision of everything.

use domain::{Competition, CompetitionKey};
use sqlx::sqlite::SqliteConnection;

use super::{SqliteStore, outbox};
use crate::StoreError;
use crate::changes::check_zones;
use crate::outbox::{ChangeKind, Outgoing};
use crate::rows::{CompetitionRow, CountRow, competition, count};

pub(super) async fn put(
    store: &SqliteStore,
    competitions: &[Competition],
) -> Result<(), StoreError> {
    check_zones(competitions)?;
    let mut tx = store.write().await?;
    let mut outgoing = Outgoing::default();
    for it in competitions {
        let written = sqlx::query(
            "INSERT INTO competitions (key, name, sport, country, pool, time_zone, single_round)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (key) DO UPDATE SET name = excluded.name, sport = excluded.sport,
                 country = excluded.country, pool = excluded.pool,
                 time_zone = excluded.time_zone, single_round = excluded.single_round
             WHERE (name, sport, country, pool, time_zone, single_round)
                 <> (excluded.name, excluded.sport, excluded.country, excluded.pool,
                     excluded.time_zone, excluded.single_round)",
        )
        .bind(it.key.as_str())
        .bind(&it.name)
        .bind(it.sport.as_str())
        .bind(&it.country)
        .bind(&it.pool)
        .bind(&it.time_zone)
        .bind(i64::from(it.single_round))
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() > 0 {
            outgoing.add(ChangeKind::Competition, &it.key);
        }
    }
    if !outgoing.is_empty() {
        advance_revision(&mut tx).await?;
        outbox::add(&mut tx, &outgoing).await?;
    }
    store.commit(tx).await
}

pub(super) async fn list(store: &SqliteStore) -> Result<Vec<Competition>, StoreError> {
    let rows: Vec<CompetitionRow> = sqlx::query_as(
        "SELECT key, name, sport, country, pool, time_zone, single_round
         FROM competitions ORDER BY key",
    )
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter().map(competition).collect()
}

pub(super) async fn counts(
    store: &SqliteStore,
) -> Result<Vec<(CompetitionKey, [u64; 3])>, StoreError> {
    let rows: Vec<CountRow> = sqlx::query_as(
        "SELECT c.key, count(f.id), count(f.id) FILTER (WHERE f.status = 1),
                coalesce(sum(f.price_count), 0)
         FROM competitions AS c LEFT JOIN fixtures AS f ON f.competition = c.id
         GROUP BY c.id ORDER BY c.key",
    )
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter().map(count).collect()
}

pub(super) async fn revision(store: &SqliteStore) -> Result<u64, StoreError> {
    let revision: i64 = sqlx::query_scalar("SELECT revision FROM meta")
        .fetch_one(&store.reader)
        .await?;
    Ok(revision.unsigned_abs())
}

/// Notes, in the transaction at hand, that predictions may change.
pub(super) async fn advance_revision(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    sqlx::query("UPDATE meta SET revision = revision + 1")
        .execute(connection)
        .await?;
    Ok(())
}
