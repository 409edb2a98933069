//! Forgets kept answers when what they were made from changes, here or in another process.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use cache::{Tag, Target, shared::Shared};
use domain::{CompetitionKey, Fixture, FixtureId, TeamId};
use store::{CHANGES_MAX, Change, ChangeKind, FixtureQuery, Recorded, RecordedEvent};

use crate::{Engine, EngineError, Topic, engine::Names, error::chain};

/// How long the store is asked to wait for a change before it is asked again.
const PATIENCE: Duration = Duration::from_secs(1);
/// The same while replicas cannot hear of each other's changes by the shared cache: what memory holds
/// is believed only for as long as [`VOUCHED`] after the store was asked.
const PATIENCE_ALONE: Duration = Duration::from_millis(50);
/// The same where a look costs next to nothing, so that what is held in memory is mostly known to be
/// the newest there is.
const PATIENCE_EMBEDDED: Duration = Duration::from_millis(25);
/// How far memory may be behind the store then.
const VOUCHED: Duration = Duration::from_millis(200);
/// How long to leave a store alone that failed.
const PAUSE: Duration = Duration::from_millis(100);
/// How long changes are kept for processes that read them later, and how often older ones are
/// deleted.
pub(crate) const CHANGES_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
const TRIM_EVERY: Duration = Duration::from_secs(60 * 60);
/// The pause between two parts of what is deleted.
const TRIM_PAUSE: Duration = Duration::from_millis(100);
/// Fixtures whose changes are followed one by one; more at a time make everything new.
const FIXTURES_MAX: usize = 500;

/// Number of no change: where following begins.
pub(crate) const NOWHERE: u64 = u64::MAX;

impl Topic {
    /// The tag of entries made from this.
    pub fn tag(&self) -> Tag {
        Tag::new("topic", self.to_string().as_str())
    }
}

impl Engine {
    /// Forgets every answer made from one of these, which this process has just written; who asks
    /// after this never gets it again.
    pub(crate) async fn forget(&self, topics: impl IntoIterator<Item = Topic>) {
        let targets = topics.into_iter().map(|it| it.tag().into());
        self.forget_written(targets.collect()).await;
    }

