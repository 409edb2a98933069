//! What is stored is found, as long as nothing that it was made from has changed.

use std::time::Duration;

use bytes::Bytes;
use cache::shared::{Begin, Frame, KEY_BYTES_MAX, Shared, SharedError, Stored, Wish};
use testkit::Redis;

use super::rig::{
    SCHEMA, SLOTS, change, everything, frame, granted, look, options, replica, store,
};

#[tokio::test]
async fn what_one_replica_stores_another_finds() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, _) = replica(&redis.url()).await;
    assert_eq!(look(&b, "k").await, None);
    store(&a, "k", "value", &[1, 2]).await;
    assert_eq!(look(&b, "k").await.as_deref(), Some("value"));
    assert_eq!(look(&b, "other").await, None);
    let found = b.get(b"k", SCHEMA).await.unwrap().unwrap();
    assert_eq!(found.slots, [1, 2]);
    assert_eq!(found.hard, Duration::from_secs(60));
    assert!(found.age < Duration::from_secs(5), "{:?}", found.age);
    // A value of another type is none.
    assert_eq!(b.get(b"k", SCHEMA + 1).await.unwrap(), None);
    assert_eq!(b.health().counts.mismatches, 1);
}

#[tokio::test]
async fn a_large_value_is_compressed_and_comes_back_whole() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let text = "the same words again and again. ".repeat(2000);
    store(&a, "k", &text, &[1]).await;
    assert!(a.health().counts.bytes_out < 4000);
    assert_eq!(look(&a, "k").await, Some(text));
}

#[tokio::test]
async fn a_change_outdates_what_depends_on_it_and_nothing_else() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, _) = replica(&redis.url()).await;
    for (key, slots) in [("x", [1, 2]), ("y", [3, 4])] {
        store(&a, key, key, &slots).await;
    }
    a.invalidate(&change(&[2])).await.unwrap();
    for replica in [&a, &b] {
        assert_eq!(look(replica, "x").await, None);
        assert_eq!(look(replica, "y").await.as_deref(), Some("y"));
    }
    a.invalidate(&everything()).await.unwrap();
    assert_eq!(look(&b, "y").await, None);
    // One that starts now knows of no change and asks the server.
    let (c, _) = replica(&redis.url()).await;
    assert_eq!(look(&c, "x").await, None);
    store(&a, "x", "new", &[1, 2]).await;
    assert_eq!(look(&c, "x").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn one_that_starts_late_has_the_server_confirm_what_is_older_than_itself() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    store(&a, "x", "x", &[1]).await;
    store(&a, "y", "y", &[2]).await;
    a.invalidate(&change(&[2])).await.unwrap();
    let (b, _) = replica(&redis.url()).await;
    assert_eq!(look(&b, "x").await.as_deref(), Some("x"));
    assert_eq!(look(&b, "y").await, None);
}

#[tokio::test]
async fn a_load_that_began_before_a_change_stores_nothing() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let fence = granted(&a, "k").await;
    a.invalidate(&change(&[1])).await.unwrap();
    let stored = a.put(&fence, &frame("old", &[1])).await.unwrap();
    assert_eq!(stored, Stored::Outdated);
    assert_eq!(look(&a, "k").await, None);
    // Nor does one whose lease ran out, over what a later one stored.
    let slow = granted(&a, "k").await;
    a.release(slow.clone()).await;
    a.invalidate(&change(&[9])).await.unwrap();
    store(&a, "k", "new", &[1]).await;
    let stored = a.put(&slow, &frame("old", &[1])).await.unwrap();
    assert_eq!(stored, Stored::Outdated);
    assert_eq!(look(&a, "k").await.as_deref(), Some("new"));
}

#[tokio::test]
async fn one_loads_and_the_others_wait() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, _) = replica(&redis.url()).await;
    let fence = granted(&a, "k").await;
    let held = b
        .begin(b"k", SCHEMA, &Wish::new(Duration::from_secs(5)))
        .await
        .unwrap();
    assert!(
        matches!(held, Begin::Held { retry_after } if retry_after <= Duration::from_secs(5)),
        "{held:?}"
    );
    a.put(&fence, &frame("value", &[1])).await.unwrap();
    let ready = b
        .begin(b"k", SCHEMA, &Wish::new(Duration::from_secs(5)))
        .await
        .unwrap();
    assert!(matches!(ready, Begin::Ready(it) if it.bytes == "value"));
    // One that gives up lets the next one load.
    let fence = granted(&a, "other").await;
    a.release(fence).await;
    granted(&b, "other").await;
    // What is no longer young is loaded again.
    let fence = granted(&a, "old").await;
    let old = Frame {
        soft: Duration::ZERO,
        ..frame("old", &[1])
    };
    a.put(&fence, &old).await.unwrap();
    granted(&b, "old").await;
}

