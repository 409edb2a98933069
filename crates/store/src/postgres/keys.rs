//! API keys, by their public prefix.

use jiff::Timestamp;

use super::session::Session;
use super::sql::Args;
use super::{PostgresStore, outbox};
use crate::code::{json, micros, whole_minute};
use crate::outbox::{ChangeKind, Outgoing};
use crate::rows::{KeyRow, key};
use crate::{ApiKeyRecord, StoreError};

pub(super) async fn put(store: &PostgresStore, key: &ApiKeyRecord) -> Result<(), StoreError> {
    add(store, store.write().await?, key).await
}

pub(super) async fn put_first(
    store: &PostgresStore,
    key: &ApiKeyRecord,
) -> Result<bool, StoreError> {
    let mut session = store.write().await?;
    // Nobody else adds one until this is committed.
    let lock = "LOCK TABLE api_keys IN SHARE ROW EXCLUSIVE MODE";
    session.run(lock, Args::default()).await?;
    let any = "SELECT 1::bigint FROM api_keys LIMIT 1";
    let any: Option<(i64,)> = session.optional(any, Args::default()).await?;
    if any.is_some() {
        return Ok(false);
    }
    add(store, session, key).await?;
    Ok(true)
}

async fn add(
    store: &PostgresStore,
    mut session: Session,
    key: &ApiKeyRecord,
) -> Result<(), StoreError> {
    session.run("INSERT INTO api_keys (prefix, hash, name, scopes, created_at, last_used_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)", Args::default()
    .with(&key.prefix)
    .with(key.hash.as_slice())
    .with(&key.name)
    .with(json(&key.scopes))
    .with(micros(key.created_at))
    .with(key.last_used_at.map(micros))
    .with(key.revoked_at.map(micros))).await?;
    let outgoing = Outgoing::one(ChangeKind::ApiKey, &key.prefix);
    outbox::tell(store, session, &outgoing).await?;
    Ok(())
}

pub(super) async fn one(
    store: &PostgresStore,
    prefix: &str,
) -> Result<Option<ApiKeyRecord>, StoreError> {
    let row: Option<KeyRow> = store
        .read()
        .await?
        .optional(
            "SELECT prefix, hash, name, scopes, created_at, last_used_at, revoked_at
         FROM api_keys WHERE prefix = $1",
            Args::default().with(prefix),
        )
        .await?;
    row.map(key).transpose()
}

pub(super) async fn list(store: &PostgresStore) -> Result<Vec<ApiKeyRecord>, StoreError> {
    let rows: Vec<KeyRow> = store
        .read()
        .await?
        .rows(
            "SELECT prefix, hash, name, scopes, created_at, last_used_at, revoked_at
         FROM api_keys ORDER BY created_at, id",
            Args::default(),
        )
        .await?;
    rows.into_iter().map(key).collect()
}

pub(super) async fn revoke(
    store: &PostgresStore,
    prefix: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let mut session = store.write().await?;
    let written = session
        .run(
            "UPDATE api_keys SET revoked_at = $2 WHERE prefix = $1 AND revoked_at IS NULL",
            Args::default().with(prefix).with(micros(at)),
        )
        .await?;
    if written == 0 {
        return Ok(false);
    }
    let outgoing = Outgoing::one(ChangeKind::ApiKey, prefix);
    outbox::tell(store, session, &outgoing).await?;
    Ok(true)
}

pub(super) async fn touch(
    store: &PostgresStore,
    prefix: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let at = whole_minute(at);
    let stale: Option<(i64,)> = store
        .read()
        .await?
        .optional(
            "SELECT 1::bigint FROM api_keys
         WHERE prefix = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
            Args::default().with(prefix).with(at),
        )
        .await?;
    if stale.is_some() {
        store
            .run(
                "UPDATE api_keys SET last_used_at = $2 WHERE prefix = $1",
                Args::default().with(prefix).with(at),
            )
            .await?;
    }
    Ok(())
}
