use std::{fs, time::Duration};

use axum::http::{Method, StatusCode};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};

use crate::app::{Answer, App};

const GOLDEN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../trees/tests/golden/lightgbm/"
);
const VERSIONS: &str = "/v1/models/goals/versions";

/// A small LightGBM model of six features.
fn file(name: &str) -> Vec<u8> {
    fs::read(format!("{GOLDEN}{name}.txt")).unwrap()
}

async fn upload(app: &App, query: &str, body: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
    let key = app.keeper().await;
    let headers: Vec<_> = [("authorization", key.as_str())]
        .into_iter()
        .chain(headers.iter().copied())
        .collect();
    let path = format!("{VERSIONS}{query}");
    app.ask((Method::POST, &path), body, &headers).await
}

/// An app with versions 1 and 2 of `goals`.
async fn stocked() -> App {
    let app = App::serving().await;
    for name in ["huber", "square_root"] {
        let answer = upload(&app, "", file(name), &[]).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    }
    app
}

async fn change(app: &App, method: Method, path: &str, body: &Value) -> Answer {
    let key = app.keeper().await;
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/json"),
    ];
    let path = format!("/v1/models/goals/{path}");
    app.ask((method, &path), body.to_string(), &headers).await
}

/// What lies where uploads are on their way in.
fn left_behind(app: &App) -> usize {
    let folder = app.models.as_ref().unwrap().path().join(".uploads");
    fs::read_dir(folder).unwrap().count()
}

