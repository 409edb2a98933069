//! What goes out by an outlet and what a reader writes itself come to one whole stream of messages.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

use std::{
    future::Future,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use feed::{Change, Feed, FeedOptions, Mode, Outlet, Reader, Revision, Sweep, apply};
use proptest::prelude::*;
use serde_json::{Value, json};

const KEY: &str = "fixtures/8";
/// A message that is not the feed's, as a sign of life is.
const OWN: &[u8] = &[0x89, 0];

/// What a client was sent, and how much is taken at once.
#[derive(Debug, Default)]
struct Wire {
    bytes: Vec<u8>,
    room: usize,
    offers: usize,
}

#[derive(Debug)]
struct ToWire(Arc<Mutex<Wire>>);

impl Outlet for ToWire {
    fn offer(&self, message: &[u8]) -> usize {
        let mut wire = self.0.lock().unwrap();
        let count = wire.room.min(message.len());
        wire.bytes.extend_from_slice(&message[..count]);
        wire.room -= count;
        wire.offers += usize::from(count > 0);
        count
    }
}

/// One who serves a reader, as the task of a connection does.
struct Server {
    reader: Reader,
    wire: Arc<Mutex<Wire>>,
}

impl Server {
    fn new(feed: &Feed, mode: Mode) -> Self {
        let mut reader = feed.reader().unwrap();
        let wire = Arc::<Mutex<Wire>>::default();
        reader.let_out(Arc::new(ToWire(Arc::clone(&wire))));
        reader.follow(KEY, None, mode).unwrap();
        Self { reader, wire }
    }

    fn write(&self, bytes: &[u8]) {
        self.wire.lock().unwrap().bytes.extend_from_slice(bytes);
    }

    /// Writes what there is, and waits for more.
    fn wait(&mut self) {
        loop {
            let mut context = Context::from_waker(Waker::noop());
            let next = pin!(self.reader.next()).poll(&mut context);
            match next {
                Poll::Ready(frame) => self.write(&frame.message),
                Poll::Pending => return,
            }
        }
    }

    /// Says something of its own.
    fn say(&mut self) {
        if let Some(rest) = self.reader.hold() {
            self.write(&rest);
        }
        self.write(OWN);
    }

    /// Follows the key anew.
    fn again(&mut self, claims: bool) {
        // What was begun is whole before anything is asked.
        if let Some(rest) = self.reader.hold() {
            self.write(&rest);
        }
        let held = self.told().1.filter(|_| claims);
        self.reader.unfollow(KEY);
        self.reader.follow(KEY, held, Mode::Latest).unwrap();
    }

    fn state(&self) -> Value {
        self.told().0
    }

    /// The state a client has by now, and as which revision it holds it; each message must lead on from
    /// the one before.
    fn told(&self) -> (Value, Option<Revision>) {
        let wire = self.wire.lock().unwrap();
        let (mut left, mut state, mut held) =
            (wire.bytes.as_slice(), Value::Null, None::<Revision>);
        while let Some((&first, rest)) = left.split_first() {
            let (length, rest) = match rest[0] {
                126 => (
                    usize::from(u16::from_be_bytes([rest[1], rest[2]])),
                    &rest[3..],
                ),
                short => (usize::from(short), &rest[1..]),
            };
            let (payload, rest) = rest.split_at(length);
            left = rest;
            if first == OWN[0] {
                assert_eq!(length, 0);
                continue;
            }
            let frame: Value = serde_json::from_slice(payload).unwrap();
            let Some(id) = frame["id"].as_str() else {
                assert!(frame["t"] == "stale" || frame["t"] == "gap", "{frame}");
                continue;
            };
            let id: Revision = id.parse().unwrap();
            if frame["t"] == "same" {
                assert_eq!(held, Some(id));
                continue;
            }
            if frame["t"] == "snap" {
                let is_back = held.is_some_and(|it| id.moment < it.moment);
                assert!(!is_back, "back: {frame}");
                state = frame["d"].clone();
            } else {
                assert!(
                    held.is_some_and(|it| id.moment > it.moment),
                    "twice: {frame}"
                );
                assert_eq!(frame["b"], held.unwrap().to_string());
                for it in frame["d"].as_array().unwrap() {
                    let pointer = it[0].as_str().unwrap().to_owned();
                    let value = it.get(1).cloned();
                    assert!(apply(&mut state, &Change { pointer, value }));
                }
            }
            held = Some(id);
        }
        (state, held)
    }
}

#[derive(Debug, Clone)]
enum Act {
    /// A state is published, and its first readers are told.
    Publish(u8),
    /// Some more are told of the state of a sweep.
    GoOn(usize),
    /// A sweep ends before its time.
    Drop(usize),
    /// A reader's task has its turn.
    Wait(usize),
    Say(usize),
    Room(usize, usize),
    Enter(bool),
    Leave(usize),
    /// A reader follows the key anew, with what it was told or without.
    Again(usize, bool),
    Stale,
}

fn act() -> impl Strategy<Value = Act> {
    let which = any::<usize>;
    prop_oneof![
        4 => any::<u8>().prop_map(Act::Publish),
        4 => which().prop_map(Act::GoOn),
        1 => which().prop_map(Act::Drop),
        8 => which().prop_map(Act::Wait),
        1 => which().prop_map(Act::Say),
        6 => (which(), 0_usize..400).prop_map(|(who, room)| Act::Room(who, room)),
        2 => any::<bool>().prop_map(Act::Enter),
        1 => which().prop_map(Act::Leave),
        2 => (which(), any::<bool>()).prop_map(|(who, claims)| Act::Again(who, claims)),
        1 => Just(Act::Stale),
    ]
}

fn state(number: u8) -> Value {
    json!({"home": number % 7, "away": number / 7, "pad": "x".repeat(90), "of": [number % 3]})
}

proptest! {
    #[test]
    fn every_reader_ends_with_the_newest_state_by_whole_messages(
        acts in prop::collection::vec(act(), 1..120),
        begun_with in 30_usize..40,
    ) {
        let feed = Feed::new(FeedOptions::default());
        feed.publish(KEY, state(0), 0).unwrap();
        // More than are told at once.
        let mut servers: Vec<Server> =
            (0..begun_with).map(|_| Server::new(&feed, Mode::Latest)).collect();
        servers.iter_mut().for_each(Server::wait);
        let mut sweeps: Vec<Sweep> = Vec::new();
        for (ts, act) in (1..).zip(acts) {
            match act {
                Act::Publish(number) => {
                    sweeps.push(feed.publish_of(KEY, state(number), (ts, 0)).unwrap());
                }
                Act::GoOn(which) if !sweeps.is_empty() => {
                    let at = which % sweeps.len();
                    sweeps[at].go_on();
                }
                Act::Drop(which) if !sweeps.is_empty() => {
                    sweeps.remove(which % sweeps.len());
                }
                Act::Enter(all) => {
                    let mode = if all { Mode::All } else { Mode::Latest };
                    servers.push(Server::new(&feed, mode));
                }
                Act::Wait(who) if !servers.is_empty() => {
                    let at = who % servers.len();
                    servers[at].wait();
                }
                Act::Say(who) if !servers.is_empty() => {
                    let at = who % servers.len();
                    servers[at].say();
                }
                Act::Room(who, room) if !servers.is_empty() => {
                    servers[who % servers.len()].wire.lock().unwrap().room = room;
                }
                Act::Again(who, claims) if !servers.is_empty() => {
                    let at = who % servers.len();
                    servers[at].again(claims);
                }
                Act::Stale => feed.stale(KEY, 1_000),
                Act::Leave(who) if servers.len() > 1 => {
                    servers.swap_remove(who % servers.len());
                }
                _ => {}
            }
        }
        drop(sweeps);
        let newest = feed.state(KEY).unwrap().0;
        for server in &mut servers {
            server.wait();
            prop_assert_eq!(server.state(), newest.clone());
        }
    }
}

#[test]
fn who_waits_is_written_to_at_once_and_who_is_full_is_left_word() {
    let feed = Feed::new(FeedOptions::default());
    feed.publish(KEY, state(0), 0).unwrap();
    let mut servers = [(); 3].map(|()| Server::new(&feed, Mode::Latest));
    servers[1..].iter_mut().for_each(Server::wait);
    let [early, full, free] = &mut servers;
    for server in [&*early, &*free] {
        server.wire.lock().unwrap().room = 1_000;
    }
    let sent = feed.figures().sent;
    feed.publish(KEY, state(1), 1).unwrap();
    let offers = |it: &Server| it.wire.lock().unwrap().offers;
    assert_eq!([offers(early), offers(full), offers(free)], [0, 0, 1]);
    assert_eq!((free.state(), feed.figures().sent), (state(1), sent + 1));
    early.wait();
    full.wait();
    assert_eq!((early.state(), full.state()), (state(1), state(1)));
    assert_eq!(feed.figures().sent, sent + 3);
    // Without its outlet a reader goes on by itself.
    assert_eq!(free.reader.shut(), None);
    feed.publish(KEY, state(2), 2).unwrap();
    assert_eq!((offers(free), free.state()), (1, state(1)));
    free.wait();
    assert_eq!(free.state(), state(2));
}
