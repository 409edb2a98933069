//! Requests that must happen once.

use super::PostgresStore;
use super::sql::Args;
use crate::code::micros;
use crate::idempotency::{First, forgotten, seen};
use crate::{IdempotencyClaim, IdempotencyRecord, StoreError};

pub(super) async fn claim(
    store: &PostgresStore,
    record: &IdempotencyRecord,
) -> Result<IdempotencyClaim, StoreError> {
    let [answered, begun] = forgotten(record.at);
    let mut session = store.write().await?;
    let key = [&record.principal, &record.route, &record.key];
    let lock = "SELECT pg_advisory_xact_lock(6003, hashtext($1 || ' ' || $2 || ' ' || $3))";
    let args = Args::default().with(key[0]).with(key[1]).with(key[2]);
    session.run(lock, args).await?;
    session
        .run(
            "DELETE FROM idempotency WHERE at < $1 OR (
             principal = $3 AND route = $4 AND key = $5 AND status IS NULL AND at < $2)",
            Args::default()
                .with(answered)
                .with(begun)
                .with(&record.principal)
                .with(&record.route)
                .with(&record.key),
        )
        .await?;
    let first: Option<First> = session
        .optional(
            "SELECT fingerprint, status, body FROM idempotency
         WHERE principal = $1 AND route = $2 AND key = $3",
            Args::default()
                .with(&record.principal)
                .with(&record.route)
                .with(&record.key),
        )
        .await?;
    let claim = match first {
        None => {
            session
                .run(
                    "INSERT INTO idempotency (principal, route, key, fingerprint, at)
                 VALUES ($1, $2, $3, $4, $5)",
                    Args::default()
                        .with(&record.principal)
                        .with(&record.route)
                        .with(&record.key)
                        .with(record.fingerprint.as_slice())
                        .with(micros(record.at)),
                )
                .await?;
            IdempotencyClaim::New
        }
        Some(first) => seen(first, record)?,
    };
    session.commit().await?;
    Ok(claim)
}

/// The time of the claim tells it from a later one that took the place of a forgotten one.
pub(super) async fn finish(
    store: &PostgresStore,
    record: &IdempotencyRecord,
    answer: Option<(u16, Vec<u8>)>,
) -> Result<(), StoreError> {
    let args = Args::default()
        .with(&record.principal)
        .with(&record.route)
        .with(&record.key)
        .with(micros(record.at));
    let (sql, args) = match answer {
        Some((status, body)) => (
            "UPDATE idempotency SET status = $5, body = $6
             WHERE principal = $1 AND route = $2 AND key = $3 AND at = $4 AND status IS NULL",
            args.with(i64::from(status)).with(body),
        ),
        None => (
            "DELETE FROM idempotency
             WHERE principal = $1 AND route = $2 AND key = $3 AND at = $4 AND status IS NULL",
            args,
        ),
    };
    store.run(sql, args).await?;
    Ok(())
}
