//! Whatever happens on the way, a reader ends with the state of the server, and never goes back.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

use std::collections::VecDeque;

use feed::{Change, Feed, FeedOptions, Holds, Mode, Reader, Revision, apply, changes};
use proptest::prelude::*;
use serde_json::{Value, json};

const KEY: &str = "fixtures/8";
/// Servers of one store.
const SERVERS: usize = 3;

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
        let is_newer = |id: Revision| self.held.is_none_or(|it| id.moment > it.moment);
        match (frame["t"].as_str(), read(&frame)) {
            (Some("snap"), Some((id, state))) if is_newer(id) => {
                self.state = state.clone();
                (self.held, self.lost) = (Some(id), false);
            }
            // Asked for anew at the revision that is held.
            (Some("snap"), Some((id, state))) if self.held == Some(id) => {
                assert!(self.lost || *state == self.state);
                self.state = state.clone();
                self.lost = false;
            }
            (Some("d"), Some((id, d))) if is_newer(id) => self.advance(id, &frame["b"], d),
            _ => {} // Twice, or late.
        }
    }

    fn advance(&mut self, id: Revision, base: &Value, d: &Value) {
        if self.held.is_none_or(|it| it.to_string() != *base) {
            self.lost = true;
            return;
        }
        for it in d.as_array().unwrap() {
            assert!(apply(&mut self.state, &change(it)), "{it}");
        }
        self.held = Some(id);
    }

    /// What it says it holds to a server it comes to.
    fn since(&self) -> Option<Revision> {
        let digest = |it: Revision| if self.lost { 0 } else { it.digest };
        self.held.map(|it| Revision {
            digest: digest(it),
            ..it
        })
    }
}

#[derive(Debug, Clone)]
enum Fault {
    /// A state is written, and told to the servers that follow at once.
    Publish(Value),
    /// A server hears of what was written.
    Hear(usize),
    /// A server makes its state anew, though nothing was written.
    Tick(usize),
    Deliver,
    Lose,
    Twice,
    Swap,
    Garble(usize),
    /// The reader connects again, there or to another server.
    Move(usize),
    Restart(usize),
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
    let server = 0..SERVERS;
    prop_oneof![
        6 => state().prop_map(Fault::Publish),
        4 => server.clone().prop_map(Fault::Hear),
        1 => server.clone().prop_map(Fault::Tick),
        6 => Just(Fault::Deliver),
        1 => Just(Fault::Lose),
        1 => Just(Fault::Twice),
        1 => Just(Fault::Swap),
        1 => (0..40_usize).prop_map(Fault::Garble),
        3 => server.clone().prop_map(Fault::Move),
        1 => server.prop_map(Fault::Restart),
        1 => Just(Fault::Silent),
    ]
}

/// How a scene is set.
#[derive(Debug, Clone)]
struct Setting {
    mode: Mode,
    history_bytes_max: usize,
    /// By how much each server's clock is ahead.
    ahead: [i64; SERVERS],
    /// Whether a server can make what was written earlier once more.
    recalls: bool,
}

fn setting() -> impl Strategy<Value = Setting> {
    let bytes = prop_oneof![Just(0_usize), Just(300), Just(1 << 20)];
    let ahead = prop::array::uniform3(-40..40_i64);
    (any::<bool>(), bytes, ahead, any::<bool>()).prop_map(
        |(all, history_bytes_max, ahead, recalls)| Setting {
            mode: if all { Mode::All } else { Mode::Latest },
            history_bytes_max,
            ahead,
            recalls,
        },
    )
}

/// Servers over one store, a client, and the wire between them.
struct Scene {
    setting: Setting,
    now: i64,
    /// Everything written, in order.
    written: Vec<Value>,
    feeds: Vec<Feed>,
    /// The server the client is connected to.
    at: usize,
    reader: Reader,
    wire: VecDeque<Vec<u8>>,
    client: Client,
}

impl Scene {
    fn new(setting: Setting) -> Self {
        let feeds: Vec<Feed> = (0..SERVERS)
            .map(|_| feed(setting.history_bytes_max))
            .collect();
        let mut scene = Self {
            now: 100,
            written: vec![json!({})],
            reader: feeds[0].reader().unwrap(),
            feeds,
            at: 0,
            wire: VecDeque::new(),
            client: Client::default(),
            setting,
        };
        (0..SERVERS).for_each(|it| scene.hear(it));
        scene.connect(0);
        scene
    }

