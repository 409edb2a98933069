//! The contracts over a store that reads from a standby: one that is always behind, so that a read
//! which takes what was written just now from there is found out; and when it has caught up, it
//! answers what the primary does.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::TeamId;
use store::{FixtureQuery, GameQuery, PostgresOptions, ReplicaOptions, ReplicatedStore};
use store::{Store, StoreError, TeamQuery};
use testkit::PostgresDatabase;

/// How long the standby may take to know something, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// Things of each kind that are compared in the end, at most.
const COMPARED_MAX: usize = 12;

/// Runs a contract over a primary and a standby that all tests share, in a database of its own;
/// then compares both.
pub(crate) async fn check(test: impl AsyncFn(Arc<dyn Store>)) {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let standby = [database.standby_url().await];
    let bounds = ReplicaOptions {
        lag_max: PATIENCE,
        answer_max: Duration::from_secs(10),
    };
    let options = (&PostgresOptions::default(), &bounds);
    let store = ReplicatedStore::open(&database.url(), &standby, options).await;
    let store = Arc::new(store.unwrap());
    until("the standby joins", || {
        figure(&store, "replica_in_rotation") == 1
    })
    .await;
    test(Arc::clone(&store) as Arc<dyn Store>).await;
    compare(&store).await;
    store.close().await;
}

/// Waits until the standby has everything, and holds what both answer against each other.
async fn compare(store: &ReplicatedStore) {
    let newest = match store.position().await {
        Err(StoreError::Database(sqlx::Error::PoolClosed)) => return, // The contract let go of it.
        newest => newest.unwrap(),
    };
    // Also what another process wrote, so that no read need go to the primary.
    store.changes(u64::MAX, 1).await.unwrap();
    until("the standby has everything", || {
        figure(store, "replica_position") >= newest
    })
    .await;
    let reads = || figure(store, "reads_total{server=\"replica-1\"}");
    let before = reads();
    let (began, by_primary) = (Instant::now(), answers(store.writing()).await);
    let mut by_standby = answers(store).await;
    // A refresh of views has no number: whether they are ready may come a little later.
    while by_standby != by_primary && began.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(20)).await;
        by_standby = answers(store).await;
    }
    assert!(reads() > before, "the standby was not read from");
    assert_eq!(by_standby, by_primary);
    assert_eq!(figure(store, "replica_failures_total"), 0);
}

/// What a store answers to reads of everything that may come from a standby.
async fn answers(store: &dyn Store) -> Vec<String> {
    let mut said = Vec::new();
    let mut say = |it: &dyn Debug| said.push(format!("{it:?}"));
    let competitions = store.competitions().await;
    say(&competitions);
    say(&store.counts().await);
    say(&store.data_revision().await);
    say(&store.models(None).await);
    let games = store.games(&GameQuery::default()).await;
    say(&games.map(|mut it| it.split_off(it.len().saturating_sub(COMPARED_MAX))));
    let teams = store.teams(&TeamQuery::default()).await.unwrap();
    say(&teams);
    for competition in competitions.unwrap().iter().take(COMPARED_MAX) {
        say(&store.standings(&competition.key, None).await);
    }
    let ids: Vec<TeamId> = teams.iter().map(|it| it.id).take(COMPARED_MAX).collect();
    for pair in ids.windows(2) {
        say(&store.pair_record([pair[0], pair[1]]).await);
    }
    let query = FixtureQuery {
        limit: u32::try_from(COMPARED_MAX).unwrap(),
        ..FixtureQuery::default()
    };
    let fixtures = store.fixtures(&query).await.unwrap();
    for id in fixtures.iter().map(|it| it.id) {
        say(&store.fixture(id).await);
        say(&store.quotes(id).await);
        say(&store.markets(id).await);
        say(&store.revisions(id).await);
        say(&store.events_after(id, 0).await);
    }
    for model in store.models(None).await.unwrap() {
        say(&store.latest_model(&model.name).await);
    }
    for key in store.keys().await.unwrap() {
        say(&store.key(&key.prefix).await);
    }
    said
}

/// A figure of the store's reads and replicas.
fn figure(store: &ReplicatedStore, name: &str) -> u64 {
    let text = store.metrics();
    let name = format!("sports_edge_database_{name}");
    let line = text.lines().find(|it| it.starts_with(&name));
    let line = line.unwrap_or_else(|| panic!("{name}: {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
