use api::{ApiOptions, Front, Hosts, ReadAccess};
use axum::{
    body::Body,
    http::{Request, StatusCode},
};

use crate::app::App;

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_browsers_safe() {
    let app = App::open().await;
    for path in [
        "/",
        "/v1/teams",
        "/nowhere",
        "/docs/",
        "/docs/problems",
        "/health/live",
    ] {
        let answer = app.get(path).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        let referrer = if path == "/" {
            "same-origin"
        } else {
            "no-referrer"
        };
        assert_eq!(answer.header("referrer-policy"), referrer, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src '"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("script-src 'unsafe"), "{path}: {policy}");
    }
}

#[tokio::test]
async fn a_request_keeps_a_sane_id_and_gets_one_otherwise() {
    let app = App::open().await;
    let id = |name: &'static str| {
        let app = &app;
        async move {
            let answer = app
                .get_with("/health/live", &[("x-request-id", name)])
                .await;
            answer.header("x-request-id").to_owned()
        }
    };
    assert_eq!(id("abc-1._Z").await, "abc-1._Z");
    assert_eq!(id("a b").await, "req_0000000000000000");
    assert_eq!(id("").await, "req_0000000000000001");
    let long: &'static str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
    assert_eq!(id(long).await, "req_0000000000000002");
}

#[tokio::test]
async fn on_loopback_only_known_hosts_are_answered() {
    let options = ApiOptions {
        read_access: ReadAccess::Open,
        hosts: Hosts::LoopbackAnd(vec!["Odds.example".into()]),
        ..ApiOptions::default()
    };
    let app = App::with(options).await;
    let known = [
        "localhost",
        "LOCALHOST:8080",
        "127.0.0.1:1",
        "[::1]:80",
        "[::1]",
        "odds.example",
    ];
    for host in known {
        let answer = app.get_with("/health/live", &[("host", host)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{host}");
    }
    for host in [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil:80",
        "",
        "x:y",
    ] {
        let answer = app.get_with("/v1/teams", &[("host", host)]).await;
        assert_eq!(answer.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
        assert_eq!(answer.problem(), "foreign-host");
        assert!(
            answer.json()["detail"]
                .as_str()
                .unwrap()
                .contains("allowed_hosts")
        );
    }
    // What stands before the headers counts, whatever they say.
    let (evil, own) = (
        "http://evil.example/v1/teams",
        "http://localhost:80/v1/teams",
    );
    for headers in [&[][..], &[("host", "localhost")]] {
        let answer = app.get_with(evil, headers).await;
        assert_eq!(answer.problem(), "foreign-host", "{headers:?}");
    }
    let answer = app.get_with(own, &[("host", "evil.example")]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(app.get("/v1/teams").await.status, StatusCode::OK);
}

#[tokio::test]
async fn readiness_follows_loading_and_draining() {
    let app = App::open().await;
    assert_eq!(
        app.get("/health/live").await.json(),
        serde_json::json!({"status": "ok"})
    );
    let loading = app.get("/health/ready").await;
    assert_eq!(loading.problem(), "not-ready");
    assert_eq!(loading.header("retry-after"), "1");
    app.engine.load().await.unwrap();
    assert_eq!(app.get("/health/ready").await.status, StatusCode::OK);
    app.state.start_draining();
    let draining = app.get("/health/ready").await;
    assert_eq!(draining.json()["detail"], "the server is stopping");
    assert_eq!(app.get("/health/live").await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_is_answered_while_the_server_stops_is_to_go_elsewhere() {
    let app = App::open().await;
    let front = Front::new(app.state.clone());
    let ask = async || {
        let request = Request::get("/v1/competitions").body(Body::empty());
        front.answer(request.unwrap()).await
    };
    assert!(ask().await.headers().get("connection").is_none());
    app.state.announce_stop();
    let answer = ask().await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["connection"], "close");
}

#[tokio::test]
async fn the_document_is_browsable_from_the_copy_in_the_binary() {
    let app = App::open().await;
    let moved = app.get("/docs").await;
    assert_eq!(
        (moved.status, moved.header("location")),
        (StatusCode::PERMANENT_REDIRECT, "/docs/")
    );
    let page = app.get("/docs/").await;
    let text = String::from_utf8(page.body).unwrap();
    for file in [
        "swagger-ui.css",
        "swagger-ui-bundle.js",
        "swagger-initializer.js",
    ] {
        assert!(text.contains(file), "{file}");
        assert_eq!(
            app.get(&format!("/docs/{file}")).await.status,
            StatusCode::OK
        );
    }
    let initializer = app.get("/docs/swagger-initializer.js").await;
    let text = String::from_utf8(initializer.body).unwrap();
    assert!(text.contains("/openapi.json"), "{text}");
}

#[tokio::test]
async fn a_browser_gets_problems_outside_the_api_as_a_page() {
    let app = App::open().await;
    let html = ("accept", "text/html,*/*");
    let page = app.get_with("/nowhere", &[html]).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.header("content-type").starts_with("text/html"));
    assert_eq!(
        app.get_with("/v1/nowhere", &[html]).await.problem(),
        "unknown-route"
    );
}
