//! Sources that are polled.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    process::{Child, Command},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    home::Ended,
    live::{Run, ended, now},
};

/// Answers questions in order, each once; returns its address and, once done, what was asked.
fn source(answers: Vec<String>) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/live.json", listener.local_addr().unwrap());
    let serve = move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut client, _) = listener.accept().unwrap();
            let mut question = Vec::new();
            let mut byte = [0];
            while !question.ends_with(b"\r\n\r\n") && client.read(&mut byte).unwrap() > 0 {
                question.push(byte[0]);
            }
            asked.push(String::from_utf8(question).unwrap().to_lowercase());
            client.write_all(answer.as_bytes()).unwrap();
        }
        asked
    };
    (address, std::thread::spawn(serve))
}

fn answered(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    )
}

/// What is told once it is asked to stop.
fn interrupted(child: Child) -> Ended {
    let id = child.id().to_string();
    let mut stop = Command::new("kill");
    stop.args(["-s", "INT", &id]).status().unwrap();
    ended(child)
}

#[test]
fn a_source_is_polled_by_a_mapping_and_asked_only_for_what_has_changed() {
    let run = Run::start(&[]);
    let mapping = run.home.path("scores.toml");
    let text = "fixture = '/id'\n[game]\ncompetition = { constant = 'E0' }\n\
        season = { constant = '2026/27' }\nkickoff = '/start'\nhome = '/home'\naway = '/away'\n\
        [[event]]\nkind = { constant = 'score' }\nhome = '/goals/0'\naway = '/goals/1'\n";
    fs::write(&mapping, text).unwrap();
    let state = |away: u8| {
        format!(
            "[{{\"id\": \"x\", \"start\": \"{}\", \"home\": \"Team 5\", \"away\": \"Team 6\", \
             \"goals\": [0, {away}]}}, {{}}]",
            now()
        )
    };
    let answers = vec![
        answered("200 OK", "etag: \"a\"\r\n", &state(0)),
        answered("304 Not Modified", "etag: \"a\"\r\n", ""),
        answered("503 Service Unavailable", "", ""),
        answered("200 OK", "", &state(1)),
    ];
    let (address, serving) = source(answers);
    let mapping = mapping.to_str().unwrap();
    let bad = run.home.path("bad.ndjson");
    let poll = [
        "poll",
        "--mapping",
        mapping,
        "--source",
        "scores",
        "--every",
        "1",
        "--set-aside",
        bad.to_str().unwrap(),
        &address,
    ];
    let child = run.live(&poll, &run.server.address);
    let asked = serving.join().unwrap();
    assert!(!asked[0].contains("if-none-match"), "{asked:?}");
    assert!(asked[1].contains("if-none-match: \"a\""), "{asked:?}");
    let patience = Instant::now() + Duration::from_secs(30);
    while run.json("/v1/sources")["data"][0]["events"]["new"] != 2 {
        assert!(Instant::now() < patience, "the second state is never told");
        std::thread::sleep(Duration::from_millis(20));
    }
    let told = interrupted(child);
    assert_eq!(told.code, 3, "{told:?}");
    assert!(told.out.contains("1 games, 2 events (2 new)"), "{told:?}");
    assert!(told.err.contains("nothing names its game"), "{told:?}");
    let aside = fs::read_to_string(&bad).unwrap();
    let wanted = r#"{"reason":"nothing names its game, there is none at \"/id\"","item":{}}"#;
    assert_eq!(aside.trim_end(), wanted, "it stands in two answers");
    assert!(
        told.err.contains("the source does not answer well"),
        "{told:?}"
    );
}

