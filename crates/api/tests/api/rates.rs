//! Whose requests are counted, and what else is.

use std::{
    net::IpAddr,
    num::{NonZeroU32, NonZeroUsize},
    time::{Duration, Instant},
};

use api::{
    ApiOptions, Front, KEY_RANDOM_BYTES, KeyText, LiveOptions, Peer, RateOptions, ReadAccess, Scope,
};
use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode},
    response::Response,
};
use store::Store;

use crate::{app::App, sessions::cookies};

const PATH: &str = "/v1/competitions";

/// A server that counts requests, each limit's in a minute.
struct Limited {
    app: App,
    front: Front,
    /// When the first of them may be sent again, on a machine that stands still that long.
    again_after: Duration,
    begun: Instant,
}

impl Limited {
    async fn with(per_key: u32, per_address: u32) -> Self {
        let options = ApiOptions {
            read_access: ReadAccess::Open,
            rates: RateOptions {
                per_key: NonZeroU32::new(per_key),
                per_address: NonZeroU32::new(per_address),
            },
            ..ApiOptions::default()
        };
        let app = App::with(options).await;
        let front = Front::new(app.state.clone());
        Self {
            app,
            front,
            again_after: Duration::from_secs(60) / per_address.max(1),
            begun: Instant::now(),
        }
    }

    /// Whether one may be let through that would be refused had no time gone by.
    fn is_late(&self) -> bool {
        self.begun.elapsed() >= self.again_after
    }

    async fn get(&self, path: &str, header: (&str, &str)) -> (StatusCode, HeaderMap) {
        let peer = Peer(IpAddr::from([192, 0, 2, 7]));
        let request = Request::get(path).header(header.0, header.1);
        let request = request.extension(peer).body(Body::empty()).unwrap();
        let answer = self.front.answer(request).await;
        (answer.status(), answer.headers().clone())
    }

    async fn status(&self, path: &str, header: (&str, &str)) -> u16 {
        self.get(path, header).await.0.as_u16()
    }

    /// What a key is answered, and under which limit.
    async fn with_key(&self, key: &str) -> (u16, String) {
        let (status, headers) = self.get(PATH, ("x-api-key", key)).await;
        let limit = headers.get("ratelimit-policy");
        let limit = limit.map_or("", |it| it.to_str().unwrap());
        let name = limit.split('"').nth(1).unwrap_or_default();
        (status.as_u16(), name.to_owned())
    }
}

/// A key whose checksum is right and that nobody gave out.
fn made_up(mark: u8) -> String {
    let key = KeyText::from_random(&[mark; KEY_RANDOM_BYTES]);
    key.reveal().to_owned()
}

#[tokio::test]
async fn keys_are_made_up_only_so_often_and_do_not_stand_in_the_way_of_one_that_is_proven() {
    let limited = Limited::with(1_000, 1).await;
    let proven = limited.app.key(&[Scope::Read], 1).await;
    let other = limited.app.key(&[Scope::Read], 2).await;
    let by_key = (200, "key".to_owned());
    assert_eq!(limited.with_key(&proven).await, by_key);
    // Requests without a key leave an address the right to prove one.
    assert_eq!(limited.status(PATH, ("accept", "*/*")).await, 200);
    let refused = limited.status(PATH, ("accept", "*/*")).await == 429;
    assert!(refused || limited.is_late());
    assert_eq!(limited.with_key(&other).await, by_key);
    for mark in 10..14 {
        let (status, limit) = limited.with_key(&made_up(mark)).await;
        assert!(status == 429 || limited.is_late(), "{status}");
        assert_eq!(limit, "address");
    }
    // An address that makes keys up has the store asked for no other.
    let late = limited.app.key(&[Scope::Read], 3).await;
    let said = limited.with_key(&late).await;
    assert!(
        said == (429, "address".to_owned()) || limited.is_late(),
        "{said:?}"
    );
    for key in [&proven, &other] {
        let said = limited.with_key(key).await;
        assert!(said == by_key || limited.is_late(), "{said:?}");
    }
}