    /// Where nobody else can be told, forgetting is done by following what was written, and not once
    /// more by whoever follows it: what is forgotten twice is made twice.
    async fn forget_written(&self, targets: Vec<Target>) {
        if self.is_alone() && self.follow().await.is_ok() && self.is_alone() {
            return;
        }
        match self.store.position().await {
            Ok(position) => self.cache().must_see(position),
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "others may load what a replica knew before this write"
                );
            }
        }
        self.held.clear();
        self.logs.doubt_all();
        self.cache().remove(&targets).await;
        self.tell_changed();
    }

    /// Forgets what was made of games to which this process has just appended events, in the span of
    /// changes given. Where everything before the span has been followed, at `asked` or later, the
    /// span need not be read.
    pub(crate) async fn forget_events(
        &self,
        (new, span): (BTreeMap<FixtureId, Vec<RecordedEvent>>, Range<u64>),
        topics: BTreeSet<Topic>,
        asked: Instant,
    ) {
        if self.cache().shared().is_none() {
            let _one_at_a_time = self.following.lock().await;
            if self.followed.load(Ordering::Acquire) == span.start {
                let targets: Vec<Target> = topics.iter().map(|it| it.tag().into()).collect();
                self.logs.append(new);
                self.cache().remove_followed(&targets, span.clone()).await;
                self.followed.store(span.end, Ordering::Release);
                self.held.prove(asked);
                self.cache().vouch(asked + VOUCHED);
                self.tell_changed();
                return;
            }
        }
        self.forget(topics).await;
    }

    /// Whether there is no shared cache, or it is away.
    fn is_alone(&self) -> bool {
        self.cache().shared().is_none_or(|it| !it.health().up)
    }

    async fn forget_everything(&self) {
        self.held.clear();
        self.held_keys.clear();
        self.logs.doubt_all();
        self.cache().remove(&[Target::Everything]).await;
        self.tell_changed();
    }

    /// Tells those who asked for it that answers may have become others.
    pub(crate) fn tell_changed(&self) {
        self.changed.send_modify(|it| *it += 1);
    }

    /// Forgets what was made from fixtures that have just been written. Prices alone name nobody anew:
    /// every answer that names a team is one of many, and is not to be made again for them.
    pub(crate) async fn forget_records(
        &self,
        changed: impl Iterator<Item = Changed<'_>>,
        done: &Recorded,
    ) {
        let names = self.names();
        let mut topics = BTreeSet::new();
        if done.fixtures_added + done.fixtures_changed > 0 {
            topics.insert(Topic::Names);
        }
        for changed in changed {
            if !changed.note(&names, &mut topics) {
                return self.forget_written(vec![Target::Everything]).await;
            }
        }
        self.forget(topics).await;
    }

    /// The number of the last change: whoever sends it back sees everything written before
    /// ([`Engine::see`]).
    pub async fn position(&self) -> Result<u64, EngineError> {
        Ok(self.store.position().await?)
    }

    /// Makes sure that no answer given after this is older than the change of this number, whichever
    /// process made it. A number of no change that this database has had asks for nothing, and of
    /// many who come with one a single look at the store answers all.
    pub async fn see(&self, position: u64) -> Result<(), EngineError> {
        if self.has_seen(position) {
            return Ok(());
        }
        let [begun, done] = &self.looks;
        let begun_before = begun.load(Ordering::Acquire);
        let _one_at_a_time = self.following.lock().await;
        // What began after this was called has found all there was then.
        if self.has_seen(position) || done.load(Ordering::Acquire) > begun_before {
            return Ok(());
        }
        self.follow_to_the_end().await
    }

    fn has_seen(&self, position: u64) -> bool {
        let followed = self.followed.load(Ordering::Acquire);
        followed != NOWHERE && followed >= position
    }

    /// Forgets what was changed, here or by other processes, since this was last called.
    pub async fn follow(&self) -> Result<(), EngineError> {
        let _one_at_a_time = self.following.lock().await;
        self.follow_to_the_end().await
    }

    async fn follow_to_the_end(&self) -> Result<(), EngineError> {
        let [begun, done] = &self.looks;
        let look = begun.fetch_add(1, Ordering::AcqRel) + 1;
        loop {
            let asked = Instant::now();
            let after = self.followed.load(Ordering::Acquire);
            let changes = self.store.changes(after, CHANGES_MAX).await?;
            // Whoever hears of these by the shared cache before having followed them itself would
            // else load from a replica that is behind them, and give that to all as fresh.
            self.cache().must_see(changes.last);
            if after == NOWHERE {
                self.held.clear();
                self.held_keys.clear();
                self.logs.doubt_all();
                self.cache().forget(); // What changed before is not known.
                self.tell_changed();
            } else if changes.missed {
                self.forget_everything().await;
            } else if !changes.items.is_empty() {
                let targets = self.changed_targets(&changes.items).await?;
                let span = after..changes.last;
                self.cache().remove_followed(&targets, span).await;
                self.tell_changed();
            }
            self.followed.store(changes.last, Ordering::Release);
            if changes.items.len() < CHANGES_MAX as usize {
                done.store(look, Ordering::Release);
                self.cache().vouch(asked + VOUCHED);
                return Ok(());
            }
        }
    }

    /// What to forget because of changes.
    async fn changed_targets(&self, changes: &[Change]) -> Result<Vec<Target>, EngineError> {
        if changes.iter().any(|it| it.kind == ChangeKind::ApiKey) {
            self.held_keys.clear();
        }
        let mut topics = BTreeSet::new();
        let mut fixtures: BTreeMap<FixtureId, What> = BTreeMap::new();
        for change in changes {
            match change.kind {
                ChangeKind::Model => {
                    topics.insert(Topic::Model);
                }
                ChangeKind::Competition | ChangeKind::Team => {
                    topics.insert(Topic::Names);
                }
                ChangeKind::Fixture | ChangeKind::Quotes | ChangeKind::Events => {
                    let Ok(id) = change.key.parse() else {
                        return Ok(vec![Target::Everything]);
                    };
                    let what = fixtures.entry(FixtureId(id)).or_default();
                    *what = What::of(change.kind).max(*what);
                }
                ChangeKind::ApiKey | ChangeKind::Alert | ChangeKind::Firing => {}
            }
        }
        let is_events = |it: &Change| matches!(it.kind, ChangeKind::Events);
        if !changes.iter().all(is_events) {
            self.held.note(&fixtures);
        }
        let events = fixtures.keys().copied();
        self.logs.doubt(events);
        if topics.contains(&Topic::Names) {
            self.reload_names().await?;
        }
        if fixtures.len() > FIXTURES_MAX || !self.note_fixtures(&fixtures, &mut topics).await? {
            return Ok(vec![Target::Everything]);
        }
        Ok(topics.into_iter().map(|it| it.tag().into()).collect())
    }

    /// Notes what was made from these fixtures; `false` where that cannot be told.
    async fn note_fixtures(
        &self,
        fixtures: &BTreeMap<FixtureId, What>,
        topics: &mut BTreeSet<Topic>,
    ) -> Result<bool, EngineError> {
        if fixtures.is_empty() {
            return Ok(true); // A query without ids would find every fixture.
        }
        let query = FixtureQuery {
            ids: fixtures.keys().copied().collect(),
            limit: FIXTURES_MAX as u32,
            ..FixtureQuery::default()
        };
        let found: Vec<Fixture> = self.store.fixtures(&query).await?;
        let names = self.names();
        let told = found.iter().all(|fixture| {
            let changed = Changed {
                id: fixture.id,
                teams: [fixture.home, fixture.away],
                competition: &fixture.competition,
                history: match fixtures[&fixture.id] {
                    What::Events => false,
                    What::Quotes => fixture.kickoff <= self.now(),
                    What::Facts => true,
                },
            };
            changed.note(&names, topics)
        });
        Ok(told && found.len() == fixtures.len())
    }

    /// Follows changes for as long as it is polled, and deletes old ones; a store that fails is
    /// asked again.
    pub async fn keep_following(&self) {
        tokio::join!(self.keep_up(), self.keep_trimming());
    }

    async fn keep_up(&self) {
        let mut failing = false;
        loop {
            let outcome = self.follow_on().await;
            match &outcome {
                Err(error) if !failing => {
                    tracing::warn!(error = chain(error), "changes cannot be followed");
                }
                Ok(()) if failing => tracing::info!("changes are followed again"),
                _ => {}
            }
            failing = outcome.is_err();
            if failing {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Deletes old changes, some at a time, so that nobody waits long for a write; nobody who follows
    /// new ones waits for it.
    async fn keep_trimming(&self) {
        loop {
            match self.store.trim_changes(CHANGES_KEPT).await {
                Ok(0) => tokio::time::sleep(TRIM_EVERY).await,
                Ok(_) => tokio::time::sleep(TRIM_PAUSE).await,
                Err(error) => {
                    let error = chain(&error);
                    tracing::warn!(error, "old changes cannot be deleted");
                    tokio::time::sleep(TRIM_EVERY).await;
                }
            }
        }
    }

    async fn follow_on(&self) -> Result<(), EngineError> {
        if self.followed.load(Ordering::Acquire) == NOWHERE {
            self.follow().await?;
        }
        let shared = self.cache().shared();
        // Whatever is lost after this is heard of.
        let lost = shared.map(Shared::lost);
        let patience = match shared.is_some() && self.is_alone() {
            true => PATIENCE_ALONE,
            false if self.store.is_embedded() => PATIENCE_EMBEDDED,
            false => PATIENCE,
        };
        let (asked, after) = (Instant::now(), self.followed.load(Ordering::Acquire));
        let newest = tokio::select! {
            newest = self.store.wait_for_changes(after, patience) => newest?,
            // Until the store has been asked, every reader would have to load what it asks for.
            () = or_never(lost) => return self.follow().await,
        };
        if newest != self.followed.load(Ordering::Acquire) {
            return self.follow().await;
        }
        // There is nothing later than what is known, or whoever wrote it followed it.
        self.cache().vouch(asked + VOUCHED);
        self.held.prove(asked);
        Ok(())
    }
}

/// Waits for what may not come.
async fn or_never(it: Option<impl Future<Output = ()>>) {
    match it {
        Some(it) => it.await,
        None => std::future::pending().await,
    }
}

/// What of a fixture changed, the more of it the more depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum What {
    /// What happened in it.
    #[default]
    Events,
    /// Its prices.
    Quotes,
    /// Itself.
    Facts,
}

impl What {
    fn of(kind: ChangeKind) -> Self {
        match kind {
            ChangeKind::Events => Self::Events,
            ChangeKind::Quotes => Self::Quotes,
            _ => Self::Facts,
        }
    }
}

/// A fixture that changed.
pub(crate) struct Changed<'a> {
    pub(crate) id: FixtureId,
    pub(crate) teams: [TeamId; 2],
    pub(crate) competition: &'a CompetitionKey,
    /// Whether models may be fitted on what changed.
    pub(crate) history: bool,
}

