//! The front door before routes that misbehave.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    response::Response,
    routing::get,
};
use engine::{Engine, EngineOptions, FixedClock};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Notify;
use tower::ServiceExt;

use super::*;
use crate::{ApiOptions, ReadAccess};

async fn state(options: ApiOptions) -> ApiState {
    let store = store::SqliteStore::temporary().await.unwrap();
    let clock = Arc::new(FixedClock(Timestamp::UNIX_EPOCH));
    let engine = Engine::new(Arc::new(store), clock, EngineOptions::default());
    ApiState::new(Arc::new(engine), options)
}

async fn guarded_by(options: ApiOptions, routes: Router) -> Router {
    guarded(
        routes,
        state(ApiOptions {
            read_access: ReadAccess::Open,
            ..options
        })
        .await,
    )
}

async fn ask(router: &Router, path: &str) -> Response {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    router.clone().oneshot(request).await.unwrap()
}

async fn problem(response: Response) -> Value {
    let body = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[expect(clippy::panic, reason = "the point of the test")]
async fn panics(words: &'static str) -> &'static str {
    if words.is_empty() {
        words
    } else {
        panic!("{words}")
    }
}

#[tokio::test]
async fn a_panic_is_a_problem_that_keeps_its_words_to_itself() {
    let routes = Router::new()
        .route("/text", get(|| panics("secret")))
        .route(
            "/other",
            get(|| async { std::panic::panic_any(7) as &'static str }),
        );
    let router = guarded_by(ApiOptions::default(), routes).await;
    for path in ["/text", "/other"] {
        let response = ask(&router, path).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let problem = problem(response).await;
        assert_eq!(problem["type"], "/docs/problems#internal");
        assert_eq!(
            problem["detail"],
            "the server is at fault; the log has more"
        );
        assert_eq!(problem["instance"], path);
    }
}

#[tokio::test]
async fn a_failure_without_words_gets_some() {
    let routes = Router::new().route("/", get(|| async { StatusCode::IM_A_TEAPOT }));
    let router = guarded_by(ApiOptions::default(), routes).await;
    let response = ask(&router, "/").await;
    assert_eq!(problem(response).await["type"], "/docs/problems#internal");
}

#[tokio::test]
async fn an_answer_of_unknown_length_is_passed_on_without_a_tag() {
    let routes = Router::new()
        .route(
            "/",
            get(|| async { "long enough to be compressed, which hides its length" }),
        )
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(guard::conditional));
    let router = guarded_by(ApiOptions::default(), routes).await;
    let request = Request::builder()
        .uri("/")
        .header("accept-encoding", "gzip");
    let response = router
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(!response.headers().contains_key("etag"));
}

/// Tells when it is dropped.
struct Watched(Arc<AtomicBool>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A route that never answers, and whether its work has been dropped.
fn endless() -> (Router, Arc<AtomicBool>, Arc<Notify>) {
    let (dropped, started) = (Arc::new(AtomicBool::new(false)), Arc::new(Notify::new()));
    let (flag, begun) = (Arc::clone(&dropped), Arc::clone(&started));
    let handler = move || {
        let (flag, begun) = (Arc::clone(&flag), Arc::clone(&begun));
        async move {
            let _watched = Watched(flag);
            begun.notify_one();
            std::future::pending::<&'static str>().await
        }
    };
    let routes = Router::new()
        .route("/endless", get(handler))
        .route("/quick", get(|| async { "done" }))
        .route("/health/live", get(|| async { "alive" }))
        .route("/health/ready", get(|| async { "ready" }));
    (routes, dropped, started)
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_stopped() {
    let (routes, dropped, _) = endless();
    let options = ApiOptions {
        handler_time_max: Duration::from_millis(50),
        ..ApiOptions::default()
    };
    let router = guarded_by(options, routes).await;
    let response = ask(&router, "/endless").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "5");
    assert_eq!(problem(response).await["type"], "/docs/problems#timed-out");
    assert!(dropped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn one_request_too_many_is_refused_now_and_health_is_not() {
    let (routes, _, started) = endless();
    let options = ApiOptions {
        concurrent_requests_max: 1,
        ..ApiOptions::default()
    };
    let router = guarded_by(options, routes).await;
    let busy = tokio::spawn({
        let router = router.clone();
        async move { ask(&router, "/endless").await }
    });
    started.notified().await;
    let response = ask(&router, "/quick").await;
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(problem(response).await["type"], "/docs/problems#overloaded");
    for health in ["/health/live", "/health/ready"] {
        assert_eq!(ask(&router, health).await.status(), StatusCode::OK);
    }
    busy.abort();
    assert!(busy.await.unwrap_err().is_cancelled());
    assert_eq!(ask(&router, "/quick").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn work_for_a_client_that_hung_up_stops() {
    use tokio::{
        io::AsyncWriteExt,
        net::{TcpListener, TcpStream},
    };
    let (routes, dropped, started) = endless();
    let router = guarded_by(ApiOptions::default(), routes).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .unwrap();
    started.notified().await;
    drop(client);
    let patience = Duration::from_secs(5);
    let stopped = tokio::time::timeout(patience, async {
        while !dropped.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    stopped
        .await
        .expect("the handler is dropped soon after the client");
    server.abort();
}
