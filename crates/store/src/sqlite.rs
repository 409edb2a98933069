//! The embedded store: one SQLite file.
//!
//! One connection writes and a few read: SQLite lets readers work beside one writer, and a queue in
//! front of that writer is calmer than busy errors behind it.

mod alerts;
mod appender;
mod competitions;
mod events;
mod fixtures;
mod games;
mod idempotency;
mod imports;
mod keys;
mod markets;
mod models;
mod names;
mod outbox;
mod presence;
mod private;
mod quotes;
mod record;
pub(crate) mod schema;
pub(crate) mod sql;
mod teams;
mod views;
mod writer;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Competition, CompetitionKey, Fixture, FixtureId, Game, SeasonKey, Sport, Team, TeamId,
};
use jiff::Timestamp;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, Sqlite, Transaction};
use tempfile::TempDir;
use tokio::sync::Notify;

use self::presence::Presence;
use self::writer::{Write, Writer};

use crate::changes::Said;
use crate::{
    ApiKeyRecord, Appended, Behind, Changes, FetchState, FixtureEvent, FixtureQuery, FixtureRecord,
    GameQuery, IdempotencyClaim, IdempotencyRecord, ImportRecord, KnownRecord, Markets,
    ModelRecord, NewTeam, PairRecord, Recorded, RecordedEvent, RecordedQuote, Recording, Refreshed,
    Revision, SeasonTable, Store, StoreError, TeamName, TeamQuery,
};

/// How long opening waits before it tries a busy file again.
const BUSY_PAUSE: Duration = Duration::from_millis(20);

/// The level at which statements are told, without their values.
const TOLD_AT: &str = "trace";

/// Rows a connection reads ahead of whoever takes them.
const ROWS_AHEAD: usize = 256;

/// Bounds of an open database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Connections that read at the same time; more callers wait. Default 4.
    pub readers: u32,
    /// How long to wait for a free connection before giving up. Default 30 s.
    pub acquire_timeout: Duration,
    /// How long to wait for another process's write. Default 5 s.
    pub busy_timeout: Duration,
    /// Page cache of the writing connection. Default 32 MiB.
    pub writer_cache_kib: u32,
    /// Page cache of each reading connection. Default 8 MiB.
    pub reader_cache_kib: u32,
    /// How much of the file readers map into memory. Default 256 MiB.
    pub mmap_bytes: u64,
    /// Length of the write-ahead log, in pages of 4 KiB, at which it is folded back. Default 4 000.
    pub wal_pages: u32,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: 4,
            acquire_timeout: Duration::from_secs(30),
            busy_timeout: Duration::from_secs(5),
            writer_cache_kib: 32 * 1024,
            reader_cache_kib: 8 * 1024,
            mmap_bytes: 256 * 1024 * 1024,
            wal_pages: 4_000,
        }
    }
}

/// The store in one SQLite file.
#[derive(Debug, Clone)]
pub struct SqliteStore {
    writer: Writer,
    reader: SqlitePool,
    presence: Presence,
    /// Wakes whoever waits for changes.
    bell: Arc<Notify>,
    /// The folder of a store that is gone with its last handle.
    _folder: Option<Arc<TempDir>>,
}

impl SqliteStore {
    /// Opens a database, making it where there is none and bringing an older schema up to date.
    ///
    /// Refuses, without touching it, a file that is not ours or that a newer release wrote. The
    /// folder must exist.
    pub async fn open(path: impl AsRef<Path>, options: &SqliteOptions) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let plain = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .busy_timeout(options.busy_timeout)
            .row_buffer_size(ROWS_AHEAD)
            .foreign_keys(true)
            .log_statements(TOLD_AT.parse().expect("it is a level"))
            .log_slow_statements(TOLD_AT.parse().expect("it is a level"), Duration::MAX);
        private::make(path);
        patiently(options.busy_timeout, || schema::check(&plain, path)).await?;
        let writer = plain
            .clone()
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .pragma("cache_size", format!("-{}", options.writer_cache_kib))
            .pragma("wal_autocheckpoint", options.wal_pages.to_string())
            .pragma("temp_store", "MEMORY");
        let reader = plain
            .create_if_missing(false)
            .pragma("cache_size", format!("-{}", options.reader_cache_kib))
            .pragma("mmap_size", options.mmap_bytes.to_string())
            .pragma("temp_store", "MEMORY")
            .pragma("query_only", "ON");
        let writer = pool(1, options).connect_lazy_with(writer);
        patiently(options.busy_timeout, || schema::migrate(&writer)).await?;
        let reader = pool(options.readers.max(1), options).connect_lazy_with(reader);
        Ok(Self {
            writer: Writer::new(writer, path, options),
            reader,
            presence: Presence::of(path)?,
            bell: Arc::default(),
            _folder: None,
        })
    }

    /// A store of its own, which is gone with its last handle.
    pub async fn temporary() -> Result<Self, StoreError> {
        let folder = tempfile::tempdir().map_err(|source| StoreError::File {
            path: std::env::temp_dir().display().to_string(),
            source,
        })?;
        let path = folder.path().join("store.db");
        let mut store = Self::open(&path, &SqliteOptions::default()).await?;
        store._folder = Some(Arc::new(folder));
        Ok(store)
    }

    /// Begins a write; it waits its turn here, so that it never fails half-way for being second.
    async fn write(&self) -> Result<Write, StoreError> {
        self.writer.begin().await
    }

    /// Ends a write that said what it changed, and wakes whoever waits for changes.
    async fn commit(&self, tx: Write) -> Result<(), StoreError> {
        tx.commit().await?;
        self.bell.notify_waiters();
        Ok(())
    }

    /// Begins a read of several queries that see one state.
    async fn read(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.reader.begin().await?)
    }
}

