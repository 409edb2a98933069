//! A client reads what it wrote, whichever process answers.

use std::sync::Arc;

use api::{ApiOptions, ApiState, ReadAccess, router};
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use engine::{Engine, EngineOptions, FixedClock};
use tower::ServiceExt;

use crate::app::App;

const POSITION: &str = "sports-edge-position";

/// Another process on the same store, which follows changes only when it has to.
async fn other(app: &App) -> Router {
    another(app).await.1
}

/// The same, with its engine.
async fn another(app: &App) -> (Arc<Engine>, Router) {
    let clock = Arc::new(FixedClock(app.now));
    let engine = Engine::new(app.store.clone(), clock, EngineOptions::default());
    engine.follow().await.unwrap();
    let options = ApiOptions {
        read_access: ReadAccess::Open,
        ..ApiOptions::default()
    };
    let engine = Arc::new(engine);
    let router = router(ApiState::new(Arc::clone(&engine), options));
    (engine, router)
}

/// Reads there; returns the tier that answered and how many prices a bookmaker has.
async fn read(router: &Router, path: &str, position: Option<&str>) -> (String, usize) {
    let mut request = Request::builder().uri(path);
    if let Some(position) = position {
        request = request.header(POSITION, position);
    }
    let request = request.body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().get(POSITION).is_none());
    let tier = response.headers()["server-timing"]
        .to_str()
        .unwrap()
        .to_owned();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
    (tier, body.matches("\"mine\"").count())
}

fn quote(fixture: i64, price: f64) -> String {
    format!(
        r#"{{"data": [{{"fixture_id": {fixture}, "bookmaker": "mine", "market": "h2h",
            "outcomes": [{{"outcome": "home", "price": {price}}}]}}]}}"#
    )
}

#[tokio::test]
async fn a_read_that_brings_the_position_of_a_write_sees_it_in_another_process() {
    let app = App::open().await;
    let other = other(&app).await;
    let path = format!("/v1/fixtures/{}/quotes", app.upcoming());
    read(&other, &path, None).await;
    let kept = "cache;desc=memory";
    assert_eq!(read(&other, &path, None).await, (kept.to_owned(), 0));

    let writer = app.writer().await;
    let headers = [("authorization", writer.as_str()), ("idempotency-key", "k")];
    let body = quote(app.upcoming(), 2.0);
    let written = app.post("/v1/quotes", &body, &headers).await;
    assert_eq!(written.status, StatusCode::OK, "{written:?}");
    let position = written.header(POSITION).to_owned();
    assert!(position.parse::<u64>().unwrap() > 0);
    // It has not heard of the write, and nobody told it to.
    assert_eq!(read(&other, &path, None).await, (kept.to_owned(), 0));
    let (tier, found) = read(&other, &path, Some(&position)).await;
    assert_eq!((tier.as_str(), found), ("cache;desc=loader", 1));
    let again = read(&other, &path, Some(&position)).await;
    assert_eq!(again, (kept.to_owned(), 1), "once is enough");

    // An answer that is given again tells where the write is, too.
    let again = app.post("/v1/quotes", &body, &headers).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert!(again.header(POSITION).parse::<u64>().unwrap() >= position.parse().unwrap());
    let refused = app.post("/v1/quotes", "{}", &headers[..1]).await;
    assert_eq!(refused.header(POSITION), "", "nothing was written");
}

#[tokio::test]
async fn what_is_loaded_once_a_change_was_heard_of_follows_it_first() {
    let app = App::open().await;
    let (engine, other) = another(&app).await;
    let path = format!("/v1/fixtures/{}/quotes", app.upcoming());
    assert_eq!(read(&other, &path, None).await.1, 0);
    let writer = app.writer().await;
    let headers = [("authorization", writer.as_str())];
    let body = quote(app.upcoming(), 2.0);
    let written = app.post("/v1/quotes", &body, &headers).await;
    let position = written.header(POSITION).parse().unwrap();

    // As the shared cache does when another process tells of its write.
    engine.cache().must_see(position);
    let kept = read(&other, &path, None).await;
    assert_eq!(
        kept,
        ("cache;desc=memory".to_owned(), 0),
        "nothing was loaded"
    );
    read(&other, "/v1/competitions", None).await;
    assert_eq!(read(&other, &path, None).await.1, 1);
}

#[tokio::test]
async fn a_position_is_one_number_and_one_of_another_database_asks_for_nothing() {
    let app = App::open().await;
    let path = format!("/v1/fixtures/{}", app.upcoming());
    for bad in ["", "x", "-1", "+1", "1.5", " 1 2", "99999999999999999999"] {
        let answer = app.get_with(&path, &[(POSITION, bad)]).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad:?}");
        assert_eq!(answer.problem(), "bad-header");
        assert_eq!(answer.json()["errors"][0]["header"], POSITION);
    }
    let twice = [(POSITION, "1"), (POSITION, "2")];
    let answer = app.get_with(&path, &twice).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    for good in ["0", "1", "007", "18446744073709551615"] {
        let answer = app.get_with(&path, &[(POSITION, good)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{good}: {answer:?}");
    }
}
