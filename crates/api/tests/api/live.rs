//! Answers followed: streams, requests that wait, resumption, bounds.

use std::{future::poll_fn, pin::Pin, time::Duration};

use api::{ApiOptions, LiveOptions, ReadAccess, Scope};
use axum::{
    body::{Body, HttpBody},
    http::{Request, StatusCode},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::app::App;

/// Longer than any answer takes, on however busy a machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A stream of events, as a client reads it.
struct Stream {
    body: Body,
    read: String,
    /// The id of the last event.
    last_id: String,
}

impl Stream {
    async fn open(app: &App, query: &str, last_id: Option<&str>) -> Self {
        let mut request = Request::builder().uri(format!("/v1/live?{query}"));
        request = request.header("accept", "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = app.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            body: response.into_body(),
            read: String::new(),
            last_id: String::new(),
        }
    }

    /// The next frame; `None` where the server ended the stream.
    async fn next(&mut self) -> Option<Value> {
        while !self.read.contains("\n\n") {
            let frame = poll_fn(|context| Pin::new(&mut self.body).poll_frame(context));
            let frame = tokio::time::timeout(PATIENCE, frame)
                .await
                .expect("a frame comes");
            let data = frame?.unwrap().into_data().unwrap();
            self.read.push_str(std::str::from_utf8(&data).unwrap());
        }
        let (event, rest) = self.read.split_once("\n\n").unwrap();
        let (id, data) = event.split_once('\n').unwrap();
        self.last_id = id.strip_prefix("id: ").unwrap().to_owned();
        let frame = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        self.read = rest.to_owned();
        Some(frame)
    }

    /// The next frame of a kind; others are passed over.
    async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await.expect("the stream goes on");
            if frame["t"] == kind {
                return frame;
            }
        }
    }
}

/// A server that keeps up what is followed, and a game that kicked off ten minutes ago.
async fn playing() -> (App, i64) {
    playing_with(ApiOptions {
        read_access: ReadAccess::Open,
        ..ApiOptions::default()
    })
    .await
}

pub(crate) async fn playing_with(options: ApiOptions) -> (App, i64) {
    let app = App::with(options).await;
    app.engine.load().await.unwrap();
    app.engine.train(std::sync::Arc::new(|_| {})).await.unwrap();
    let state = app.state.clone();
    tokio::spawn(async move { state.keep_live().await });
    let kickoff = app.now - jiff::SignedDuration::from_mins(10);
    let entry = json!({
        "competition": "T0", "season": "2030/31", "kickoff": kickoff.to_string(),
        "home": "Team 01", "away": "Team 02",
    });
    let answer = post(&app, "/v1/fixtures", &entry).await;
    let id = answer["data"][0]["fixture_id"].as_i64().unwrap();
    (app, id)
}