impl Changed<'_> {
    /// Notes everything that was made from it; `false` where its competition is not known.
    fn note(&self, names: &Arc<Names>, topics: &mut BTreeSet<Topic>) -> bool {
        topics.insert(Topic::Fixtures);
        topics.insert(Topic::Fixture(self.id));
        topics.extend(self.teams.map(Topic::Team));
        topics.insert(Topic::Competition(self.competition.clone()));
        if self.history {
            let Some(competition) = names.competitions.get(self.competition) else {
                return false;
            };
            topics.insert(Topic::history(competition));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use jiff::Timestamp;
    use store::Store;
    use testkit::PostgresDatabase;
    use tokio::task::JoinSet;

    use super::*;
    use crate::{EngineOptions, FixedClock};

    fn engine(store: Arc<dyn Store>) -> Arc<Engine> {
        let clock = Arc::new(FixedClock(Timestamp::UNIX_EPOCH));
        Arc::new(Engine::new(store, clock, EngineOptions::default()))
    }

    #[tokio::test]
    async fn many_made_up_positions_are_answered_by_one_look() {
        let (store, _folder) = testkit::store().await;
        let engine = engine(Arc::new(store));
        engine.follow().await.unwrap();
        let looks = || engine.looks[0].load(Ordering::Acquire);
        let before = looks();
        let mut asked = JoinSet::new();
        let another = engine.following.lock().await;
        for _ in 0..100 {
            let engine = Arc::clone(&engine);
            asked.spawn(async move { engine.see(1 << 50).await.unwrap() });
        }
        for _ in 0..100 {
            tokio::task::yield_now().await; // Until all of them wait.
        }
        drop(another);
        asked.join_all().await;
        assert_eq!(looks() - before, 1);
        // What was written before somebody asks is seen all the same.
        let league = testkit::league(&testkit::LeagueOptions::default());
        testkit::fill(&*engine.store, &league).await;
        engine.see(1 << 50).await.unwrap();
        assert!(engine.has_seen(engine.position().await.unwrap()));
    }

    #[tokio::test]
    async fn changes_are_followed_while_old_ones_cannot_be_deleted() {
        for how in ["RAISE 'no'", "PERFORM pg_sleep(600)"] {
            let Some(database) = PostgresDatabase::migrated().await else {
                return;
            };
            database.sql(&format!(
                "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS
                     $$ BEGIN {how}; RETURN NULL; END $$;
                 CREATE TRIGGER hold BEFORE DELETE ON outbox
                     FOR EACH STATEMENT EXECUTE FUNCTION hold()"
            ));
            let engine = engine(Arc::new(database.store().await));
            let other = database.store().await;
            let mut following = pin!(engine.keep_following());
            let seen = async |position| {
                let mut changed = engine.changed();
                while !engine.has_seen(position) {
                    changed.changed().await.unwrap();
                }
            };
            let work = async {
                seen(0).await;
                let league = testkit::league(&testkit::LeagueOptions::default());
                testkit::fill(&other, &league).await;
                seen(other.position().await.unwrap()).await;
            };
            tokio::select! {
                () = &mut following => unreachable!("it goes on for as long as it is polled"),
                () = work => {}
            }
        }
    }
}
