//! Memory and the shared tier as one cache.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cache::shared::{Shared, SharedOptions};
use cache::{
    AttachError, Cache, CacheError, CacheOptions, KindOptions, Loading, Rules, Target, Tier,
};
use testkit::{Chaos, Proxy, Redis};
use tokio::sync::oneshot;

use super::rig::{Ill, Joined, options, row, rules, until};

/// Begins a load of `number` that ends when told to, with `value`.
fn begin(
    at: &Joined,
    number: u64,
    value: u64,
) -> (tokio::task::JoinHandle<u64>, oneshot::Sender<()>) {
    let (go, wait) = oneshot::channel();
    let (at, key) = (at.clone(), at.key(number));
    let load = move |loading: Loading| async move {
        loading.tag(&row(number));
        wait.await.unwrap();
        Ok(value)
    };
    let task = async move { *at.numbers.get_or_load(&key, load).await.unwrap() };
    (tokio::spawn(task), go)
}

async fn loading(at: &Joined, count: u64) {
    until("the load is under way", || at.statistics().loads == count).await;
}

#[tokio::test]
async fn what_one_replica_loads_another_takes() {
    let Some(redis) = Redis::start() else { return };
    let a = Joined::start(&redis.url(), rules()).await;
    let b = Joined::start(&redis.url(), rules()).await;
    assert_eq!(a.ask(1, 10).await.tier(), Tier::Loader);
    until("it is stored", || {
        a.cache.shared().unwrap().health().counts.puts == 1
    })
    .await;
    let hit = b.ask(1, 99).await;
    assert_eq!((*hit, hit.tier()), (10, Tier::Shared));
    assert!(hit.age() < Duration::from_secs(10), "{:?}", hit.age());
    assert!(hit.fresh_for() > Duration::from_secs(40));
    assert_eq!(b.ask(1, 99).await.tier(), Tier::Memory);
    let counts = b.statistics();
    assert_eq!(
        (counts.loads, counts.shared_hits, counts.memory_hits),
        (0, 1, 1)
    );
}

#[tokio::test]
async fn once_a_removal_is_acknowledged_no_replica_serves_the_old_value() {
    let Some(redis) = Redis::start() else { return };
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(Joined::start(&redis.url(), rules()).await);
    }
    for round in 0..30 {
        for at in &replicas {
            assert_eq!(*at.ask(7, round).await, round);
            assert_eq!(at.ask(7, 99).await.tier(), Tier::Memory);
        }
        let target = match round % 4 {
            0 => Target::from(&replicas[0].key(7)),
            1 => row(7).into(),
            2 => Target::Kind("number".into()),
            _ => Target::Everything,
        };
        let done = replicas[round as usize % 3].cache.remove(&[target]).await;
        assert!(!done.queued, "{done:?}");
        assert_eq!(done.replicas + done.lapsed, 3, "{done:?}");
        for at in &replicas {
            assert!(at.numbers.get(&at.key(7)).is_none());
        }
    }
}

#[tokio::test]
async fn a_load_that_began_before_a_removal_is_kept_nowhere() {
    let Some(redis) = Redis::start() else { return };
    let a = Joined::start(&redis.url(), rules()).await;
    let b = Joined::start(&redis.url(), rules()).await;
    let (old, go) = begin(&b, 1, 10);
    loading(&b, 1).await;
    assert!(!a.cache.remove(&[row(1).into()]).await.queued);
    go.send(()).unwrap();
    assert_eq!(old.await.unwrap(), 10);
    for at in [&a, &b] {
        assert!(at.numbers.get(&at.key(1)).is_none());
    }
    assert_eq!(*a.ask(1, 11).await, 11);
    assert_eq!(*b.ask(1, 11).await, 11);
}

#[tokio::test]
async fn who_asks_after_a_removal_waits_for_no_load_from_before() {
    let Some(redis) = Redis::start() else { return };
    let a = Joined::start(&redis.url(), rules()).await;
    let b = Joined::start(&redis.url(), rules()).await;
    let (old, go) = begin(&b, 1, 10);
    loading(&b, 1).await;
    let target = Target::from(&a.key(1));
    a.cache.remove(&[target]).await;
    for at in [&a, &b] {
        assert_eq!(*at.ask(1, 11).await, 11);
    }
    go.send(()).unwrap();
    assert_eq!(old.await.unwrap(), 10);
    for at in [&a, &b] {
        assert_eq!(*at.ask(1, 12).await, 11);
    }
}

