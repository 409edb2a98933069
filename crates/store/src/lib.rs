//! Everything that is remembered, behind one trait.
//!
//! A method is one transaction; no transaction object leaves the crate. "Not there" is `Ok(None)`.

mod alerts;
mod changes;
mod code;
mod draft;
mod error;
mod events;
mod games;
mod idempotency;
mod markets;
mod matching;
mod names;
mod outbox;
mod pack;
mod place;
mod postgres;
mod query;
mod record;
mod replicas;
mod rows;
mod sqlite;
pub mod upkeep;
mod views;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Competition, CompetitionKey, Fixture, FixtureId, Game, SeasonKey, Sport, Team, TeamId,
};
use jiff::Timestamp;

pub use alerts::{
    AlertPause, AlertRecord, AlertState, AlertStep, AlertStore, Committed, Delivery,
    DeliveryAttempt, DeliveryClaim, DeliveryOutcome, DeliveryState, FiringQuery, FiringRecord,
    NewFiring, Seen, Webhook,
};
pub use error::StoreError;
pub use events::{Appended, FixtureEvent, RecordedEvent};
pub use markets::{MarketSummary, Markets, OutcomeSummary};
pub use outbox::{CHANGES_MAX, Change, ChangeKind, Changes};
pub use place::Place;
pub use postgres::{Pooler, PostgresOptions, PostgresStore, redacted};
pub use query::{FixtureQuery, GameQuery, SortOrder, TeamQuery};
pub use record::{
    ApiKeyRecord, FetchState, FixtureRecord, IdempotencyClaim, IdempotencyRecord, ImportRecord,
    KnownRecord, ModelRecord, NewTeam, Recorded, RecordedQuote, Recording, RequestDigest,
    ResultRecord, Revision, TeamName,
};
pub use replicas::{ReplicaOptions, ReplicatedStore};
pub use sqlite::{SqliteOptions, SqliteStore};
pub use views::{Behind, Made, PairRecord, Refreshed, SeasonTable};

/// What the platform remembers, whichever database holds it.
#[async_trait]
pub trait Store: AlertStore + Send + Sync {
    /// Adds competitions, or brings those of the same key up to date.
    async fn put_competitions(&self, competitions: &[Competition]) -> Result<(), StoreError>;

    /// Every competition, in order of key.
    async fn competitions(&self) -> Result<Vec<Competition>, StoreError>;

    /// Adds teams that are not there by sport and name; returns all ids in the order given.
    async fn put_teams(&self, teams: &[NewTeam]) -> Result<Vec<TeamId>, StoreError>;

    /// Adds or moves aliases; a source of `None` makes the name known to every source.
    async fn put_aliases(&self, names: &[TeamName]) -> Result<(), StoreError>;

    /// Every name of every team of a sport: canonical names (source `None`) and aliases.
    async fn team_names(&self, sport: Sport) -> Result<Vec<TeamName>, StoreError>;

    /// Teams that match, in order of id.
    async fn teams(&self, query: &TeamQuery) -> Result<Vec<Team>, StoreError>;

    /// Writes fixtures, their results and quotes; all or nothing.
    ///
    /// A record finds its fixture by id where given, else by competition, teams and season (in
    /// competitions of a single round) or by competition, teams and day. What is already there and
    /// equal is left alone; what differs is changed and the old value kept as a [`Revision`];
    /// `None` never erases. Quotes are appended; one that is already there (same bookmaker,
    /// market, stage, moment) with other prices is superseded, the old prices kept.
    async fn record(
        &self,
        recording: &Recording,
        records: &[FixtureRecord],
    ) -> Result<Recorded, StoreError>;

    /// The same of results and quotes alone, of fixtures that are there.
    async fn record_known(
        &self,
        recording: &Recording,
        records: &[KnownRecord],
    ) -> Result<Recorded, StoreError>;

    /// One fixture.
    async fn fixture(&self, id: FixtureId) -> Result<Option<Fixture>, StoreError>;

    /// Fixtures that match, in the order asked for.
    async fn fixtures(&self, query: &FixtureQuery) -> Result<Vec<Fixture>, StoreError>;

    /// Every quote of a fixture, oldest first.
    async fn quotes(&self, id: FixtureId) -> Result<Vec<RecordedQuote>, StoreError>;

    /// The same of many fixtures in one read; those without a quote are left out.
    async fn quotes_of(
        &self,
        ids: &[FixtureId],
    ) -> Result<HashMap<FixtureId, Vec<RecordedQuote>>, StoreError>;

    /// What the prices of a fixture come to, market by market; `None` where it is not known.
    async fn markets(&self, id: FixtureId) -> Result<Option<Markets>, StoreError>;

    /// What of a fixture was changed after it was first recorded, oldest first.
    async fn revisions(&self, id: FixtureId) -> Result<Vec<Revision>, StoreError>;

    /// Appends events to the logs of their games; all or nothing. One that is there in the same
    /// words is left alone. Nothing is ever changed: an event told anew comes with a higher revision.
    /// Leaves the data revision, for no model is fitted on what happens within a game. Who waits for
    /// changes may hear of these only by the next look, since whoever appends follows by the answer.
    async fn append_events(
        &self,
        recording: &Recording,
        events: &[FixtureEvent],
    ) -> Result<Appended, StoreError>;

    /// What was appended to the log of a game after an event of this number, in the order of the
    /// source, all revisions; numbers begin at one and become visible in their order.
    async fn events_after(
        &self,
        id: FixtureId,
        number: i64,
    ) -> Result<Vec<RecordedEvent>, StoreError>;

    /// The same of many games in one read, each after a number of its own; those without anything
    /// later are left out.
    async fn events_of(
        &self,
        after: &[(FixtureId, i64)],
    ) -> Result<HashMap<FixtureId, Vec<RecordedEvent>>, StoreError>;

