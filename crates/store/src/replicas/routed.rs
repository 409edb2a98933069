//! Which method of the store goes where.
//!
//! Writes, and reads of what is not told of by changes, go to the primary.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use domain::{
    Competition, CompetitionKey, Fixture, FixtureId, Game, SeasonKey, Sport, Team, TeamId,
};
use jiff::Timestamp;

use super::{Need, ReplicatedStore, figures, locked};
use crate::{
    ApiKeyRecord, Appended, Behind, ChangeKind, Changes, FetchState, FixtureEvent, FixtureQuery,
    FixtureRecord, GameQuery, IdempotencyClaim, IdempotencyRecord, ImportRecord, KnownRecord,
    Markets, ModelRecord, NewTeam, PairRecord, Recorded, RecordedEvent, RecordedQuote, Recording,
    Refreshed, Revision, SeasonTable, Store, StoreError, TeamName, TeamQuery,
};

#[async_trait]
impl Store for ReplicatedStore {
    async fn put_competitions(&self, competitions: &[Competition]) -> Result<(), StoreError> {
        let written = self.primary.put_competitions(competitions).await;
        self.noted(written).await
    }

    async fn competitions(&self) -> Result<Vec<Competition>, StoreError> {
        self.read(Need::Anything, |it| async move { it.competitions().await })
            .await
    }

    async fn put_teams(&self, teams: &[NewTeam]) -> Result<Vec<TeamId>, StoreError> {
        let written = self.primary.put_teams(teams).await;
        self.noted(written).await
    }

    async fn put_aliases(&self, names: &[TeamName]) -> Result<(), StoreError> {
        self.primary.put_aliases(names).await
    }

    async fn team_names(&self, sport: Sport) -> Result<Vec<TeamName>, StoreError> {
        self.primary.team_names(sport).await
    }

    async fn teams(&self, query: &TeamQuery) -> Result<Vec<Team>, StoreError> {
        let need = Need::Kinds(&[ChangeKind::Team]);
        self.read(need, |it| async move { it.teams(query).await })
            .await
    }

    async fn record(
        &self,
        recording: &Recording,
        records: &[FixtureRecord],
    ) -> Result<Recorded, StoreError> {
        let written = self.primary.record(recording, records).await;
        self.noted(written).await
    }

    async fn record_known(
        &self,
        recording: &Recording,
        records: &[KnownRecord],
    ) -> Result<Recorded, StoreError> {
        let written = self.primary.record_known(recording, records).await;
        self.noted(written).await
    }

    async fn fixture(&self, id: FixtureId) -> Result<Option<Fixture>, StoreError> {
        let need = Need::fixtures(&[id]);
        self.read(need, |it| async move { it.fixture(id).await })
            .await
    }

    async fn fixtures(&self, query: &FixtureQuery) -> Result<Vec<Fixture>, StoreError> {
        let need = Need::of_fixtures(query);
        self.read(need, |it| async move { it.fixtures(query).await })
            .await
    }

    async fn quotes(&self, id: FixtureId) -> Result<Vec<RecordedQuote>, StoreError> {
        let need = Need::fixtures(&[id]);
        self.read(need, |it| async move { it.quotes(id).await })
            .await
    }

    async fn quotes_of(
        &self,
        ids: &[FixtureId],
    ) -> Result<HashMap<FixtureId, Vec<RecordedQuote>>, StoreError> {
        let need = Need::fixtures(ids);
        self.read(need, |it| async move { it.quotes_of(ids).await })
            .await
    }

    async fn markets(&self, id: FixtureId) -> Result<Option<Markets>, StoreError> {
        let need = Need::fixtures(&[id]);
        self.read(need, |it| async move { it.markets(id).await })
            .await
    }

    async fn revisions(&self, id: FixtureId) -> Result<Vec<Revision>, StoreError> {
        let need = Need::fixtures(&[id]);
        self.read(need, |it| async move { it.revisions(id).await })
            .await
    }

    async fn append_events(
        &self,
        recording: &Recording,
        events: &[FixtureEvent],
    ) -> Result<Appended, StoreError> {
        let written = self.primary.append_events(recording, events).await;
        self.noted(written).await
    }

    async fn events_after(
        &self,
        id: FixtureId,
        number: i64,
    ) -> Result<Vec<RecordedEvent>, StoreError> {
        let need = Need::events([id]);
        self.read(need, |it| async move { it.events_after(id, number).await })
            .await
    }

    async fn events_of(
        &self,
        after: &[(FixtureId, i64)],
    ) -> Result<HashMap<FixtureId, Vec<RecordedEvent>>, StoreError> {
        let need = Need::events(after.iter().map(|it| it.0));
        self.read(need, |it| async move { it.events_of(after).await })
            .await
    }

    async fn games(&self, query: &GameQuery) -> Result<Vec<Game>, StoreError> {
        let need = Need::of_games(query);
        self.read(need, |it| async move { it.games(query).await })
            .await
    }

    async fn standings(
        &self,
        competition: &CompetitionKey,
        season: Option<&SeasonKey>,
    ) -> Result<Option<SeasonTable>, StoreError> {
        let need = Need::One(ChangeKind::Competition, competition.as_str());
        let read =
            |it: crate::PostgresStore| async move { it.standings(competition, season).await };
        self.read(need, read).await
    }

    async fn pair_record(&self, teams: [TeamId; 2]) -> Result<PairRecord, StoreError> {
        let need = Need::pair(teams);
        self.read(need, |it| async move { it.pair_record(teams).await })
            .await
    }

    async fn refresh_views(&self) -> Result<Refreshed, StoreError> {
        self.primary.refresh_views().await
    }

