//! Whatever happens on the way, a reader ends with the state of the server, and never goes back.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

use std::collections::VecDeque;

use feed::{Change, Feed, FeedError, FeedOptions, Frame, Mode, Reader, Revision, apply, changes};
use proptest::prelude::*;
use serde_json::{Value, json};

const KEY: &str = "fixtures/8";

/// What a client of the protocol does, in as few words as it takes.
#[derive(Default)]
struct Client {
    state: Value,
    held: Option<Revision>,
    /// Whether what comes does not fit, so that the whole is to be asked for.
    lost: bool,
}

fn read(frame: &Value) -> Option<(Revision, &Value)> {
    Some((frame["id"].as_str()?.parse().ok()?, &frame["d"]))
}

fn change(of: &Value) -> Change {
    Change {
        pointer: of[0].as_str().unwrap().to_owned(),
        value: of.get(1).cloned(),
    }
}

impl Client {
    fn take(&mut self, bytes: &[u8]) {
        let Ok(frame) = serde_json::from_slice::<Value>(bytes) else {
            self.lost = true;
            return;
        };
        assert!(frame["k"].is_string());
        match (frame["t"].as_str(), read(&frame)) {
            (Some("snap"), Some((id, state))) if self.held.is_none_or(|it| id > it) => {
                self.state = state.clone();
                (self.held, self.lost) = (Some(id), false);
            }
            // Asked for anew at the revision that is held.
            (Some("snap"), Some((id, state))) if self.held == Some(id) => {
                assert!(self.lost || *state == self.state);
                self.state = state.clone();
                self.lost = false;
            }
            (Some("d"), Some((id, d))) => self.advance(id, frame["b"].as_u64().unwrap(), d),
            _ => {}
        }
    }

    fn advance(&mut self, id: Revision, base: u64, d: &Value) {
        let Some(held) = self.held else {
            self.lost = true;
            return;
        };
        if id.epoch < held.epoch || (id.epoch == held.epoch && id.rev <= held.rev) {
            return; // Twice, or late.
        }
        if id.epoch != held.epoch || base != held.rev {
            self.lost = true;
            return;
        }
        for it in d.as_array().unwrap() {
            assert!(apply(&mut self.state, &change(it)), "{it}");
        }
        self.held = Some(id);
    }
}

fn text(frame: &Frame) -> &str {
    std::str::from_utf8(&frame.bytes).unwrap()
}

fn drain(reader: &mut Reader) -> Vec<String> {
    std::iter::from_fn(|| reader.try_next())
        .map(|it| text(&it).to_owned())
        .collect()
}

#[derive(Debug, Clone)]
enum Fault {
    Publish(Value),
    Deliver,
    Lose,
    Twice,
    Swap,
    Garble(usize),
    Reconnect,
    Restart,
    Silent,
}

fn state() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i8>().prop_map(Value::from),
        Just(Value::Null),
        "[a-c/~]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c/~0-]{0,2}", inner, 0..4)
                .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        6 => state().prop_map(Fault::Publish),
        4 => Just(Fault::Deliver),
        1 => Just(Fault::Lose),
        1 => Just(Fault::Twice),
        1 => Just(Fault::Swap),
        1 => (0..40_usize).prop_map(Fault::Garble),
        1 => Just(Fault::Reconnect),
        1 => Just(Fault::Restart),
        1 => Just(Fault::Silent),
    ]
}

/// A server, a client, and the wire between them.
struct Scene {
    feed: Feed,
    epoch: u64,
    truth: Value,
    reader: Reader,
    wire: VecDeque<Vec<u8>>,
    client: Client,
    mode: Mode,
    history_bytes_max: usize,
}

impl Scene {
    fn new(mode: Mode, history_bytes_max: usize) -> Self {
        let (feed, truth) = (feed(1, history_bytes_max), json!({}));
        feed.publish(KEY, truth.clone(), 0).unwrap();
        let mut scene = Self {
            reader: feed.reader().unwrap(),
            feed,
            epoch: 1,
            truth,
            wire: VecDeque::new(),
            client: Client::default(),
            mode,
            history_bytes_max,
        };
        scene.reconnect();
        scene
    }

    fn reconnect(&mut self) {
        self.wire.clear();
        self.reader = self.feed.reader().unwrap();
        let since = self.client.held.filter(|_| !self.client.lost);
        self.reader.follow(KEY, since, self.mode).unwrap();
    }

    fn deliver(&mut self) {
        if let Some(frame) = self.reader.try_next() {
            self.wire.push_back(frame.bytes.to_vec());
        }
        if let Some(bytes) = self.wire.pop_front() {
            let before = self.client.held;
            self.client.take(&bytes);
            assert!(self.client.held >= before, "a revision went back");
        }
        if self.client.lost {
            self.reader.follow(KEY, None, self.mode).unwrap();
        }
    }

    fn suffer(&mut self, fault: Fault) {
        match fault {
            Fault::Publish(state) => {
                self.truth = state.clone();
                self.feed.publish(KEY, state, 0).unwrap();
            }
            Fault::Deliver => self.deliver(),
            Fault::Lose => {
                self.reader.try_next();
                self.wire.pop_front();
            }
            Fault::Twice => self.wire.extend(self.wire.front().cloned()),
            Fault::Swap => {
                self.wire
                    .extend(self.reader.try_next().map(|it| it.bytes.to_vec()));
                self.wire
                    .extend(self.reader.try_next().map(|it| it.bytes.to_vec()));
                self.wire.make_contiguous().reverse();
            }
            Fault::Garble(at) => {
                if let Some(bytes) = self.wire.front_mut() {
                    bytes.truncate(at);
                }
            }
            Fault::Reconnect => self.reconnect(),
            Fault::Restart => {
                self.epoch += 1;
                self.feed = feed(self.epoch, self.history_bytes_max);
                self.feed.publish(KEY, self.truth.clone(), 0).unwrap();
                self.reconnect();
            }
            Fault::Silent => self.feed.stale(KEY, 5),
        }
    }
}

