//! Three replicas under load while their server is frozen, killed, restarted and their connections
//! suffer: nothing fails, and nobody reads what was acknowledged as gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cache::Loading;
use testkit::{Chaos, Proxy, Redis};
use tokio::task::JoinSet;

use super::rig::{Joined, row, rules};

const KEYS: usize = 8;
const READERS: usize = 4;

/// The origin, and what its readers may rely on.
#[derive(Default)]
struct Origin {
    truth: [AtomicU64; KEYS],
    /// What is acknowledged to all replicas.
    everywhere: [AtomicU64; KEYS],
    /// What this replica has written itself, acknowledged or not.
    here: [[AtomicU64; KEYS]; 3],
    reads: AtomicUsize,
    loads: AtomicUsize,
}

/// Reads on one replica until told to stop; every answer must be as new as was promised.
async fn read(origin: Arc<Origin>, at: Joined, replica: usize, stop: Instant) {
    let mut step = replica;
    while Instant::now() < stop {
        step = (step * 5 + 3) % (KEYS * 7);
        let key = step % KEYS;
        let least = origin.everywhere[key].load(Ordering::SeqCst);
        let least = least.max(origin.here[replica][key].load(Ordering::SeqCst));
        let source = origin.clone();
        let load = move |loading: Loading| async move {
            loading.tag(&row(key as u64));
            source.loads.fetch_add(1, Ordering::SeqCst);
            let value = source.truth[key].load(Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
            Ok(value)
        };
        let asked = at.numbers.get_or_load(&at.key(key as u64), load).await;
        let hit = asked.expect("nothing fails");
        assert!(*hit >= least, "key {key} on {replica}: {} < {least}", *hit);
        origin.reads.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_micros(300)).await;
    }
}

/// Changes the origin and says so.
async fn write(origin: Arc<Origin>, at: Joined, replica: usize, stop: Instant) {
    let mut step = replica;
    while Instant::now() < stop {
        step += 1;
        let key = step % KEYS;
        let now = origin.truth[key].fetch_add(1, Ordering::SeqCst) + 1;
        let done = at.cache.remove(&[row(key as u64).into()]).await;
        origin.here[replica][key].fetch_max(now, Ordering::SeqCst);
        if !done.queued {
            origin.everywhere[key].fetch_max(now, Ordering::SeqCst);
        }
        tokio::time::sleep(Duration::from_millis(17)).await;
    }
}

/// What is done to the server and the connections, and for how long.
async fn trouble(redis: &mut Redis, proxies: &[Proxy]) {
    let pause = |ms| tokio::time::sleep(Duration::from_millis(ms));
    let all = |chaos: Chaos| proxies.iter().for_each(|it| it.set(chaos));
    pause(500).await;
    redis.pause();
    pause(1_000).await;
    redis.resume();
    pause(700).await;
    redis.kill();
    pause(500).await;
    redis.restart();
    pause(900).await;
    redis.run(&["FLUSHALL"]);
    pause(500).await;
    proxies[1].set(Chaos {
        silent: true,
        ..Chaos::default()
    });
    pause(700).await;
    all(Chaos {
        garbage: 0.05,
        lost: 0.02,
        reset: 0.02,
        ..Chaos::default()
    });
    pause(1_000).await;
    all(Chaos::default());
    proxies.iter().for_each(Proxy::cut);
    pause(400).await;
    redis.run(&["CONFIG", "SET", "maxmemory", "1"]);
    pause(500).await;
    redis.run(&["CONFIG", "SET", "maxmemory", "0"]);
    proxies[2].set(Chaos {
        delay: Duration::from_millis(130),
        ..Chaos::default()
    });
    pause(600).await;
    all(Chaos::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_becomes_of_the_server_nothing_fails_and_nothing_is_wrong() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let origin = Arc::new(Origin::default());
    let mut proxies = Vec::new();
    let mut replicas = Vec::new();
    for number in 0..3 {
        proxies.push(Proxy::start(&redis.address(), number).await);
        replicas.push(Joined::start(&proxies[replicas.len()].url(), rules()).await);
    }
    let stop = Instant::now() + Duration::from_millis(8_200);
    let mut tasks = JoinSet::new();
    for (number, at) in replicas.iter().enumerate() {
        for _ in 0..READERS {
            tasks.spawn(read(origin.clone(), at.clone(), number, stop));
        }
        tasks.spawn(write(origin.clone(), at.clone(), number, stop));
    }
    trouble(&mut redis, &proxies).await;
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let (reads, loads) = (
        origin.reads.load(Ordering::SeqCst),
        origin.loads.load(Ordering::SeqCst),
    );
    assert!(
        reads > 1_000 && loads < reads,
        "{loads} loads, {reads} reads"
    );
    // Well again, by itself.
    for at in &replicas {
        let began = Instant::now();
        at.ready().await;
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
    }
    let done = replicas[0].cache.remove(&[row(0).into()]).await;
    assert!(!done.queued && done.replicas + done.lapsed == 3, "{done:?}");
}
