//! The live feed over real sockets: subscriptions, resumption, who is let in, bounds, goodbyes.

use std::{net::SocketAddr, time::Duration};

use api::{ApiOptions, LiveOptions, ReadAccess, Scope};
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::timeout,
};

use crate::{
    app::App,
    live::{PATIENCE, applied, goal, kick_off, playing_with},
};

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const FIN: u8 = 0x80;

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
struct Frame {
    opcode: u8,
    payload: Vec<u8>,
}

/// A client's end, which may break any rule.
struct Client(TcpStream);

/// What a request to upgrade says.
struct Wish<'a> {
    query: &'a str,
    headers: &'a [(&'a str, &'a str)],
}

impl Client {
    /// Sends a request to upgrade; what comes back, less what follows a head of 101.
    async fn ask(address: SocketAddr, wish: Wish<'_>) -> (String, Self) {
        Self::ask_over(TcpStream::connect(address).await.unwrap(), wish).await
    }

    async fn ask_over(mut stream: TcpStream, wish: Wish<'_>) -> (String, Self) {
        let address = stream.peer_addr().unwrap();
        let mut request = format!("GET /v1/live{} HTTP/1.1\r\nhost: {address}\r\n", wish.query);
        let mut headers = vec![
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in wish.headers {
            headers.retain(|it| it.0 != *name);
            headers.push((name, value));
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        stream
            .write_all((request + "\r\n").as_bytes())
            .await
            .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(PATIENCE, stream.read_u8())
                .await
                .expect("an answer");
            head.push(byte.unwrap());
        }
        (String::from_utf8(head).unwrap(), Self(stream))
    }

    async fn open(address: SocketAddr, query: &str) -> Self {
        let headers = &[];
        let (head, mut client) = Self::ask(address, Wish { query, headers }).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let accept = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
        assert!(head.contains(accept), "{head}");
        // The server speaks first.
        assert_eq!(client.next().await["t"], "hb");
        client
    }

    async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(
            payload
                .iter()
                .zip(MASK.iter().cycle())
                .map(|it| it.0 ^ it.1),
        );
        self.0.write_all(&frame).await.unwrap();
    }

    async fn say(&mut self, ask: Value) {
        self.send(FIN | 1, ask.to_string().as_bytes()).await;
    }

    async fn sub(&mut self, keys: &[&str]) {
        self.say(json!({"op": "sub", "k": keys})).await;
    }

    /// The next frame; `None` where the server ended the connection.
    async fn frame(&mut self) -> Option<Frame> {
        timeout(PATIENCE, self.frame_at_last())
            .await
            .expect("a frame comes")
    }

    async fn frame_at_last(&mut self) -> Option<Frame> {
        let first = self.0.read_u8().await.ok()?;
        assert_eq!(first & 0xf0, FIN, "frames are whole");
        let length = match self.0.read_u8().await.unwrap() {
            126 => u64::from(self.0.read_u16().await.unwrap()),
            127 => self.0.read_u64().await.unwrap(),
            short => u64::from(short),
        };
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).await.unwrap();
        let opcode = first & 0x0f;
        Some(Frame { opcode, payload })
    }

    /// The next text; the server's pings are let by.
    async fn next(&mut self) -> Value {
        loop {
            let frame = self.frame().await.expect("the connection goes on");
            if frame.opcode == 1 {
                return serde_json::from_slice(&frame.payload).unwrap();
            }
            assert_eq!(frame.opcode, 9, "{frame:?}");
        }
    }

    async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["t"] == kind {
                return frame;
            }
        }
    }

    /// The code and words the server ends it with.
    async fn end(&mut self) -> (u16, String) {
        loop {
            let frame = self.frame().await.expect("a goodbye comes");
            if frame.opcode == 8 {
                let (code, reason) = frame.payload.split_at(2);
                assert_eq!(self.frame().await, None, "nothing follows a goodbye");
                let code = u16::from_be_bytes([code[0], code[1]]);
                return (code, String::from_utf8(reason.to_vec()).unwrap());
            }
        }
    }
}

/// A server on a socket, and a game under way in it.
async fn serving(options: ApiOptions) -> (App, i64, SocketAddr) {
    let (app, id) = playing_with(options).await;
    kick_off(&app, id).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = app.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (app, id, address)
}

fn open() -> ApiOptions {
    ApiOptions {
        read_access: ReadAccess::Open,
        ..ApiOptions::default()
    }
}

fn keyed(live: LiveOptions) -> ApiOptions {
    ApiOptions {
        read_access: ReadAccess::Keyed,
        live,
        ..ApiOptions::default()
    }
}