#[tokio::test]
async fn what_is_expired_stands_in_on_every_replica_until_it_can_be_made_again() {
    let Some(redis) = Redis::start() else { return };
    let a = Joined::start(&redis.url(), rules()).await;
    let b = Joined::start(&redis.url(), rules()).await;
    a.ask(1, 10).await;
    b.ask(1, 10).await;
    a.cache.expire(&[row(1).into()]).await;
    for at in [&a, &b] {
        let hit = at.fail(1).await.unwrap();
        assert!(*hit == 10 && hit.is_stale());
    }
    a.cache.remove(&[row(1).into()]).await;
    b.fail(1).await.unwrap_err();
}

#[tokio::test]
async fn a_replica_that_lost_the_bus_serves_nothing_from_memory_until_it_is_proven_again() {
    let Some(redis) = Redis::start() else { return };
    let a = Joined::start(&redis.url(), rules()).await;
    let proxy = Proxy::start(&redis.address(), 1).await;
    let b = Joined::start(&proxy.url(), rules()).await;
    a.ask(1, 10).await;
    b.ask(1, 10).await;
    b.ask(2, 20).await;
    proxy.set(Chaos {
        silent: true,
        ..Chaos::default()
    });
    let done = a.cache.remove(&[row(1).into()]).await;
    assert_eq!((done.replicas, done.lapsed), (1, 1), "{done:?}");
    assert!(b.numbers.get(&b.key(1)).is_none());
    assert_eq!(*b.ask(1, 11).await, 11);
    // What did not change is not believed either, and is there again when the bus is.
    assert!(b.numbers.get(&b.key(2)).is_none());
    proxy.set(Chaos::default());
    until("b is proven", || b.numbers.get(&b.key(2)).is_some()).await;
    assert_eq!(*b.ask(1, 11).await, 11);
    assert_eq!(*a.ask(1, 11).await, 11);
}

#[test]
fn what_is_loaded_while_the_old_is_dropped_behind_stays() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        // What is dropped behind waits for this.
        let (go, wait) = std::sync::mpsc::channel();
        let busy = tokio::task::spawn_blocking(move || wait.recv().unwrap());
        let a = Joined::begin("redis://127.0.0.1:1/", rules());
        a.cache.vouch(Instant::now() + Duration::from_secs(60));
        a.ask(1, 10).await;
        go.send(()).unwrap();
        busy.await.unwrap();
        tokio::task::spawn_blocking(|| {}).await.unwrap();
        assert_eq!(a.ask(1, 11).await.tier(), Tier::Memory);
    });
}

#[tokio::test]
async fn who_follows_changes_another_way_may_vouch_for_memory() {
    let a = Joined::begin("redis://127.0.0.1:1/", rules());
    a.ask(1, 10).await;
    assert!(a.numbers.get(&a.key(1)).is_none());
    a.cache.vouch(Instant::now() + Duration::from_secs(60));
    assert_eq!(a.ask(1, 11).await.tier(), Tier::Memory);
    let done = a.cache.remove(&[row(1).into()]).await;
    assert!(done.queued, "{done:?}");
    assert_eq!(*a.ask(1, 12).await, 12);
}

