//! A reader that follows at one process and goes on at another one, as the first is killed while
//! events arrive: two processes of the binary over one PostgreSQL and one Redis.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Duration, Instant},
};

use engine::feeding::{Change, apply};
use serde_json::{Value, json};
use testkit::{PostgresDatabase, Redis};

use crate::{
    home::Home,
    live::now,
    serve::Server,
    shared::{get, is, post, start_with, until},
};

/// Goals told at most, should a reader never get on.
const GOALS_MAX: u64 = 2_000;
/// Goals a reader has seen before it is moved, and sees at the other one before the last is told.
const GOALS_SEEN: usize = 8;
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a reader holds of each key, as a client of the protocol keeps it.
#[derive(Default)]
struct Reader {
    held: BTreeMap<String, (String, Value)>,
    /// Frames that carried the whole state, of each key.
    whole: BTreeMap<String, usize>,
}

impl Reader {
    /// Asks a server for what there is of keys beyond what is held, and waits a moment for it.
    fn ask(&mut self, server: &Server, keys: &[&str]) {
        let held = |key: &&str| self.held.get(*key).map_or("-", |it| it.0.as_str());
        let since: Vec<&str> = keys.iter().map(held).collect();
        let query: Vec<String> = keys.iter().map(|it| format!("k={it}")).collect();
        let (query, since) = (query.join("&"), since.join(","));
        let address = format!("/v1/live?{query}&since={since}&wait_ms=1000");
        let frames = get(server, &address).body["frames"].clone();
        frames
            .as_array()
            .unwrap()
            .iter()
            .for_each(|it| self.take(it));
    }

    fn take(&mut self, frame: &Value) {
        let Some(id) = frame["id"].as_str() else {
            return; // A gap, after which the whole state comes.
        };
        let key = frame["k"].as_str().unwrap().to_owned();
        let before = self.held.remove(&key);
        if let Some((held, _)) = &before {
            let moment = |id: &str| id.split_once('.').unwrap().0.parse::<u64>().unwrap();
            let is_same = frame["t"] == "same" && held == id;
            assert!(
                is_same || moment(id) > moment(held),
                "back from {held}: {frame}"
            );
        }
        let state = match (frame["t"].as_str().unwrap(), before) {
            ("snap", _) => {
                *self.whole.entry(key.clone()).or_default() += 1;
                frame["d"].clone()
            }
            ("same", Some((_, state))) => state,
            ("d", Some((held, mut state))) => {
                assert_eq!(frame["b"], *held);
                for change in frame["d"].as_array().unwrap() {
                    let change = Change {
                        pointer: change[0].as_str().unwrap().to_owned(),
                        value: change.get(1).cloned(),
                    };
                    assert!(apply(&mut state, &change), "{frame}");
                }
                state
            }
            _ => panic!("{frame}"),
        };
        self.held.insert(key, (id.to_owned(), state));
    }

    /// Goals it knows of, each once and in their order.
    fn goals(&self, key: &str) -> usize {
        let Some((_, events)) = self.held.get(key) else {
            return 0;
        };
        let events = events["data"].as_array().unwrap();
        let sequences = events.iter().map(|it| it["sequence"].as_u64().unwrap());
        assert!(sequences.eq(1..=events.len() as u64), "{events:?}");
        events.len() - 1
    }

    fn is_level(&self, server: &Server, key: &str) -> bool {
        self.held[key].1 == get(server, &format!("/v1/{key}")).body
    }
}

/// Tells a server what happened in a game.
fn tell(server: &Server, key: &str, (fixture, sequence): (i64, u64), mut what: Value) {
    what["fixture_id"] = fixture.into();
    what["sequence"] = sequence.into();
    what["at"] = now().to_string().into();
    let written = post(server, key, "/v1/events", &json!({"data": [what]}));
    assert_eq!(written["events_added"], 1, "{written}");
}

/// A game that has just begun.
fn game(server: &Server, key: &str) -> i64 {
    let kickoff = now().to_string();
    let entry = json!({"competition": "E0", "season": "2026/27", "kickoff": kickoff,
        "home": "Team 1", "away": "Team 2"});
    let written = post(server, key, "/v1/fixtures", &json!({"data": [entry]}));
    let fixture = written["data"][0]["fixture_id"].as_i64().unwrap();
    let begins = json!({"kind": "period_start", "period": 1});
    tell(server, key, (fixture, 1), begins);
    fixture
}

#[test]
fn a_reader_goes_on_at_another_process_when_its_own_is_killed_while_events_arrive() {
    let (Some(database), Some(redis)) = (PostgresDatabase::empty(), Redis::start()) else {
        return;
    };
    let ([(home, first), (other, second)], key, _) = start_with(&[
        ("SPORTS_EDGE_DATABASE__URL", &database.url()),
        ("SPORTS_EDGE_REDIS__URL", &redis.url()),
        // The machine that tests run on is busy.
        ("SPORTS_EDGE_REDIS__COMMAND_MS_MAX", "400"),
    ]);
    for server in [&first, &second] {
        until("it is up", || is(server, "up"));
    }
    let fixture = game(&first, &key);
    let events = format!("fixtures/{fixture}/events");
    let keys = [events.as_str(), "scoreboard"];
    let (enough, told) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut reader = Reader::default();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !enough.load(Ordering::Relaxed) && told.load(Ordering::Relaxed) < GOALS_MAX {
                let number = told.load(Ordering::Relaxed) + 1;
                let goal = json!({"kind": "scored", "side": "home"});
                tell(&second, &key, (fixture, number + 1), goal);
                told.store(number, Ordering::Relaxed);
            }
        });
        // Whatever fails here, the source is told to stop.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            follow(&mut reader, &first, &keys, GOALS_SEEN);
            kill((home, first));
            reader.whole.clear();
            let seen = reader.goals(keys[0]);
            follow(&mut reader, &second, &keys, seen + GOALS_SEEN);
        }));
        enough.store(true, Ordering::Relaxed);
        done.unwrap();
    });
    let told = usize::try_from(told.into_inner()).unwrap();
    follow(&mut reader, &second, &keys, told);
    assert_eq!(reader.goals(&events), told, "none lost, none twice");
    // Once at most, where the moment that the reader comes from does not tell two goals apart.
    let whole = reader.whole.get(&events).copied().unwrap_or(0);
    assert!(whole <= 1, "{whole} times whole at the other process");
    let patience = Instant::now() + PATIENCE;
    while !keys.iter().all(|it| reader.is_level(&second, it)) {
        assert!(Instant::now() < patience, "never level");
        reader.ask(&second, &keys);
    }
    let row = &reader.held["scoreboard"].1["data"][0];
    assert_eq!(row["play"]["score"], json!({"home": told, "away": 0}));
    drop(other);
}

/// Reads on until so many goals are known.
fn follow(reader: &mut Reader, server: &Server, keys: &[&str], goals: usize) {
    let patience = Instant::now() + PATIENCE;
    while reader.goals(keys[0]) < goals {
        assert!(Instant::now() < patience, "{goals} goals were never known");
        reader.ask(server, keys);
    }
}

/// Ends a process as the kernel would, and waits until it is gone.
fn kill((home, server): (Home, Server)) {
    server.signal("KILL");
    assert!(!server.end().success());
    drop(home);
}
