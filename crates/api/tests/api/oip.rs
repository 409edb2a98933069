use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use engine::{Engine, EngineOptions, FixedClock};
use jiff::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::app::{App, server_of_models};

/// What the server's clock says.
fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

/// A server with an empty folder of models.
async fn empty() -> (Router, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder, api::ReadAccess::Open).await;
    (api::router(state), folder)
}

pub(crate) async fn state(folder: &TempDir, read_access: api::ReadAccess) -> api::ApiState {
    let models = server_of_models(folder).await;
    let store = store::SqliteStore::temporary().await.unwrap();
    let clock = Arc::new(FixedClock(now()));
    let engine = Engine::new(Arc::new(store), clock, EngineOptions::default());
    let options = api::ApiOptions {
        read_access,
        hosts: api::Hosts::LoopbackAnd(Vec::new()),
        ..api::ApiOptions::default()
    };
    api::ApiState::new(Arc::new(engine.with_serving(models)), options)
}

async fn ask(router: &Router, method: Method, path: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::from(body.to_owned())).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status();
    assert!(response.headers().contains_key("x-request-id"));
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
    let body = body.unwrap();
    let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    (status, value)
}

async fn error_of(path: &str, body: &str) -> String {
    let (router, _folder) = empty().await;
    let (status, value) = ask(&router, Method::POST, path, body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{value}");
    value["error"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_server_says_what_it_is_and_that_it_lives() {
    let (router, _folder) = empty().await;
    let (status, value) = ask(&router, Method::GET, "/v2", "").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(value["name"], "sports-edge");
    for path in ["/v2/health/live", "/v2/health/ready"] {
        let (status, _) = ask(&router, Method::GET, path, "").await;
        assert_eq!(status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn an_empty_folder_has_an_empty_index_and_no_statistics() {
    let (router, _folder) = empty().await;
    let (_, index) = ask(&router, Method::POST, "/v2/repository/index", "").await;
    assert_eq!(index, json!([]));
    let (_, stats) = ask(&router, Method::GET, "/v2/models/stats", "").await;
    assert_eq!(stats, json!({"model_stats": []}));
}

#[tokio::test]
async fn a_model_that_is_not_there_is_named_in_the_error() {
    let (router, _folder) = empty().await;
    for path in ["", "/ready", "/config", "/versions/3/ready"] {
        let path = format!("/v2/models/nobody{path}");
        let (status, value) = ask(&router, Method::GET, &path, "").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(
            value["error"].as_str().unwrap().contains("nobody"),
            "{value}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_said_with_its_place() {
    let path = "/v2/models/m/infer";
    let of = |input: &str| format!("{{\"inputs\": [{input}]}}");
    let long = of(r#"{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1]}"#);
    assert_eq!(
        error_of(path, &long).await,
        "input x: 1 elements for a shape of 2"
    );
    let text = of(r#"{"name": "x", "shape": [1], "datatype": "FP32", "data": ["a"]}"#);
    assert_eq!(
        error_of(path, &text).await,
        "input x: element 0 is \"a\", not FP32"
    );
    let kind = of(r#"{"name": "x", "shape": [1], "datatype": "FP8", "data": [1]}"#);
    assert_eq!(
        error_of(path, &kind).await,
        "input x: datatype FP8 is not known"
    );
    let none = of(r#"{"name": "x", "shape": [1], "datatype": "FP32"}"#);
    assert_eq!(
        error_of(path, &none).await,
        "input x: either data or binary_data_size is wanted"
    );
    let sequence = r#"{"inputs": [], "parameters": {"sequence_id": 4}}"#;
    assert!(error_of(path, sequence).await.contains("sequence_id"));
}

#[tokio::test]
async fn loading_and_unloading_need_a_key_that_may_change_models() {
    let (router, _folder) = empty().await;
    for verb in ["load", "unload"] {
        let path = format!("/v2/repository/models/m/{verb}");
        let (status, value) = ask(&router, Method::POST, &path, "").await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(value["error"].is_string(), "{value}");
    }
}

#[tokio::test]
async fn without_a_server_of_models_everything_about_models_is_not_found() {
    let app = App::open().await;
    for path in ["/v2/models/m", "/v2/models/stats", "/v2/strange"] {
        let answer = app.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(
            answer.header(header::CONTENT_TYPE.as_str()),
            "application/json"
        );
        assert!(answer.json()["error"].is_string());
    }
    let ready = app.get("/v2/health/ready").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
}

/// What an answer is to its reader, but for its id.
async fn told(response: axum::response::Response) -> (StatusCode, Vec<String>, String) {
    let (parts, body) = response.into_parts();
    assert!(parts.headers.contains_key("x-request-id"));
    let mut headers: Vec<_> = parts.headers.iter().map(|it| format!("{it:?}")).collect();
    headers.retain(|it| !it.contains("x-request-id") && !it.contains("content-length"));
    headers.sort();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (
        parts.status,
        headers,
        String::from_utf8(body.to_vec()).unwrap(),
    )
}

/// Asks by both ways, with a header (`name: value`), and holds the answers against each other.
async fn both(
    (front, router): (&api::Front, &Router),
    place: &str,
    header: &str,
    body: &str,
    status: StatusCode,
) {
    let (name, value) = header.split_once(": ").unwrap();
    let request = || {
        let request = Request::post(format!("/v2/models/{place}/infer")).header(name, value);
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let short = told(front.answer(request()).await).await;
    let long = told(router.clone().oneshot(request()).await.unwrap()).await;
    assert_eq!(short, long, "{place} {header} {body}");
    assert_eq!(short.0, status, "{place} {header} {body}");
}

#[tokio::test]
async fn the_short_way_answers_as_the_router_does() {
    let folder = tempfile::tempdir().unwrap();
    let golden = format!("{}/../trees/tests/golden", env!("CARGO_MANIFEST_DIR"));
    std::fs::create_dir_all(folder.path().join("m/1")).unwrap();
    let file = folder.path().join("m/1/model.txt");
    std::fs::copy(format!("{golden}/lightgbm/binary.txt"), file).unwrap();
    let good = r#"{"id":"7","inputs":[{"name":"input","shape":[1,6],"datatype":"FP64","data":[1,2,3.5,null,0,-1e-3]}]}"#;
    let narrow = r#"{"inputs":[{"name":"input","shape":[1,1],"datatype":"FP64","data":[1]}]}"#;
    let state = state(&folder, api::ReadAccess::Open).await;
    let (front, router) = (api::Front::new(state.clone()), api::router(state));
    let ways = (&front, &router);
    let (bad, unknown) = (StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND);
    both(ways, "m", "host: localhost:80", good, StatusCode::OK).await;
    both(
        ways,
        "m/versions/1",
        "x-request-id: mine",
        good,
        StatusCode::OK,
    )
    .await;
    both(ways, "m/versions/4", "host: [::1]", good, unknown).await;
    both(ways, "none", "host: 127.0.0.1", good, unknown).await;
    both(ways, "m", "host: LOCALHOST", narrow, bad).await;
    both(ways, "m", "x: y", "{", bad).await;
    both(ways, "m", "content-encoding: gzip", good, bad).await;
    both(ways, "m", "inference-header-content-length: x", good, bad).await;
    let foreign = StatusCode::MISDIRECTED_REQUEST;
    both(ways, "m", "host: elsewhere.example", good, foreign).await;
    let live = Request::get("/v2/health/live").body(Body::empty()).unwrap();
    assert_eq!(front.answer(live).await.status(), StatusCode::OK);
    let (_, stats) = ask(&router, Method::GET, "/v2/models/m/stats", "").await;
    let asked = stats["model_stats"][0]["last_inference"].as_i64().unwrap();
    let ago_ms = now().as_millisecond() - asked;
    assert!((0..3_600_000).contains(&ago_ms), "{stats}");
}

#[tokio::test]
async fn the_short_way_asks_for_a_key_and_refuses_a_long_body() {
    let folder = tempfile::tempdir().unwrap();
    let ask = async |front: &api::Front, body: Body| {
        let request = Request::post("/v2/models/m/infer").body(body).unwrap();
        told(front.answer(request).await).await
    };
    let keyed = api::Front::new(state(&folder, api::ReadAccess::Keyed).await);
    let (status, headers, text) = ask(&keyed, Body::from("{}")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(headers.iter().any(|it| it.contains("www-authenticate")));
    assert!(text.contains("\"error\""), "{text}");
    let open = api::Front::new(state(&folder, api::ReadAccess::Open).await);
    let (status, _, text) = ask(&open, Body::from(vec![b' '; (64 << 20) + 1])).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(text.contains("67108864"), "{text}");
}

#[tokio::test]
async fn two_lengths_of_the_json_that_differ_are_refused() {
    let (router, _folder) = empty().await;
    for second in ["2", "1"] {
        let request = Request::post("/v2/models/none/infer")
            .header("inference-header-content-length", "2")
            .header("inference-header-content-length", second);
        let request = request.body(Body::from(r#"{"inputs":[]}"#)).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        let body = String::from_utf8(body.unwrap().to_vec()).unwrap();
        assert_eq!(body.contains("is given twice"), second == "1", "{body}");
    }
}
