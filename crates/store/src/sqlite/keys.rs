//! API keys, by their public prefix.

use jiff::Timestamp;

use super::writer::Write;
use super::{SqliteStore, outbox};
use crate::code::{json, micros, whole_minute};
use crate::outbox::{ChangeKind, Outgoing};
use crate::rows::{KeyRow, key};
use crate::{ApiKeyRecord, StoreError};

pub(super) async fn put(store: &SqliteStore, key: &ApiKeyRecord) -> Result<(), StoreError> {
    add(store, store.write().await?, key).await
}

pub(super) async fn put_first(store: &SqliteStore, key: &ApiKeyRecord) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let any: Option<i64> = sqlx::query_scalar("SELECT 1 FROM api_keys LIMIT 1")
        .fetch_optional(&mut *tx)
        .await?;
    if any.is_some() {
        return Ok(false);
    }
    add(store, tx, key).await?;
    Ok(true)
}

async fn add(store: &SqliteStore, mut tx: Write, key: &ApiKeyRecord) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO api_keys (prefix, hash, name, scopes, created_at, last_used_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&key.prefix)
    .bind(key.hash.as_slice())
    .bind(&key.name)
    .bind(json(&key.scopes))
    .bind(micros(key.created_at))
    .bind(key.last_used_at.map(micros))
    .bind(key.revoked_at.map(micros))
    .execute(&mut *tx)
    .await?;
    outbox::add(&mut tx, &Outgoing::one(ChangeKind::ApiKey, &key.prefix)).await?;
    store.commit(tx).await
}

pub(super) async fn one(
    store: &SqliteStore,
    prefix: &str,
) -> Result<Option<ApiKeyRecord>, StoreError> {
    let row: Option<KeyRow> = sqlx::query_as(
        "SELECT prefix, hash, name, scopes, created_at, last_used_at, revoked_at
         FROM api_keys WHERE prefix = $1",
    )
    .bind(prefix)
    .fetch_optional(&store.reader)
    .await?;
    row.map(key).transpose()
}

pub(super) async fn list(store: &SqliteStore) -> Result<Vec<ApiKeyRecord>, StoreError> {
    let rows: Vec<KeyRow> = sqlx::query_as(
        "SELECT prefix, hash, name, scopes, created_at, last_used_at, revoked_at
         FROM api_keys ORDER BY created_at, id",
    )
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter().map(key).collect()
}

pub(super) async fn revoke(
    store: &SqliteStore,
    prefix: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let written =
        sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE prefix = $1 AND revoked_at IS NULL")
            .bind(prefix)
            .bind(micros(at))
            .execute(&mut *tx)
            .await?;
    if written.rows_affected() == 0 {
        return Ok(false);
    }
    outbox::add(&mut tx, &Outgoing::one(ChangeKind::ApiKey, prefix)).await?;
    store.commit(tx).await?;
    Ok(true)
}

pub(super) async fn touch(
    store: &SqliteStore,
    prefix: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let at = whole_minute(at);
    let stale: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM api_keys
         WHERE prefix = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
    )
    .bind(prefix)
    .bind(at)
    .fetch_optional(&store.reader)
    .await?;
    if stale.is_some() {
        let used = sqlx::query("UPDATE api_keys SET last_used_at = $2 WHERE prefix = $1");
        store.writer.run(used.bind(prefix).bind(at)).await?;
    }
    Ok(())
}
