//! How often answers are made anew while the server that replicas share stands still.

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::{Duration, Instant},
};

use domain::{BookmakerKey, FixtureId, Market, Outcome, QuoteStage};
use engine::{
    Engine, EngineError, EngineOptions, QuoteCommand,
    caching::{
        Kind, KindOptions, Loading, Rules, Scope,
        shared::{Shared, SharedOptions},
    },
    topic,
};
use store::Store;
use testkit::{PostgresDatabase, Redis};
use tokio::task::JoinHandle;

use crate::world::{Hand, api, league_of, untrained};

/// A process: an engine with its cache, and how many quotes of a fixture it keeps there.
struct Process {
    engine: Arc<Engine>,
    counts: Kind<u64, EngineError>,
    following: JoinHandle<()>,
}

impl Drop for Process {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Process {
    async fn start(
        (store, clock): (&Arc<dyn Store>, &Arc<Hand>),
        redis: &Redis,
        number: u8,
    ) -> Self {
        let engine = Engine::new(
            Arc::clone(store),
            Arc::clone(clock) as _,
            EngineOptions::default(),
        );
        let engine = Arc::new(engine);
        let rules = Rules::new(Duration::from_secs(600), Duration::from_secs(900));
        let counts = KindOptions::new("counts", rules).share(
            1,
            |count: &u64, to| to.extend_from_slice(&count.to_be_bytes()),
            |bytes| Some(u64::from_be_bytes(bytes[..].try_into().ok()?)),
        );
        let counts = engine.cache().kind(counts).unwrap();
        let options = SharedOptions::new(redis.url(), [number; 16]);
        let shared = Shared::connect(options).unwrap();
        engine.cache().attach(shared.clone()).unwrap();
        assert!(shared.ready(Duration::from_secs(10)).await);
        let follower = Arc::clone(&engine);
        let following = tokio::spawn(async move { follower.keep_following().await });
        Self {
            engine,
            counts,
            following,
        }
    }

    fn is_up(&self) -> bool {
        self.engine.cache().shared().unwrap().health().up
    }

    async fn count(&self, id: FixtureId) -> u64 {
        let engine = Arc::clone(&self.engine);
        let load = move |loading: Loading| async move {
            let (quotes, reads) = topic::recorded(engine.quotes(id)).await;
            reads.topics().for_each(|it| loading.tag(&it.tag()));
            Ok(quotes?.len() as u64)
        };
        let key = self.counts.key(Scope::Public).part(id.0).build();
        *self.counts.get_or_load(&key, load).await.unwrap()
    }

    async fn write(&self, id: FixtureId, number: u32) {
        let quote = QuoteCommand {
            fixture: id,
            bookmaker: BookmakerKey::new(format!("book{number}")).unwrap(),
            market: Market::H2H,
            stage: QuoteStage::Intermediate,
            taken_at: None,
            prices: vec![(Outcome::Home, 2.2), (Outcome::Away, 3.4)],
        };
        self.engine.put_quotes(&api(), vec![quote]).await.unwrap();
    }

    fn loads(&self) -> u64 {
        let all = self.engine.cache().statistics();
        all.iter().find(|it| it.kind == "counts").unwrap().loads
    }
}

/// What processes made between two moments.
fn loads(processes: &[Process]) -> u64 {
    processes.iter().map(Process::loads).sum()
}

/// Writes to one fixture after another, by one process after another, while all fixtures are read in
/// all processes; says how many answers were made for each write.
async fn made_by_write(processes: &[Process], fixtures: &[FixtureId], number: &mut u32) -> f64 {
    const WRITES: usize = 12;
    for process in processes {
        for id in fixtures {
            process.count(*id).await;
        }
    }
    let before = loads(processes);
    for turn in 0..WRITES {
        let (writer, id) = (
            &processes[turn % processes.len()],
            fixtures[turn % fixtures.len()],
        );
        let due = writer.count(id).await + 1;
        *number += 1;
        writer.write(id, *number).await;
        assert_eq!(writer.count(id).await, due, "who wrote reads what it wrote");
        let written = Instant::now();
        while written.elapsed() < Duration::from_millis(70) {
            for process in processes {
                let asked = Instant::now();
                for it in fixtures {
                    let seen = process.count(*it).await;
                    let behind = asked - written;
                    assert!(
                        *it != id || seen == due || behind < Duration::from_millis(250),
                        "{seen} quotes where there were {due} {behind:?} before"
                    );
                }
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        for process in processes {
            while process.count(id).await != due {
                assert!(written.elapsed() < Duration::from_secs(5));
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    }
    (loads(processes) - before) as f64 / WRITES as f64
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_has_no_process_make_more_than_what_a_write_changed() {
    let Some(redis) = Redis::start() else { return };
    let world = untrained().await;
    let fixtures = world.to_come().await;
    let fixtures: Vec<FixtureId> = fixtures.iter().take(4).map(|it| it.fixture.id).collect();
    let processes = [
        Process::start((&world.store, &world.clock), &redis, 1).await,
        Process::start((&world.store, &world.clock), &redis, 2).await,
    ];
    let mut number = 0;
    let up = made_by_write(&processes, &fixtures, &mut number).await;
    redis.pause();
    let frozen_at = Instant::now();
    while processes.iter().any(Process::is_up) {
        assert!(frozen_at.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let frozen = made_by_write(&processes, &fixtures, &mut number).await;
    redis.resume();
    // One each: they cannot share.
    assert!(
        frozen <= 2.4,
        "{frozen} answers made a write while frozen, {up} before"
    );
    assert!(up <= 2.4, "{up} answers made a write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_loses_the_server_asks_the_store_at_once_what_it_may_believe() {
    // A follower of SQLite looks so often that it would go unnoticed.
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let Some(redis) = Redis::start() else { return };
    let store: Arc<dyn Store> = Arc::new(database.store().await);
    let league = league_of(4, 1, 1);
    let (_, fixtures) = testkit::fill(&*store, &league).await;
    let clock = Arc::new(Hand::new(AtomicI64::new(0)));
    clock.set(league.recorded_at);
    let process = Process::start((&store, &clock), &redis, 3).await;
    process.count(fixtures[0]).await;
    // Its look at the store has just begun, and lasts.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = process.loads();
    redis.pause();
    let frozen_at = Instant::now();
    while frozen_at.elapsed() < Duration::from_millis(1_500) {
        process.count(fixtures[0]).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!process.is_up());
    let made = process.loads() - before;
    redis.resume();
    assert!(made <= 20, "{made} answers made of what did not change");
}
