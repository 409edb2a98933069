//! Two servers on one PostgreSQL and one Redis.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use testkit::{PostgresDatabase, Redis, TlsRedis};

use crate::{home::Home, serve::Server};

/// What a server answered.
pub(crate) struct Answer {
    head: String,
    pub(crate) body: Value,
}

fn answer(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{text}");
    Answer {
        head: head.to_ascii_lowercase(),
        body: serde_json::from_str(body).unwrap(),
    }
}

impl Answer {
    pub(crate) fn came_from(&self, tier: &str) -> bool {
        self.head
            .contains(&format!("server-timing: cache;desc={tier}"))
    }
}

pub(crate) fn get(server: &Server, path: &str) -> Answer {
    answer(&server.get(path))
}

/// The same with a key.
fn get_with(server: &Server, key: &str, path: &str) -> Answer {
    let host = &server.address;
    answer(&server.ask(&format!(
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nx-api-key: {key}\r\n\r\n"
    )))
}

pub(crate) fn post(server: &Server, key: &str, path: &str, body: &Value) -> Value {
    let (host, body) = (&server.address, body.to_string());
    let text = server.ask(&format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\nx-api-key: {key}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ));
    answer(&text).body
}

/// Writes a price for the home side.
fn quote(server: &Server, key: &str, fixture: i64, price: f64) {
    let body = json!({"data": [{"fixture_id": fixture, "bookmaker": "book", "market": "h2h",
        "outcomes": [{"outcome": "home", "price": price}]}]});
    let written = post(server, key, "/v1/quotes", &body);
    assert_eq!(written["prices_written"], 1, "{written}");
}

/// The latest price; they are listed in order of time.
fn price(quotes: &Value) -> f64 {
    let quotes = quotes["data"].as_array().unwrap();
    let ours = |it: &&Value| it["bookmaker"] == "book" && it["superseded"] == false;
    let quote = quotes.iter().rfind(ours).unwrap();
    quote["outcomes"][0]["price"].as_f64().unwrap()
}

pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < patience, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Two servers, the key of the first, and a fixture to come.
fn start(database: &str, redis: &str) -> ([(Home, Server); 2], String, i64) {
    start_with(&[
        ("SPORTS_EDGE_DATABASE__URL", database),
        ("SPORTS_EDGE_REDIS__URL", redis),
        // The machine that tests run on is busy.
        ("SPORTS_EDGE_REDIS__COMMAND_MS_MAX", "400"),
    ])
}

/// The same under an environment.
pub(crate) fn start_with(environment: &[(&str, &str)]) -> ([(Home, Server); 2], String, i64) {
    let home = Home::new();
    home.import_with(environment);
    let mut first = Server::start(&home, environment);
    let key = first.first_key();
    let other = Home::new();
    let second = Server::start(&other, environment);
    first.until_ready();
    second.until_ready();
    let played = &get(&first, "/v1/fixtures?limit=1").body["data"][0];
    let body = json!({"data": [{"competition": played["competition"], "season": "2035/36",
        "kickoff": "2035-08-18T14:00:00Z",
        "home": played["home"]["id"], "away": played["away"]["id"]}]});
    let written = post(&first, &key, "/v1/fixtures", &body);
    let fixture = written["data"][0]["fixture_id"].as_i64().unwrap();
    ([(home, first), (other, second)], key, fixture)
}

/// Lets in a user that may do what the operators' guide says it must.
fn allow(redis: &Redis) {
    let rights = "~{sports-edge}:* &{sports-edge}:* +@read +@write +@scripting +@pubsub +@connection \
                  +info +time";
    let mut words = vec!["ACL", "SETUSER", "edge", "on", ">secret-word"];
    words.extend(rights.split_whitespace());
    redis.run(&words);
}

pub(crate) fn is(server: &Server, word: &str) -> bool {
    get(server, "/health/ready").body["shared_cache"] == word
}