#[tokio::test]
async fn an_uploaded_model_is_there_listed_and_described() {
    let app = App::serving().await;
    let bytes = file("huber");
    let digest = format!(
        "sha-256=:{}:",
        BASE64_STANDARD.encode(Sha256::digest(&bytes))
    );
    let answer = upload(&app, "", bytes.clone(), &[("content-digest", &digest)]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    let place = answer.header("location").to_owned();
    assert_eq!(place, "/v1/models/goals/versions/1");
    let version = app.get(&place).await.json();
    assert_eq!(version, answer.json());
    assert_eq!(version["state"], "ready");
    assert_eq!(version["platform"], "trees_lightgbm");
    assert_eq!(version["file_bytes"], bytes.len());
    assert!(version["memory_bytes"].as_u64().unwrap() > 0);

    let models = app.get("/v1/models").await.json();
    let goals = &models["data"][0];
    assert_eq!(
        (&goals["name"], &goals["kind"], &goals["version"]),
        (&json!("goals"), &json!("repository"), &json!("1"))
    );
    let model = app.get(VERSIONS).await.json();
    assert_eq!(model["serving"], 1);
    assert_eq!(model["versions"][0], version);
    let statistics = app.get("/v1/models/goals/statistics").await.json();
    assert_eq!(statistics["data"][0]["requests_answered"], 0);
    let config = app.get("/v1/models/goals/config").await.json();
    assert_eq!(config["limits"]["rows_max"], 65_536);
}

#[tokio::test]
async fn what_lies_beside_a_model_comes_in_front_of_it() {
    let app = App::serving().await;
    let sent = |front: &Value| {
        let front = front.to_string().into_bytes();
        let length = front.len().to_string();
        (length, [front, file("huber")].concat())
    };
    let row = json!([0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let wrong = json!({"golden": {"inputs": [row], "outputs": [[1e9]]}});
    let (length, body) = sent(&wrong);
    let header = "inference-header-content-length";
    let refused = upload(&app, "", body, &[(header, &length)]).await;
    assert_eq!(refused.problem(), "bad-model");
    let detail = refused.json()["detail"].as_str().unwrap().to_owned();
    assert!(detail.starts_with("golden row 0"), "{detail}");
    assert_eq!(left_behind(&app), 0);
    assert_eq!(app.get(VERSIONS).await.problem(), "unknown-model");

    let front = json!({"report": {"log_loss": 0.98}, "config": {"pin": true}});
    let (length, body) = sent(&front);
    let taken = upload(&app, "?version=7", body, &[(header, &length)]).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{taken:?}");
    assert_eq!(taken.json()["version"], 7);
    assert_eq!(taken.json()["has_report"], true);
    let report = app.get("/v1/models/goals/report").await;
    assert_eq!(report.json(), json!({"log_loss": 0.98}));
    let config = app.get("/v1/models/goals/config").await.json();
    assert_eq!(config["pin"], true);
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_said_and_leaves_nothing() {
    let app = stocked().await;
    let long = vec![b'x'; (1 << 20) + 1];
    let hash = format!("?sha256={}", "0".repeat(64));
    type Case<'a> = (&'a str, Vec<u8>, &'a [(&'a str, &'a str)], &'a str);
    let cases: [Case<'_>; 10] = [
        ("", b"tree\nnonsense".to_vec(), &[], "bad-model"),
        ("", Vec::new(), &[], "bad-model"),
        (&hash, file("huber"), &[], "bad-model"),
        ("?version=2", file("huber"), &[], "version-taken"),
        ("?version=0", file("huber"), &[], "bad-query"),
        ("?sha256=12", file("huber"), &[], "bad-query"),
        ("", long.clone(), &[], "body-too-large"),
        ("", long, &[("content-length", "1048577")], "body-too-large"),
        (
            "",
            file("huber"),
            &[("content-digest", "md5=:x:")],
            "bad-header",
        ),
        (
            "",
            file("huber"),
            &[("inference-header-content-length", "5")],
            "malformed-body",
        ),
    ];
    for (query, body, headers, problem) in cases {
        let answer = upload(&app, query, body, headers).await;
        assert_eq!(answer.problem(), problem, "{query} {headers:?}");
        assert_eq!(left_behind(&app), 0, "{query} {headers:?}");
    }
    assert_eq!(app.get(VERSIONS).await.json()["versions"][2], Value::Null);
    let key = app.keeper().await;
    let headers = [("authorization", key.as_str())];
    let path = (Method::POST, "/v1/models/.hidden/versions");
    let answer = app.ask(path, file("huber"), &headers).await;
    assert_eq!(answer.problem(), "bad-model");
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let app = App::serving().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = app.router.clone();
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let key = app.keeper().await;
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {VERSIONS} HTTP/1.1\r\nhost: x\r\nauthorization: {key}\r\ncontent-length: 9000\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    client.write_all(&file("huber")[..5_000]).await.unwrap();
    let patience = tokio::time::Instant::now() + Duration::from_secs(10);
    while left_behind(&app) == 0 {
        assert!(tokio::time::Instant::now() < patience, "never begins");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    drop(client);
    while left_behind(&app) > 0 {
        assert!(tokio::time::Instant::now() < patience, "never cleans up");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(app.get(VERSIONS).await.problem(), "unknown-model");
    server.abort();
}

#[tokio::test]
async fn a_version_is_promoted_rolled_back_tried_and_labelled() {
    let app = stocked().await;
    let of = async |method: Method, path: &str, body: Value| {
        let answer = change(&app, method, path, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
        answer.json()
    };
    let model = of(Method::POST, "promote", json!({"version": 1})).await;
    assert_eq!(
        (&model["serving"], &model["previous"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(model["versions"][0]["labels"], json!(["stable"]));
    let model = of(Method::POST, "rollback", Value::Null).await;
    assert_eq!(model["serving"], 2);

    let canary = json!({"version": 1, "share": 0.25});
    let model = of(Method::PUT, "canary", canary).await;
    assert_eq!(model["canary"]["share"], 0.25);
    assert_eq!(model["versions"][0]["traffic_share"], 0.25);
    assert_eq!(model["versions"][1]["traffic_share"], 0.75);
    let model = of(Method::DELETE, "canary", Value::Null).await;
    assert_eq!(model["canary"], Value::Null);

    let shadow = json!({"version": 1, "share": 1.0, "rows_min": 10});
    let model = of(Method::PUT, "shadow", shadow).await;
    assert_eq!(model["shadow"]["rows_min"], 10);
    assert_eq!(model["versions"][0]["shadow"], true);
    let early = change(&app, Method::POST, "promote", &json!({"version": 1})).await;
    assert_eq!(early.problem(), "change-refused");
    let model = of(Method::DELETE, "shadow", Value::Null).await;
    assert_eq!(model["shadow"], Value::Null);

    let model = of(Method::PUT, "labels/old", json!({"version": 1})).await;
    assert_eq!(model["versions"][0]["labels"], json!(["old"]));
    let needed = change(&app, Method::DELETE, "versions/1", &Value::Null).await;
    assert_eq!(needed.problem(), "change-refused");
    of(Method::DELETE, "labels/old", Value::Null).await;

    let model = of(Method::POST, "unload", Value::Null).await;
    assert_eq!(model["versions"][1]["state"], "unloaded");
    let model = of(Method::POST, "versions/1/load", Value::Null).await;
    assert_eq!(model["versions"][0]["state"], "ready");
    let model = of(Method::POST, "load", Value::Null).await;
    assert_eq!(model["versions"][1]["state"], "ready");
    let model = of(Method::DELETE, "versions/1", Value::Null).await;
    assert_eq!(model["versions"].as_array().unwrap().len(), 1);

    let whole = app.keeper().await;
    let headers = [("authorization", whole.as_str())];
    let path = (Method::DELETE, "/v1/models/goals");
    let gone = app.ask(path.clone(), "", &headers).await;
    assert_eq!(gone.json(), json!({"name": "goals", "versions": [2]}));
    let none = app.ask(path, "", &headers).await;
    assert_eq!(none.problem(), "unknown-model");
}

#[tokio::test]
async fn a_change_that_cannot_be_made_is_a_problem_that_says_why() {
    let app = stocked().await;
    for (method, path, body, problem) in [
        (
            Method::POST,
            "promote",
            json!({"version": 9}),
            "unknown-version",
        ),
        (
            Method::POST,
            "promote",
            json!({"version": "x"}),
            "malformed-body",
        ),
        (
            Method::POST,
            "promote",
            json!({"number": 1}),
            "malformed-body",
        ),
        (
            Method::POST,
            "versions/9/load",
            Value::Null,
            "unknown-version",
        ),
        (Method::POST, "versions/x/load", Value::Null, "bad-path"),
        (Method::DELETE, "versions/9", Value::Null, "unknown-version"),
        (Method::POST, "rollback", Value::Null, "change-refused"),
        (
            Method::PUT,
            "canary",
            json!({"version": 1, "share": 2}),
            "bad-model",
        ),
        (Method::PUT, "labels/7", json!({"version": 1}), "bad-model"),
        (Method::POST, "load?x=1", Value::Null, "bad-query"),
    ] {
        let answer = change(&app, method, path, &body).await;
        assert_eq!(answer.problem(), problem, "{path}");
    }
    for path in ["versions", "versions/1", "statistics", "config"] {
        let answer = app.get(&format!("/v1/models/nobody/{path}")).await;
        assert_eq!(answer.problem(), "unknown-model", "{path}");
    }
    let answer = app.get("/v1/models/goals/versions/9").await;
    assert_eq!(answer.problem(), "unknown-version");
    let answer = app.get("/v1/models/goals/report").await;
    assert_eq!(answer.problem(), "no-report");
}

#[tokio::test]
async fn changing_models_needs_a_key_with_the_scope_models() {
    let app = stocked().await;
    let writer = app.writer().await;
    let admin = format!("Bearer {}", app.key(&[api::Scope::Admin], 9).await);
    for (method, path) in [
        (Method::POST, "versions"),
        (Method::POST, "versions/1/load"),
        (Method::DELETE, "versions/1"),
        (Method::DELETE, ""),
        (Method::POST, "load"),
        (Method::POST, "unload"),
        (Method::POST, "promote"),
        (Method::POST, "rollback"),
        (Method::PUT, "canary"),
        (Method::DELETE, "canary"),
        (Method::PUT, "shadow"),
        (Method::DELETE, "shadow"),
        (Method::PUT, "labels/x"),
        (Method::DELETE, "labels/x"),
    ] {
        let path = format!("/v1/models/goals/{path}");
        let path = path.trim_end_matches('/');
        let nobody = app.ask((method.clone(), path), "", &[]).await;
        assert_eq!(nobody.problem(), "key-missing", "{path}");
        let headers = [("authorization", writer.as_str())];
        let other = app.ask((method, path), "", &headers).await;
        assert_eq!(other.problem(), "scope-missing", "{path}");
    }
    let headers = [("authorization", admin.as_str())];
    let path = (Method::POST, "/v1/models/goals/load");
    assert_eq!(app.ask(path, "", &headers).await.status, StatusCode::OK);
    let without = App::open().await;
    assert_eq!(without.get(VERSIONS).await.problem(), "unknown-model");
}

#[tokio::test]
async fn what_came_true_scores_who_answered_under_its_key() {
    let app = stocked().await;
    let ask = |key: &str| {
        json!({
            "parameters": {"routing_key": key},
            "inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 6],
                "data": [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]}],
        })
    };
    let path = "/v2/models/goals/infer";
    let body = ask("game-1").to_string();
    let answered = app.ask((Method::POST, path), body, &[]).await;
    assert_eq!(answered.status, StatusCode::OK, "{answered:?}");
    let given = answered.json()["outputs"][0]["data"][0].as_f64().unwrap();

    let told = json!({"data": [
        {"routing_key": "game-1", "class": 7},
        {"routing_key": "game-1", "value": given + 2.0},
        {"routing_key": "game-1", "value": 0.0},
        {"routing_key": "unheard of", "value": 1.0},
    ]});
    let answer = change(&app, Method::POST, "observations", &told).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let data = answer.json()["data"].clone();
    let scored: Vec<u64> = (0..4)
        .map(|it| data[it]["versions_scored"].as_u64().unwrap())
        .collect();
    assert_eq!(scored, [0, 1, 0, 0], "{data}");
    let reason = data[0]["problem"].as_str().unwrap();
    assert!(reason.contains("no class 7"), "{reason}");
    assert_eq!(data[1]["problem"], Value::Null);
    let versions = app.get(VERSIONS).await.json()["versions"].clone();
    assert_eq!(
        (&versions[0]["scored"], &versions[1]["scored"]),
        (&json!(0), &json!(1))
    );
    let error = versions[1]["squared_error"].as_f64().unwrap();
    assert!((error - 4.0).abs() < 1e-9, "{error}");

    let both = json!({"data": [
        {"routing_key": "a", "value": 1.0},
        {"routing_key": "b", "value": 1.0, "class": 1},
        {"routing_key": "c"},
    ]});
    let refused = change(&app, Method::POST, "observations", &both).await;
    assert_eq!(refused.problem(), "invalid-entries");
    let errors = refused.json()["errors"].clone();
    assert_eq!(
        (&errors[0]["pointer"], &errors[1]["pointer"]),
        (&json!("/data/1"), &json!("/data/2"))
    );
    let json = [("content-type", "application/json")];
    let path = "/v1/models/goals/observations";
    let nobody = app.ask((Method::POST, path), told.to_string(), &json).await;
    assert_eq!(nobody.problem(), "key-missing");
    let path = "/v1/models/other/observations";
    let key = app.keeper().await;
    let headers = [("authorization", key.as_str()), json[0]];
    let unknown = app
        .ask((Method::POST, path), told.to_string(), &headers)
        .await;
    assert_eq!(unknown.problem(), "unknown-model");
}

#[tokio::test]
async fn an_upload_to_a_folder_that_is_gone_says_which_and_what_to_do() {
    let app = stocked().await;
    let folder = app.models.as_ref().unwrap().path();
    fs::remove_dir_all(folder).unwrap();
    let answer = upload(&app, "", file("huber"), &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    assert_eq!(answer.problem(), "models-folder-away");
    let detail = answer.json()["detail"].to_string();
    assert!(
        detail.contains("folder of models") && !detail.contains("/tmp"),
        "{detail}"
    );
    fs::create_dir(folder).unwrap();
    let answer = upload(&app, "", file("huber"), &[]).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
}
