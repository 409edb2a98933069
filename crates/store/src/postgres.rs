//! The store for many processes: a PostgreSQL database.
//!
//! Writes of one competition wait for each other, others do not; all of them pass one row, one
//! after the other, as the last thing before they are committed, which numbers what they did.

mod alerts;
mod competitions;
pub(crate) mod copy;
mod events;
mod figures;
mod fixtures;
mod games;
mod idempotency;
mod imports;
mod keys;
mod markets;
mod models;
mod names;
mod nodelay;
mod outbox;
pub(crate) mod partitions;
mod quotes;
mod reach;
mod record;
pub(crate) mod schema;
pub(crate) mod session;
pub(crate) mod sql;
mod teams;
pub(crate) mod url;
mod views;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Competition, CompetitionKey, Fixture, FixtureId, Game, SeasonKey, Sport, Team, TeamId,
};
use jiff::Timestamp;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgPool, PgPoolOptions};

use crate::changes::Said;
use crate::{
    ApiKeyRecord, Appended, Behind, Changes, FetchState, FixtureEvent, FixtureQuery, FixtureRecord,
    GameQuery, IdempotencyClaim, IdempotencyRecord, ImportRecord, KnownRecord, Markets,
    ModelRecord, NewTeam, PairRecord, Recorded, RecordedEvent, RecordedQuote, Recording, Refreshed,
    Revision, SeasonTable, Store, StoreError, TeamName, TeamQuery,
};
use outbox::Bell;
use reach::Absence;

pub use url::redacted;

/// What stands between this program and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pooler {
    /// Nothing, or one that gives each client a connection of its own.
    #[default]
    None,
    /// One that gives a connection for a transaction, such as pgbouncer in transaction mode: no
    /// statement is prepared to last, every query is in a transaction, nobody listens.
    Transaction,
}

/// Bounds of an open database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresOptions {
    /// Connections at most; more callers wait. Default 16.
    pub connections_max: u32,
    /// How long to wait for a free connection before giving up. Default 30 s.
    pub acquire_timeout: Duration,
    /// How long a statement may take. Default 60 s.
    pub statement_timeout: Duration,
    /// How long a statement may wait for a lock. Default 10 s.
    pub lock_timeout: Duration,
    /// How long a transaction may do nothing. Default 60 s.
    pub idle_timeout: Duration,
    /// The name the server knows this program by. Default `sports-edge`.
    pub application_name: String,
    /// What stands between.
    pub pooler: Pooler,
    /// How long a server that [`ping`](crate::Store::ping) found away is waited for as if it were
    /// busy; after that callers wait for a moment only. Default 5 s, which a restart is done in.
    pub absence_max: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections_max: 16,
            acquire_timeout: Duration::from_secs(30),
            statement_timeout: Duration::from_secs(60),
            lock_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            application_name: "sports-edge".to_owned(),
            pooler: Pooler::None,
            absence_max: Duration::from_secs(5),
        }
    }
}

/// The store in a PostgreSQL database.
#[derive(Debug, Clone)]
pub struct PostgresStore {
    pool: PgPool,
    pooler: Pooler,
    /// What begins a transaction that writes, and one that reads.
    begin: [Arc<str>; 2],
    /// Partitions of quotes that are known to be there.
    partitions: Arc<Mutex<BTreeSet<i16>>>,
    bell: Arc<Bell>,
    absence: Arc<Absence>,
    absence_max: Duration,
    /// Whether the server was last found to follow another one.
    follows: Arc<AtomicBool>,
}

impl PostgresStore {
    /// Opens a database, making the schema where it is empty and bringing an older one up to date.
    ///
    /// Refuses, without touching it, a database that is not ours or that a newer release wrote.
    pub async fn open(url: &str, options: &PostgresOptions) -> Result<Self, StoreError> {
        let store = Self::reached(url, options).await?;
        schema::migrate(&store).await?;
        if let Err(error) = schema::history(&store).await {
            tracing::debug!(%error, "the server does not say which history it has");
        }
        Ok(store)
    }

