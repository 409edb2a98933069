//! Requests that must happen once.

use super::SqliteStore;
use crate::code::{micros, moment};
use crate::idempotency::{First, Turn, forgotten, turn};
use crate::{IdempotencyClaim, IdempotencyRecord, StoreError};

pub(super) async fn claim(
    store: &SqliteStore,
    record: &IdempotencyRecord,
) -> Result<IdempotencyClaim, StoreError> {
    let mut tx = store.write().await?;
    sqlx::query("DELETE FROM idempotency WHERE at < $1")
        .bind(forgotten(record.at))
        .execute(&mut *tx)
        .await?;
    let first: Option<First> = sqlx::query_as(
        "SELECT fingerprint, status, body, at, since FROM idempotency
         WHERE principal = $1 AND route = $2 AND key = $3",
    )
    .bind(&record.principal)
    .bind(&record.route)
    .bind(&record.key)
    .fetch_optional(&mut *tx)
    .await?;
    let since = match turn(first, record)? {
        Turn::Go(since) => since,
        Turn::Told(claim) => {
            tx.commit().await?;
            return Ok(claim);
        }
    };
    sqlx::query(
        "INSERT INTO idempotency (principal, route, key, fingerprint, at, since)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (principal, route, key) DO UPDATE
         SET fingerprint = excluded.fingerprint, at = excluded.at, since = excluded.since",
    )
    .bind(&record.principal)
    .bind(&record.route)
    .bind(&record.key)
    .bind(record.fingerprint.as_slice())
    .bind(micros(record.at))
    .bind(since)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(IdempotencyClaim::New {
        since: moment("idempotency.since", since)?,
    })
}

/// The time of the claim tells it from a later one that took the place of a forgotten one.
pub(super) async fn finish(
    store: &SqliteStore,
    record: &IdempotencyRecord,
    answer: Option<(u16, Vec<u8>)>,
) -> Result<(), StoreError> {
    let query = match answer {
        Some((status, body)) => sqlx::query(
            "UPDATE idempotency SET status = $5, body = $6
             WHERE principal = $1 AND route = $2 AND key = $3 AND at = $4 AND status IS NULL",
        )
        .bind(&record.principal)
        .bind(&record.route)
        .bind(&record.key)
        .bind(micros(record.at))
        .bind(status)
        .bind(body),
        None => sqlx::query(
            "DELETE FROM idempotency
             WHERE principal = $1 AND route = $2 AND key = $3 AND at = $4 AND status IS NULL",
        )
        .bind(&record.principal)
        .bind(&record.route)
        .bind(&record.key)
        .bind(micros(record.at)),
    };
    store.writer.run(query).await?;
    Ok(())
}