fn feed(epoch: u64, history_bytes_max: usize) -> Feed {
    let options = FeedOptions {
        history_bytes_max,
        ..FeedOptions::default()
    };
    Feed::new(options, epoch)
}

proptest! {
    #[test]
    fn a_reader_ends_with_the_state_of_the_server_whatever_happens(
        faults in prop::collection::vec(fault(), 0..60),
        all in any::<bool>(),
        history_bytes_max in prop_oneof![Just(0_usize), Just(300), Just(1 << 20)],
    ) {
        let mode = if all { Mode::All } else { Mode::Latest };
        let mut scene = Scene::new(mode, history_bytes_max);
        for fault in faults {
            scene.suffer(fault);
        }
        // Whoever hears nothing for long connects again, and then the wire holds.
        scene.reconnect();
        for _ in 0..200 {
            scene.deliver();
        }
        prop_assert_eq!(&scene.client.state, &scene.truth);
        prop_assert_eq!(scene.client.held, scene.feed.revision(KEY));
        prop_assert!(!scene.client.lost);
    }

    #[test]
    fn changes_lead_from_one_state_to_the_other(from in state(), to in state()) {
        let mut state = from.clone();
        for change in changes(&from, &to) {
            prop_assert!(apply(&mut state, &change));
        }
        prop_assert_eq!(state, to);
    }

    #[test]
    fn a_broken_frame_never_harms_a_client_that_can_ask_anew(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut client = Client::default();
        if serde_json::from_slice::<Value>(&bytes).is_err() {
            client.take(&bytes);
            prop_assert!(client.lost);
        }
    }
}

#[test]
fn a_slow_reader_gets_one_frame_with_all_that_was_folded_and_no_goal_is_lost() {
    let feed = feed(1, 1 << 20);
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
    assert_eq!(
        (&frame["b"], &frame["id"], &frame["cf"]),
        (&json!(1), &json!("1.50"), &json!(48))
    );
    let expected = json!([["/goals/-", 1], ["/goals/-", 2], ["/minute", 49]]);
    assert_eq!(frame["d"], expected);
    assert_eq!(feed.figures().folded, 48);
}

#[test]
fn readers_share_frames_and_one_who_wants_all_gets_each() {
    let feed = feed(1, 1 << 20);
    let padding = "x".repeat(500);
    feed.publish(KEY, json!({"n": 0, "p": padding}), 0).unwrap();
    let mut readers: Vec<Reader> = (0..3).map(|_| feed.reader().unwrap()).collect();
    for reader in &mut readers {
        reader.follow(KEY, None, Mode::Latest).unwrap();
        reader.try_next().unwrap();
    }
    let mut recorder = feed.reader().unwrap();
    recorder
        .follow(KEY, Some(Revision { epoch: 1, rev: 1 }), Mode::All)
        .unwrap();
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
        .map(|it| it.id.unwrap().rev)
        .collect();
    assert_eq!(ids, [2, 3, 4]);
    assert_eq!(feed.figures().published, 4);
}

#[test]
fn a_claim_is_answered_with_same_with_the_rest_or_with_a_gap() {
    let feed = feed(7, 150);
    for n in 0..5 {
        feed.publish(KEY, json!({"n": n, "p": "x".repeat(99)}), 0)
            .unwrap();
    }
    let told = |since: Revision| {
        let mut reader = feed.reader().unwrap();
        reader.follow(KEY, Some(since), Mode::Latest).unwrap();
        let frames = drain(&mut reader);
        frames
            .iter()
            .map(|it| serde_json::from_str::<Value>(it).unwrap())
            .map(|it| {
                format!(
                    "{}{}",
                    it["t"].as_str().unwrap(),
                    it["why"].as_str().unwrap_or_default()
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(told(Revision { epoch: 7, rev: 5 }), ["same"]);
    assert_eq!(told(Revision { epoch: 7, rev: 4 }), ["d"]);
    assert_eq!(told(Revision { epoch: 7, rev: 1 }), ["gapexpired", "snap"]);
    assert_eq!(told(Revision { epoch: 7, rev: 9 }), ["gapepoch", "snap"]);
    assert_eq!(told(Revision { epoch: 6, rev: 5 }), ["gapepoch", "snap"]);
    assert_eq!(feed.figures().gaps, 3);
}

#[test]
fn silence_is_told_once_until_the_next_state() {
    let feed = feed(1, 1 << 20);
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
    let feed = Feed::new(options, 1);
    feed.publish("a", json!(1), 0).unwrap();
    feed.publish("b", json!(1), 0).unwrap();
    let error = feed.publish("c", json!(1), 0).unwrap_err();
    assert_eq!(error, FeedError::TooManyKeys(2));
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
    assert_eq!(
        feed.publish("a", json!(1), 0),
        Ok(Revision { epoch: 3, rev: 1 })
    );
    assert_eq!(feed.keys(), ["a".into()]);
}

#[tokio::test]
async fn a_reader_that_waits_is_woken() {
    let feed = feed(1, 1 << 20);
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