    /// Prepares to talk to a database without changing it, such as a replica.
    pub fn connect(url: &str, options: &PostgresOptions) -> Result<Self, StoreError> {
        let connect = url::parse(url)?
            .application_name(&options.application_name)
            .disable_statement_logging();
        let connect = match options.pooler {
            Pooler::None => connect.options(session::settings(options)),
            Pooler::Transaction => connect.extra_float_digits(None),
        };
        let port = connect.get_port();
        let pool = PgPoolOptions::new()
            .after_connect(move |_, _| {
                Box::pin(async move {
                    // It looks at every file that is open.
                    let set = tokio::task::spawn_blocking(move || nodelay::set(port)).await;
                    tracing::trace!(?set, "connections that need not wait");
                    Ok(())
                })
            })
            .max_connections(options.connections_max.max(1))
            .acquire_timeout(options.acquire_timeout)
            .idle_timeout(Duration::from_secs(300))
            .max_lifetime(Duration::from_secs(1_800))
            // A server that came back left dead connections behind.
            .test_before_acquire(true)
            .connect_lazy_with(connect);
        Ok(Self {
            pool,
            pooler: options.pooler,
            begin: session::begin(options),
            partitions: Arc::default(),
            bell: Arc::default(),
            absence: Arc::default(),
            absence_max: options.absence_max,
            follows: Arc::default(),
        })
    }

    /// The data revision and the number of the last change, of one moment.
    pub(crate) async fn head(&self) -> Result<[u64; 2], StoreError> {
        competitions::head(self).await
    }

    /// The same of a server that follows another; `None` where it follows none.
    pub(crate) async fn followed_head(&self) -> Result<Option<[u64; 2]>, StoreError> {
        competitions::followed_head(self).await
    }

    /// Which history the database has: another one since another server leads.
    pub(crate) async fn history(&self) -> Result<String, StoreError> {
        schema::history(self).await
    }

    /// The schema found in the database; `None` where it is empty.
    pub async fn schema(&self) -> Result<Option<i64>, StoreError> {
        schema::found(self).await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn put_competitions(&self, competitions: &[Competition]) -> Result<(), StoreError> {
        session::again(|| competitions::put(self, competitions)).await
    }

    async fn competitions(&self) -> Result<Vec<Competition>, StoreError> {
        competitions::list(self).await
    }

    async fn put_teams(&self, teams: &[NewTeam]) -> Result<Vec<TeamId>, StoreError> {
        session::again(|| teams::put(self, teams)).await
    }

    async fn put_aliases(&self, names: &[TeamName]) -> Result<(), StoreError> {
        session::again(|| teams::put_aliases(self, names)).await
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
        partitions::ensure(self, &said).await?;
        session::again(|| record::record(self, recording, &said)).await
    }

    async fn record_known(
        &self,
        recording: &Recording,
        records: &[KnownRecord],
    ) -> Result<Recorded, StoreError> {
        let said: Vec<Said<'_>> = records.iter().map(Said::Known).collect();
        partitions::ensure(self, &said).await?;
        session::again(|| record::record(self, recording, &said)).await
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
        session::again(|| events::append(self, recording, events)).await
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
        schema::identity(self).await
    }

    async fn data_revision(&self) -> Result<u64, StoreError> {
        let [revision, _] = self.head().await?;
        Ok(revision)
    }

    async fn counts(&self) -> Result<Vec<(CompetitionKey, [u64; 3])>, StoreError> {
        competitions::counts(self).await
    }

    async fn begin_import(&self, import: &ImportRecord) -> Result<i64, StoreError> {
        session::again(|| imports::begin(self, import)).await
    }

    async fn finish_import(&self, id: i64, import: &ImportRecord) -> Result<(), StoreError> {
        session::again(|| imports::finish(self, id, import)).await
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
        session::again(|| idempotency::claim(self, record)).await
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

    async fn trim_changes(&self, older_than: Duration) -> Result<u64, StoreError> {
        outbox::trim(self, older_than).await
    }

    async fn faults(&self) -> Result<Vec<String>, StoreError> {
        schema::faults(self).await
    }

    fn metrics(&self) -> String {
        figures::text(&self.pool)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.answers().await
    }

    fn reads_on(&self) -> bool {
        self.follows.load(Relaxed)
    }

    async fn close(&self) {
        tokio::join!(self.pool.close(), self.bell.stop());
    }
}
