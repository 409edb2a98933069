//! Changes reach every replica before they count as made, or its lease has run out.

use std::time::{Duration, Instant};

use testkit::{Chaos, Proxy, Redis};

use super::rig::{change, look, replica, store, until};

#[tokio::test]
async fn a_change_returns_when_every_replica_has_applied_it() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, heard_b) = replica(&redis.url()).await;
    let (c, heard_c) = replica(&redis.url()).await;
    for slot in 1..20 {
        let done = a.invalidate(&change(&[slot])).await.unwrap();
        assert!(!done.queued);
        assert_eq!((done.replicas, done.lapsed), (3, 0), "{done:?}");
        assert!(heard_b.heard(&change(&[slot])) && heard_c.heard(&change(&[slot])));
    }
    assert_eq!(b.health().clock, 19);
    assert_eq!(c.health().counts.heard, 19);
    assert_eq!(c.health().counts.gaps, 0);
}

#[tokio::test]
async fn many_changes_at_once_travel_together() {
    let Some(redis) = Redis::start() else { return };
    let (a, own) = replica(&redis.url()).await;
    let (_b, heard) = replica(&redis.url()).await;
    let tasks: Vec<_> = (0..500)
        .map(|slot| {
            let a = a.clone();
            tokio::spawn(async move { a.invalidate(&change(&[slot])).await.unwrap() })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.unwrap().replicas, 2);
    }
    assert!(a.health().counts.invalidations < 500);
    let slots = |memory: &super::rig::Memory| {
        let mut all: Vec<u32> = Vec::new();
        for change in memory.changes.lock().unwrap().iter() {
            if let cache::shared::Touched::Slots(slots) = &change.touched {
                all.extend(slots);
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    };
    let all: Vec<u32> = (0..500).collect();
    assert_eq!(slots(&heard), all);
    assert_eq!(slots(&own), all);
}

#[tokio::test]
async fn a_replica_that_died_is_waited_for_once() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let proxy = Proxy::start(&redis.address(), 1).await;
    let (b, memory) = replica(&proxy.url()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.set(Chaos {
        silent: true,
        ..Chaos::default()
    });
    let done = a.invalidate(&change(&[1])).await.unwrap();
    assert_eq!((done.replicas, done.lapsed), (1, 1), "{done:?}");
    assert!(done.took <= Duration::from_millis(400), "{done:?}");
    // By then it does not trust its memory.
    assert!(!memory.proven());
    let done = a.invalidate(&change(&[2])).await.unwrap();
    assert_eq!((done.replicas, done.lapsed), (1, 0), "{done:?}");
    // When it comes back it hears of both before it trusts its memory again.
    proxy.set(Chaos::default());
    until("b is back", || memory.proven()).await;
    assert!(memory.heard(&change(&[1])) && memory.heard(&change(&[2])));
    assert_eq!(b.health().clock, 2);
    let done = a.invalidate(&change(&[3])).await.unwrap();
    assert_eq!(done.replicas, 2);
}

/// The staleness after a lost message: the next tick finds it, 50 ms apart; a change does not
/// return before.
#[tokio::test]
async fn a_lost_message_is_found_by_the_next_tick() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let proxy = Proxy::start(&redis.address(), 1).await;
    let (b, memory) = replica(&proxy.url()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    store(&a, "k", "old", &[5]).await;
    proxy.set(Chaos {
        deaf: true,
        ..Chaos::default()
    });
    for slot in 1..=5 {
        let done = a.invalidate(&change(&[slot])).await.unwrap();
        assert!(done.took <= Duration::from_millis(400), "{done:?}");
        assert!(memory.heard(&change(&[slot])) || !memory.proven());
        assert_ne!(look(&a, "k").await.is_some(), slot == 5);
    }
    assert_eq!(look(&b, "k").await, None);
    assert!(b.health().counts.gaps > 0);
}

#[tokio::test]
async fn killed_subscriptions_lose_nothing() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, memory) = replica(&redis.url()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    for slot in 1..30 {
        if slot % 3 == 0 {
            redis.run(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        }
        let began = Instant::now();
        let done = a.invalidate(&change(&[slot])).await.unwrap();
        assert!(began.elapsed() < Duration::from_millis(700), "{done:?}");
        if !done.queued {
            assert!(memory.heard(&change(&[slot])) || !memory.proven());
        }
    }
    until("both are up", || a.health().proven && b.health().proven).await;
    until("all were heard", || {
        (1..30).all(|slot| {
            let changes = memory.changes.lock().unwrap();
            changes.iter().any(|it| match &it.touched {
                cache::shared::Touched::Slots(slots) => slots.contains(&slot),
                cache::shared::Touched::Everything => true,
            })
        })
    })
    .await;
}

#[tokio::test]
async fn one_that_missed_more_than_the_log_holds_forgets_everything() {
    let Some(redis) = Redis::start() else { return };
    let mut short = super::rig::options(&redis.url());
    short.log_length = 1;
    let a = cache::shared::Shared::connect(short).unwrap();
    assert!(a.ready(Duration::from_secs(10)).await);
    let proxy = Proxy::start(&redis.address(), 1).await;
    let (b, memory) = replica(&proxy.url()).await;
    store(&a, "k", "old", &[7]).await;
    let before = memory.forgets();
    proxy.set(Chaos {
        closed: true,
        ..Chaos::default()
    });
    proxy.cut();
    until("b is away", || !b.health().up).await;
    // The log is cut by whole blocks of a hundred entries.
    for slot in 0..300 {
        a.invalidate(&change(&[slot % 8])).await.unwrap();
    }
    proxy.set(Chaos::default());
    until("b is back", || memory.proven()).await;
    assert_eq!(memory.forgets(), before + 1);
    assert_eq!(look(&b, "k").await, None);
}

#[tokio::test]
async fn changes_made_while_the_server_is_away_go_first_when_it_returns() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let proxy = Proxy::start(&redis.address(), 1).await;
    let (b, _) = replica(&proxy.url()).await;
    store(&a, "k", "old", &[1]).await;
    store(&a, "l", "old", &[2]).await;
    proxy.set(Chaos {
        closed: true,
        ..Chaos::default()
    });
    proxy.cut();
    until("b is away", || !b.health().up).await;
    let done = b.invalidate(&change(&[1])).await.unwrap();
    assert!(
        done.queued && done.took < Duration::from_millis(50),
        "{done:?}"
    );
    assert_eq!(b.health().queued, 1);
    // The other cannot know; it was told that the change is not acknowledged.
    assert!(look(&a, "k").await.is_some());
    proxy.set(Chaos::default());
    until("b is back", || b.health().up).await;
    assert_eq!(b.health().queued, 0);
    assert_eq!(look(&b, "k").await, None);
    assert_eq!(look(&b, "l").await.as_deref(), Some("old"));
    until("a heard", || a.health().clock == 1).await;
    assert_eq!(look(&a, "k").await, None);
}

#[tokio::test]
async fn too_many_waiting_changes_become_one_of_everything() {
    let Some(redis) = Redis::start() else { return };
    let proxy = Proxy::start(&redis.address(), 1).await;
    let mut few = super::rig::options(&proxy.url());
    few.queued_slots_max = 10;
    let b = cache::shared::Shared::connect(few).unwrap();
    assert!(b.ready(Duration::from_secs(10)).await);
    store(&b, "k", "old", &[500]).await;
    proxy.set(Chaos {
        closed: true,
        ..Chaos::default()
    });
    proxy.cut();
    until("b is away", || !b.health().up).await;
    for slot in 0..20 {
        b.invalidate(&change(&[slot])).await.unwrap();
    }
    assert_eq!(b.health().queued, 1);
    proxy.set(Chaos::default());
    until("b is back", || b.health().up).await;
    assert_eq!(look(&b, "k").await, None);
}

#[tokio::test]
async fn what_all_read_in_one_feed_is_made_known_by_one_of_them() {
    let Some(redis) = Redis::start() else { return };
    let (a, heard_a) = replica(&redis.url()).await;
    let (b, heard_b) = replica(&redis.url()).await;
    let raised = || a.health().counts.invalidations + b.health().counts.invalidations;
    let done = a.invalidate_once(&change(&[1]), &(0..5)).await.unwrap();
    assert_eq!((done.replicas, done.lapsed, done.queued), (2, 0, false));
    assert_eq!(raised(), 1);
    // All of it is known; each still applies it, should it have missed the message.
    for span in [0..5, 2..5, 3..4] {
        b.invalidate_once(&change(&[2]), &span).await.unwrap();
    }
    assert!(raised() == 1 && heard_b.heard(&change(&[2])) && !heard_a.heard(&change(&[2])));
    // Part of it is not.
    b.invalidate_once(&change(&[3]), &(4..6)).await.unwrap();
    assert!(raised() == 2 && heard_a.heard(&change(&[3])));
    b.invalidate_once(&change(&[4]), &(0..6)).await.unwrap();
    assert_eq!(raised(), 2);
    // What lies before a gap is not known either.
    a.invalidate_once(&change(&[5]), &(8..9)).await.unwrap();
    a.invalidate_once(&change(&[6]), &(5..9)).await.unwrap();
    assert_eq!(raised(), 4);
    store(&a, "k", "old", &[7]).await;
    redis.run(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    a.invalidate_once(&change(&[7]), &(9..10)).await.unwrap();
    until("both are up", || a.health().proven && b.health().proven).await;
    assert_eq!(look(&b, "k").await, None);
}
