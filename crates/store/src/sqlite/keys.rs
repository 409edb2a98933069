//! API keys, by their public prefix.

use jiff::Timestamp;

use super::SqliteStore;
use super::sql::json;
use crate::code::{corrupt, micros, moment};
use crate::{ApiKeyRecord, StoreError};

/// How finely the last use of a key is kept, so that reads do not become writes.
const USE_RESOLUTION_MICROS: i64 = 60_000_000;

type Row = (
    String,
    Vec<u8>,
    String,
    String,
    i64,
    Option<i64>,
    Option<i64>,
);

pub(super) async fn put(store: &SqliteStore, key: &ApiKeyRecord) -> Result<(), StoreError> {
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
    .execute(&store.writer)
    .await?;
    Ok(())
}

pub(super) async fn one(
    store: &SqliteStore,
    prefix: &str,
) -> Result<Option<ApiKeyRecord>, StoreError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT prefix, hash, name, scopes, created_at, last_used_at, revoked_at
         FROM api_keys WHERE prefix = $1",
    )
    .bind(prefix)
    .fetch_optional(&store.reader)
    .await?;
    row.map(key).transpose()
}

pub(super) async fn list(store: &SqliteStore) -> Result<Vec<ApiKeyRecord>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT prefix, hash, name, scopes, created_at, last_used_at, revoked_at
         FROM api_keys ORDER BY created_at, id",
    )
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter().map(key).collect()
}

fn key(row: Row) -> Result<ApiKeyRecord, StoreError> {
    let (prefix, hash, name, scopes, created_at, last_used_at, revoked_at) = row;
    let hash = <[u8; 32]>::try_from(hash)
        .map_err(|bytes| corrupt("api_keys.hash", format!("{} bytes", bytes.len())))?;
    Ok(ApiKeyRecord {
        prefix,
        hash,
        name,
        scopes: serde_json::from_str(&scopes).map_err(|_| corrupt("api_keys.scopes", scopes))?,
        created_at: moment("api_keys.created_at", created_at)?,
        last_used_at: last_used_at
            .map(|at| moment("api_keys.last_used_at", at))
            .transpose()?,
        revoked_at: revoked_at
            .map(|at| moment("api_keys.revoked_at", at))
            .transpose()?,
    })
}

pub(super) async fn revoke(
    store: &SqliteStore,
    prefix: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let written =
        sqlx::query("UPDATE api_keys SET revoked_at = $2 WHERE prefix = $1 AND revoked_at IS NULL")
            .bind(prefix)
            .bind(micros(at))
            .execute(&store.writer)
            .await?;
    Ok(written.rows_affected() > 0)
}

pub(super) async fn touch(
    store: &SqliteStore,
    prefix: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let at = micros(at).div_euclid(USE_RESOLUTION_MICROS) * USE_RESOLUTION_MICROS;
    let stale: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM api_keys
         WHERE prefix = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
    )
    .bind(prefix)
    .bind(at)
    .fetch_optional(&store.reader)
    .await?;
    if stale.is_some() {
        sqlx::query("UPDATE api_keys SET last_used_at = $2 WHERE prefix = $1")
            .bind(prefix)
            .bind(at)
            .execute(&store.writer)
            .await?;
    }
    Ok(())
}