#[test]
fn a_poll_says_what_is_wrong_with_its_mapping_its_address_and_an_answer() {
    let run = Run::start(&[]);
    let mapping = run.home.path("wrong.toml");
    fs::write(&mapping, "fixture = 'x'\n[[event]]\nkind = '/k'\n").unwrap();
    let wrong = mapping.to_str().unwrap();
    let good = run.home.path("good.toml");
    fs::write(&good, "fixture = '/x'\n[[event]]\nkind = '/k'\n").unwrap();
    let good = good.to_str().unwrap();
    let poll = |mapping: &str, url: &str| {
        let args = ["poll", "--once", "--mapping", mapping, url];
        ended(run.live(&args, &run.server.address))
    };
    let html = "\n<!DOCTYPE html><html></html>";
    let (address, serving) = source(vec![
        answered("200 OK", "", "{"),
        answered("200 OK", "content-type: text/html\r\n", html),
        answered("401 Unauthorized", "", "{}"),
        answered("200 OK", "", "{}"),
    ]);
    let refused = format!("the source {address} does not answer well: the source answers 401");
    for (ended, code, wanted) in [
        (poll(wrong, "http://x.example"), 2, "no JSON pointer"),
        (
            poll("nowhere.toml", "http://x.example"),
            2,
            "nowhere.toml cannot be read",
        ),
        (poll(good, "ftp://x.example"), 2, "no http or https address"),
        (poll(good, &address), 1, "the answer is no JSON (without"),
        (
            poll(good, &address),
            1,
            "the answer is no JSON but HTML (content-type text/html): expected value",
        ),
        (poll(good, &address), 1, refused.as_str()),
    ] {
        assert!(!ended.err.contains("ended after line"), "{ended:?}");
        assert!(
            ended.code == code && ended.err.contains(wanted),
            "{wanted}: {ended:?}"
        );
    }
    let args = ["poll", "--once", "--mapping", good, &address];
    let header = [("SPORTS_EDGE_SOURCE_HEADER", "secret")];
    let headless = ended(run.live_in(&header, &args, &run.server.address));
    assert!(
        headless.code == 2
            && headless
                .err
                .contains("SPORTS_EDGE_SOURCE_HEADER is no header"),
        "{headless:?}"
    );
    let compared = run.home.path("compared.toml");
    let text = "absent_is_suspended = true\nfixture = '/x'\n[[quote]]\nbookmaker = '/b'\n\
        market = '/m'\nhome = '/h'\n";
    fs::write(&compared, text).unwrap();
    let once = poll(compared.to_str().unwrap(), &address);
    assert!(
        once.code == 2 && once.err.contains("leave --once away"),
        "{once:?}"
    );
    let listless = poll(good, &address);
    assert!(
        listless.code == 3 && listless.err.contains("there is none at"),
        "{listless:?}"
    );
    serving.join().unwrap();
}

