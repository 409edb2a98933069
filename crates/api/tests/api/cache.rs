//! The cache as operators manage it: look, list, preview, purge, warm, history.

use std::sync::Arc;
use std::time::Duration;

use api::{ApiOptions, ApiState, ReadAccess, Scope, WarmBounds, Warmer};
use axum::http::StatusCode;
use engine::{Engine, EngineOptions, FixedClock};
use serde_json::{Value, json};

use crate::app::{Answer, App};

/// An app and the header of somebody who may operate it.
async fn operated() -> (App, String) {
    let app = App::open().await;
    let key = app.key(&[Scope::Admin], 9).await;
    (app, format!("Bearer {key}"))
}

async fn post(app: &App, admin: &str, path: &str, body: &Value) -> Answer {
    let headers = [("authorization", admin)];
    app.post(path, &body.to_string(), &headers).await
}

async fn get(app: &App, admin: &str, path: &str) -> Value {
    let answer = app.get_with(path, &[("authorization", admin)]).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    answer.json()
}

#[tokio::test]
async fn entries_are_listed_by_heat_and_weight_and_looked_at() {
    let (app, admin) = operated().await;
    let fixture = format!("/v1/fixtures/{}", app.upcoming());
    app.get("/v1/fixtures?limit=50").await;
    for _ in 0..4 {
        app.get(&fixture).await;
    }
    let hottest = get(&app, &admin, "/v1/cache/entries?limit=1").await;
    assert_eq!(hottest["data"][0]["address"], fixture);
    assert_eq!(hottest["data"][0]["hits"], 3);
    assert_eq!(hottest["data"].as_array().unwrap().len(), 1);
    let heaviest = get(&app, &admin, "/v1/cache/entries?order=bytes").await;
    assert_eq!(heaviest["data"][0]["address"], "/v1/fixtures?limit=50");
    assert_eq!(heaviest["data"][0]["kind"], "answer.fixtures");
    let bytes = |at: usize| heaviest["data"][at]["bytes"].as_u64().unwrap();
    assert!(bytes(0) > bytes(1), "{heaviest}");

    let look = get(&app, &admin, &format!("/v1/cache/entry?address={fixture}")).await;
    assert_eq!(look["entry"]["state"], "fresh");
    assert_eq!(
        (&look["kind"], &look["entry"]["hits"]),
        (&json!("answer.fixture"), &json!(3))
    );
    let none = get(
        &app,
        &admin,
        "/v1/cache/entry?address=/v1/board%3Flimit%3D3",
    )
    .await;
    assert_eq!(
        none,
        json!({"address": "/v1/board?limit=3", "kind": "answer.board"})
    );
    let headers = [("authorization", admin.as_str())];
    for (path, parameter) in [
        ("/v1/cache/entry?address=/v1/models", "address"),
        ("/v1/cache/entry", ""),
        ("/v1/cache/entries?limit=0", "limit"),
        ("/v1/cache/entries?order=age", "order"),
        ("/v1/cache/history?window=year", "window"),
    ] {
        let refused = app.get_with(path, &headers).await;
        assert_eq!(refused.problem(), "bad-query", "{path}");
        let named = &refused.json()["errors"][0]["parameter"];
        assert!(
            parameter.is_empty() || named == parameter,
            "{path}: {named}"
        );
    }
    let long = format!(
        "/v1/cache/entry?address=/v1/fixtures%3Fq={}",
        "x".repeat(900)
    );
    assert_eq!(app.get_with(&long, &headers).await.problem(), "bad-query");
}

