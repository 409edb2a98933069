//! Reads from replicas of a real primary: never older than what the reader was told of, whatever
//! becomes of a replica.

#![expect(
    clippy::print_stdout,
    reason = "how many reads went where is for the log of results"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::{FixtureId, TeamId};
use store::{
    ApiKeyRecord, FixtureQuery, GameQuery, PostgresOptions, PostgresStore, ReplicaOptions,
    ReplicatedStore, Store, StoreError,
};
use testkit::{PostgresServer, ServerOptions, SplitMix};
use tokio::sync::Mutex;

use crate::sample::{fixture, game, put, quote, recording, result, time, world};

/// Fixtures of the tests.
const FIXTURES: u64 = 400;

fn bounds() -> ReplicaOptions {
    ReplicaOptions {
        lag_max: Duration::from_secs(2),
        ..ReplicaOptions::default()
    }
}

fn primary() -> Option<PostgresServer> {
    let options = ServerOptions {
        settings: vec!["wal_level=replica".to_owned(), "hot_standby=on".to_owned()],
        port: None,
    };
    let server = PostgresServer::start(options);
    if server.is_none() {
        testkit::skip("PostgreSQL");
    }
    server
}

/// A store and how far its process has followed changes, as the engine does.
struct Process {
    store: ReplicatedStore,
    followed: Mutex<u64>,
}

impl Process {
    /// What the engine does with a position that a client brings.
    async fn see(&self, position: u64) {
        let mut followed = self.followed.lock().await;
        while *followed == u64::MAX || *followed < position {
            let changes = self.store.changes(*followed, 10_000).await.unwrap();
            *followed = changes.last;
        }
    }
}

/// A process on a primary and replicas.
async fn process(primary: &PostgresServer, replicas: &[&PostgresServer]) -> Arc<Process> {
    let urls: Vec<String> = replicas.iter().map(|it| it.url("postgres")).collect();
    let options = PostgresOptions {
        acquire_timeout: Duration::from_secs(10),
        ..PostgresOptions::default()
    };
    let url = primary.url("postgres");
    let store = ReplicatedStore::open(&url, &urls, (&options, &bounds())).await;
    Arc::new(Process {
        store: store.unwrap(),
        followed: Mutex::new(u64::MAX),
    })
}

