//! Imports, and what URLs answered.

use domain::SourceKey;
use sqlx::sqlite::SqliteConnection;

use super::{SqliteStore, names};
use crate::code::micros;
use crate::rows::{FetchRow, ImportRow, fetch_state as fetch_state_of, import};
use crate::{FetchState, ImportRecord, StoreError};

pub(super) async fn begin(store: &SqliteStore, import: &ImportRecord) -> Result<i64, StoreError> {
    let mut tx = store.write().await?;
    let source = source(&mut tx, &import.source).await?;
    let id = sqlx::query_scalar(
        "INSERT INTO imports (source, location, digest, started_at, finished_at, rows_read,
                              rows_rejected, rejected)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
    )
    .bind(source)
    .bind(&import.location)
    .bind(&import.digest)
    .bind(micros(import.started_at))
    .bind(import.finished_at.map(micros))
    .bind(import.rows_read.cast_signed())
    .bind(import.rows_rejected.cast_signed())
    .bind(&import.rejected)
    .fetch_one(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(id)
}

pub(super) async fn finish(
    store: &SqliteStore,
    id: i64,
    import: &ImportRecord,
) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let source = source(&mut tx, &import.source).await?;
    let written = sqlx::query(
        "UPDATE imports SET source = $1, location = $2, digest = $3, started_at = $4,
             finished_at = $5, rows_read = $6, rows_rejected = $7, rejected = $8
         WHERE id = $9",
    )
    .bind(source)
    .bind(&import.location)
    .bind(&import.digest)
    .bind(micros(import.started_at))
    .bind(import.finished_at.map(micros))
    .bind(import.rows_read.cast_signed())
    .bind(import.rows_rejected.cast_signed())
    .bind(&import.rejected)
    .bind(id)
    .execute(&mut *tx)
    .await?;
    if written.rows_affected() == 0 {
        return Err(StoreError::Unknown {
            what: "import",
            key: id.to_string(),
        });
    }
    tx.commit().await
}

/// The number of a source, which is added where it is new.
async fn source(connection: &mut SqliteConnection, source: &SourceKey) -> Result<i64, StoreError> {
    let mut names = names::load(connection).await?;
    let id = names.sources.number(source, source.as_str());
    names::save(connection, &mut names).await?;
    Ok(id)
}

pub(super) async fn list(store: &SqliteStore, limit: u32) -> Result<Vec<ImportRecord>, StoreError> {
    let rows: Vec<ImportRow> = sqlx::query_as(
        "SELECT s.key, i.location, i.digest, i.started_at, i.finished_at, i.rows_read,
                i.rows_rejected, i.rejected
         FROM imports AS i JOIN sources AS s ON s.id = i.source
         ORDER BY i.started_at DESC, i.id DESC LIMIT $1",
    )
    .bind(limit)
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter().map(import).collect()
}

pub(super) async fn fetch_state(
    store: &SqliteStore,
    url: &str,
) -> Result<Option<FetchState>, StoreError> {
    let row: Option<FetchRow> = sqlx::query_as(
        "SELECT url, etag, last_modified, fetched_at FROM fetch_states WHERE url = $1",
    )
    .bind(url)
    .fetch_optional(&store.reader)
    .await?;
    row.map(fetch_state_of).transpose()
}

pub(super) async fn put_fetch_state(
    store: &SqliteStore,
    state: &FetchState,
) -> Result<(), StoreError> {
    let fetched = sqlx::query(
        "INSERT INTO fetch_states (url, etag, last_modified, fetched_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (url) DO UPDATE SET etag = excluded.etag,
             last_modified = excluded.last_modified, fetched_at = excluded.fetched_at",
    )
    .bind(&state.url)
    .bind(&state.etag)
    .bind(&state.last_modified)
    .bind(micros(state.fetched_at));
    store.writer.run(fetched).await?;
    Ok(())
}
