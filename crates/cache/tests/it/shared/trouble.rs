//! With the server slow, gone, full, flushed, failing over or answering garbage, what is answered
//! is right, no call waits longer than it may, and it heals by itself.

use std::time::{Duration, Instant};

use cache::shared::{Shared, SharedError, Stored, Wish};
use testkit::{Chaos, Proxy, Redis, cluster};

use super::rig::{SCHEMA, change, frame, granted, look, options, replica, store, until};

/// A call's time-out, and what a busy machine adds.
const CALL_MAX: Duration = Duration::from_millis(300);

/// How soon it has to be well again.
const HEAL_MAX: Duration = Duration::from_secs(2);

/// Calls everything and returns how long the middle one took: a busy machine keeps some waiting.
async fn typical(shared: &Shared, calls: usize) -> Duration {
    let mut times = Vec::with_capacity(2 * calls);
    for _ in 0..calls {
        let began = Instant::now();
        let _ = shared.get(b"k", SCHEMA).await;
        times.push(began.elapsed());
        let began = Instant::now();
        let _ = shared
            .begin(b"k", SCHEMA, &Wish::new(Duration::from_millis(1)))
            .await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[calls]
}

#[tokio::test]
async fn a_frozen_server_makes_nobody_wait() {
    let Some(redis) = Redis::start() else { return };
    let (a, memory) = replica(&redis.url()).await;
    store(&a, "k", "value", &[1]).await;
    redis.pause();
    assert!(typical(&a, 20).await < CALL_MAX);
    until("the breaker opens", || !a.health().up).await;
    until("memory is believed no more", || !memory.proven()).await;
    // From then on nothing waits at all.
    assert!(typical(&a, 20).await < Duration::from_millis(20));
    assert!(matches!(a.get(b"k", SCHEMA).await, Err(SharedError::Away)));
    assert!(a.invalidate(&change(&[1])).await.unwrap().queued);
    redis.resume();
    assert!(until("it is back", || memory.proven()).await < HEAL_MAX);
    until("it is asked again", || a.health().up).await;
    assert_eq!(look(&a, "k").await, None);
}

#[tokio::test]
async fn a_slow_server_counts_as_away_until_it_is_quick_again() {
    let Some(redis) = Redis::start() else { return };
    let proxy = Proxy::start(&redis.address(), 1).await;
    let (a, _) = replica(&proxy.url()).await;
    proxy.set(Chaos {
        delay: Duration::from_millis(120),
        ..Chaos::default()
    });
    assert!(typical(&a, 5).await < CALL_MAX);
    until("the breaker opens", || !a.health().up).await;
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(!a.health().up, "half open it saw that it is slow");
    proxy.set(Chaos::default());
    assert!(until("it is back", || a.health().proven).await < HEAL_MAX);
}

#[tokio::test]
async fn a_server_that_restarts_empty_is_another_one() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    let (a, memory) = replica(&redis.url()).await;
    store(&a, "k", "value", &[1]).await;
    let forgets = memory.forgets();
    redis.kill();
    until("it is away", || !a.health().up).await;
    assert!(typical(&a, 5).await < CALL_MAX);
    redis.restart();
    assert!(until("it is back", || memory.proven()).await < HEAL_MAX);
    assert_eq!(memory.forgets(), forgets + 1);
    assert_eq!(look(&a, "k").await, None);
    store(&a, "k", "again", &[1]).await;
    assert_eq!(look(&a, "k").await.as_deref(), Some("again"));
}

#[tokio::test]
async fn it_starts_before_the_server() {
    let Some(mut redis) = Redis::start() else {
        return;
    };
    redis.kill();
    let a = Shared::connect(options(&redis.url())).unwrap();
    assert!(matches!(a.get(b"k", SCHEMA).await, Err(SharedError::Away)));
    redis.restart();
    assert!(a.ready(HEAL_MAX).await);
    assert!(a.health().trouble.is_none());
}

#[tokio::test]
async fn a_flushed_server_is_another_one() {
    let Some(redis) = Redis::start() else { return };
    let (a, memory_a) = replica(&redis.url()).await;
    let (b, memory_b) = replica(&redis.url()).await;
    store(&a, "k", "value", &[1]).await;
    let forgets = memory_b.forgets();
    redis.run(&["FLUSHALL"]);
    // Whoever changes something now is told no more than holds.
    loop {
        let done = a.invalidate(&change(&[1])).await.unwrap();
        assert!(memory_b.forgets() > forgets || !memory_b.proven() || done.queued);
        if !done.queued {
            break;
        }
        until("it is back", || a.health().up).await;
    }
    until("both are back", || memory_a.proven() && memory_b.proven()).await;
    assert!(memory_b.forgets() > forgets);
    assert_eq!(look(&b, "k").await, None);
}