/// Does `step`, and again while the file is busy, for at most `bound`.
///
/// SQLite's own patience does not cover every step of opening: a switch to the write-ahead log that
/// meets another process's lock fails at once.
async fn patiently<T, F>(bound: Duration, mut step: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for _ in 0..bound.as_millis() / BUSY_PAUSE.as_millis() {
        match step().await {
            Err(StoreError::Database(error)) if busy(&error) => {
                tokio::time::sleep(BUSY_PAUSE).await;
            }
            other => return other,
        }
    }
    step().await
}

/// Whether another connection held the file; the low byte of an extended code says so.
fn busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|it| it.code());
    code.and_then(|it| it.parse::<i32>().ok())
        .is_some_and(|it| matches!(it & 0xff, 5 | 6))
}

fn pool(connections: u32, options: &SqliteOptions) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(options.acquire_timeout)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        // On a full or failing disk SQLite ends a transaction by itself. The connection goes on
        // counting it, and would begin no other: it is closed, and one opened in its place.
        .before_acquire(|connection, _| {
            let is_out_of_step = connection.is_in_transaction();
            Box::pin(async move { Ok(!is_out_of_step) })
        })
}

#[async_trait]
impl Store for SqliteStore {
    async fn put_competitions(&self, competitions: &[Competition]) -> Result<(), StoreError> {
        competitions::put(self, competitions).await
    }

    async fn competitions(&self) -> Result<Vec<Competition>, StoreError> {
        competitions::list(self).await
    }

    async fn put_teams(&self, teams: &[NewTeam]) -> Result<Vec<TeamId>, StoreError> {
        teams::put(self, teams).await
    }

    async fn put_aliases(&self, names: &[TeamName]) -> Result<(), StoreError> {
        teams::put_aliases(self, names).await
    }

    async fn team_names(&self, sport: Sport) -> Result<Vec<TeamName>, StoreError> {
        teams::names(self, sport).await
    }

    async fn teams(&self, query: &TeamQuery) -> Result<Vec<Team>, StoreError> {
        teams::list(self, query).await
    }

    async fn record(
        &self,
        recording: &Recording,
        records: &[FixtureRecord],
    ) -> Result<Recorded, StoreError> {
        let said: Vec<Said<'_>> = records.iter().map(Said::Told).collect();
        record::record(self, recording, &said).await
    }

    async fn record_known(
        &self,
        recording: &Recording,
        records: &[KnownRecord],
    ) -> Result<Recorded, StoreError> {
        let said: Vec<Said<'_>> = records.iter().map(Said::Known).collect();
        record::record(self, recording, &said).await
    }

    async fn fixture(&self, id: FixtureId) -> Result<Option<Fixture>, StoreError> {
        fixtures::one(self, id).await
    }

    async fn fixtures(&self, query: &FixtureQuery) -> Result<Vec<Fixture>, StoreError> {
        fixtures::list(self, query).await
    }

    async fn quotes(&self, id: FixtureId) -> Result<Vec<RecordedQuote>, StoreError> {
        quotes::list(self, id).await
    }

    async fn quotes_of(
        &self,
        ids: &[FixtureId],
    ) -> Result<HashMap<FixtureId, Vec<RecordedQuote>>, StoreError> {
        quotes::of(self, ids).await
    }

    async fn markets(&self, id: FixtureId) -> Result<Option<Markets>, StoreError> {
        markets::read(self, id).await
    }

    async fn revisions(&self, id: FixtureId) -> Result<Vec<Revision>, StoreError> {
        quotes::revisions(self, id).await
    }

    async fn append_events(
        &self,
        recording: &Recording,
        events: &[FixtureEvent],
    ) -> Result<Appended, StoreError> {
        events::append(self, recording, events).await
    }