    /// Games as models read them, in order of kickoff, then id.
    async fn games(&self, query: &GameQuery) -> Result<Vec<Game>, StoreError>;

    /// The table of a season of a competition; of the one under way for `None`, which is that of the
    /// last game played or, before any, of the first to come. `None` where there is no fixture.
    async fn standings(
        &self,
        competition: &CompetitionKey,
        season: Option<&SeasonKey>,
    ) -> Result<Option<SeasonTable>, StoreError>;

    /// What the first of two teams did against the second.
    async fn pair_record(&self, teams: [TeamId; 2]) -> Result<PairRecord, StoreError>;

    /// Makes what standings, records of pairs and summaries of markets are read from new, where that
    /// is not done with each write. Changes no answer, only what it costs.
    async fn refresh_views(&self) -> Result<Refreshed, StoreError>;

    /// How far what is made new by that is behind, view by view.
    async fn views_behind(&self) -> Result<Vec<Behind>, StoreError>;

    /// What tells this database from every other, in 32 letters: made with it, and made anew where it
    /// is restored or copied.
    async fn identity(&self) -> Result<String, StoreError>;

    /// A number that grows with every write that can change a prediction.
    async fn data_revision(&self) -> Result<u64, StoreError>;

    /// How many fixtures, finished fixtures and quotes (single prices) each competition has.
    async fn counts(&self) -> Result<Vec<(CompetitionKey, [u64; 3])>, StoreError>;

    /// Notes the start of an import; returns its number.
    async fn begin_import(&self, import: &ImportRecord) -> Result<i64, StoreError>;

    /// Notes the end of an import with its final counts.
    async fn finish_import(&self, id: i64, import: &ImportRecord) -> Result<(), StoreError>;

    /// Past imports, newest first, at most `limit`.
    async fn imports(&self, limit: u32) -> Result<Vec<ImportRecord>, StoreError>;

    /// What a URL answered last, for a conditional request.
    async fn fetch_state(&self, url: &str) -> Result<Option<FetchState>, StoreError>;

    /// Remembers what a URL answered.
    async fn put_fetch_state(&self, state: &FetchState) -> Result<(), StoreError>;

    /// Adds a version of a model; the same name and version again replaces it. Moves the data
    /// revision, for predictions change with it.
    async fn put_model(&self, model: &ModelRecord) -> Result<(), StoreError>;

    /// Versions of a model (of every model for `None`), newest first, bodies left out.
    async fn models(&self, name: Option<&str>) -> Result<Vec<ModelRecord>, StoreError>;

    /// The newest version of a model with its body.
    async fn latest_model(&self, name: &str) -> Result<Option<ModelRecord>, StoreError>;

    /// Adds an API key.
    async fn put_key(&self, key: &ApiKeyRecord) -> Result<(), StoreError>;

    /// Adds an API key where there was never one; `false` where there was, so that of several who
    /// begin at once one makes it.
    async fn put_first_key(&self, key: &ApiKeyRecord) -> Result<bool, StoreError>;

    /// The key with this public prefix, revoked or not.
    async fn key(&self, prefix: &str) -> Result<Option<ApiKeyRecord>, StoreError>;

    /// Every key, oldest first.
    async fn keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError>;

    /// Revokes a key; `false` where there is none to revoke.
    async fn revoke_key(&self, prefix: &str, at: Timestamp) -> Result<bool, StoreError>;

    /// Notes that a key was used: for people, so that readers may hear of it later.
    async fn touch_key(&self, prefix: &str, at: Timestamp) -> Result<(), StoreError>;

    /// Claims an idempotency key for a request, or says what became of the first request.
    /// Claims older than 24 hours are forgotten; the place of one that has been unfinished for more
    /// than a minute is taken.
    async fn claim_idempotency(
        &self,
        record: &IdempotencyRecord,
    ) -> Result<IdempotencyClaim, StoreError>;

    /// Stores the answer of a claimed request, or (`None`) gives the claim up.
    async fn finish_idempotency(
        &self,
        record: &IdempotencyRecord,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), StoreError>;

    /// The store as whoever writes must read it: what is written back is never an old copy.
    fn writing(&self) -> &dyn Store;

    /// The number of the last change: who has seen it has seen every write that ended before.
    async fn position(&self) -> Result<u64, StoreError>;

    /// What changed after the change of this number, at most [`CHANGES_MAX`] of them; from zero on
    /// for the first time.
    async fn changes(&self, after: u64, limit: u32) -> Result<Changes, StoreError>;

    /// Returns when there may be changes after this number, or when patience ends; the number of the
    /// last change by then.
    async fn wait_for_changes(&self, after: u64, patience: Duration) -> Result<u64, StoreError>;

    /// Whether it lies in this machine's memory and files, where a look costs microseconds.
    fn is_embedded(&self) -> bool {
        false
    }

    /// Forgets changes older than this, by the clock of the database, the oldest first and some at
    /// a time; returns how many, none once there are no more.
    async fn trim_changes(&self, older_than: Duration) -> Result<u64, StoreError>;

    /// Returns what is wrong with what is stored, for people; empty where nothing is.
    async fn faults(&self) -> Result<Vec<String>, StoreError>;

    /// What it counted, in the Prometheus text format; nothing where it counts nothing.
    fn metrics(&self) -> String {
        String::new()
    }

    /// Whether reads are answered for as long as [`Self::ping`] fails, by replicas or by a server that
    /// follows another one.
    fn reads_on(&self) -> bool {
        false
    }

    /// Answers when the database does, and is the one that was opened.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Waits for work at hand and lets go of the database; every handle to the store is dead
    /// afterwards.
    async fn close(&self);
}