#[tokio::test]
async fn a_full_server_still_takes_changes() {
    let Some(redis) = Redis::start_with(&["maxmemory 8mb", "maxmemory-policy noeviction"]) else {
        return;
    };
    let (a, memory) = replica(&redis.url()).await;
    store(&a, "k", "value", &[1]).await;
    store(&a, "l", "value", &[2]).await;
    // What does not compress.
    let mut random = testkit::SplitMix::new(1);
    let noise: String = (0..60_000)
        .map(|_| char::from(b'!' + u8::try_from(random.next_u64() % 90).unwrap()))
        .collect();
    let mut full = false;
    for number in 0..400 {
        let key = format!("n{number}");
        let fence = granted(&a, &key).await;
        match a.put(&fence, &frame(&noise, &[3])).await {
            Ok(Stored::Kept) => {}
            Err(SharedError::Full) => {
                full = true;
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(full && a.health().counts.puts_full == 1);
    redis.run(&["CONFIG", "SET", "maxmemory", "1mb"]);
    // It is up, proves memory, and changes hold.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(memory.proven(), "{:?}", a.health());
    assert_eq!(look(&a, "k").await.as_deref(), Some("value"));
    let done = a.invalidate(&change(&[1])).await.unwrap();
    assert!(!done.queued, "{done:?}");
    assert_eq!(look(&a, "k").await, None);
    assert_eq!(look(&a, "l").await.as_deref(), Some("value"));
    // Loads go on, without a lease.
    granted(&a, "k").await;
    granted(&a, "k").await;
}

#[tokio::test]
async fn after_a_failover_nothing_of_the_old_server_is_believed() {
    let (Some(first), Some(second)) = (Redis::start(), Redis::start()) else {
        return;
    };
    second.follow(&first);
    let proxy = Proxy::start(&first.address(), 1).await;
    let (a, memory) = replica(&proxy.url()).await;
    store(&a, "k", "value", &[1]).await;
    second.until("it was copied", |it| {
        it.run(&["EXISTS", "{sports-edge}:entry:k"]).number() == 1
    });
    let forgets = memory.forgets();
    // The last change is lost with the old primary.
    second.pause();
    a.invalidate(&change(&[1])).await.unwrap();
    drop(first);
    second.resume();
    second.promote();
    proxy.lead_to(&second.address());
    let back = || memory.proven() && memory.forgets() > forgets;
    assert!(until("it is back", back).await < HEAL_MAX);
    assert_eq!(look(&a, "k").await, None);
}

#[tokio::test]
async fn a_replica_is_not_taken_for_the_primary() {
    let (Some(first), Some(second)) = (Redis::start(), Redis::start()) else {
        return;
    };
    let (a, memory) = replica(&first.url()).await;
    first.follow(&second);
    until("it notices", || !a.health().up).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!a.health().up && !memory.proven());
    first.promote();
    assert!(until("it is back", || memory.proven()).await < HEAL_MAX);
}

#[tokio::test]
async fn garbage_is_never_an_answer() {
    let Some(redis) = Redis::start() else { return };
    let proxy = Proxy::start(&redis.address(), 5).await;
    let (a, _) = replica(&redis.url()).await;
    let (b, memory) = replica(&proxy.url()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.set(Chaos {
        garbage: 0.05,
        lost: 0.01,
        ..Chaos::default()
    });
    let mut wrong = 0;
    let mut right = 0;
    for round in 0..60_u32 {
        let slot = round % 4;
        let key = format!("k{slot}");
        let text = format!("{key} of round {round}");
        let done = a.invalidate(&change(&[slot])).await.unwrap();
        assert!(!done.queued && done.took < Duration::from_millis(500));
        assert!(memory.heard(&change(&[slot])) || !memory.proven());
        store(&a, &key, &text, &[slot]).await;
        for _ in 0..5 {
            let began = Instant::now();
            match b.get(key.as_bytes(), SCHEMA).await {
                Ok(Some(found)) if found.bytes == text.as_bytes() => right += 1,
                Ok(Some(_)) => wrong += 1,
                Ok(None) | Err(_) => {}
            }
            assert!(began.elapsed() < CALL_MAX);
        }
    }
    assert_eq!(wrong, 0);
    assert!(right > 0);
    assert!(b.health().counts.connections > 1);
    proxy.set(Chaos::default());
    assert!(until("it is back", || memory.proven()).await < HEAL_MAX);
}

#[tokio::test]
async fn bytes_that_come_one_by_one_are_put_together() {
    let Some(redis) = Redis::start() else { return };
    let proxy = Proxy::start(&redis.address(), 1).await;
    proxy.set(Chaos {
        piece_bytes_max: 7,
        ..Chaos::default()
    });
    let (a, _) = replica(&proxy.url()).await;
    store(&a, "k", "value", &[1]).await;
    assert_eq!(look(&a, "k").await.as_deref(), Some("value"));
    proxy.set(Chaos {
        reset: 1.0,
        ..Chaos::default()
    });
    until("it is cut", || !a.health().up).await;
}

#[tokio::test]
async fn a_cluster_holds_the_namespace_on_one_node() {
    let Some(nodes) = cluster(3) else { return };
    let doors: Vec<String> = nodes.iter().map(Redis::address).collect();
    let (a, memory) = replica(&format!("redis-cluster://{}", doors.join(","))).await;
    let (b, _) = replica(&format!("redis-cluster://{}/", doors[2])).await;
    store(&a, "k", "value", &[1]).await;
    assert_eq!(look(&b, "k").await.as_deref(), Some("value"));
    assert_eq!(a.invalidate(&change(&[1])).await.unwrap().replicas, 2);
    assert_eq!(look(&b, "k").await, None);
    // The node that holds it goes and comes back.
    let holder = nodes
        .iter()
        .position(|it| it.run(&["DBSIZE"]).number() > 0)
        .unwrap();
    nodes[holder].pause();
    until("it is away", || !memory.proven()).await;
    nodes[holder].resume();
    until("it is back", || memory.proven()).await;
}

#[tokio::test]
async fn a_sentinel_says_who_the_primary_is() {
    let (Some(first), Some(second)) = (Redis::start(), Redis::start()) else {
        return;
    };
    second.follow(&first);
    let Some(sentinel) = Redis::sentinel("edge", &first) else {
        return;
    };
    let url = format!("redis-sentinel://{}/edge/0", sentinel.address());
    let (a, memory) = replica(&url).await;
    store(&a, "k", "value", &[1]).await;
    sentinel.until("it knows of the replica", |it| {
        it.info("sentinel").contains("slaves=1")
    });
    drop(first);
    until("it is away", || !a.health().up).await;
    until("the replica took over", || memory.proven()).await;
    assert_eq!(look(&a, "k").await, None);
    store(&a, "k", "value", &[1]).await;
    assert!(second.run(&["EXISTS", "{sports-edge}:entry:k"]).number() == 1);
}

#[tokio::test]
async fn sentinels_that_want_a_password_are_given_that_of_the_servers() {
    let Some(primary) = Redis::start() else {
        return;
    };
    let Some(sentinel) = Redis::sentinel("edge", &primary) else {
        return;
    };
    // Whoever comes later must say it.
    sentinel.run(&["SENTINEL", "SET", "edge", "auth-pass", "open sesame"]);
    for server in [&primary, &sentinel] {
        server.run(&["ACL", "SETUSER", "default", "resetpass", ">open sesame"]);
    }
    let at = |password: &str| {
        let address = sentinel.address();
        format!("redis-sentinel://{password}{address}/edge")
    };
    let (a, _) = replica(&at(":open%20sesame@")).await;
    store(&a, "k", "value", &[1]).await;
    assert_eq!(look(&a, "k").await.as_deref(), Some("value"));
    for wrong in ["", ":wrong@"] {
        let b = Shared::connect(options(&at(wrong))).unwrap();
        until("it says why", || {
            let trouble = b.health().trouble;
            trouble.is_some_and(|it| it.contains("NOAUTH") || it.contains("WRONGPASS"))
        })
        .await;
    }
}

#[tokio::test]
async fn other_slots_than_the_namespace_has_are_refused() {
    let Some(redis) = Redis::start() else { return };
    let (_a, _) = replica(&redis.url()).await;
    let mut other = options(&redis.url());
    other.slots *= 2;
    let b = Shared::connect(other).unwrap();
    until("it says why", || {
        b.health()
            .trouble
            .is_some_and(|it| it.contains("1024 slots"))
    })
    .await;
    assert!(!b.ready(Duration::from_millis(50)).await);
}

#[tokio::test]
async fn a_server_that_dropped_one_of_its_tables_for_want_of_room_is_another_one() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, memory) = replica(&redis.url()).await;
    for table in ["versions", "members", "log"] {
        store(&b, "k", "value", &[1]).await;
        let forgets = memory.forgets();
        redis.run(&["DEL", &format!("{{sports-edge}}:{table}")]);
        // Whoever must hear of a change is not known: it is not acknowledged, or all have heard.
        let done = a.invalidate(&change(&[1])).await.unwrap();
        assert!(
            done.queued || done.replicas + done.lapsed == 2,
            "{table}: {done:?}"
        );
        until("b has heard", || {
            memory.forgets() > forgets || memory.heard(&change(&[1]))
        })
        .await;
        until("both are up", || a.health().proven && b.health().proven).await;
        assert_eq!(look(&b, "k").await, None, "{table}");
    }
}
