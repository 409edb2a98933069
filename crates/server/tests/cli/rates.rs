//! How many requests a caller may send, over two servers on one PostgreSQL and one Redis.

use std::{
    thread,
    time::{Duration, Instant},
};

use testkit::{PostgresDatabase, Redis};

use crate::{
    home::Home,
    serve::Server,
    shared::{is, start_with, until},
};

/// Requests in a minute: so few that one comes back every 20 s, however busy the machine is.
const REQUESTS: u32 = 3;
const PATH: &str = "/v1/competitions";

fn ask(server: &Server, key: Option<&str>, path: &str) -> String {
    let host = &server.address;
    let key = key.map_or_else(String::new, |it| format!("x-api-key: {it}\r\n"));
    let text = server.ask(&format!(
        "GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{key}\r\n"
    ));
    text.to_ascii_lowercase()
}

fn is_status(answer: &str, status: u16) -> bool {
    answer.starts_with(&format!("http/1.1 {status} "))
}

/// Sends twelve requests in turn; returns how many were answered and the last refusal.
fn burst(servers: [&Server; 2], key: Option<&str>) -> (u32, String) {
    let (mut answered, mut refusal) = (0, String::new());
    for round in 0..12 {
        let answer = ask(servers[round % 2], key, PATH);
        if is_status(&answer, 200) {
            answered += 1;
            assert!(answer.contains("\r\nratelimit-policy: "), "{answer}");
        } else {
            assert!(is_status(&answer, 429), "{answer}");
            refusal = answer;
        }
    }
    (answered, refusal)
}

/// How many that may have been, begun then: those that came back meanwhile are allowed, too.
fn at_most(begun: Instant, servers: u32) -> u32 {
    let back = u32::try_from(begun.elapsed().as_secs() / 20).unwrap() + 1;
    servers * (REQUESTS + back)
}

#[test]
fn requests_are_counted_over_all_servers_and_by_each_while_redis_is_away() {
    let (Some(database), Some(mut redis)) = (PostgresDatabase::empty(), Redis::start()) else {
        return;
    };
    let url = format!("redis://{}/", redis.address());
    let few = REQUESTS.to_string();
    let (servers, key, _) = start_with(&[
        ("SPORTS_EDGE_DATABASE__URL", &database.url()),
        ("SPORTS_EDGE_REDIS__URL", &url),
        // A server that Redis does not answer in time counts by itself, and the machine is busy.
        ("SPORTS_EDGE_REDIS__COMMAND_MS_MAX", "8000"),
        ("SPORTS_EDGE_LIMITS__REQUESTS_PER_MINUTE_PER_KEY", &few),
    ]);
    let both = [&servers[0].1, &servers[1].1];
    for server in both {
        until("it is up", || is(server, "up"));
    }
    let begun = Instant::now();
    // One was sent by the setup, or two.
    let (answered, refusal) = burst(both, Some(&key));
    assert!(answered <= at_most(begun, 1), "{answered} {refusal}");
    for words in [
        "content-type: application/problem+json",
        "ratelimit-policy: \"key\";q=3;w=60",
        "ratelimit: \"key\";r=0;t=60",
        "retry-after: ",
        "/docs/problems#too-many-requests",
        "this api key may send 3 requests a minute",
    ] {
        assert!(refusal.contains(words), "{words}\n{refusal}");
    }
    // Whoever sends no key is not held to the limit of keys, nor is what is looked after.
    for _ in 0..6 {
        let answer = ask(both[0], None, PATH);
        assert!(
            is_status(&answer, 200) && !answer.contains("ratelimit"),
            "{answer}"
        );
        assert!(is_status(&ask(both[1], Some(&key), "/health/ready"), 200));
    }
    redis.kill();
    for server in both {
        until("it is away", || is(server, "away"));
    }
    let begun = Instant::now();
    let (answered, _) = burst(both, Some(&key));
    // Nobody is shut out for what Redis knew, and each holds to the limit by itself. One may have
    // counted a request of the setup so, before it had found Redis.
    assert!(
        answered >= 2 * REQUESTS - 1 && answered <= at_most(begun, 2),
        "{answered}"
    );
}