#[tokio::test]
async fn without_a_server_each_answer_is_loaded_after_it_was_asked_for_and_never_twice_at_once() {
    let a = Joined::begin("redis://127.0.0.1:1/", rules());
    let truth = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let order = std::sync::atomic::Ordering::SeqCst;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..300 {
        let (a, truth) = (a.clone(), truth.clone());
        tasks.spawn(async move {
            let least = truth.fetch_add(1, order) + 1;
            let load = move |_| async move {
                let value = truth.load(order);
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok(value)
            };
            let hit = a.numbers.get_or_load(&a.key(1), load).await.unwrap();
            assert!(*hit >= least, "{} < {least}", *hit);
        });
        tokio::time::sleep(Duration::from_micros(200)).await;
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let loads = a.statistics().loads;
    assert!(loads < 150, "{loads} loads for 300 callers");
}

#[tokio::test]
async fn schemas_side_by_side_do_not_read_each_other_and_are_forgotten_together() {
    let Some(redis) = Redis::start() else { return };
    let a = Joined::start(&redis.url(), rules()).await;
    let b = Cache::new(&CacheOptions {
        slots: super::rig::SLOTS,
        ..CacheOptions::default()
    });
    let words = KindOptions::new("number", rules()).share(
        2,
        |word: &String, to| to.extend_from_slice(word.as_bytes()),
        |bytes| String::from_utf8(bytes.to_vec()).ok(),
    );
    let words: cache::Kind<String, Ill> = b.kind(words).unwrap();
    b.attach(Shared::connect(options(&redis.url())).unwrap())
        .unwrap();
    assert!(b.shared().unwrap().ready(Duration::from_secs(10)).await);
    let key = words.key(cache::Scope::Public).part(1_u64).build();
    a.ask(1, 10).await;
    let load = |text: &'static str| move |_| async move { Ok(text.to_owned()) };
    assert_eq!(*words.get_or_load(&key, load("ten")).await.unwrap(), "ten");
    assert_eq!(*a.ask(1, 11).await, 10);
    let target = Target::from(&a.key(1));
    a.cache.remove(&[target]).await;
    assert_eq!(*words.get_or_load(&key, load("two")).await.unwrap(), "two");
    assert_eq!(a.statistics().mismatches, 0);
}

#[tokio::test]
async fn what_cannot_be_decoded_is_loaded() {
    let Some(redis) = Redis::start() else { return };
    let a = Joined::start(&redis.url(), rules()).await;
    let odd = Cache::new(&CacheOptions {
        slots: super::rig::SLOTS,
        ..CacheOptions::default()
    });
    let numbers = KindOptions::new("number", rules()).share(1, |_: &u64, _| {}, |_| Some(0));
    let numbers: cache::Kind<u64, Ill> = odd.kind(numbers).unwrap();
    odd.attach(Shared::connect(options(&redis.url())).unwrap())
        .unwrap();
    let shared = odd.shared().unwrap();
    assert!(shared.ready(Duration::from_secs(10)).await);
    let key = numbers.key(cache::Scope::Public).part(1_u64).build();
    numbers
        .get_or_load(&key, |_| async { Ok(5) })
        .await
        .unwrap();
    until("it is stored", || shared.health().counts.puts == 1).await;
    let hit = a.ask(1, 10).await;
    assert_eq!((*hit, hit.tier()), (10, Tier::Loader));
    assert!(a.statistics().mismatches > 0);
}

#[tokio::test]
async fn kinds_without_a_codec_stay_in_the_process_and_are_forgotten_everywhere() {
    let Some(redis) = Redis::start() else { return };
    let a = Joined::start(&redis.url(), rules()).await;
    let b = Joined::start(&redis.url(), rules()).await;
    let plain = |at: &Joined| -> cache::Kind<u64, Ill> {
        at.cache.kind(KindOptions::new("plain", rules())).unwrap()
    };
    let (in_a, in_b) = (plain(&a), plain(&b));
    let key = |kind: &cache::Kind<u64, Ill>| kind.key(cache::Scope::Public).part(1_u64).build();
    in_a.get_or_load(&key(&in_a), |_| async { Ok(1) })
        .await
        .unwrap();
    let hit = in_b
        .get_or_load(&key(&in_b), |_| async { Ok(2) })
        .await
        .unwrap();
    assert_eq!((*hit, hit.tier()), (2, Tier::Loader));
    in_a.put(&key(&in_a), 3, |_| {}).await.unwrap();
    assert_eq!(*in_a.get(&key(&in_a)).unwrap(), 3);
    assert!(in_b.get(&key(&in_b)).is_none());
}

#[tokio::test]
async fn a_replica_that_dies_while_it_loads_is_waited_for_no_longer_than_its_lease() {
    let Some(redis) = Redis::start() else { return };
    let b = Joined::start(&redis.url(), rules()).await;
    let url = redis.url();
    // A process of its own, so to speak: its runtime ends with everything in it.
    let dead = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let a = Joined::start(&url, rules()).await;
            let (load, _go) = begin(&a, 1, 10);
            loading(&a, 1).await;
            drop(load);
        });
    });
    dead.join().unwrap();
    let began = Instant::now();
    assert_eq!(*b.ask(1, 11).await, 11);
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_load_longer_than_the_lease_stays_the_only_one() {
    let Some(redis) = Redis::start() else { return };
    let a = Joined::start(&redis.url(), rules()).await;
    let b = Joined::start(&redis.url(), rules()).await;
    let (slow, go) = begin(&a, 1, 10);
    loading(&a, 1).await;
    let waits = {
        let b = b.clone();
        tokio::spawn(async move { *b.ask(1, 11).await })
    };
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    go.send(()).unwrap();
    assert_eq!((slow.await.unwrap(), waits.await.unwrap()), (10, 10));
    assert_eq!(b.statistics().loads, 0);
}

