//! Competitions, what they hold, and the revision of everything.

use domain::{Competition, CompetitionKey};
use jiff::tz::TimeZone;
use sqlx::sqlite::SqliteConnection;

use super::SqliteStore;
use crate::StoreError;
use crate::code::{corrupt, sport};

type Row = (String, String, String, String, String, String, i64);

pub(super) async fn put(
    store: &SqliteStore,
    competitions: &[Competition],
) -> Result<(), StoreError> {
    for it in competitions {
        TimeZone::get(&it.time_zone).map_err(|_| StoreError::Unknown {
            what: "time zone",
            key: it.time_zone.clone(),
        })?;
    }
    let mut tx = store.write().await?;
    let mut changed = 0;
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
        changed += written.rows_affected();
    }
    if changed > 0 {
        advance_revision(&mut tx).await?;
    }
    Ok(tx.commit().await?)
}

pub(super) async fn list(store: &SqliteStore) -> Result<Vec<Competition>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT key, name, sport, country, pool, time_zone, single_round
         FROM competitions ORDER BY key",
    )
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter().map(competition).collect()
}

fn competition(row: Row) -> Result<Competition, StoreError> {
    let (key, name, played, country, pool, time_zone, single_round) = row;
    Ok(Competition {
        key: competition_key(key)?,
        name,
        sport: sport(&played)?,
        country,
        pool,
        time_zone,
        single_round: single_round != 0,
    })
}

fn competition_key(key: String) -> Result<CompetitionKey, StoreError> {
    CompetitionKey::new(key).map_err(|invalid| corrupt("competitions.key", invalid.text))
}

pub(super) async fn counts(
    store: &SqliteStore,
) -> Result<Vec<(CompetitionKey, [u64; 3])>, StoreError> {
    let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
        "SELECT c.key, count(f.id), count(f.id) FILTER (WHERE f.status = 1),
                coalesce(sum(f.price_count), 0)
         FROM competitions AS c LEFT JOIN fixtures AS f ON f.competition = c.id
         GROUP BY c.id ORDER BY c.key",
    )
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter()
        .map(|(key, fixtures, finished, prices)| {
            let counts = [fixtures, finished, prices].map(i64::unsigned_abs);
            Ok((competition_key(key)?, counts))
        })
        .collect()
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
