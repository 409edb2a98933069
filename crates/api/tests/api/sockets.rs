//! The live feed over real sockets: subscriptions, resumption, who is let in, bounds, goodbyes.

mod client;
mod counted;
mod narrow;
mod served;

use std::{future::poll_fn, net::SocketAddr, pin::Pin, time::Duration};

use api::{ApiOptions, LiveOptions, Scope};
use axum::{
    body::{Body, HttpBody, to_bytes},
    http::{Request, StatusCode},
};
use serde_json::json;
use tokio::{io::AsyncWriteExt, net::TcpSocket, time::timeout};
use tower::ServiceExt;

use self::{
    client::{Client, FIN, MASK, Wish},
    served::{keyed, open, serving, serving_as},
};
use crate::{
    app::App,
    live::{PATIENCE, applied, goal},
    sessions::cookies,
};

#[tokio::test]
async fn keys_come_and_go_on_an_open_socket_and_are_resumed_on_another() {
    come_and_go(serving(open()).await).await;
}

#[tokio::test]
async fn a_socket_that_cannot_be_taken_over_is_served_all_the_same() {
    come_and_go(serving_as(open()).await).await;
}

async fn come_and_go((app, id, address): (App, i64, SocketAddr)) {
    let key = format!("fixtures/{id}/play");
    let mut client = Client::open(address, "").await;
    client.sub(&["teams", &key]).await;
    // A refusal need not wait for answers that are made.
    let refused = client.next().await;
    assert_eq!(
        (&refused["code"], &refused["k"]),
        (&json!("not-live"), &json!("teams"))
    );
    let snapshot = client.next().await;
    assert_eq!(
        (&snapshot["t"], &snapshot["k"]),
        (&json!("snap"), &json!(key))
    );
    assert_eq!(snapshot["d"], app.get(&format!("/v1/{key}")).await.json());
    goal(&app, id, 2).await;
    let delta = client.next_of("d").await;
    assert!(
        delta["d"].to_string().contains("/play/score/home"),
        "{delta}"
    );

    client.sub(&["board"]).await;
    assert_eq!(client.next_of("snap").await["k"], "board");
    // Asked for anew without what is held, it comes whole.
    client.sub(&[&key]).await;
    assert_eq!(client.next_of("snap").await["id"], delta["id"]);
    client
        .say(json!({"op": "unsub", "k": [key, "board", "edges"]}))
        .await;
    // An answer to this proves that the one before was read.
    client.say(json!({"op": "sub", "k": [], "more": 1})).await;
    assert_eq!(client.next_of("err").await["code"], "bad-request");
    goal(&app, id, 3).await;
    client.sub(&["edges"]).await;
    let next = client.next().await;
    assert_eq!(next["k"], "edges", "nothing else is followed: {next}");

    // The connection breaks off; another one resumes.
    drop(client);
    let mut client = Client::open(address, "").await;
    let held = delta["id"].as_str().unwrap();
    client
        .say(json!({"op": "sub", "k": [key], "since": {&*key: held}}))
        .await;
    // Where the feed has not heard of the goal yet, what is held is the newest at first.
    let missed = client.next_of("d").await;
    assert_eq!(missed["b"].as_str(), Some(held));
    client
        .say(json!({"op": "sub", "k": [key], "since": {&*key: missed["id"]}, "mode": "all"}))
        .await;
    assert_eq!(client.next().await["t"], "same");
    client
        .say(json!({"op": "sub", "k": [key], "since": {&*key: "1.1"}}))
        .await;
    assert_eq!(client.next().await["why"], "expired");
    assert_eq!(client.next().await["t"], "snap");
    app.state.start_draining();
    assert_eq!(client.end().await, (1001, "the server stops".to_owned()));
    timeout(PATIENCE, app.state.live_ended())
        .await
        .expect("all streams end");
}

#[tokio::test]
async fn a_reader_that_does_not_read_gets_what_happened_in_one_frame_and_holds_up_nobody() {
    let (app, id, address) = serving(open()).await;
    let key = format!("fixtures/{id}/play");
    // Room for a few frames alone.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    socket.set_send_buffer_size(4 << 10).unwrap();
    let stream = socket.connect(address).await.unwrap();
    let (query, headers) = ("", &[][..]);
    let (_, mut slow) = Client::ask_over(stream, Wish { query, headers }).await;
    slow.sub(&[&key]).await;
    let held = slow.next_of("snap").await;
    // It asks for more than all buffers hold and reads nothing, until it is not listened to.
    let ask = json!({"op": "sub", "k": ["board", "fixtures"]}).to_string() + &" ".repeat(60_000);
    while timeout(Duration::from_secs(3), slow.send(FIN | 1, ask.as_bytes()))
        .await
        .is_ok()
    {}
    let mut quick = Client::open(address, "").await;
    quick.sub(&[&key]).await;
    quick.next_of("snap").await;
    for sequence in 2..6 {
        goal(&app, id, sequence).await;
        let delta = quick.next_of("d").await;
        assert!(delta["d"].to_string().contains("moments"), "{delta}");
    }
    // What it missed of the game is one frame.
    let missed = loop {
        let frame = slow.next().await;
        if frame["k"] == *key {
            break frame;
        }
    };
    let newest = app.get(&format!("/v1/{key}")).await.json();
    let state = match &missed["t"] {
        kind if kind == "d" => applied(held["d"].clone(), &missed),
        _ => missed["d"].clone(),
    };
    assert_eq!(state, newest, "{missed}");
}