    async fn events_after(
        &self,
        id: FixtureId,
        number: i64,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        events::list(self, id, number).await
    }

    async fn events_of(
        &self,
        after: &[(FixtureId, i64)],
    ) -> Result<HashMap<FixtureId, Vec<RecordedEvent>>, StoreError> {
        events::of(self, after).await
    }

    async fn games(&self, query: &GameQuery) -> Result<Vec<Game>, StoreError> {
        games::list(self, query).await
    }

    async fn standings(
        &self,
        competition: &CompetitionKey,
        season: Option<&SeasonKey>,
    ) -> Result<Option<SeasonTable>, StoreError> {
        views::standings(self, competition, season).await
    }

    async fn pair_record(&self, teams: [TeamId; 2]) -> Result<PairRecord, StoreError> {
        views::pair(self, teams).await
    }

    async fn refresh_views(&self) -> Result<Refreshed, StoreError> {
        let views = views::refresh(self).await?;
        Ok(views.and(markets::refresh(self).await?))
    }

    async fn views_behind(&self) -> Result<Vec<Behind>, StoreError> {
        views::behind(self).await
    }

    async fn identity(&self) -> Result<String, StoreError> {
        schema::identity(&self.reader).await
    }

    async fn data_revision(&self) -> Result<u64, StoreError> {
        competitions::revision(self).await
    }

    async fn counts(&self) -> Result<Vec<(CompetitionKey, [u64; 3])>, StoreError> {
        competitions::counts(self).await
    }

    async fn begin_import(&self, import: &ImportRecord) -> Result<i64, StoreError> {
        imports::begin(self, import).await
    }

    async fn finish_import(&self, id: i64, import: &ImportRecord) -> Result<(), StoreError> {
        imports::finish(self, id, import).await
    }

    async fn imports(&self, limit: u32) -> Result<Vec<ImportRecord>, StoreError> {
        imports::list(self, limit).await
    }

    async fn fetch_state(&self, url: &str) -> Result<Option<FetchState>, StoreError> {
        imports::fetch_state(self, url).await
    }

    async fn put_fetch_state(&self, state: &FetchState) -> Result<(), StoreError> {
        imports::put_fetch_state(self, state).await
    }

    async fn put_model(&self, model: &ModelRecord) -> Result<(), StoreError> {
        models::put(self, model).await
    }

    async fn models(&self, name: Option<&str>) -> Result<Vec<ModelRecord>, StoreError> {
        models::list(self, name).await
    }

    async fn latest_model(&self, name: &str) -> Result<Option<ModelRecord>, StoreError> {
        models::latest(self, name).await
    }

    async fn put_key(&self, key: &ApiKeyRecord) -> Result<(), StoreError> {
        keys::put(self, key).await
    }

    async fn put_first_key(&self, key: &ApiKeyRecord) -> Result<bool, StoreError> {
        keys::put_first(self, key).await
    }

    async fn key(&self, prefix: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        keys::one(self, prefix).await
    }

    async fn keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        keys::list(self).await
    }

    async fn revoke_key(&self, prefix: &str, at: Timestamp) -> Result<bool, StoreError> {
        keys::revoke(self, prefix, at).await
    }

    async fn touch_key(&self, prefix: &str, at: Timestamp) -> Result<(), StoreError> {
        keys::touch(self, prefix, at).await
    }

    async fn claim_idempotency(
        &self,
        record: &IdempotencyRecord,
    ) -> Result<IdempotencyClaim, StoreError> {
        idempotency::claim(self, record).await
    }

    async fn finish_idempotency(
        &self,
        record: &IdempotencyRecord,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        idempotency::finish(self, record, answer).await
    }

    fn writing(&self) -> &dyn Store {
        self
    }

    async fn position(&self) -> Result<u64, StoreError> {
        outbox::newest(self).await
    }

    async fn changes(&self, after: u64, limit: u32) -> Result<Changes, StoreError> {
        outbox::changes(self, after, limit).await
    }

    async fn wait_for_changes(&self, after: u64, patience: Duration) -> Result<u64, StoreError> {
        outbox::wait(self, after, patience).await
    }

    fn is_embedded(&self) -> bool {
        true
    }

    async fn trim_changes(&self, older_than: Duration) -> Result<u64, StoreError> {
        outbox::trim(self, older_than).await
    }

    /// Damage to the file's structure and rows that refer to nothing, at most 20 of each.
    async fn faults(&self) -> Result<Vec<String>, StoreError> {
        schema::faults(&self.reader).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // A connection that has yet to be made would find no file, or another one.
        self.presence.check().await?;
        sqlx::query("SELECT 1").execute(&self.reader).await?;
        Ok(())
    }

    async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}