    async fn views_behind(&self) -> Result<Vec<Behind>, StoreError> {
        self.primary.views_behind().await
    }

    async fn identity(&self) -> Result<String, StoreError> {
        self.primary.identity().await
    }

    /// Whoever was told of a revision reads at least what made it. A replica that was promoted a moment
    /// ago may count on by itself, to where the primary and its replicas never come.
    async fn data_revision(&self) -> Result<u64, StoreError> {
        let floor = locked(&self.recent).floor(&Need::Anything);
        let mut head = None;
        if let Some(turn) = self.rotation.choose(floor) {
            head = turn.run(turn.store().followed_head()).await.flatten();
        }
        let [revision, outbox] = match head {
            Some(head) => head,
            None => {
                self.rotation.count_primary();
                self.primary.head().await?
            }
        };
        locked(&self.recent).saw(outbox);
        Ok(revision)
    }

    async fn counts(&self) -> Result<Vec<(CompetitionKey, [u64; 3])>, StoreError> {
        self.read(Need::Anything, |it| async move { it.counts().await })
            .await
    }

    async fn begin_import(&self, import: &ImportRecord) -> Result<i64, StoreError> {
        self.primary.begin_import(import).await
    }

    async fn finish_import(&self, id: i64, import: &ImportRecord) -> Result<(), StoreError> {
        self.primary.finish_import(id, import).await
    }

    async fn imports(&self, limit: u32) -> Result<Vec<ImportRecord>, StoreError> {
        self.primary.imports(limit).await
    }

    async fn fetch_state(&self, url: &str) -> Result<Option<FetchState>, StoreError> {
        self.primary.fetch_state(url).await
    }

    async fn put_fetch_state(&self, state: &FetchState) -> Result<(), StoreError> {
        self.primary.put_fetch_state(state).await
    }

    async fn put_model(&self, model: &ModelRecord) -> Result<(), StoreError> {
        let written = self.primary.put_model(model).await;
        self.noted(written).await
    }

    async fn models(&self, name: Option<&str>) -> Result<Vec<ModelRecord>, StoreError> {
        self.read(Need::Anything, |it| async move { it.models(name).await })
            .await
    }

    async fn latest_model(&self, name: &str) -> Result<Option<ModelRecord>, StoreError> {
        let read = self.read(
            Need::Anything,
            |it| async move { it.latest_model(name).await },
        );
        read.await
    }

    async fn put_key(&self, key: &ApiKeyRecord) -> Result<(), StoreError> {
        let written = self.primary.put_key(key).await;
        self.noted(written).await
    }

    async fn put_first_key(&self, key: &ApiKeyRecord) -> Result<bool, StoreError> {
        let written = self.primary.put_first_key(key).await;
        self.noted(written).await
    }

    /// A replica may not know yet of a key that it is revoked, nor this process where following
    /// hangs; one that a replica does not know of may have been made a moment ago.
    async fn key(&self, prefix: &str) -> Result<Option<ApiKeyRecord>, StoreError> {
        if let Some(found) = self.pulse.ask(self.primary.key(prefix)).await {
            self.rotation.count_primary();
            return Ok(found);
        }
        let need = Need::One(ChangeKind::ApiKey, prefix);
        let found = self.read(need, |it| async move { it.key(prefix).await });
        match found.await? {
            Some(key) => Ok(Some(key)),
            None => self.pulse.insist(self.primary.key(prefix)).await,
        }
    }

    async fn keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.primary.keys().await
    }

    async fn revoke_key(&self, prefix: &str, at: Timestamp) -> Result<bool, StoreError> {
        let written = self.primary.revoke_key(prefix, at).await;
        self.noted(written).await
    }

    async fn touch_key(&self, prefix: &str, at: Timestamp) -> Result<(), StoreError> {
        // A note for people, without which a key counts all the same.
        if let Err(error) = self.pulse.insist(self.primary.touch_key(prefix, at)).await {
            tracing::debug!(%error, "the use of a key is not noted");
        }
        Ok(())
    }

    async fn claim_idempotency(
        &self,
        record: &IdempotencyRecord,
    ) -> Result<IdempotencyClaim, StoreError> {
        self.primary.claim_idempotency(record).await
    }

    async fn finish_idempotency(
        &self,
        record: &IdempotencyRecord,
        answer: Option<(u16, Vec<u8>)>,
    ) -> Result<(), StoreError> {
        self.primary.finish_idempotency(record, answer).await
    }

    fn writing(&self) -> &dyn Store {
        &self.primary
    }

    async fn position(&self) -> Result<u64, StoreError> {
        self.primary.position().await
    }

    async fn changes(&self, after: u64, limit: u32) -> Result<Changes, StoreError> {
        let changes = self.primary.changes(after, limit).await?;
        locked(&self.recent).take(after, &changes);
        Ok(changes)
    }

    async fn wait_for_changes(&self, after: u64, patience: Duration) -> Result<u64, StoreError> {
        self.primary.wait_for_changes(after, patience).await
    }

    async fn trim_changes(&self, older_than: Duration) -> Result<u64, StoreError> {
        self.primary.trim_changes(older_than).await
    }

    async fn faults(&self) -> Result<Vec<String>, StoreError> {
        self.primary.faults().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.primary.ping().await
    }

    fn reads_on(&self) -> bool {
        let floor = locked(&self.recent).floor(&Need::Anything);
        self.rotation.knows(floor) || self.primary.reads_on()
    }

    fn metrics(&self) -> String {
        self.primary.metrics() + &figures::text(&self.rotation, locked(&self.recent).newest())
    }

    async fn close(&self) {
        for task in &self.looking {
            task.abort();
        }
        tokio::join!(self.primary.close(), self.rotation.close());
    }
}