/// A figure of a store.
fn figure(store: &dyn Store, name: &str) -> u64 {
    let text = store.metrics();
    let line = text.lines().find(|it| it.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("{name}: {text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn reads(store: &dyn Store, server: &str) -> u64 {
    let name = format!("sports_edge_database_reads_total{{server=\"{server}\"}}");
    figure(store, &name)
}

fn in_rotation(store: &dyn Store, number: u8) -> bool {
    let name = "sports_edge_database_replica_in_rotation";
    figure(store, &format!("{name}{{server=\"replica-{number}\"}}")) == 1
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(60), "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Many fixtures of basketball, each a day after the one before it.
async fn many(store: &dyn Store) -> (Vec<FixtureId>, [TeamId; 2]) {
    let (_, [a, b, ..]) = world(store).await;
    let start = time("2020-01-01T00:30:00Z");
    let day = Duration::from_secs(24 * 3600);
    let records: Vec<_> = (0..FIXTURES)
        .map(|it| {
            let mut record = game(a, b, "2020-01-01T00:30:00Z");
            record.kickoff = start + day * u32::try_from(it).unwrap();
            record
        })
        .collect();
    (put(store, &records).await.fixtures, [a, b])
}

/// Clients that write by one process and read by another what they wrote, and much else beside.
struct Load {
    processes: [Arc<Process>; 2],
    fixtures: Vec<FixtureId>,
    sides: [TeamId; 2],
    writes: AtomicU64,
}

impl Load {
    /// One client's write and reads; fails where it does not read what it wrote.
    async fn turn(&self, random: &mut SplitMix, others: u64) {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let [writer, reader] = match number % 2 {
            0 => [&self.processes[0], &self.processes[1]],
            _ => [&self.processes[1], &self.processes[0]],
        };
        let place = usize::try_from(random.next_u64() % FIXTURES).unwrap();
        let id = self.fixtures[place];
        let mut record = game(self.sides[0], self.sides[1], "2020-01-01T00:30:00Z");
        record.id = Some(id);
        record.kickoff += Duration::from_secs(24 * 3600) * u32::try_from(place).unwrap();
        let bookmaker = format!("bookmaker-{number}");
        record.quotes = vec![quote(&bookmaker, "2019-12-01T12:00:00Z", [2.0, 1.9, 0.0])];
        let written = writer.store.record(&recording(), &[record]).await;
        assert_eq!(written.unwrap().prices_added, 2);
        let position = writer.store.position().await.unwrap();
        reader.see(position).await;
        for process in [reader, writer] {
            let quotes = process.store.quotes(id).await.unwrap();
            let own = quotes
                .iter()
                .any(|it| it.quote.bookmaker.as_str() == bookmaker);
            assert!(own, "write {number} is not read by the next read");
            let query = GameQuery {
                ids: vec![id],
                ..GameQuery::default()
            };
            assert_eq!(process.store.games(&query).await.unwrap().len(), 1);
        }
        for _ in 0..others {
            let id = self.fixtures[usize::try_from(random.next_u64() % FIXTURES).unwrap()];
            reader.store.quotes(id).await.unwrap();
        }
    }

    /// Turns of several clients at a time for a while; returns how many reads there were, and how
    /// many of them on the primary.
    async fn run(self: &Arc<Self>, time: Duration, others: u64) -> [u64; 2] {
        let count = || {
            let sum = |server: &str| -> u64 {
                let each = self.processes.iter().map(|it| reads(&it.store, server));
                each.sum()
            };
            [
                sum("primary") + sum("replica-1") + sum("replica-2"),
                sum("primary"),
            ]
        };
        let before = count();
        let clients: Vec<_> = (0..3)
            .map(|seed| {
                let load = Arc::clone(self);
                tokio::spawn(async move {
                    let mut random = SplitMix::new(seed);
                    let began = Instant::now();
                    while began.elapsed() < time {
                        load.turn(&mut random, others).await;
                        tokio::time::sleep(Duration::from_millis(30)).await;
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        let after = count();
        [after[0] - before[0], after[1] - before[1]]
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_reads_what_it_wrote_while_replicas_lag_pause_and_die() {
    let Some(primary) = primary() else {
        return;
    };
    let own = ServerOptions::default;
    let (first, mut second) = (primary.replica(own()), primary.replica(own()));
    let processes = [
        process(&primary, &[&first, &second]).await,
        process(&primary, &[&first, &second]).await,
    ];
    let (fixtures, sides) = many(&processes[0].store).await;
    let both = |number: u8| {
        let of = |it: &Arc<Process>| in_rotation(&it.store, number);
        [of(&processes[0]), of(&processes[1])]
    };
    for it in &processes {
        it.see(it.store.position().await.unwrap()).await;
    }
    until("both replicas join", || {
        both(1) == [true; 2] && both(2) == [true; 2]
    })
    .await;
    let load = Arc::new(Load {
        processes: processes.clone(),
        fixtures,
        sides,
        writes: AtomicU64::new(0),
    });
    let well = load.run(Duration::from_secs(2), 40).await;
    assert!(well[0] > 200, "{well:?}");
    assert!(well[1] * 4 < well[0], "replicas read: {well:?}");

    // One stands still: it answers what has not changed since, leaves, and comes back.
    first.sql("postgres", "SELECT pg_wal_replay_pause()");
    load.run(Duration::from_secs(3), 40).await;
    until("the paused one leaves", || both(1) == [false; 2]).await;
    first.sql("postgres", "SELECT pg_wal_replay_resume()");
    until("the paused one returns", || both(1) == [true; 2]).await;

    // One dies in the middle of it.
    let loading = tokio::spawn({
        let load = Arc::clone(&load);
        async move { load.run(Duration::from_secs(3), 40).await }
    });
    tokio::time::sleep(Duration::from_millis(700)).await;
    second.kill();
    let dying = loading.await.unwrap();
    assert!(dying[1] < dying[0], "the other one reads on: {dying:?}");
    until("the dead one leaves", || both(2) == [false; 2]).await;
    second.restart();
    until("the dead one returns", || both(2) == [true; 2]).await;
    let before = reads(&processes[0].store, "replica-2");
    load.run(Duration::from_millis(500), 40).await;
    assert!(reads(&processes[0].store, "replica-2") > before);
    println!("reads in all and on the primary: well {well:?}, one dying {dying:?}");
    for it in processes {
        it.store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_share_of_reads_on_the_primary_is_small_with_seconds_of_lag() {
    let Some(primary) = primary() else {
        return;
    };
    let lagging = |lag: &str| ServerOptions {
        settings: vec![format!("recovery_min_apply_delay={lag}")],
        port: None,
    };
    let replicas = [
        primary.replica(lagging("1s")),
        primary.replica(lagging("0")),
    ];
    let list = [&replicas[0], &replicas[1]];
    let processes = [
        process(&primary, &list).await,
        process(&primary, &list).await,
    ];
    let (fixtures, sides) = many(&processes[0].store).await;
    for it in &processes {
        it.see(it.store.position().await.unwrap()).await;
    }
    until("both replicas join", || {
        [1, 2]
            .iter()
            .all(|it| in_rotation(&processes[1].store, *it))
    })
    .await;
    let load = Arc::new(Load {
        processes: processes.clone(),
        fixtures,
        sides,
        writes: AtomicU64::new(0),
    });
    let [all, on_primary] = load.run(Duration::from_secs(3), 100).await;
    let share = on_primary as f64 / all as f64;
    println!("{all} reads, {on_primary} on the primary: {share:.4}");
    assert!(share < 0.25, "{on_primary} of {all} reads on the primary");
}

/// What the engine keeps in memory by revision is read from nobody who lacks a part of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_told_of_a_revision_reads_all_that_made_it() {
    let Some(primary) = primary() else {
        return;
    };
    let replica = primary.replica(ServerOptions::default());
    let process = process(&primary, &[&replica]).await;
    let (url, options) = (primary.url("postgres"), PostgresOptions::default());
    let other = PostgresStore::open(&url, &options).await.unwrap();
    let ([a, b, ..], _) = world(&other).await;
    let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
    let id = put(&other, std::slice::from_ref(&record)).await.fixtures[0];
    process.see(other.position().await.unwrap()).await;
    until("the replica joins", || in_rotation(&process.store, 1)).await;
    let seen = process.store.data_revision().await.unwrap();
    replica.sql("postgres", "SELECT pg_wal_replay_pause()");
    record.result = result(2, 1);
    put(&other, &[record]).await;

    // Nobody told this process of the write: what it knows of may still come from the replica.
    let query = FixtureQuery {
        ids: vec![id],
        limit: 1,
        ..FixtureQuery::default()
    };
    // Whoever writes something back reads it where it is written.
    let fresh = process.store.writing().fixtures(&query).await.unwrap();
    assert!(fresh[0].score.is_some());

    process.see(other.position().await.unwrap()).await;
    let revision = process.store.data_revision().await.unwrap();
    assert_eq!(revision, other.data_revision().await.unwrap());
    let changed = GameQuery {
        changed_after: Some(seen),
        ..GameQuery::default()
    };
    assert_eq!(process.store.games(&changed).await.unwrap().len(), 1);
    let found = process.store.fixtures(&query).await.unwrap();
    assert!(found[0].score.is_some());
    process.store.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_promoted_replica_leaves_and_what_it_counts_is_asked_of_nobody() {
    let Some(primary) = primary() else {
        return;
    };
    let own = ServerOptions::default;
    let (first, second) = (primary.replica(own()), primary.replica(own()));
    let process = process(&primary, &[&first, &second]).await;
    let store = &process.store;
    many(store).await;
    let newest = store.position().await.unwrap();
    process.see(newest).await;
    until("both replicas join", || {
        in_rotation(store, 1) && in_rotation(store, 2)
    })
    .await;
    first.sql("postgres", "SELECT pg_promote()");
    first.sql("postgres", "UPDATE sports_edge SET outbox = outbox + 1000");
    let revision = store.data_revision().await.unwrap();
    until("it leaves", || !in_rotation(store, 1)).await;
    assert_eq!(store.data_revision().await.unwrap(), revision);
    assert_eq!(figure(store, "sports_edge_database_position"), newest);
    // The other one goes on, once it has everything.
    let (began, before) = (Instant::now(), reads(store, "replica-2"));
    while reads(store, "replica-2") == before {
        store.competitions().await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(60), "it is read from");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    process.store.close().await;
}

fn key(prefix: &str) -> ApiKeyRecord {
    ApiKeyRecord {
        prefix: prefix.to_owned(),
        hash: [7; 32],
        name: "laptop".to_owned(),
        scopes: Vec::new(),
        created_at: time("2024-01-01T00:00:00Z"),
        last_used_at: None,
        revoked_at: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_key_counts_no_longer_though_nobody_follows_and_others_do_without_a_primary() {
    let Some(mut primary) = primary() else {
        return;
    };
    let replica = primary.replica(ServerOptions::default());
    let process = process(&primary, &[&replica]).await;
    let (url, options) = (primary.url("postgres"), PostgresOptions::default());
    let other = PostgresStore::open(&url, &options).await.unwrap();
    let now = time("2024-01-02T00:00:00Z");
    for prefix in ["gone", "kept"] {
        other.put_key(&key(prefix)).await.unwrap();
    }
    process.see(other.position().await.unwrap()).await;
    until("the replica joins", || in_rotation(&process.store, 1)).await;
    let newest = other.position().await.unwrap();
    until("the replica knows the keys", || {
        figure(&process.store, "sports_edge_database_replica_position") >= newest
    })
    .await;
    replica.sql("postgres", "SELECT pg_wal_replay_pause()");
    // Nobody tells this process of it.
    assert!(other.revoke_key("gone", now).await.unwrap());
    let revoked = process.store.key("gone").await.unwrap().unwrap();
    assert_eq!(revoked.revoked_at, Some(now));
    other.put_key(&key("new")).await.unwrap();
    assert!(process.store.key("new").await.unwrap().is_some());
    other.close().await;

    primary.kill();
    let before = reads(&process.store, "replica-1");
    for _ in 0..3 {
        let kept = process.store.key("kept").await.unwrap().unwrap();
        assert_eq!(kept.revoked_at, None);
        process.store.touch_key("kept", now).await.unwrap();
    }
    assert_eq!(reads(&process.store, "replica-1"), before + 3);
    let nobody = process.store.key("new").await;
    assert!(nobody.is_err(), "whether there is one is not known");

    primary.restart();
    let began = Instant::now();
    let noted = async || {
        process.store.touch_key("kept", now).await.unwrap();
        let kept = process.store.key("kept").await.unwrap().unwrap();
        kept.last_used_at == Some(now)
    };
    while !noted().await {
        assert!(began.elapsed() < Duration::from_secs(60), "it is not back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    process.store.close().await;
}

#[tokio::test]
async fn replicas_that_are_no_urls_are_refused_and_those_away_are_done_without() {
    let Some(database) = testkit::PostgresDatabase::migrated().await else {
        return;
    };
    let options = PostgresOptions {
        acquire_timeout: Duration::from_millis(300),
        ..PostgresOptions::default()
    };
    let open = async |replica: &str| {
        let replicas = [replica.to_owned()];
        let bounds = (&options, &bounds());
        ReplicatedStore::open(&database.url(), &replicas, bounds).await
    };
    let error = open("postgres://[bad").await.err().unwrap();
    assert!(matches!(error, StoreError::Url(_)), "{error:?}");
    let away = open("postgres://u:secret@127.0.0.1:1/db").await.unwrap();
    let (_, [a, b, ..]) = world(&away).await;
    let id = put(&away, &[game(a, b, "2020-01-10T00:30:00Z")])
        .await
        .fixtures[0];
    assert!(away.fixture(id).await.unwrap().is_some());
    assert!(!in_rotation(&away, 1));
    assert_eq!(reads(&away, "replica-1"), 0);
    assert!(!away.metrics().contains("secret"));
    away.close().await;
}