#[tokio::test]
async fn keys_come_and_go_on_an_open_socket_and_are_resumed_on_another() {
    let (app, id, address) = serving(open()).await;
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
    let missed = client.next().await;
    assert_eq!(
        (&missed["t"], missed["b"].to_string()),
        (&json!("d"), held.split_once('.').unwrap().1.to_owned())
    );
    client
        .say(json!({"op": "sub", "k": [key], "since": {&*key: missed["id"]}, "mode": "all"}))
        .await;
    assert_eq!(client.next().await["t"], "same");
    client
        .say(json!({"op": "sub", "k": [key], "since": {&*key: "1.1"}}))
        .await;
    assert_eq!(client.next().await["why"], "epoch");
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
    let cases: [(&[(u8, &[u8])], u16); 10] = [
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

#[tokio::test]
async fn who_is_let_in_is_told_by_status_or_by_the_code_of_the_goodbye() {
    let (app, id, address) = serving(keyed(LiveOptions {
        connections_per_key_max: 2,
        subscriptions_per_key_max: 2,
        connections_max: 3,
        allowed_origins: vec!["https://edge.example".to_owned()],
        ..LiveOptions::default()
    }))
    .await;
    let page = ("origin", "https://edge.example");
    let refused = async |query: &str, headers: &[(&str, &str)]| {
        let (head, mut client) = Client::ask(address, Wish { query, headers }).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        client.end().await.0
    };
    assert_eq!(refused("", &[page]).await, 4401);
    assert_eq!(refused("?ticket=made-up", &[]).await, 4401);
    let headers = &[][..];
    let (head, _) = Client::ask(address, Wish { query: "", headers }).await;
    assert!(
        head.contains("401 "),
        "who is no page reads the status: {head}"
    );
    let writer = format!("Bearer {}", app.key(&[Scope::Write], 5).await);
    assert_eq!(refused("", &[page, ("authorization", &writer)]).await, 4403);

    let reader = format!("Bearer {}", app.key(&[Scope::Read], 6).await);
    let authorization = [("authorization", &*reader)];
    let ticket = async || {
        let answer = app.post("/v1/live/tickets", "", &authorization).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        let answer = answer.json();
        assert_eq!(answer["expires_in_ms"], 30_000);
        format!("?ticket={}", answer["ticket"].as_str().unwrap())
    };
    let without_key = app.post("/v1/live/tickets", "", &[]).await;
    assert_eq!(without_key.status, StatusCode::UNAUTHORIZED);
    let first = ticket().await;
    let mut one = Client::open(address, &first).await;
    assert_eq!(refused(&first, &[]).await, 4401, "a ticket counts once");
    // As an event source sends it.
    let polled = app
        .get(&format!("/v1/live{}&k=board", ticket().await))
        .await;
    assert_eq!(polled.status, StatusCode::OK);
    let again = app.get(&format!("/v1/live{first}&k=board")).await;
    assert_eq!(
        (again.status, &*again.problem()),
        (StatusCode::UNAUTHORIZED, "ticket-refused")
    );

    // Bounds of one key: two subscriptions over all its sockets, two sockets.
    let key = format!("fixtures/{id}");
    one.sub(&[&key, "board"]).await;
    one.next_of("snap").await;
    one.next_of("snap").await;
    let spare = ticket().await;
    let mut two = Client::open(address, &ticket().await).await;
    two.sub(&["edges"]).await;
    assert_eq!(two.next().await["code"], "too-many");
    one.say(json!({"op": "unsub", "k": ["board"]})).await;
    one.sub(&["?"]).await;
    one.next_of("err").await;
    two.sub(&["edges"]).await;
    assert_eq!(two.next().await["t"], "snap");
    assert_eq!(refused(&spare, &[]).await, 4429);
    let full = app.post("/v1/live/tickets", "", &authorization).await;
    assert_eq!(
        (full.status, &*full.problem()),
        (StatusCode::TOO_MANY_REQUESTS, "too-many-streams")
    );
    assert_eq!(full.header("retry-after"), "5");
    let (head, _) = Client::ask(
        address,
        Wish {
            query: "",
            headers: &authorization,
        },
    )
    .await;
    assert!(head.contains("429 "), "{head}");

    // Bounds of all: with one more of another key the server is full.
    let other = format!("Bearer {}", app.key(&[Scope::Read], 7).await);
    let headers = &[page, ("authorization", &*other)];
    let (head, _third) = Client::ask(address, Wish { query: "", headers }).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert_eq!(refused("", headers).await, 1013);
    // A place that is given back is another's.
    drop((one, two));
    let freed = async {
        while app
            .post("/v1/live/tickets", "", &authorization)
            .await
            .status
            != StatusCode::OK
        {
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
