//! What readers are told, frame by frame, and the bounds of a feed.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

use feed::{Feed, FeedError, FeedOptions, Frame, Holds, Mode, Reader, Revision};
use serde_json::{Value, json};

const KEY: &str = "fixtures/8";

fn feed(history_bytes_max: usize) -> Feed {
    Feed::new(FeedOptions {
        history_bytes_max,
        passing: &["as_of"],
        ..FeedOptions::default()
    })
}

fn text(frame: &Frame) -> &str {
    std::str::from_utf8(&frame.bytes).unwrap()
}

fn drain(reader: &mut Reader) -> Vec<String> {
    std::iter::from_fn(|| reader.try_next())
        .map(|it| text(&it).to_owned())
        .collect()
}

#[test]
fn a_slow_reader_gets_one_frame_with_all_that_was_folded_and_no_goal_is_lost() {
    let feed = feed(1 << 20);
    let table: Vec<u32> = (0..200).collect();
    let state = |minute: i32, goals: &[i32]| json!({"minute": minute, "goals": goals, "of": table});
    feed.publish(KEY, state(0, &[0]), 0).unwrap();
    let mut reader = feed.reader().unwrap();
    reader.follow(KEY, None, Mode::Latest).unwrap();
    assert!(drain(&mut reader)[0].contains(r#""t":"snap""#));
    for minute in 1..50 {
        let goals: Vec<i32> = (0..=minute / 20).collect();
        feed.publish(KEY, state(minute, &goals), i64::from(minute))
            .unwrap();
    }
    let owed = drain(&mut reader);
    assert_eq!(owed.len(), 1);
    let frame: Value = serde_json::from_str(&owed[0]).unwrap();
    let id = feed.revision(KEY).unwrap();
    assert_eq!((id.moment, &frame["cf"]), (50, &json!(48)));
    assert_eq!(frame["id"], id.to_string());
    assert!(frame["b"].as_str().unwrap().starts_with("1."), "{frame}");
    let expected = json!([["/goals/-", 1], ["/goals/-", 2], ["/minute", 49]]);
    assert_eq!(frame["d"], expected);
    assert_eq!(feed.figures().folded, 48);
}

#[test]
fn readers_share_frames_and_one_who_wants_all_gets_each() {
    let feed = feed(1 << 20);
    let padding = "x".repeat(500);
    feed.publish(KEY, json!({"n": 0, "p": padding}), 0).unwrap();
    let mut readers: Vec<Reader> = (0..3).map(|_| feed.reader().unwrap()).collect();
    for reader in &mut readers {
        reader.follow(KEY, None, Mode::Latest).unwrap();
        reader.try_next().unwrap();
    }
    let mut recorder = feed.reader().unwrap();
    let held = feed.revision(KEY);
    recorder.follow(KEY, held, Mode::All).unwrap();
    for n in 1..=3 {
        feed.publish(KEY, json!({"n": n, "p": padding}), n).unwrap();
        feed.publish(KEY, json!({"n": n, "p": padding}), n).unwrap();
    }
    let frames: Vec<Frame> = readers
        .iter_mut()
        .map(|it| it.try_next().unwrap())
        .collect();
    assert!(
        frames
            .windows(2)
            .all(|it| it[0].bytes.as_ptr() == it[1].bytes.as_ptr())
    );
    let ids: Vec<_> = std::iter::from_fn(|| recorder.try_next())
        .map(|it| it.id.unwrap().moment)
        .collect();
    assert_eq!(ids, [2, 3, 4]);
    assert_eq!(feed.figures().published, 4);
}

/// What a reader is told first that says it holds a revision.
fn told(feed: &Feed, since: Revision, mode: Mode) -> Vec<String> {
    let mut reader = feed.reader().unwrap();
    reader.follow(KEY, Some(since), mode).unwrap();
    let frames = drain(&mut reader);
    let frames = frames.iter().map(|it| serde_json::from_str(it).unwrap());
    frames
        .map(|it: Value| {
            format!(
                "{}{}",
                it["t"].as_str().unwrap(),
                it["why"].as_str().unwrap_or("")
            )
        })
        .collect()
}

#[test]
fn a_claim_is_answered_with_same_with_the_rest_or_with_a_gap() {
    let feed = feed(200);
    let ids: Vec<Revision> = (0..5)
        .map(|n| {
            let state = json!({"n": n, "p": "x".repeat(199)});
            feed.publish(KEY, state, 10 + n).unwrap()
        })
        .collect();
    let told = |since| told(&feed, since, Mode::Latest);
    assert_eq!(told(ids[4]), ["same"]);
    assert_eq!(told(ids[3]), ["d"]);
    assert_eq!(told(ids[1]), ["gapexpired", "snap"]);
    let never = Revision {
        digest: 1,
        ..ids[4]
    };
    assert_eq!(told(never), ["gapunknown", "snap"]);
    // What it got is newer than what it said it held; the others are told of nothing.
    assert_eq!(feed.revision(KEY), Some(ids[4]));
    let mut reader = feed.reader().unwrap();
    reader.follow(KEY, Some(never), Mode::Latest).unwrap();
    let _gap = reader.try_next();
    let told_as = reader.try_next().unwrap().id.unwrap();
    assert_eq!(told_as.moment, never.moment + 1);
    assert_eq!(told_as.digest, ids[4].digest);
    assert_eq!(told(Revision::NOWHERE), ["gapahead", "snap"]);
    assert_eq!(feed.figures().gaps, 4);
}

#[test]
fn a_reader_of_another_feed_goes_on_from_what_says_the_same() {
    let (here, there) = (feed(1 << 20), feed(1 << 20));
    let state = |n: i32, as_of: &str| json!({"n": n, "as_of": as_of, "p": "x".repeat(300)});
    let first = there.publish(KEY, state(1, "there"), 50).unwrap();
    here.publish(KEY, state(1, "here"), 10).unwrap();
    assert_eq!(here.holds(KEY, first), Holds::Alike);
    let mut reader = here.reader().unwrap();
    reader.follow(KEY, Some(first), Mode::Latest).unwrap();
    let same = reader.try_next().unwrap();
    assert_eq!((same.id, same.is_news), (Some(first), false), "{same:?}");
    assert_eq!(reader.try_next(), None);
    // Its clock is behind, and yet what comes is newer.
    here.publish(KEY, state(2, "here"), 20).unwrap();
    let frame: Value = serde_json::from_slice(&reader.try_next().unwrap().bytes).unwrap();
    assert_eq!(frame["b"], first.to_string());
    let own = here.revision(KEY).unwrap();
    let told_as = Revision { moment: 51, ..own };
    assert_eq!(
        (own.moment, &frame["id"]),
        (20, &json!(told_as.to_string()))
    );
    assert_eq!(frame["d"], json!([["/n", 2], ["/as_of", "here"]]));
    // Once the clock has caught up it is a reader like any other.
    here.publish(KEY, state(3, "here"), 60).unwrap();
    let frame: Value = serde_json::from_slice(&reader.try_next().unwrap().bytes).unwrap();
    assert_eq!(frame["b"], told_as.to_string());
    assert_eq!(frame["d"], json!([["/n", 3], ["/as_of", "here"]]));
    here.publish(KEY, state(4, "here"), 61).unwrap();
    let frame: Value = serde_json::from_slice(&reader.try_next().unwrap().bytes).unwrap();
    assert_eq!(frame["d"], json!([["/n", 4]]));

    let second = there.publish(KEY, state(9, "there"), 60).unwrap();
    assert_eq!(here.holds(KEY, second), Holds::Not);
    here.recall(KEY, state(5, "then"), second);
    assert_eq!(
        here.holds(KEY, second),
        Holds::Not,
        "it says something else"
    );
    here.recall(KEY, state(9, "then"), second);
    here.recall(KEY, state(4, "then"), here.revision(KEY).unwrap());
    assert_eq!(here.holds(KEY, second), Holds::Alike);
    assert_eq!(told(&here, second, Mode::All), ["d"]);
    assert_eq!(told(&here, second, Mode::Latest), ["d"]);
    // A few such states are kept.
    for number in 10..18 {
        let held = there.publish(KEY, state(number, "there"), 70).unwrap();
        here.recall(KEY, state(number, "then"), held);
    }
    assert_eq!(here.holds(KEY, second), Holds::Not);
    assert_eq!(told(&here, second, Mode::Latest), ["gapunknown", "snap"]);
    assert_eq!(here.holds("nothing", second), Holds::Not);
    here.recall("nothing", json!(1), second);
}

#[test]
fn silence_is_told_once_until_the_next_state() {
    let feed = feed(1 << 20);
    feed.stale("nothing", 5);
    feed.publish(KEY, json!([]), 0).unwrap();
    let mut reader = feed.reader().unwrap();
    reader.follow(KEY, None, Mode::Latest).unwrap();
    drain(&mut reader);
    feed.stale(KEY, 5);
    feed.stale(KEY, 6);
    assert_eq!(
        drain(&mut reader),
        [r#"{"age":5,"k":"fixtures/8","t":"stale"}"#]
    );
    let mut later = feed.reader().unwrap();
    later.follow(KEY, None, Mode::Latest).unwrap();
    assert_eq!(drain(&mut later).len(), 2);
    // A request that waits must not be answered each time with what was told before.
    let mut again = feed.reader().unwrap();
    let held = feed.revision(KEY);
    again.follow(KEY, held, Mode::Latest).unwrap();
    let told: Vec<_> = std::iter::from_fn(|| again.try_next()).collect();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|it| !it.is_news), "{told:?}");
    feed.publish(KEY, json!([1]), 0).unwrap();
    assert_eq!(drain(&mut reader).len(), 1);
}

#[test]
fn bounds_hold_and_what_nobody_reads_is_forgotten() {
    let options = FeedOptions {
        keys_max: 2,
        readers_max: 1,
        keys_per_reader_max: 1,
        ..FeedOptions::default()
    };
    let feed = Feed::new(options);
    feed.publish("a", json!(1), 0).unwrap();
    feed.publish("b", json!(1), 0).unwrap();
    let mut reader = feed.reader().unwrap();
    assert_eq!(feed.reader().unwrap_err(), FeedError::TooManyReaders(1));
    let unknown = reader.follow("c", None, Mode::Latest).unwrap_err();
    assert_eq!(unknown, FeedError::UnknownKey("c".to_owned()));
    reader.follow("a", None, Mode::Latest).unwrap();
    reader.follow("a", None, Mode::Latest).unwrap();
    let many = reader.follow("b", None, Mode::Latest).unwrap_err();
    assert_eq!(many, FeedError::TooManyKeysOfReader(1));
    assert!(!feed.forget("a") && feed.forget("b"));
    assert!(reader.unfollow("a") && !reader.unfollow("a") && reader.is_empty());
    assert_eq!(reader.try_next(), None);
    assert!(feed.forget("a"));
    drop(reader);
    assert_eq!(feed.figures().readers, 0);
    assert!(feed.publish("a", json!(1), 0).is_ok());
    assert_eq!(feed.keys(), ["a".into()]);
}

#[tokio::test]
async fn a_reader_that_waits_is_woken() {
    let feed = feed(1 << 20);
    feed.publish(KEY, json!(1), 0).unwrap();
    let mut reader = feed.reader().unwrap();
    reader.follow(KEY, None, Mode::Latest).unwrap();
    assert_eq!(reader.len(), 1);
    reader.next().await;
    let waiting = tokio::spawn(async move { reader.next().await });
    tokio::task::yield_now().await;
    let id = feed.publish(KEY, json!(2), 0).unwrap();
    assert_eq!(waiting.await.unwrap().id, Some(id));
}

#[test]
fn what_changes_in_many_places_is_told_whole() {
    let from = json!({"next": {"after": [0.5, 0.3, 0.2], "of": "x".repeat(40)}, "n": [1, 2]});
    let to = json!({"next": {"after": [0.6, 0.3, 0.1], "of": "x".repeat(40)}, "n": [1, 3]});
    let told: Vec<Value> = feed::changes(&from, &to)
        .iter()
        .map(feed::Change::json)
        .collect();
    let expected = json!([["/n/1", 3], ["/next/after", [0.6, 0.3, 0.1]]]);
    assert_eq!(Value::from(told), expected);
}
