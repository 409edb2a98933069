//! Keys within a budget of bytes: what nobody reads makes room for what somebody does.

use feed::{Feed, FeedError, FeedOptions, Holds, Mode};
use serde_json::{Value, json};

const BYTES_MAX: usize = 1 << 20;

fn feed(keys_max: usize) -> Feed {
    Feed::new(FeedOptions {
        keys_max,
        bytes_max: BYTES_MAX,
        ..FeedOptions::default()
    })
}

fn state(bytes: usize, number: usize) -> Value {
    json!({"text": "x".repeat(bytes), "number": number})
}

fn fits(feed: &Feed) -> bool {
    feed.figures().bytes <= BYTES_MAX as u64
}

#[test]
fn keys_that_nobody_reads_any_more_make_room_in_keys_and_in_bytes() {
    let feed = feed(2_000);
    let mut reader = feed.reader().unwrap();
    for number in 0..2_001 {
        let key = format!("board?{number}");
        feed.publish(&key, state(10_000, number), 1).unwrap();
        reader.follow(&key, None, Mode::Latest).unwrap();
        assert!(reader.try_next().is_some());
        assert!(reader.unfollow(&key));
        assert!(fits(&feed));
    }
    feed.publish("play", state(10, 0), 1).unwrap();
    reader.follow("play", None, Mode::Latest).unwrap();
    assert!(feed.revision("board?0").is_none(), "the oldest first");
    assert!(feed.revision("board?2000").is_some());
}

#[test]
fn of_as_many_small_keys_as_there_may_be_the_oldest_unread_goes() {
    let feed = feed(3);
    let mut reader = feed.reader().unwrap();
    for key in ["a", "b", "c"] {
        feed.publish(key, json!(1), 1).unwrap();
        reader.follow(key, None, Mode::Latest).unwrap();
    }
    let refused = feed.publish("d", json!(1), 1);
    assert_eq!(refused, Err(FeedError::TooManyKeys(3)));
    reader.unfollow("c");
    reader.unfollow("b");
    feed.publish("d", json!(1), 1).unwrap();
    let mut left = feed.keys();
    left.sort();
    assert_eq!(left, ["a".into(), "b".into(), "d".into()]);
}

#[test]
fn histories_shrink_before_a_key_is_refused_and_what_is_read_stays() {
    let feed = feed(100);
    let mut reader = feed.reader().unwrap();
    let part =
        |number: usize| json!({"text": "x".repeat(100_000), "part": format!("{number:09000}")});
    feed.publish("a", part(0), 1).unwrap();
    reader.follow("a", None, Mode::Latest).unwrap();
    while reader.try_next().is_some() {}
    let first = feed.revision("a").unwrap();
    for number in 1..10 {
        feed.publish("a", part(number), 1).unwrap();
    }
    feed.publish("b", state(600_000, 0), 1).unwrap();
    reader.follow("b", None, Mode::Latest).unwrap();
    while reader.try_next().is_some() {}
    assert_eq!(feed.holds("a", first), Holds::Exactly);
    feed.publish("c", state(300_000, 0), 1).unwrap();
    reader.follow("c", None, Mode::Latest).unwrap();
    assert!(fits(&feed));
    assert_eq!(feed.holds("a", first), Holds::Not);
    let refused = feed.publish("d", state(900_000, 0), 1);
    assert_eq!(refused, Err(FeedError::TooManyBytes(BYTES_MAX)));
    assert!(feed.revision("d").is_none() && fits(&feed));
    // What is there goes on.
    feed.publish("a", part(10), 1).unwrap();
    assert!(reader.try_next().is_some());
    drop(reader);
    feed.publish("d", state(900_000, 0), 1).unwrap();
    assert_eq!(feed.keys(), ["d".into()]);
}