#[tokio::test]
async fn what_breaks_the_rules_ends_with_the_code_that_is_due() {
    let (_app, _, address) = serving(open()).await;
    let close = |code: u16| [&code.to_be_bytes()[..], b"bye"].concat();
    let large = vec![b' '; 60_000];
    type Sent<'a> = &'a [(u8, &'a [u8])];
    let cases: [(Sent<'_>, u16); 10] = [
        (&[(FIN | 2, b"bytes")], 1003),
        (&[(FIN | 1, b"\xff")], 1007),
        (&[(FIN | 0x41, b"")], 1002),
        (&[(FIN | 3, b"")], 1002),
        (&[(9, b"")], 1002),
        (&[(FIN, b"")], 1002),
        (&[(1, b"{"), (FIN | 1, b"}")], 1002),
        (&[(1, &large), (FIN, &large)], 1009),
        (&[(FIN | 8, &close(1000))], 1000),
        (&[(FIN | 8, &close(1005))], 1002),
    ];
    for (frames, code) in cases {
        let mut client = Client::open(address, "").await;
        for (first, payload) in frames {
            client.send(*first, payload).await;
        }
        assert_eq!(client.end().await.0, code, "{frames:?}");
    }
    let mut bare = Client::open(address, "").await;
    bare.0.write_all(&[0x81, 2, b'{', b'}']).await.unwrap();
    assert_eq!(bare.end().await.0, 1002);
    let mut wordless = Client::open(address, "").await;
    wordless.send(FIN | 8, b"").await;
    let frame = loop {
        let frame = wordless.frame().await.unwrap();
        if frame.opcode == 8 {
            break frame;
        }
    };
    assert_eq!(
        frame.payload, b"",
        "a goodbye without a code is answered with the same"
    );
    assert_eq!(wordless.frame().await, None);
}

#[tokio::test]
async fn fragments_pings_and_pieces_are_understood() {
    let (_app, id, address) = serving(open()).await;
    let mut client = Client::open(address, "").await;
    let ask = json!({"op": "sub", "k": [format!("fixtures/{id}/play")]}).to_string();
    let (begin, rest) = ask.as_bytes().split_at(7);
    client.send(1, begin).await;
    client.send(FIN | 9, b"are you there").await;
    let pong = loop {
        let frame = client.frame().await.unwrap();
        if frame.opcode == 10 {
            break frame;
        }
    };
    assert_eq!(pong.payload, b"are you there");
    client.send(FIN | 10, b"unasked").await;
    client.send(0, b"").await;
    client.send(FIN, rest).await;
    assert_eq!(
        client.next_of("snap").await["k"],
        format!("fixtures/{id}/play")
    );
    // A byte at a time.
    let mut frame = vec![FIN | 1, 0x80 | ask.len() as u8];
    frame.extend(MASK);
    frame.extend(ask.bytes().zip(MASK.iter().cycle()).map(|it| it.0 ^ it.1));
    for byte in frame {
        client.0.write_all(&[byte]).await.unwrap();
    }
    assert_eq!(client.next_of("snap").await["t"], "snap");
}

#[tokio::test]
async fn a_request_to_upgrade_is_held_to_the_standard() {
    let (app, _, address) = serving(open()).await;
    let asked = async |query: &str, headers: &[(&str, &str)]| {
        let (head, _) = Client::ask(address, Wish { query, headers }).await;
        head
    };
    for (headers, status) in [
        (&[("sec-websocket-key", "short")][..], "400 "),
        (&[("connection", "keep-alive")], "400 "),
        (&[("sec-websocket-version", "8")], "426 "),
        (&[("origin", "https://elsewhere.example")], "403 "),
        (&[("origin", "null")], "403 "),
    ] {
        let head = asked("", headers).await;
        assert!(head.contains(status), "{headers:?}: {head}");
        if status == "426 " {
            assert!(head.contains("sec-websocket-version: 13"), "{head}");
        }
    }
    assert!(asked("?k=board", &[]).await.contains("400 "));
    let own = format!("http://{address}");
    assert!(asked("", &[("origin", &own)]).await.contains("101 "));
    // Without a connection below, as over HTTP/2.
    let headers = [
        ("upgrade", "websocket"),
        ("connection", "upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let none = app.get_with("/v1/live", &headers).await;
    assert_eq!(
        (none.status, &*none.problem()),
        (StatusCode::BAD_REQUEST, "bad-header")
    );
}

/// How a socket that is opened and closed at once is closed.
async fn refused(address: SocketAddr, query: &str, headers: &[(&str, &str)]) -> u16 {
    let (head, mut client) = Client::ask(address, Wish { query, headers }).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client.end().await.0
}

/// The query with a new ticket.
async fn ticket(app: &App, reader: &str) -> String {
    let key = [("authorization", reader)];
    let answer = app.post("/v1/live/tickets", "", &key).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let answer = answer.json();
    assert_eq!(answer["expires_in_ms"], 30_000);
    format!("?ticket={}", answer["ticket"].as_str().unwrap())
}

const PAGE: (&str, &str) = ("origin", "https://edge.example");

fn bounded() -> ApiOptions {
    let options = keyed(LiveOptions {
        connections_per_key_max: 2,
        subscriptions_per_key_max: 2,
        connections_max: 3,
        ..LiveOptions::default()
    });
    ApiOptions {
        allowed_origins: vec![PAGE.1.to_owned()],
        ..options
    }
}

#[tokio::test]
async fn streams_end_when_their_key_is_revoked_and_those_of_others_go_on() {
    let (app, _, address) = serving(keyed(LiveOptions {
        beat: Duration::from_millis(300),
        ..LiveOptions::default()
    }))
    .await;
    let (revoked, other) = (
        app.key(&[Scope::Read], 7).await,
        app.key(&[Scope::Read], 8).await,
    );
    let open = async |key: &str| {
        let authorization = format!("Bearer {key}");
        let headers = &[("authorization", authorization.as_str())];
        Client::ask(address, Wish { query: "", headers }).await.1
    };
    let (mut ends, mut goes_on) = (open(&revoked).await, open(&other).await);
    let events = Request::get("/v1/live?k=board")
        .header("accept", "text/event-stream")
        .header("authorization", format!("Bearer {revoked}"))
        .body(Body::empty());
    let events = app.router.clone().oneshot(events.unwrap()).await.unwrap();
    assert_eq!(events.status(), StatusCode::OK);
    let mut events = events.into_body();
    let first = poll_fn(|context| Pin::new(&mut events).poll_frame(context)).await;
    assert!(first.is_some_and(|it| it.is_ok()));

    let prefix = revoked.split('_').nth(1).unwrap();
    assert!(app.engine.revoke_key(prefix).await.unwrap());
    assert_eq!(ends.end_alive().await.0, 4401);
    let rest = timeout(PATIENCE, to_bytes(events, usize::MAX)).await;
    rest.expect("it ends").unwrap();
    goes_on.sub(&["board"]).await;
    assert_eq!(goes_on.next_of("snap").await["k"], "board");
}

#[tokio::test]
async fn streams_of_a_session_end_with_it_and_those_of_its_key_go_on() {
    let (app, _, address) = serving(keyed(LiveOptions {
        beat: Duration::from_millis(300),
        ..LiveOptions::default()
    }))
    .await;
    let key = app.key(&[Scope::Read], 7).await;
    let body = format!(r#"{{"key": "{key}"}}"#);
    let host = address.to_string();
    let host = ("host", host.as_str());
    let cookie = cookies(&app.post("/v1/session", &body, &[host]).await);
    let open = async |header: (&str, &str)| {
        let headers = &[header];
        Client::ask(address, Wish { query: "", headers }).await.1
    };
    let mut ends = open(("cookie", &cookie)).await;
    let mut goes_on = open(("x-api-key", &key)).await;
    ends.sub(&["board"]).await;
    assert_eq!(ends.next_of("snap").await["k"], "board");
    let out = (axum::http::Method::DELETE, "/v1/session");
    app.ask(out, "", &[host, ("cookie", &cookie)]).await;
    assert_eq!(ends.end_alive().await.0, 4401);
    goes_on.sub(&["board"]).await;
    assert_eq!(goes_on.next_of("snap").await["k"], "board");
}

#[tokio::test]
async fn who_is_let_in_is_told_by_status_or_by_the_code_of_the_goodbye() {
    let (app, _, address) = serving(bounded()).await;
    assert_eq!(refused(address, "", &[PAGE]).await, 4401);
    assert_eq!(refused(address, "?ticket=made-up", &[]).await, 4401);
    let headers = &[][..];
    let (head, _) = Client::ask(address, Wish { query: "", headers }).await;
    assert!(
        head.contains("401 "),
        "who is no page reads the status: {head}"
    );
    let writer = format!("Bearer {}", app.key(&[Scope::Write], 5).await);
    let headers = [PAGE, ("authorization", &*writer)];
    assert_eq!(refused(address, "", &headers).await, 4403);

    let reader = format!("Bearer {}", app.key(&[Scope::Read], 6).await);
    let without_key = app.post("/v1/live/tickets", "", &[]).await;
    assert_eq!(without_key.status, StatusCode::UNAUTHORIZED);
    let first = ticket(&app, &reader).await;
    let _one = Client::open(address, &first).await;
    let twice = refused(address, &first, &[]).await;
    assert_eq!(twice, 4401, "a ticket counts once");
    // As an event source sends it.
    let second = ticket(&app, &reader).await;
    let polled = app.get(&format!("/v1/live{second}&k=board")).await;
    assert_eq!(polled.status, StatusCode::OK);
    let again = app.get(&format!("/v1/live{first}&k=board")).await;
    assert_eq!(
        (again.status, &*again.problem()),
        (StatusCode::UNAUTHORIZED, "ticket-refused")
    );
}

#[tokio::test]
async fn one_key_has_so_many_sockets_and_subscriptions_and_the_server_so_many_of_all() {
    let (app, id, address) = serving(bounded()).await;
    let reader = format!("Bearer {}", app.key(&[Scope::Read], 6).await);
    let authorization = [("authorization", &*reader)];
    let key = format!("fixtures/{id}");
    let mut one = Client::open(address, &ticket(&app, &reader).await).await;
    one.sub(&[&key, "board"]).await;
    one.next_of("snap").await;
    one.next_of("snap").await;
    let spare = ticket(&app, &reader).await;
    let mut two = Client::open(address, &ticket(&app, &reader).await).await;
    two.sub(&["edges"]).await;
    assert_eq!(two.next().await["code"], "too-many");
    one.say(json!({"op": "unsub", "k": ["board"]})).await;
    one.sub(&["?"]).await;
    one.next_of("err").await;
    two.sub(&["edges"]).await;
    assert_eq!(two.next_of("snap").await["k"], "edges");
    assert_eq!(refused(address, &spare, &[]).await, 4429);
    let full = app.post("/v1/live/tickets", "", &authorization).await;
    assert_eq!(
        (full.status, &*full.problem()),
        (StatusCode::TOO_MANY_REQUESTS, "too-many-streams")
    );
    assert_eq!(full.header("retry-after"), "5");
    let headers = &authorization;
    let (head, _) = Client::ask(address, Wish { query: "", headers }).await;
    assert!(head.contains("429 "), "{head}");

    // With one more of another key the server is full.
    let other = format!("Bearer {}", app.key(&[Scope::Read], 7).await);
    let headers = &[PAGE, ("authorization", &*other)];
    let (head, _third) = Client::ask(address, Wish { query: "", headers }).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(refused(address, "", headers).await, 1013);
    // A place that is given back is another's.
    drop((one, two));
    let freed = async {
        let asked = async || app.post("/v1/live/tickets", "", &authorization).await;
        while asked().await.status != StatusCode::OK {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, freed)
        .await
        .expect("places are given back");
}

#[tokio::test]
async fn a_connection_follows_so_many_keys_and_no_more() {
    let (app, _, address) = serving(open()).await;
    let mut client = Client::open(address, "").await;
    let keys: Vec<String> = (0..51)
        .map(|it| format!("fixtures?limit={}", it + 1))
        .collect();
    let keys: Vec<&str> = keys.iter().map(|it| &**it).collect();
    client.sub(&keys).await;
    let mut kinds = Vec::new();
    for _ in 0..51 {
        kinds.push(client.next().await);
    }
    let refused: Vec<_> = kinds.iter().filter(|it| it["t"] == "err").collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(
        (&refused[0]["code"], &refused[0]["k"]),
        (&json!("too-many"), &json!(keys[50]))
    );
    // What is dropped while it is being made is not followed, and asking again is no second one.
    client.say(json!({"op": "unsub", "k": keys})).await;
    client.sub(&["board?competition=T0", "edges?limit=1"]).await;
    client
        .say(json!({"op": "unsub", "k": ["board?competition=T0"]}))
        .await;
    client.sub(&["edges?limit=1"]).await;
    assert_eq!(client.next_of("snap").await["k"], "edges?limit=1");
    drop(client);
    let gone = async {
        while !app.state.metrics().contains("sports_edge_live_readers 0\n") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, gone)
        .await
        .expect("who breaks off is noticed");
}