async fn post(app: &App, path: &str, entry: &Value) -> Value {
    let writer = app.writer().await;
    let body = json!({ "data": [entry] }).to_string();
    let answer = app.post(path, &body, &[("authorization", &writer)]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    answer.json()
}

async fn tell(app: &App, id: i64, sequence: u64, what: Value) {
    let mut entry = what;
    entry["fixture_id"] = json!(id);
    entry["sequence"] = json!(sequence);
    entry["at"] = json!(app.now.to_string());
    post(app, "/v1/events", &entry).await;
}

pub(crate) async fn kick_off(app: &App, id: i64) {
    tell(app, id, 1, json!({"kind": "period_start", "period": 1})).await;
}

pub(crate) async fn goal(app: &App, id: i64, sequence: u64) {
    tell(app, id, sequence, json!({"kind": "scored", "side": "home"})).await;
}

/// A state after a delta's changes, by the rules of the protocol.
pub(crate) fn applied(mut state: Value, delta: &Value) -> Value {
    for change in delta["d"].as_array().unwrap() {
        let pointer = change[0].as_str().unwrap();
        let (parent, last) = pointer.rsplit_once('/').unwrap();
        match (state.pointer_mut(parent).unwrap(), change.get(1)) {
            (Value::Array(list), Some(value)) if last == "-" => list.push(value.clone()),
            (Value::Array(list), Some(value)) => {
                list[last.parse::<usize>().unwrap()] = value.clone();
            }
            (Value::Object(map), Some(value)) => {
                map.insert(last.to_owned(), value.clone());
            }
            (Value::Object(map), None) => {
                map.remove(last);
            }
            (other, _) => panic!("{pointer} leads to {other}"),
        }
    }
    state
}

#[tokio::test]
async fn a_stream_begins_with_the_state_and_goes_on_with_what_changes() {
    let (app, id) = playing().await;
    kick_off(&app, id).await;
    let key = format!("fixtures/{id}/play");
    let mut stream = Stream::open(&app, &format!("k={key}"), None).await;
    let snapshot = stream.next().await.unwrap();
    assert_eq!(
        (&snapshot["t"], &snapshot["k"]),
        (&json!("snap"), &json!(key))
    );
    assert_eq!(stream.last_id, snapshot["id"]);
    let asked = app.get(&format!("/v1/{key}")).await.json();
    assert_eq!(snapshot["d"], asked);
    goal(&app, id, 2).await;
    let delta = stream.next_of("d").await;
    assert_eq!(stream.last_id, delta["id"]);
    let now = app.get(&format!("/v1/{key}")).await.json();
    assert_eq!(now["play"]["score"], json!({"home": 1, "away": 0}));
    assert_eq!(applied(snapshot["d"].clone(), &delta), now);

    // The stream breaks; what happens meanwhile is caught up with, without the whole state.
    let last_id = stream.last_id.clone();
    drop(stream);
    goal(&app, id, 3).await;
    let mut stream = Stream::open(&app, &format!("k={key}"), Some(&last_id)).await;
    let missed = stream.next_of("d").await;
    let moments = missed["d"].as_array().unwrap();
    assert!(
        moments.iter().any(|it| it[0] == "/play/moments/-"),
        "{missed}"
    );
    let last_id = stream.last_id.clone();
    let mut again = Stream::open(&app, &format!("k={key}"), Some(&last_id)).await;
    assert_eq!(again.next().await.unwrap()["t"], "same");
    let mut lost = Stream::open(&app, &format!("k={key}&since=1.1"), None).await;
    assert_eq!(lost.next().await.unwrap()["why"], "expired");
    assert_eq!(lost.next().await.unwrap()["t"], "snap");

    app.state.start_draining();
    while lost.next().await.is_some() {}
    let metrics = app.state.metrics();
    assert!(
        metrics.contains("sports_edge_events_total{source=\"api\"} 3"),
        "{metrics}"
    );
    assert!(
        metrics.contains("sports_edge_live_gaps_total 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn who_follows_a_game_is_told_that_it_was_abandoned_and_pages_say_so() {
    let (app, id) = playing().await;
    kick_off(&app, id).await;
    goal(&app, id, 2).await;
    let [play, prediction] = ["play", "prediction"].map(|it| format!("fixtures/{id}/{it}"));
    let mut streams = Vec::new();
    for key in [&play, &prediction] {
        let mut stream = Stream::open(&app, &format!("k={key}"), None).await;
        let state = stream.next_of("snap").await["d"].clone();
        streams.push((key, stream, state));
    }
    tell(&app, id, 3, json!({"kind": "abandoned"})).await;
    for (key, mut stream, state) in streams {
        let told = loop {
            let frame = stream.next().await.unwrap();
            match frame["t"].as_str() {
                Some("snap") => break frame["d"].clone(),
                Some("d") => break applied(state, &frame),
                _ => {} // A beat.
            }
        };
        let asked = app.get(&format!("/v1/{key}")).await;
        assert_eq!((asked.status, asked.json()), (StatusCode::OK, told.clone()));
        assert_eq!(told["play"]["phase"], "abandoned");
        assert_eq!(told["play"]["score"], json!({"home": 1, "away": 0}));
        assert_eq!(told["play"]["moments"].as_array().unwrap().len(), 3);
        let all = told.get("probabilities").unwrap_or(&told["markets"]);
        assert_eq!(all, &json!([]));
    }
    let page = async |path: &str| {
        let page = app.get(path).await;
        assert_eq!(page.status, StatusCode::OK);
        let body = String::from_utf8(page.body).unwrap();
        assert!(!body.contains("sports-edge train"), "{path}");
        body
    };
    let body = page(&format!("/fixtures/{id}")).await;
    assert!(body.contains("<span class=\"mid\">1\u{2013}0</span>"));
    assert!(body.contains("<h2 id=\"play-title\">Abandoned</h2>"));
    assert!(body.contains("Probabilities before the game"));
    let board = page("/").await;
    let (_, row) = board.split_once(&format!("id=\"f{id}\"")).unwrap();
    let row = row.split_once("</li>").unwrap().0;
    assert!(
        row.contains("<span class=\"badge on\">Abandoned</span>"),
        "{row}"
    );
    assert!(!row.contains("No prediction"), "{row}");
}

#[tokio::test]
async fn a_request_waits_for_news_and_goes_without_where_there_is_none() {
    let (app, id) = playing().await;
    kick_off(&app, id).await;
    let key = format!("fixtures/{id}/play");
    let first = app
        .get(&format!("/v1/live?k={key}&k=board&since=-,-&wait_ms=20000"))
        .await;
    let frames = first.json()["frames"].clone();
    assert_eq!(frames.as_array().unwrap().len(), 2, "{frames}");
    assert_eq!(
        (&frames[0]["t"], &frames[1]["k"]),
        (&json!("snap"), &json!("board"))
    );
    let held = frames[0]["id"].as_str().unwrap();
    let same = app
        .get(&format!("/v1/live?k={key}&since={held}"))
        .await
        .json();
    assert_eq!(same["frames"][0]["t"], "same");
    // What cannot be followed was told at first: later it comes with the rest, and is waited with.
    let beside = format!("/v1/live?k={key}&k=teams&since={held},-&wait_ms=300");
    let asked = std::time::Instant::now();
    let beside = app.get(&beside).await.json();
    assert!(asked.elapsed() >= Duration::from_millis(300), "{beside}");
    assert_eq!(
        (&beside["frames"][0]["t"], &beside["frames"][1]["t"]),
        (&json!("err"), &json!("same"))
    );
    let address = format!("/v1/live?k={key}&since={held}&wait_ms=30000");
    let (_, news) = tokio::join!(goal(&app, id, 2), app.get(&address));
    let news = news.json()["frames"].clone();
    assert_eq!(news.as_array().unwrap().last().unwrap()["t"], "d", "{news}");
}

#[tokio::test]
async fn what_cannot_be_followed_is_said_and_bounds_are_kept() {
    let options = ApiOptions {
        read_access: ReadAccess::Keyed,
        live: LiveOptions {
            connections_max: 2,
            connections_per_key_max: 1,
            keys_max: 1,
            ..LiveOptions::default()
        },
        ..ApiOptions::default()
    };
    let (app, id) = playing_with(options).await;
    let none = app.get("/v1/live?k=board").await;
    assert_eq!(none.status, StatusCode::UNAUTHORIZED);
    let reader = format!("Bearer {}", app.key(&[Scope::Read], 3).await);
    let key = [("authorization", &*reader)];
    let bad = app.get_with("/v1/live?k=board&since=x", &key).await;
    assert_eq!(
        (bad.status, &*bad.problem()),
        (StatusCode::BAD_REQUEST, "bad-query")
    );
    let address = format!("/v1/live?k=teams&k=fixtures/999999&k=fixtures/{id}&k=board");
    let frames = app.get_with(&address, &key).await.json()["frames"].clone();
    let words = |it: &Value| {
        format!(
            "{} {}",
            it["t"].as_str().unwrap(),
            it["code"].as_str().unwrap_or("-")
        )
    };
    let words: Vec<String> = frames.as_array().unwrap().iter().map(words).collect();
    assert_eq!(
        words,
        ["err not-live", "err not-live", "err too-many", "snap -"],
        "{frames}"
    );

    let open = |reader: String| {
        let request = Request::builder().uri(format!("/v1/live?k=fixtures/{id}"));
        let request = request
            .header("accept", "text/event-stream")
            .header("authorization", reader);
        app.router
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
    };
    let held = open(reader.clone()).await.unwrap();
    assert_eq!(held.status(), StatusCode::OK);
    let same_key = open(reader.clone()).await.unwrap();
    assert_eq!(same_key.status(), StatusCode::TOO_MANY_REQUESTS);
    let other = format!("Bearer {}", app.key(&[Scope::Read], 4).await);
    let second = open(other.clone()).await.unwrap();
    assert_eq!(second.status(), StatusCode::OK);
    let third = format!("Bearer {}", app.key(&[Scope::Read], 5).await);
    assert_eq!(
        open(third.clone()).await.unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    drop(held);
    assert_eq!(open(third).await.unwrap().status(), StatusCode::OK);
    assert!(
        app.state
            .metrics()
            .contains("sports_edge_live_refused_total 2")
    );
}