#[test]
fn prices_are_polled_stand_on_their_game_and_are_suspended_when_they_are_gone() {
    let run = Run::start(&[]);
    let mapping = run.home.path("odds.toml");
    let text = "absent_is_suspended = true\nfixture = '/id'\n[game]\ncompetition = { constant = 'E0' }\n\
        season = { constant = '2026/27' }\nkickoff = '/start'\nhome = '/home'\naway = '/away'\n\
        [outcomes]\nDraw = 'draw'\n\
        [[quote]]\nbookmaker = '/books/*/key'\nmarket = '/books/*/markets/*/key'\n\
        outcome = '/books/*/markets/*/outcomes/*/name'\nprice = '/books/*/markets/*/outcomes/*/price'\n";
    fs::write(&mapping, text).unwrap();
    let start = now() + Duration::from_hours(24);
    let answer = |markets: Value| {
        let books = json!([{"key": "sharp", "markets": markets}, {"key": "soft", "markets": []}]);
        let game = json!([{"id": "x", "start": start.to_string(), "home": "Team 5", "away": "Team 6",
            "books": books}]);
        answered("200 OK", "", &game.to_string())
    };
    let outcomes = json!([{"name": "Team 5", "price": 2.5}, {"name": "Draw", "price": 3.3},
        {"name": "Team 6", "price": 3.1}, {"name": "Team 7", "price": 9}]);
    let priced = answer(json!([{"key": "h2h", "outcomes": outcomes}]));
    let (address, serving) = source(vec![priced.clone(), priced, answer(json!([]))]);
    let mapping = mapping.to_str().unwrap();
    let poll = [
        "poll",
        "--mapping",
        mapping,
        "--source",
        "odds",
        "--every",
        "1",
        &address,
    ];
    let header = [("SPORTS_EDGE_SOURCE_HEADER", "X-Api-Key: of the source")];
    let child = run.live_in(&header, &poll, &run.server.address);
    let asked = serving.join().unwrap();
    assert!(
        asked
            .iter()
            .all(|it| it.contains("x-api-key: of the source")),
        "{asked:?}"
    );
    let patience = Instant::now() + Duration::from_secs(30);
    while run.json("/v1/sources")["data"][0]["quotes"] != 2 {
        assert!(Instant::now() < patience, "the market is never suspended");
        std::thread::sleep(Duration::from_millis(20));
    }
    let told = interrupted(child);
    assert_eq!(told.code, 3, "{told:?}");
    assert!(
        told.out.contains("1 games, 0 events (0 new), 2 quotes"),
        "{told:?}"
    );
    let unknown = "say under [outcomes] which it is";
    assert_eq!(told.err.matches(unknown).count(), 1, "{told:?}");
    let games = run.json("/v1/fixtures?competition=E0&status=scheduled&limit=100");
    let of_name = |it: &&Value| it["home"]["name"] == "Team 5" && it["away"]["name"] == "Team 6";
    let mut games = games["data"].as_array().unwrap().iter();
    let id = &games.find(of_name).unwrap()["id"];
    let quotes = run.json(&format!("/v1/fixtures/{id}/quotes"));
    let stages: Vec<_> = quotes["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (&it["bookmaker"], &it["stage"]))
        .collect();
    assert_eq!(
        json!(stages),
        json!([["sharp", "intermediate"], ["sharp", "suspended"]]),
        "{quotes}"
    );
    let markets = run.json(&format!("/v1/fixtures/{id}/markets"));
    assert_eq!(markets["data"][0]["bookmakers"], 0, "{markets}");
}

#[test]
fn a_correction_made_while_nobody_polled_is_told_with_the_next_revision() {
    let run = Run::start(&[]);
    let mapping = run.home.path("events.toml");
    let text = "fixture = '/id'\n[game]\ncompetition = { constant = 'E0' }\n\
        season = { constant = '2026/27' }\nkickoff = '/start'\nhome = '/home'\naway = '/away'\n\
        [kinds]\nGOAL = 'scored'\nSTART = { kind = 'period_start', period = 1 }\n\
        [sides]\nH = 'home'\nA = 'away'\n\
        [[event]]\nsequence = '/n'\nat = '/start'\nkind = '/type'\nside = '/team'\n";
    fs::write(&mapping, text).unwrap();
    let start = now().to_string();
    let item = |n: u8, kind: &str, team: Option<&str>| {
        json!({"id": "x", "start": start, "home": "Team 5", "away": "Team 6", "n": n,
            "type": kind, "team": team})
    };
    let answer = |team: &str| {
        let items = json!([item(1, "START", None), item(2, "GOAL", Some(team))]);
        answered("200 OK", "", &items.to_string())
    };
    let (address, serving) = source(vec![answer("A"), answer("H"), answer("H")]);
    let poll = [
        "poll",
        "--once",
        "--mapping",
        mapping.to_str().unwrap(),
        &address,
    ];
    for wanted in ["2 events (2 new)", "1 events (1 new)", "0 events (0 new)"] {
        let told = ended(run.live(&poll, &run.server.address));
        assert!(told.code == 0 && told.out.contains(wanted), "{told:?}");
    }
    serving.join().unwrap();
    let listed = run.json("/v1/fixtures?season=2026%2F27&competition=E0");
    let id = &listed["data"][0]["id"];
    let told = run.json(&format!("/v1/fixtures/{id}/events"));
    let events = told["data"].as_array().unwrap().iter();
    let goals: Vec<_> = events
        .filter(|it| it["sequence"] == 2)
        .map(|it| json!([it["revision"], it["side"], it["standing"]]))
        .collect();
    assert_eq!(
        goals,
        [
            json!([0, "away", "superseded"]),
            json!([1, "home", "counts"])
        ]
    );
}
