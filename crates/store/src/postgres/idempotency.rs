//! Requests that must happen once.

use super::PostgresStore;
use super::sql::Args;
use crate::code::{micros, moment};
use crate::idempotency::{First, Turn, forgotten, turn};
use crate::{IdempotencyClaim, IdempotencyRecord, StoreError};

pub(super) async fn claim(
    store: &PostgresStore,
    record: &IdempotencyRecord,
) -> Result<IdempotencyClaim, StoreError> {
    let mut session = store.write().await?;
    let key = [&record.principal, &record.route, &record.key];
    let args = || Args::default().with(key[0]).with(key[1]).with(key[2]);
    let lock = "SELECT pg_advisory_xact_lock(6003, hashtext($1 || ' ' || $2 || ' ' || $3))";
    session.run(lock, args()).await?;
    session
        .run(
            "DELETE FROM idempotency WHERE at < $1",
            Args::default().with(forgotten(record.at)),
        )
        .await?;
    let first: Option<First> = session
        .optional(
            "SELECT fingerprint, status, body, at, since FROM idempotency
         WHERE principal = $1 AND route = $2 AND key = $3",
            args(),
        )
        .await?;
    let since = match turn(first, record)? {
        Turn::Go(since) => since,
        Turn::Told(claim) => {
            session.commit().await?;
            return Ok(claim);
        }
    };
    session
        .run(
            "INSERT INTO idempotency (principal, route, key, fingerprint, at, since)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (principal, route, key) DO UPDATE
             SET fingerprint = excluded.fingerprint, at = excluded.at, since = excluded.since",
            args()
                .with(record.fingerprint.as_slice())
                .with(micros(record.at))
                .with(since),
        )
        .await?;
    session.commit().await?;
    Ok(IdempotencyClaim::New {
        since: moment("idempotency.since", since)?,
    })
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