#[test]
fn what_is_written_to_one_server_is_what_the_other_reads_at_once() {
    let (Some(database), Some(mut redis)) = (PostgresDatabase::empty(), Redis::start()) else {
        return;
    };
    allow(&redis);
    let url = format!("redis://edge:secret-word@{}/", redis.address());
    let (servers, key, fixture) = start(&database.url(), &url);
    let [a, b] = [&servers[0].1, &servers[1].1];
    for server in [a, b] {
        until("it is up", || is(server, "up"));
    }
    let path = format!("/v1/fixtures/{fixture}/quotes");
    let mut last = 1.5;
    for round in 0..20 {
        let [writer, reader] = if round % 2 == 0 { [a, b] } else { [b, a] };
        last += 0.25;
        quote(writer, &key, fixture, last);
        assert_eq!(price(&get(reader, &path).body), last, "round {round}");
        assert_eq!(price(&get(writer, &path).body), last, "round {round}");
    }
    // Once nothing changes any more, memory answers, and one server takes what the other has made.
    until("memory answers", || get(a, &path).came_from("memory"));
    let taken = (1..=50).any(|limit| {
        let path = format!("/v1/teams?limit={limit}");
        get(a, &path);
        std::thread::sleep(Duration::from_millis(20)); // It is shared behind the answer.
        get(b, &path).came_from("shared")
    });
    assert!(taken, "nothing was ever taken from the other");

    redis.kill();
    for server in [a, b] {
        until("it is away", || is(server, "away"));
    }
    for round in 0..10 {
        let [writer, reader] = if round % 2 == 0 { [a, b] } else { [b, a] };
        last += 0.25;
        quote(writer, &key, fixture, last);
        assert_eq!(price(&get(writer, &path).body), last, "its own write");
        // By the database's feed of changes, within 250 ms and what a busy machine adds.
        until("the other follows", || {
            price(&get(reader, &path).body) == last
        });
    }
    redis.restart();
    allow(&redis);
    for server in [a, b] {
        until("it is up again", || is(server, "up"));
    }
    for round in 0..10 {
        let [writer, reader] = if round % 2 == 0 { [a, b] } else { [b, a] };
        last += 0.25;
        quote(writer, &key, fixture, last);
        assert_eq!(
            price(&get(reader, &path).body),
            last,
            "healed, round {round}"
        );
    }
}

#[test]
fn a_server_starts_without_its_redis_and_says_so_once() {
    let home = Home::new();
    let url = "redis://:secret-word@127.0.0.1:1/";
    let environment = [
        ("SPORTS_EDGE_REDIS__URL", url),
        ("SPORTS_EDGE_LOG__FORMAT", "json"),
    ];
    home.import();
    let (server, log) = Server::start_logged(&home, &environment);
    server.until_ready();
    assert!(is(&server, "away"));
    for _ in 0..3 {
        get(&server, "/v1/competitions");
    }
    assert!(get(&server, "/v1/competitions").came_from("memory"));
    std::thread::sleep(Duration::from_secs(2));
    server.signal("TERM");
    assert!(server.end().success());
    let log = log.join().unwrap();
    assert_eq!(log.matches("shared cache away").count(), 1, "{log}");
    assert!(!log.contains("secret-word"), "{log}");
    let shown = home.run_with(&["config"], &environment);
    assert!(
        shown.out.contains("127.0.0.1:1") && !shown.out.contains("secret-word"),
        "{shown:?}"
    );
}

#[test]
fn a_server_speaks_tls_with_a_redis_whose_authority_it_is_given() {
    let Some(redis) = TlsRedis::start("localhost") else {
        return;
    };
    let home = Home::new();
    home.import();
    let authority = home.path("authority.pem");
    std::fs::write(&authority, redis.authority()).unwrap();
    let url = redis.url("localhost");
    let environment = [
        ("SPORTS_EDGE_REDIS__URL", url.as_str()),
        (
            "SPORTS_EDGE_REDIS__ROOT_CERTIFICATES",
            authority.to_str().unwrap(),
        ),
        // The machine that tests run on is busy.
        ("SPORTS_EDGE_REDIS__CONNECT_MS_MAX", "5000"),
    ];
    let server = Server::start(&home, &environment);
    server.until_ready();
    until("it is up", || is(&server, "up"));
    drop(server);
    let made = home.run(&["key", "create", "--name", "cache", "--scope", "admin"]);
    let key = made.out.lines().next().unwrap();
    let server = Server::start(&home, &[environment[0], environment[2]]);
    server.until_ready();
    until("it was turned away", || {
        let status = get_with(&server, key, "/v1/cache").body["shared"].take();
        let trouble = status["trouble"].as_str();
        trouble.is_some_and(|it| it.contains("certificate"))
    });
}

#[test]
fn what_is_no_address_of_redis_is_refused_by_name() {
    let home = Home::new();
    let environment = [("SPORTS_EDGE_REDIS__URL", "http://:secret-word@host/")];
    let ended = home.run_with(&["config"], &environment);
    assert_eq!(ended.code, 2, "{ended:?}");
    assert!(
        ended.err.contains("redis.url") && !ended.err.contains("secret-word"),
        "{ended:?}"
    );
    let wrong = [
        ("SPORTS_EDGE_REDIS__URL", "redis://127.0.0.1:1/"),
        ("SPORTS_EDGE_REDIS__ROOT_CERTIFICATES", "/nowhere.pem"),
    ];
    let ended = home.run_with(&["serve", "--listen", "127.0.0.1:0"], &wrong);
    assert!(
        ended.code != 0 && ended.err.contains("/nowhere.pem"),
        "{ended:?}"
    );
}
