//! Feeding a running server and replaying recordings.

use std::{
    fs,
    io::Write,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    home::{Ended, Home},
    serve::Server,
};

/// A home with games, a server and a key that may write.
pub(crate) struct Run {
    pub(crate) home: Home,
    pub(crate) server: Server,
    pub(crate) key: String,
}

impl Run {
    pub(crate) fn start(environment: &[(&str, &str)]) -> Self {
        let home = Home::new();
        home.import();
        let mut server = Server::start(&home, environment);
        let key = server.first_key();
        server.until_ready();
        Self { home, server, key }
    }

    pub(crate) fn live(&self, args: &[&str], address: &str) -> Child {
        self.live_in(&[], args, address)
    }

    /// The same with further variables of the environment.
    pub(crate) fn live_in(
        &self,
        environment: &[(&str, &str)],
        args: &[&str],
        address: &str,
    ) -> Child {
        let args: Vec<_> = ["live"].iter().chain(args).copied().collect();
        let mut command = self.home.command(&args);
        command.env("SPORTS_EDGE_LISTEN", address);
        command.env("SPORTS_EDGE_KEY", &self.key);
        command.envs(environment.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Feeds a text to its end.
    pub(crate) fn feed(&self, args: &[&str], text: &str) -> Ended {
        let args: Vec<_> = ["feed"].iter().chain(args).copied().collect();
        let mut child = self.live(&args, &self.server.address);
        child
            .stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        ended(child)
    }

    pub(crate) fn json(&self, path: &str) -> Value {
        let answer = self.server.get(path);
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}"))
    }
}

pub(crate) fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().unwrap();
    Ended {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A game of an hour ago and what happened in it, as lines.
pub(crate) fn game() -> String {
    let present = now();
    let at = |minutes: i64| (present - jiff::SignedDuration::from_mins(minutes)).to_string();
    format!(
        "{{\"fixture\": \"g\", \"competition\": \"E0\", \"season\": \"2026/27\", \"kickoff\": \"{}\", \
         \"home\": \"Team 1\", \"away\": \"Team 2\"}}\n\
         {{\"fixture\": \"g\", \"bookmaker\": \"pinnacle\", \"market\": \"h2h\", \"outcomes\": \
         [{{\"outcome\": \"home\", \"price\": 2.1}}]}}\n\
         {{\"fixture\": \"g\", \"sequence\": 1, \"at\": \"{}\", \"kind\": \"period_start\", \"period\": 1}}\n\
         {{\"fixture\": \"g\", \"sequence\": 2, \"at\": \"{}\", \"kind\": \"scored\", \"side\": \"home\"}}\n",
        at(30),
        at(30),
        at(10),
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test plays the source of a game under way"
)]
pub(crate) fn now() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

#[test]
fn lines_are_fed_in_order_bad_ones_are_named_and_set_aside_and_again_does_no_harm() {
    let run = Run::start(&[]);
    let aside = run.home.path("aside.ndjson");
    let game = game();
    let text = game.clone()
        + "{\"kind\": \n\n{\"fixture_id\": 99999, \"sequence\": 1, \"at\": \
         \"2024-05-19T15:00:00Z\", \"kind\": \"finished\"}\n";
    let args = ["--json", "--set-aside", aside.to_str().unwrap()];
    let first = run.feed(&args, &text);
    assert_eq!(first.code, 3, "{first:?}");
    let tally: Value = serde_json::from_str(&first.out).unwrap();
    assert_eq!(tally["lines"], 6, "{tally}");
    assert_eq!(
        (&tally["fixtures"], &tally["events_new"]),
        (&1.into(), &2.into())
    );
    assert_eq!(
        (&tally["prices_written"], &tally["last_line"]),
        (&1.into(), &7.into())
    );
    let kept = &aside;
    let aside = fs::read_to_string(kept).unwrap();
    assert!(aside.contains("\"line\":5,\"reason\":\"no JSON"), "{aside}");
    assert!(
        aside.contains("\"line\":7") && aside.contains("fixture 99999 is not known"),
        "{aside}"
    );
    assert!(first.err.contains("set aside"), "{first:?}");
    assert_eq!(run.feed(&args, "{\n").code, 3);
    let longer = fs::read_to_string(kept).unwrap();
    assert!(
        longer.starts_with(&aside) && longer.lines().count() == aside.lines().count() + 1,
        "{longer}"
    );
    let listed = run.json("/v1/fixtures?season=2026%2F27&competition=E0");
    let id = listed["data"][0]["id"].as_i64().unwrap();
    let told = run.json(&format!("/v1/fixtures/{id}/events"));
    assert_eq!(told["data"][1]["kind"], "scored", "{told}");

    let again = run.feed(&["--source", "a/b"], &game);
    assert!(
        again.code == 0 && again.out.contains("2 events"),
        "{again:?}"
    );
    let sources = run.json("/v1/sources");
    let told = |at: usize| {
        let it = &sources["data"][at];
        (it["source"].as_str().unwrap(), &it["events"])
    };
    let (name, events) = told(0);
    assert_eq!(
        (name, &events["repeated"], &events["new"]),
        ("a/b", &2.into(), &0.into())
    );
    let (name, events) = told(1);
    assert_eq!(
        (name, &events["new"], &events["missing"]),
        ("feed", &2.into(), &0.into())
    );
    assert_eq!(sources["data"][1]["state"], "heard");
    assert!(
        events["lag_ms"].as_f64().unwrap() > 1e5,
        "it is told long after: {events}"
    );
    let stranger = run.feed(&["--key", "se_wrong"], &game);
    assert!(
        stranger.code == 1 && stranger.err.contains("key"),
        "{stranger:?}"
    );
}

#[test]
fn a_name_that_makes_a_new_team_is_warned_of_with_its_game() {
    let run = Run::start(&[]);
    let known = run.feed(&[], &game());
    assert!(!known.err.contains("a new team"), "{known:?}");
    let misspelled = run.feed(&[], &game().replace("Team 2", "Taem 2"));
    let warned = misspelled.err.lines().find(|it| it.contains("a new team"));
    assert!(
        warned.is_some_and(|it| it.contains("Taem 2") && it.contains("fixture=\"g\"")),
        "{misspelled:?}"
    );
}

#[test]
fn a_feed_waits_for_its_server_and_ends_when_told_to() {
    let run = Run::start(&[]);
    let nowhere = "127.0.0.1:1";
    let mut child = run.live(&["feed", "--patience", "1"], nowhere);
    child
        .stdin
        .take()
        .unwrap()
        .write_all(game().as_bytes())
        .unwrap();
    let ended_by_itself = ended(child);
    assert_eq!(ended_by_itself.code, 1, "{ended_by_itself:?}");
    assert!(
        ended_by_itself.err.contains("given up after"),
        "{ended_by_itself:?}"
    );
    assert!(
        ended_by_itself.err.contains("ended after line 0"),
        "{ended_by_itself:?}"
    );

    let mut child = run.live(&["feed"], &run.server.address);
    let mut input = child.stdin.take().unwrap();
    input.write_all(game().as_bytes()).unwrap();
    let patience = Instant::now() + Duration::from_secs(30);
    while run.json("/v1/fixtures?season=2026%2F27")["data"][0]["id"].is_null() {
        assert!(Instant::now() < patience, "never written");
        std::thread::sleep(Duration::from_millis(20));
    }
    let id = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-s", "TERM", &id])
        .status()
        .unwrap();
    let told = ended(child);
    assert!(
        told.code == 0 && told.out.contains("4 lines: 1 games"),
        "{told:?}"
    );
    drop(input);
}

/// The sample's recording with a competition and teams that the home has.
fn recording() -> String {
    let text = fs::read_to_string("../../data/sample/recording.ndjson").unwrap();
    let text = text
        .replace("\"SP1\"", "\"E0\"")
        .replace("Sevilla", "Team 3");
    text.replace("Barcelona", "Team 4")
}

#[test]
fn a_recording_happens_now_as_a_game_of_its_own_and_in_its_own_past() {
    let run = Run::start(&[]);
    let file = run.home.path("recording.ndjson");
    fs::write(&file, recording()).unwrap();
    let file = file.to_str().unwrap();
    let now = ended(run.live(&["replay", file, "--speed", "1000"], &run.server.address));
    assert_eq!(now.code, 0, "{now:?}");
    assert!(
        now.out
            .starts_with("107 lines: 1 games, 102 events (102 new), 4 quotes"),
        "{now:?}"
    );
    let past = ended(run.live(&["replay", file, "--past"], &run.server.address));
    assert!(past.out.contains("102 events (102 new)"), "{past:?}");
    let listed = run.json("/v1/fixtures?team=4&limit=200&from=2024-05-01T00:00:00Z");
    let games = listed["data"].as_array().unwrap();
    let season = |it: &Value| it["season"].as_str().unwrap().to_owned();
    let past = games.iter().find(|it| season(it) == "2023/24").unwrap();
    let now = games
        .iter()
        .find(|it| season(it).starts_with("replay-"))
        .unwrap();
    let told = |id: &Value, query: &str| {
        let told = run.json(&format!("/v1/fixtures/{id}/events{query}"));
        let kinds = told["data"].as_array().unwrap().iter();
        kinds
            .map(|it| it["kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let end = told(&now["id"], "");
    assert_eq!((end.len(), end.last().unwrap().as_str()), (102, "finished"));
    let half = told(&past["id"], "?as_of=2024-05-26T19:50:00Z");
    assert_eq!(half.last().unwrap(), "period_end", "{half:?}");
    assert_eq!(half.iter().filter(|it| *it == "scored").count(), 2);
}

#[test]
fn a_recording_is_replayed_where_its_competition_was_never_imported() {
    let run = Run::start(&[]);
    let file = run.home.path("recording.ndjson");
    fs::copy("../../data/sample/recording.ndjson", &file).unwrap();
    let past = ["replay", file.to_str().unwrap(), "--past"];
    let told = ended(run.live(&past, &run.server.address));
    assert!(
        told.code == 0 && told.out.contains("102 events (102 new)"),
        "{told:?}"
    );
    let listed = run.json("/v1/fixtures?competition=SP1&from=2024-05-01T00:00:00Z");
    assert_eq!(listed["data"][0]["home"]["name"], "Sevilla", "{listed}");
}

#[test]
fn a_file_without_a_time_and_one_that_is_not_there_are_refused() {
    let run = Run::start(&[]);
    let file = run.home.path("empty.ndjson");
    fs::write(&file, "{}\n").unwrap();
    let empty = ended(run.live(&["replay", file.to_str().unwrap()], &run.server.address));
    assert!(
        empty.code == 1 && empty.err.contains("no event and no price"),
        "{empty:?}"
    );
    let gone = ended(run.live(&["replay", "nowhere.ndjson"], &run.server.address));
    assert!(
        gone.code == 1 && gone.err.contains("nowhere.ndjson"),
        "{gone:?}"
    );
}