#[tokio::test]
async fn a_preview_drops_nothing_and_a_purge_what_was_previewed() {
    let (app, admin) = operated().await;
    let fixture = format!("/v1/fixtures/{}", app.upcoming());
    let quotes = format!("{fixture}/quotes");
    for path in [&fixture, &quotes, "/v1/teams"] {
        app.get(path).await;
    }
    let tag = format!("fixture:{}", app.upcoming());
    for (body, kinds) in [
        (json!({"addresses": [fixture]}), vec!["answer.fixture"]),
        (json!({"kinds": ["answer.teams"]}), vec!["answer.teams"]),
        (
            json!({"tags": [tag]}),
            vec!["answer.fixture", "answer.quotes"],
        ),
    ] {
        for _ in 0..2 {
            let preview = post(&app, &admin, "/v1/cache/preview", &body).await.json();
            let named = preview["kinds"].as_array().unwrap().iter();
            let named: Vec<_> = named.map(|it| it["kind"].as_str().unwrap()).collect();
            assert_eq!(named, kinds, "{body}");
            assert_eq!(preview["entries"], kinds.len());
            assert!(preview["bytes"].as_u64() > Some(100) && preview["replicas"].is_null());
        }
    }
    let body = json!({"addresses": [fixture]});
    let purged = post(&app, &admin, "/v1/cache/purge", &body).await.json();
    assert_eq!(
        (&purged["entries"], &purged["replicas"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(purged["queued"], false);
    let rest = post(
        &app,
        &admin,
        "/v1/cache/purge",
        &json!({"everything": true}),
    )
    .await;
    assert_eq!(rest.json()["entries"], 2);
    let nothing = post(
        &app,
        &admin,
        "/v1/cache/preview",
        &json!({"everything": true}),
    )
    .await;
    assert_eq!(nothing.json()["entries"], 0);
    let wrong = json!({"addresses": ["/v1/teams", "/nowhere"]});
    for path in ["/v1/cache/preview", "/v1/cache/purge"] {
        let refused = post(&app, &admin, path, &wrong).await;
        assert_eq!(refused.problem(), "invalid-entries");
        assert_eq!(refused.json()["errors"][0]["pointer"], "/addresses/1");
    }
}

#[tokio::test]
async fn what_is_named_and_what_is_hot_is_made_before_it_is_asked_for() {
    let (app, admin) = operated().await;
    let fixture = format!("/v1/fixtures/{}", app.upcoming());
    let warm = json!({"addresses": ["/v1/teams", "/v1/teams", fixture, "/v1/fixtures/9999999", "/v1/models"]});
    let warmed = post(&app, &admin, "/v1/cache/warm", &warm).await.json();
    assert_eq!(
        (&warmed["made"], &warmed["kept"]),
        (&json!(2), &json!(0)),
        "{warmed}"
    );
    assert_eq!((&warmed["failed"], &warmed["left"]), (&json!(2), &json!(0)));
    let failures = warmed["failures"].to_string();
    assert!(
        failures.contains("fixture 9999999 is not known"),
        "{failures}"
    );
    assert!(
        failures.contains("no address whose answer is kept"),
        "{failures}"
    );
    let again = post(
        &app,
        &admin,
        "/v1/cache/warm",
        &json!({"addresses": [fixture]}),
    )
    .await;
    assert_eq!(again.json()["kept"], 1);
    assert_eq!(
        app.get(&fixture).await.header("server-timing"),
        "cache;desc=memory"
    );

    for _ in 0..6 {
        app.get("/v1/competitions").await;
    }
    app.state.watch_cache().await;
    assert_eq!(app.state.hottest_answers(1), ["/v1/competitions"]);
    post(
        &app,
        &admin,
        "/v1/cache/purge",
        &json!({"everything": true}),
    )
    .await;
    let hot = post(&app, &admin, "/v1/cache/warm", &json!({"hottest": 1})).await;
    assert_eq!(hot.json()["made"], 1);
    let answer = app.get("/v1/competitions").await;
    assert_eq!(answer.header("server-timing"), "cache;desc=memory");
    for body in [json!({}), json!({"hottest": 1001})] {
        let refused = post(&app, &admin, "/v1/cache/warm", &body).await;
        assert_eq!(refused.problem(), "invalid-entries", "{body}");
    }
}

#[tokio::test]
async fn a_server_warms_itself_without_a_key_and_leaves_what_it_has_no_time_for() {
    let app = App::with(ApiOptions {
        read_access: ReadAccess::Keyed,
        ..ApiOptions::default()
    })
    .await;
    let warmer = Warmer::new(&app.state);
    let addresses = || vec!["/v1/teams".to_owned(), "/v1/competitions".to_owned()];
    let bounds = |time_max| WarmBounds {
        time_max,
        parallel: 1,
    };
    let late = warmer.warm(addresses(), bounds(Duration::ZERO)).await;
    assert_eq!(late.left + late.made, 2, "{late:?}");
    let warmed = warmer
        .warm(addresses(), bounds(Duration::from_secs(60)))
        .await;
    assert_eq!((warmed.failed, warmed.left), (0, 0), "{warmed:?}");
    // Whoever comes from outside still needs one.
    assert_eq!(app.get("/v1/teams").await.status, StatusCode::UNAUTHORIZED);
    app.state.start_warming();
    let ready = app.get("/health/ready").await;
    assert_eq!(ready.problem(), "not-ready");
    app.engine.load().await.unwrap();
    let ready = app.get("/health/ready").await.json();
    assert_eq!(ready["detail"], "the server is warming its cache");
    app.state.end_warming();
    assert_eq!(app.get("/health/ready").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_is_made_and_not_kept_has_failed() {
    let app = App::open().await;
    let warmed = async |cache_bytes_max| {
        let clock = Arc::new(FixedClock(app.now));
        let options = EngineOptions {
            cache_bytes_max,
            ..EngineOptions::default()
        };
        let engine = Arc::new(Engine::new(app.store.clone(), clock, options));
        let state = ApiState::new(engine, ApiOptions::default());
        let bounds = WarmBounds {
            time_max: Duration::from_secs(60),
            parallel: 1,
        };
        let addresses = ["/v1/fixtures?limit=50", "/v1/competitions"].map(str::to_owned);
        let warmed = Warmer::new(&state).warm(addresses.to_vec(), bounds).await;
        let failures = warmed.failures.into_iter();
        let failures: Vec<_> = failures.map(|(address, _)| address).collect();
        (warmed.made, warmed.kept, failures)
    };
    let large = "/v1/fixtures?limit=50".to_owned();
    assert_eq!(warmed(1 << 20).await, (2, 0, Vec::new()));
    // The smaller answer is more than what is new may take, and is kept as it comes back.
    assert_eq!(warmed(10_000).await, (1, 0, vec![large.clone()]));
    let all = vec![large, "/v1/competitions".to_owned()];
    assert_eq!(warmed(0).await, (0, 0, all));
}

#[tokio::test]
async fn the_history_has_a_number_for_every_moment_and_none_before_the_first() {
    let (app, admin) = operated().await;
    app.state.watch_cache().await;
    let history = get(&app, &admin, "/v1/cache/history").await;
    assert_eq!(
        (&history["window"], &history["step_seconds"]),
        (&json!("hour"), &json!(15))
    );
    assert_eq!(history["times"], json!([]));
    let day = get(&app, &admin, "/v1/cache/history?window=day").await;
    assert_eq!(day["step_seconds"], 300);
    let kinds = history["kinds"].as_array().unwrap();
    assert!(
        kinds
            .iter()
            .any(|it| it["kind"] == "answer.board" && it["hits"] == json!([]))
    );
}

#[tokio::test]
async fn everything_about_the_cache_needs_a_key_that_may_operate_and_says_how_to_make_one() {
    let (app, admin) = operated().await;
    let reads = [
        "/v1/cache",
        "/v1/cache/history",
        "/v1/cache/entries",
        "/v1/cache/entry?address=/v1/teams",
    ];
    let writer = app.writer().await;
    for path in reads {
        get(&app, &admin, path).await;
        let none = app.get(path).await;
        assert_eq!(none.problem(), "key-missing", "{path}");
        let wrong = app.get_with(path, &[("authorization", &writer)]).await;
        assert_eq!(wrong.problem(), "scope-missing", "{path}");
        for refused in [none, wrong] {
            let detail = refused.json()["detail"].to_string();
            let way = "`sports-edge key create --name NAME --scope admin`";
            assert!(detail.contains(way), "{detail}");
        }
    }
    for path in ["/v1/cache/preview", "/v1/cache/purge", "/v1/cache/warm"] {
        let wrong = post(&app, &writer, path, &json!({})).await;
        assert_eq!(wrong.problem(), "scope-missing", "{path}");
        assert_eq!(app.post(path, "{}", &[]).await.problem(), "key-missing");
    }
}
