//! Crowds: one load for a whole fleet, also where it fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cache::{Rules, Target};
use testkit::Redis;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::rig::{Ill, Joined, rules};

const CALLERS: usize = 10_000;

/// Lets ten thousand callers on each replica ask for key 1 at once; says how many loads there were
/// and how many callers got no value.
async fn crowd(replicas: &[Joined], fails: bool) -> (u64, usize) {
    let loads = Arc::new(AtomicU64::new(0));
    let gate = Arc::new(Barrier::new(CALLERS * replicas.len()));
    let mut callers = JoinSet::new();
    for at in replicas {
        for _ in 0..CALLERS {
            let (at, loads, gate) = (at.clone(), loads.clone(), gate.clone());
            callers.spawn(async move {
                let load = move |_| async move {
                    loads.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    if fails { Err(Ill) } else { Ok(1) }
                };
                gate.wait().await;
                at.numbers.get_or_load(&at.key(1), load).await.is_err()
            });
        }
    }
    let mut failed = 0;
    while let Some(done) = callers.join_next().await {
        failed += usize::from(done.unwrap());
    }
    (loads.load(Ordering::SeqCst), failed)
}

async fn replicas(url: &str, rules: Rules) -> Vec<Joined> {
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(Joined::start_patient(url, rules).await);
    }
    replicas
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_callers_on_each_of_three_replicas_cause_one_load_per_refresh() {
    let Some(redis) = Redis::start() else { return };
    let replicas = replicas(&redis.url(), rules()).await;
    for round in 0..3 {
        assert_eq!(crowd(&replicas, false).await, (1, 0), "round {round}");
        let target = Target::from(&replicas[0].key(1));
        let done = replicas[round].cache.expire(&[target]).await;
        assert!(!done.queued, "{done:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_that_fails_fails_once_for_all_of_them() {
    let Some(redis) = Redis::start() else { return };
    let hold = Rules {
        error_hold: Duration::from_secs(30),
        ..rules()
    };
    let replicas = replicas(&redis.url(), hold).await;
    for round in 0..3 {
        let all = CALLERS * replicas.len();
        assert_eq!(crowd(&replicas, true).await, (1, all), "round {round}");
        // A change ends the time for which the failure stands.
        let target = Target::from(&replicas[0].key(1));
        replicas[round].cache.remove(&[target]).await;
    }
}