    /// A server makes its state of the newest that was written. When it did so stands in it twice.
    fn hear(&self, server: usize) {
        let at = self.now + self.setting.ahead[server];
        let state = self.made(self.written.len() - 1, &format!("{server} at {at}"));
        self.feeds[server].publish(KEY, state, at).unwrap();
    }

    fn made(&self, number: usize, as_of: &str) -> Value {
        let what = &self.written[number];
        json!({"n": number, "what": what, "as_of": as_of, "rows": [{"as_of": as_of}, number % 3]})
    }

    /// How many writes the client knows of.
    fn known(&self) -> Option<u64> {
        self.client.state["n"].as_u64()
    }

    /// What a server does for a reader that comes with what it did not get there.
    fn connect(&mut self, server: usize) {
        self.wire.clear();
        self.at = server;
        self.reader = self.feeds[server].reader().unwrap();
        let since = self.client.since();
        if let Some(held) = since
            && self.feeds[server].holds(KEY, held) != Holds::Exactly
        {
            self.hear(server);
            if self.setting.recalls && self.feeds[server].holds(KEY, held) == Holds::Not {
                let number = usize::try_from(self.known().unwrap()).unwrap();
                self.feeds[server].recall(KEY, self.made(number, "then"), held);
                let expected = if self.client.lost {
                    Holds::Not
                } else {
                    Holds::Alike
                };
                assert_eq!(self.feeds[server].holds(KEY, held), expected);
            }
        }
        self.reader.follow(KEY, since, self.setting.mode).unwrap();
    }

    fn deliver(&mut self) {
        if let Some(frame) = self.reader.try_next() {
            self.wire.push_back(frame.bytes.to_vec());
        }
        if let Some(bytes) = self.wire.pop_front() {
            let before = (self.client.held.map(|it| it.moment), self.known());
            self.client.take(&bytes);
            let after = (self.client.held.map(|it| it.moment), self.known());
            assert!(after.0 >= before.0, "a revision went back");
            assert!(after.1 >= before.1, "what was written was taken back");
        }
        if self.client.lost {
            self.reader.follow(KEY, None, self.setting.mode).unwrap();
        }
    }

    fn suffer(&mut self, fault: Fault) {
        self.now += 7;
        match fault {
            Fault::Publish(state) => {
                self.written.push(state);
                self.hear(0);
            }
            Fault::Hear(server) => self.hear(server),
            Fault::Tick(server) => {
                let (mut state, ..) = self.feeds[server].state(KEY).unwrap();
                state["as_of"] = format!("tick {}", self.now).into();
                let at = self.now + self.setting.ahead[server];
                self.feeds[server].publish(KEY, state, at).unwrap();
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
            Fault::Move(server) => self.connect(server),
            Fault::Restart(server) => {
                self.feeds[server] = feed(self.setting.history_bytes_max);
                self.hear(server);
                if server == self.at {
                    self.connect(server);
                }
            }
            Fault::Silent => self.feeds[self.at].stale(KEY, 5),
        }
    }

    /// The server's state and the client's.
    fn states(&self) -> [Value; 2] {
        let (state, ..) = self.feeds[self.at].state(KEY).unwrap();
        [state, self.client.state.clone()]
    }
}

fn feed(history_bytes_max: usize) -> Feed {
    Feed::new(FeedOptions {
        history_bytes_max,
        passing: &["as_of"],
        ..FeedOptions::default()
    })
}

/// A state without what says only when it was made.
fn said(mut state: Value) -> Value {
    state["as_of"] = Value::Null;
    state["rows"][0]["as_of"] = Value::Null;
    state
}

proptest! {
    #[test]
    fn a_reader_ends_with_the_state_of_the_server_whatever_happens(
        faults in prop::collection::vec(fault(), 0..80),
        setting in setting(),
        last in 0..SERVERS,
    ) {
        let mut scene = Scene::new(setting);
        for fault in faults {
            scene.suffer(fault);
        }
        // Whoever hears nothing for long connects again, and then the wire holds.
        scene.now += 100;
        (0..SERVERS).for_each(|it| scene.hear(it));
        scene.connect(last);
        (0..200).for_each(|_| scene.deliver());
        prop_assert!(!scene.client.lost);
        let [server, client] = scene.states();
        prop_assert_eq!(said(server), said(client));
        // And with all of it once something happens.
        scene.suffer(Fault::Publish(json!("more")));
        scene.hear(last);
        (0..200).for_each(|_| scene.deliver());
        let [server, client] = scene.states();
        prop_assert_eq!(server, client);
        prop_assert_eq!(scene.client.held, scene.feeds[last].revision(KEY));
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