#[tokio::test]
async fn whoever_has_asked_for_too_much_can_still_sign_out() {
    let limited = Limited::with(1, 1_000).await;
    let key = limited.app.key(&[Scope::Read], 1).await;
    let sign_in = format!(r#"{{"key": "{key}"}}"#);
    let own = [("sec-fetch-site", "same-origin")];
    let answer = limited.app.post("/v1/session", &sign_in, &own).await;
    let cookie = cookies(&answer);
    let session = async |method: &str| {
        let request = Request::builder().method(method).uri("/v1/session");
        let request = request
            .header("sec-fetch-site", "same-origin")
            .header("cookie", &cookie)
            .extension(Peer(IpAddr::from([192, 0, 2, 7])));
        let answer = limited.front.answer(request.body(Body::empty()).unwrap());
        answer.await.status()
    };
    while limited.status(PATH, ("cookie", &cookie)).await != 429 {}
    assert_eq!(session("GET").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(session("DELETE").await, StatusCode::OK);
}

#[tokio::test]
async fn where_the_store_does_not_say_whose_a_key_is_nobody_pays_for_it() {
    let limited = Limited::with(1_000, 1).await;
    let proven = limited.app.key(&[Scope::Read], 1).await;
    let other = limited.app.key(&[Scope::Read], 2).await;
    assert_eq!(limited.with_key(&proven).await, (200, "key".to_owned()));
    limited.app.store.close().await;
    tokio::time::sleep(engine::KEY_BELIEVED).await; // What was held of the key is no longer believed.
    for _ in 0..4 {
        assert_eq!(limited.with_key(&other).await, (503, String::new()));
    }
    let said = limited.with_key(&proven).await;
    let known = said == (503, "key".to_owned());
    assert!(known || limited.is_late(), "{said:?}");
}

#[tokio::test]
async fn whoever_follows_is_counted_by_keys_whichever_way_it_comes() {
    let path = "/v1/live?k=board&k=edges&k=competitions";
    for accept in ["application/json", "text/event-stream"] {
        let limited = Limited::with(0, 3).await;
        let (status, headers) = limited.get(path, ("accept", accept)).await;
        assert_eq!(status, 200);
        assert_eq!(headers["ratelimit"], "\"address\";r=0;t=60");
        let (status, headers) = limited.get(path, ("accept", accept)).await;
        assert!(status == 429 || limited.is_late(), "{headers:?}");
        assert_eq!(headers["content-type"], "application/problem+json");
        assert!(headers.contains_key("retry-after"));
    }
}

#[tokio::test]
async fn sockets_that_are_opened_and_closed_at_once_are_counted() {
    let limited = Limited::with(0, 2).await;
    let upgrade = ("upgrade", "websocket");
    for _ in 0..2 {
        assert_eq!(limited.status("/v1/live", upgrade).await, 400, "no socket");
    }
    let (status, headers) = limited.get("/v1/live", upgrade).await;
    assert!(status == 429 || limited.is_late(), "{status}");
    assert!(headers.contains_key("retry-after"));
    let events = ("accept", "text/event-stream");
    let status = limited.status("/v1/live?k=board", events).await;
    assert!(status == 429 || limited.is_late(), "{status}");
}

/// Asks for a stream of events from an address.
async fn stream(front: &Front, from: [u8; 4], key: &str) -> Response {
    let request = Request::get("/v1/live?k=competitions")
        .header("accept", "text/event-stream")
        .header("x-api-key", key)
        .extension(Peer(IpAddr::from(from)));
    let request = match key {
        "" => {
            let mut request = request.body(Body::empty()).unwrap();
            request.headers_mut().remove("x-api-key");
            request
        }
        _ => request.body(Body::empty()).unwrap(),
    };
    front.answer(request).await
}

#[tokio::test]
async fn an_address_without_a_key_has_so_many_streams_and_takes_no_others_place() {
    let options = ApiOptions {
        read_access: ReadAccess::Open,
        live: LiveOptions {
            connections_per_address_max: NonZeroUsize::new(2),
            ..LiveOptions::default()
        },
        ..ApiOptions::default()
    };
    let app = App::with(options).await;
    let (front, key) = (
        Front::new(app.state.clone()),
        app.key(&[Scope::Read], 1).await,
    );
    let (one, other, own) = ([192, 0, 2, 7], [192, 0, 2, 8], [127, 0, 0, 1]);
    let mut open = Vec::new();
    for (from, key) in [
        (one, ""),
        (one, ""),
        (other, ""),
        (one, &*key),
        (own, ""),
        (own, ""),
        (own, ""),
    ] {
        let answer = stream(&front, from, key).await;
        assert_eq!(answer.status(), 200, "{from:?} {key}");
        open.push(answer);
    }
    let refused = stream(&front, one, "").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "5");
    let body = axum::body::to_bytes(refused.into_body(), usize::MAX).await;
    let problem: serde_json::Value = serde_json::from_slice(&body.unwrap()).unwrap();
    assert_eq!(problem["type"], "/docs/problems#too-many-streams");
    assert_eq!(
        problem["detail"],
        "this address, without an API key, has 2 streams already"
    );
    let figures = app.state.metrics();
    for name in ["refused_total", "refused_per_address_total"] {
        let line = format!("sports_edge_live_{name} 1\n");
        assert!(figures.contains(&line), "{name}");
    }
    open.remove(0);
    assert_eq!(stream(&front, one, "").await.status(), 200);
}

#[tokio::test]
async fn a_session_counts_as_its_key() {
    let limited = Limited::with(120, 60).await;
    let key = limited.app.key(&[Scope::Write], 3).await;
    let body = format!(r#"{{"key": "{key}"}}"#);
    let cookie = cookies(&limited.app.post("/v1/session", &body, &[]).await);
    let policy = async |cookie: &str| {
        let (_, headers) = limited.get(PATH, ("cookie", cookie)).await;
        headers["ratelimit-policy"].to_str().unwrap().to_owned()
    };
    assert!(policy(&cookie).await.starts_with("\"key\";q=120"));
    let made_up = format!("sports-edge-session={}", "A".repeat(43));
    assert!(policy(&made_up).await.starts_with("\"address\";q=60"));
}