#[tokio::test]
async fn a_stale_value_of_the_shared_tier_stands_in_where_loading_fails() {
    let Some(redis) = Redis::start() else { return };
    let short = Rules {
        error_hold: Duration::ZERO,
        ..Rules::new(Duration::from_millis(300), Duration::from_secs(60))
    };
    let a = Joined::start(&redis.url(), short).await;
    let b = Joined::start(&redis.url(), short).await;
    a.ask(1, 10).await;
    until("it is stored", || {
        a.cache.shared().unwrap().health().counts.puts == 1
    })
    .await;
    tokio::time::sleep(Duration::from_millis(400)).await;
    let hit = b.fail(1).await.unwrap();
    assert!(*hit == 10 && hit.is_stale());
}

#[tokio::test]
async fn a_value_near_its_end_is_made_again_and_not_taken_again() {
    let Some(redis) = Redis::start() else { return };
    let eager = Rules {
        eager: 0.1,
        ..Rules::new(Duration::from_secs(5), Duration::from_secs(60))
    };
    let a = Joined::start(&redis.url(), eager).await;
    a.ask(1, 10).await;
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(*a.ask(1, 11).await, 10);
    until("it was made again", || {
        a.numbers.get(&a.key(1)).is_some_and(|it| *it == 11)
    })
    .await;
    assert_eq!(a.statistics().loads, 2);
}

#[tokio::test]
async fn a_failure_is_told_to_other_replicas_and_outdated_by_a_change() {
    let Some(redis) = Redis::start() else { return };
    let hold = Rules {
        error_hold: Duration::from_secs(30),
        ..rules()
    };
    let a = Joined::start(&redis.url(), hold).await;
    let b = Joined::start(&redis.url(), hold).await;
    assert!(matches!(a.fail(1).await, Err(CacheError::Load(_))));
    // It is told behind the answer; whoever asks meanwhile waits for it.
    let error = b.fail(1).await.unwrap_err();
    assert!(
        matches!(&error, CacheError::Elsewhere(text) if text.contains("the origin / is ill")),
        "{error}"
    );
    assert_eq!(b.statistics().loads, 0);
    let target = Target::from(&a.key(1));
    a.cache.remove(&[target]).await;
    assert_eq!(*b.ask(1, 11).await, 11);
}

#[tokio::test]
async fn a_cache_joins_one_shared_tier_of_its_own_size() {
    let url = "redis://127.0.0.1:1/";
    let a = Joined::begin(url, rules());
    let again = a.cache.attach(Shared::connect(options(url)).unwrap());
    assert_eq!(again, Err(AttachError::Joined));
    let small = SharedOptions {
        slots: 8,
        ..options(url)
    };
    let other = Cache::new(&CacheOptions::default());
    let refused = other.attach(Shared::connect(small).unwrap());
    let expected = AttachError::Slots {
        ours: 1 << 18,
        theirs: 8,
    };
    assert_eq!(refused, Err(expected));
}