#[test]
fn an_address_without_a_key_is_held_to_a_limit_of_its_own() {
    let home = Home::new();
    home.import();
    let few = REQUESTS.to_string();
    let environment = [(
        "SPORTS_EDGE_LIMITS__REQUESTS_PER_MINUTE_PER_ADDRESS",
        few.as_str(),
    )];
    let mut server = Server::start(&home, &environment);
    let key = server.first_key();
    server.until_ready();
    let begun = Instant::now();
    let made_up = format!("{}x", &key[..key.len() - 1]);
    let (answered, refusal) = burst([&server, &server], None);
    assert!(
        answered >= REQUESTS && answered <= at_most(begun, 1),
        "{answered}"
    );
    assert!(
        refusal.contains("ratelimit-policy: \"address\";q=3;w=60"),
        "{refusal}"
    );
    // A key made up is no way around it, a real one is.
    let refused = ask(&server, Some(&made_up), PATH);
    assert!(
        is_status(&refused, 429) || is_status(&refused, 401),
        "{refused}"
    );
    for _ in 0..6 {
        assert!(is_status(&ask(&server, Some(&key), PATH), 200));
    }
    let page = ask(&server, None, "/edges");
    assert!(
        is_status(&page, 429) || begun.elapsed() > Duration::from_secs(20),
        "{page}"
    );
}

/// Asks as a proxy does for a client; whether it was answered.
fn is_answered_for(server: &Server, client: &str) -> bool {
    let answer = server.ask(&format!(
        "GET {PATH} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nx-forwarded-for: {client}\r\n\r\n",
        server.address
    ));
    answer.starts_with("HTTP/1.1 200 ")
}

#[test]
fn who_comes_by_a_proxy_that_is_believed_is_held_to_a_limit_of_its_own() {
    let few = REQUESTS.to_string();
    let limit = (
        "SPORTS_EDGE_LIMITS__REQUESTS_PER_MINUTE_PER_ADDRESS",
        few.as_str(),
    );
    let proxies = ("SPORTS_EDGE_LIMITS__TRUSTED_PROXIES", "127.0.0.0/8");
    for (environment, is_believed) in [(vec![limit, proxies], true), (vec![limit], false)] {
        let home = Home::new();
        home.import();
        let server = Server::start(&home, &environment);
        server.until_ready();
        let begun = Instant::now();
        let one = (0..12).filter(|_| is_answered_for(&server, "192.0.2.1"));
        let one = u32::try_from(one.count()).unwrap();
        assert!(
            one >= REQUESTS && one <= at_most(begun, 1),
            "{one} {is_believed}"
        );
        let many = (2..14).filter(|it| is_answered_for(&server, &format!("192.0.2.{it}")));
        let many = u32::try_from(many.count()).unwrap();
        if is_believed {
            assert_eq!(many, 12);
        } else {
            assert!(one + many <= at_most(begun, 1), "{many}");
        }
    }
}

#[test]
fn a_write_with_one_key_is_carried_out_once_whichever_server_takes_it() {
    let Some(database) = PostgresDatabase::empty() else {
        return;
    };
    let (servers, key, fixture) = start_with(&[("SPORTS_EDGE_DATABASE__URL", &database.url())]);
    let both = [&servers[0].1, &servers[1].1];
    for round in 0..8 {
        let body = format!(
            r#"{{"data": [{{"fixture_id": {fixture}, "bookmaker": "book", "market": "h2h",
                "outcomes": [{{"outcome": "home", "price": {}}}]}}]}}"#,
            2 + round
        );
        let write = |server: &Server| loop {
            let answer = server.ask(&format!(
                "POST /v1/quotes HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nx-api-key: {key}\r\n\
                 idempotency-key: round-{round}\r\ncontent-type: application/json\r\n\
                 content-length: {}\r\n\r\n{body}",
                server.address,
                body.len()
            ));
            // Whoever comes second waits for the first, and is given its answer.
            if !answer.starts_with("HTTP/1.1 409 ") {
                assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                break answer.to_ascii_lowercase();
            }
            thread::sleep(Duration::from_millis(10));
        };
        let answers = thread::scope(|scope| {
            let asked = both.map(|server| scope.spawn(move || write(server)));
            asked.map(|it| it.join().unwrap())
        });
        let replayed = |it: &&String| it.contains("idempotent-replayed: true");
        assert_eq!(answers.iter().filter(replayed).count(), 1, "{answers:?}");
        let body = |it: &String| it.split_once("\r\n\r\n").unwrap().1.to_owned();
        assert_eq!(body(&answers[0]), body(&answers[1]));
        assert!(
            body(&answers[0]).contains("\"prices_written\":1"),
            "{answers:?}"
        );
    }
}
