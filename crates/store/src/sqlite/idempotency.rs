//! Requests that must happen once.

use super::SqliteStore;
use crate::code::micros;
use crate::idempotency::{First, forgotten, seen};
use crate::{IdempotencyClaim, IdempotencyRecord, StoreError};

pub(super) async fn claim(
    store: &SqliteStore,
    record: &IdempotencyRecord,
) -> Result<IdempotencyClaim, StoreError> {
    let [answered, begun] = forgotten(record.at);
    let mut tx = store.write().await?;
    sqlx::query(
        "DELETE FROM idempotency WHERE at < $1 OR (
             principal = $3 AND route = $4 AND key = $5 AND status IS NULL AND at < $2)",
    )
    .bind(answered)
    .bind(begun)
    .bind(&record.principal)
    .bind(&record.route)
    .bind(&record.key)
    .execute(&mut *tx)
    .await?;
    let first: Option<First> = sqlx::query_as(
        "SELECT fingerprint, status, body FROM idempotency
         WHERE principal = $1 AND route = $2 AND key = $3",
    )
    .bind(&record.principal)
    .bind(&record.route)
    .bind(&record.key)
    .fetch_optional(&mut *tx)
    .await?;
    let claim = match first {
        None => {
            sqlx::query(
                "INSERT INTO idempotency (principal, route, key, fingerprint, at)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(&record.principal)
            .bind(&record.route)
            .bind(&record.key)
            .bind(record.fingerprint.as_slice())
            .bind(micros(record.at))
            .execute(&mut *tx)
            .await?;
            IdempotencyClaim::New
        }
        Some(first) => seen(first, record)?,
    };
    tx.commit().await?;
    Ok(claim)
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
    query.execute(&store.writer).await?;
    Ok(())
}
