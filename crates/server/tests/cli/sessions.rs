//! Sessions over two servers on one PostgreSQL and one Redis.

use serde_json::Value;
use testkit::{PostgresDatabase, Redis};

use crate::{
    serve::Server,
    shared::{is, start_with, until},
};

/// Sends a request about the session of this secret; returns its status and the whole answer. Here
/// every server has its own port, by which the cookie is called.
fn ask(server: &Server, method: &str, secret: &str, body: &str) -> (u16, String) {
    let (_, port) = server.address.rsplit_once(':').unwrap();
    let answer = server.ask(&format!(
        "{method} /v1/session HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
         cookie: sports-edge-session-{port}={secret}\r\n\
         sec-fetch-site: same-origin\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    ));
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

/// Signs in; returns the session's secret.
fn sign_in(server: &Server, key: &str) -> String {
    let (status, answer) = ask(server, "POST", "", &format!(r#"{{"key": "{key}"}}"#));
    assert_eq!(status, 201, "{answer}");
    let line = |it: &&str| {
        it.to_ascii_lowercase()
            .starts_with("set-cookie: sports-edge")
    };
    let cookie = answer.lines().find(line).unwrap();
    let (_, cookie) = cookie.split_once('=').unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[test]
fn a_session_counts_at_every_server_and_ends_at_all_of_them() {
    let (Some(database), Some(mut redis)) = (PostgresDatabase::empty(), Redis::start()) else {
        return;
    };
    let url = format!("redis://{}/", redis.address());
    let (servers, key, _) = start_with(&[
        ("SPORTS_EDGE_DATABASE__URL", &database.url()),
        ("SPORTS_EDGE_REDIS__URL", &url),
        // The machine that tests run on is busy.
        ("SPORTS_EDGE_REDIS__COMMAND_MS_MAX", "8000"),
    ]);
    let [a, b] = [&servers[0].1, &servers[1].1];
    for server in [a, b] {
        until("it is up", || is(server, "up"));
    }
    let known = sign_in(a, &key);
    let (status, answer) = ask(b, "GET", &known, "");
    assert_eq!(status, 200, "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let who: Value = serde_json::from_str(body).unwrap();
    assert_eq!(who["key"], key[3..11]);

    let ended = sign_in(b, &key);
    assert_eq!(ask(a, "GET", &ended, "").0, 200);
    assert_eq!(ask(b, "DELETE", &ended, "").0, 200);
    for server in [a, b] {
        let (status, answer) = ask(server, "GET", &ended, "");
        assert_eq!(status, 401, "{answer}");
        assert!(answer.contains("/docs/problems#session-ended"), "{answer}");
    }
    redis.kill();
    for server in [a, b] {
        until("it is away", || is(server, "away"));
        assert_eq!(
            ask(server, "GET", &known, "").0,
            200,
            "who is known is let in"
        );
        assert_eq!(ask(server, "GET", &ended, "").0, 401);
    }
}