#[tokio::test]
async fn an_entry_is_gone_at_its_hard_age() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let fence = granted(&a, "k").await;
    let brief = Frame {
        hard: Duration::from_millis(300),
        ..frame("brief", &[1])
    };
    a.put(&fence, &brief).await.unwrap();
    assert!(look(&a, "k").await.is_some());
    tokio::time::sleep(Duration::from_millis(320)).await;
    assert_eq!(look(&a, "k").await, None);
    // One that was too old when it came is not kept.
    let fence = granted(&a, "k").await;
    let late = Frame {
        age: Duration::from_secs(60),
        ..frame("late", &[1])
    };
    assert_eq!(a.put(&fence, &late).await.unwrap(), Stored::Outdated);
}

#[tokio::test]
async fn what_others_write_in_its_place_is_a_miss() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    store(&a, "k", "value", &[1]).await;
    let key = "{sports-edge}:entry:k";
    for text in ["", "nonsense", &"S".repeat(500)] {
        redis.run(&["SET", key, text]);
        assert_eq!(look(&a, "k").await, None, "{text:?}");
    }
    // One damaged byte of a value.
    store(&a, "k", "value", &[1]).await;
    redis.run(&["SETRANGE", key, "78", "X"]);
    assert_eq!(look(&a, "k").await, None);
    // It says that it is young, so it would stand in the way for ever.
    let begin = a
        .begin(b"k", SCHEMA, &Wish::new(Duration::from_secs(1)))
        .await
        .unwrap();
    assert!(matches!(begin, Begin::Held { .. }));
    store(&a, "k", "value", &[1]).await;
    // An entry under another's key.
    redis.run(&["COPY", key, "{sports-edge}:entry:other"]);
    assert_eq!(look(&a, "other").await, None);
    assert!(a.health().counts.mismatches >= 5);
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_loaded_again() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    redis.run(&["SCRIPT", "FLUSH"]);
    store(&a, "k", "value", &[1]).await;
    assert_eq!(look(&a, "k").await.as_deref(), Some("value"));
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let refused = |error| matches!(error, SharedError::TooLarge { .. });
    let key = vec![b'k'; KEY_BYTES_MAX + 1];
    assert!(refused(a.get(&key, SCHEMA).await.unwrap_err()));
    let fence = granted(&a, "k").await;
    let large = Frame {
        bytes: Bytes::from(vec![0; (8 << 20) + 1]),
        ..frame("", &[1])
    };
    assert!(refused(a.put(&fence, &large).await.unwrap_err()));
    let many: Vec<u32> = (0..65).collect();
    assert!(refused(
        a.put(&fence, &frame("v", &many)).await.unwrap_err()
    ));
    assert!(refused(a.invalidate(&change(&[SLOTS])).await.unwrap_err()));
}

#[tokio::test]
async fn a_fence_tells_the_position_to_see() {
    let Some(redis) = Redis::start() else { return };
    let (a, _) = replica(&redis.url()).await;
    let (b, _) = replica(&redis.url()).await;
    assert_eq!(granted(&a, "k").await.position, None);
    for position in [70, 50] {
        let change = cache::shared::Change {
            position: Some(position),
            ..change(&[1])
        };
        a.invalidate(&change).await.unwrap();
    }
    assert_eq!(granted(&b, "l").await.position, Some(70));
    let (c, _) = replica(&redis.url()).await;
    assert_eq!(granted(&c, "m").await.position, Some(70));
}

#[tokio::test]
async fn an_address_that_cannot_be_read_is_refused() {
    let wrong = |url: &str| {
        let error = Shared::connect(options(url)).unwrap_err();
        assert!(matches!(error, SharedError::Address(_)), "{url}: {error}");
    };
    wrong("localhost");
    wrong("http://localhost");
    wrong("redis://a,b");
    wrong("redis-sentinel://a,b");
    wrong("redis-what://a");
    wrong("redis://a:port/x");
    let (mut named, mut parted) = (options("redis://localhost"), options("redis://localhost"));
    named.namespace = "{a}".to_owned();
    parted.part = "{a}".to_owned();
    for braced in [named, parted] {
        assert!(matches!(
            Shared::connect(braced).unwrap_err(),
            SharedError::Address(_)
        ));
    }
}
