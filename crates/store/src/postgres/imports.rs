//! Imports, and what URLs answered.

use domain::SourceKey;

use super::session::Session;
use super::sql::Args;
use super::{PostgresStore, names};
use crate::code::micros;
use crate::rows::{FetchRow, ImportRow, fetch_state as fetch_state_of, import};
use crate::{FetchState, ImportRecord, StoreError};

pub(super) async fn begin(store: &PostgresStore, import: &ImportRecord) -> Result<i64, StoreError> {
    let mut session = store.write().await?;
    let source = source(&mut session, &import.source).await?;
    let (id,): (i64,) = session
        .one(
            "INSERT INTO imports (source, location, digest, started_at, finished_at, rows_read,
                              rows_rejected, rejected)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
            Args::default()
                .with(source)
                .with(&import.location)
                .with(&import.digest)
                .with(micros(import.started_at))
                .with(import.finished_at.map(micros))
                .with(import.rows_read.cast_signed())
                .with(import.rows_rejected.cast_signed())
                .with(&import.rejected),
        )
        .await?;
    session.commit().await?;
    Ok(id)
}

pub(super) async fn finish(
    store: &PostgresStore,
    id: i64,
    import: &ImportRecord,
) -> Result<(), StoreError> {
    let mut session = store.write().await?;
    let source = source(&mut session, &import.source).await?;
    let written = session
        .run(
            "UPDATE imports SET source = $1, location = $2, digest = $3, started_at = $4,
             finished_at = $5, rows_read = $6, rows_rejected = $7, rejected = $8
         WHERE id = $9",
            Args::default()
                .with(source)
                .with(&import.location)
                .with(&import.digest)
                .with(micros(import.started_at))
                .with(import.finished_at.map(micros))
                .with(import.rows_read.cast_signed())
                .with(import.rows_rejected.cast_signed())
                .with(&import.rejected)
                .with(id),
        )
        .await?;
    if written == 0 {
        return Err(StoreError::Unknown {
            what: "import",
            key: id.to_string(),
        });
    }
    session.commit().await
}

/// The number of a source, which is added where it is new.
async fn source(session: &mut Session, source: &SourceKey) -> Result<i64, StoreError> {
    let mut names = names::load(session).await?;
    let id = names.sources.number(source, source.as_str());
    names::save(session, &mut names).await?;
    Ok(id)
}

pub(super) async fn list(
    store: &PostgresStore,
    limit: u32,
) -> Result<Vec<ImportRecord>, StoreError> {
    let rows: Vec<ImportRow> = store
        .read()
        .await?
        .rows(
            "SELECT s.key, i.location, i.digest, i.started_at, i.finished_at, i.rows_read,
                i.rows_rejected, i.rejected
         FROM imports AS i JOIN sources AS s ON s.id = i.source
         ORDER BY i.started_at DESC, i.id DESC LIMIT $1",
            Args::default().with(i64::from(limit)),
        )
        .await?;
    rows.into_iter().map(import).collect()
}

pub(super) async fn fetch_state(
    store: &PostgresStore,
    url: &str,
) -> Result<Option<FetchState>, StoreError> {
    let row: Option<FetchRow> = store
        .read()
        .await?
        .optional(
            "SELECT url, etag, last_modified, fetched_at FROM fetch_states WHERE url = $1",
            Args::default().with(url),
        )
        .await?;
    row.map(fetch_state_of).transpose()
}

pub(super) async fn put_fetch_state(
    store: &PostgresStore,
    state: &FetchState,
) -> Result<(), StoreError> {
    store.run("INSERT INTO fetch_states (url, etag, last_modified, fetched_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (url) DO UPDATE SET etag = excluded.etag,
             last_modified = excluded.last_modified, fetched_at = excluded.fetched_at", Args::default()
    .with(&state.url)
    .with(&state.etag)
    .with(&state.last_modified)
    .with(micros(state.fetched_at))).await?;
    Ok(())
}
