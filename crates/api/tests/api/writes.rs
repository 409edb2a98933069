use std::time::Duration;

use api::{ApiOptions, ReadAccess, Scope};
use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};
use engine::{IdempotencyClaim, IdempotencyRecord};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::{Answer, App};

pub(crate) async fn post(app: &App, path: &str, body: &Value) -> Answer {
    let writer = app.writer().await;
    app.post(path, &body.to_string(), &[("authorization", &writer)])
        .await
}

pub(crate) fn fixture(home: &str, away: &str) -> Value {
    json!({
        "competition": "T0", "season": "2030/31", "kickoff": "2030-08-17T14:00:00Z",
        "home": home, "away": away,
    })
}

#[tokio::test]
async fn a_fixture_is_written_once_and_changed_after() {
    let app = App::open().await;
    let body = json!({"data": [fixture("Team 01", "Newcomers")]});
    let first = post(&app, "/v1/fixtures", &body).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let mut written = first.json();
    let id = written["data"][0]["fixture_id"].take().as_i64().unwrap();
    insta::assert_json_snapshot!(written);
    let again = post(&app, "/v1/fixtures", &body).await.json();
    assert_eq!(
        (&again["fixtures_added"], &again["fixtures_changed"]),
        (&json!(0), &json!(0))
    );
    let mut moved = body.clone();
    moved["data"][0]["kickoff"] = json!("2030-08-18T16:30:00+02:00");
    moved["data"][0]["status"] = json!("postponed");
    let changed = post(&app, "/v1/fixtures", &moved).await.json();
    assert_eq!(changed["fixtures_changed"], 1);
    let fixture = app.get(&format!("/v1/fixtures/{id}")).await.json();
    assert_eq!(fixture["kickoff"], "2030-08-18T14:30:00Z");
    assert_eq!(fixture["status"], "postponed");
    assert_eq!(fixture["away"]["name"], "Newcomers");
}

#[tokio::test]
async fn teams_are_named_by_number_too() {
    let app = App::open().await;
    let mut body = json!({"data": [fixture("", "Team 02")]});
    body["data"][0]["home"] = json!(app.teams[0]);
    let answer = post(&app, "/v1/fixtures", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn a_result_finishes_a_fixture_that_has_kicked_off() {
    let app = App::open().await;
    let played = app.fixtures[0];
    let body = json!({"data": [{"fixture_id": played, "score": {"home": 9, "away": 8},
        "stats": {"half_time": {"home": 4, "away": 4}, "shots": [20, 19],
            "expected_goals": [3.5, 2.25]}}]});
    let answer = post(&app, "/v1/results", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let fixture = app.get(&format!("/v1/fixtures/{played}")).await.json();
    assert_eq!(fixture["score"], json!({"home": 9, "away": 8}));
    assert_eq!(fixture["stats"], body["data"][0]["stats"]);
}

#[tokio::test]
async fn quotes_are_appended() {
    let app = App::open().await;
    let id = app.upcoming();
    let body = json!({"data": [
        {"fixture_id": id, "bookmaker": "acme", "market": "totals", "line": 3.25,
         "stage": "opening", "taken_at": "2018-01-01T00:00:00Z",
         "outcomes": [{"outcome": "over", "price": 2.5}, {"outcome": "under", "price": 1.6}]},
        {"fixture_id": id, "bookmaker": "acme", "market": "both_teams_to_score",
         "outcomes": [{"outcome": "yes", "price": 1.8}]},
    ]});
    let answer = post(&app, "/v1/quotes", &body).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    assert_eq!(answer.json()["prices_written"], 3);
    let quotes = app.get(&format!("/v1/fixtures/{id}/quotes")).await.json();
    let quotes = quotes["data"].as_array().unwrap().clone();
    let ours: Vec<_> = quotes
        .iter()
        .filter(|it| it["bookmaker"] == "acme")
        .collect();
    assert_eq!((ours.len(), &ours[0]["line"]), (2, &json!(3.25)));
    assert_eq!(ours[1]["stage"], "intermediate");
    assert_eq!(ours[1]["source"], "api");
}

/// Posts one entry and holds the pointer of the fault against the one expected.
async fn refused(app: &App, path: &str, entry: Value, pointer: &str) {
    let good = match path {
        "/v1/fixtures" => fixture("Team 01", "Team 02"),
        "/v1/results" => json!({"fixture_id": app.fixtures[0], "score": {"home": 1, "away": 1}}),
        _ => json!({"fixture_id": app.upcoming(), "bookmaker": "acme", "market": "h2h",
            "outcomes": [{"outcome": "home", "price": 2.0}]}),
    };
    let mut bad = good.clone();
    for (name, value) in entry.as_object().unwrap() {
        bad[name] = value.clone();
    }
    let answer = post(app, path, &json!({"data": [good, bad]})).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{answer:?}"
    );
    assert_eq!(answer.problem(), "invalid-entries");
    let problem = answer.json();
    assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
}

#[tokio::test]
async fn a_bad_entry_is_pointed_at_and_nothing_is_written() {
    let app = App::open().await;
    let revision = app.engine.revision().await.unwrap();
    for (entry, pointer) in [
        (json!({"competition": "a b"}), "/data/1/competition"),
        (json!({"competition": "XX"}), "/data/1/competition"),
        (json!({"kickoff": "soon"}), "/data/1/kickoff"),
        (json!({"home": true}), "/data/1/home"),
        (json!({"home": 999_999}), "/data/1/home"),
        (json!({"home": " "}), "/data/1/home"),
        (json!({"away": "Team 01"}), "/data/1/away"),
        (json!({"status": "lost"}), "/data/1/status"),
        (json!({"venue/~": 1}), "/data/1/venue~1~0"),
    ] {
        refused(&app, "/v1/fixtures", entry, pointer).await;
    }
    for (entry, pointer) in [
        (json!({"fixture_id": 0}), "/data/1/fixture_id"),
        (json!({"fixture_id": app.upcoming()}), "/data/1/fixture_id"),
        (
            json!({"score": {"home": -1, "away": 0}}),
            "/data/1/score/home",
        ),
        (
            json!({"stats": {"shots": [1, -2]}}),
            "/data/1/stats/shots/1",
        ),
        (
            json!({"stats": {"expected_goals": [1.0, -0.5]}}),
            "/data/1/stats/expected_goals",
        ),
    ] {
        refused(&app, "/v1/results", entry, pointer).await;
    }
    let outcomes = |outcome: &str, price: f64| json!([{"outcome": outcome, "price": price}]);
    for (entry, pointer) in [
        (json!({"fixture_id": 0}), "/data/1/fixture_id"),
        (json!({"line": 2.5}), "/data/1/line"),
        (json!({"market": "totals"}), "/data/1/line"),
        (json!({"line": 2.6}), "/data/1/line"),
        (json!({"outcomes": []}), "/data/1/outcomes"),
        (json!({"stage": "suspended"}), "/data/1/outcomes"),
        (
            json!({"outcomes": outcomes("over", 2.0)}),
            "/data/1/outcomes/0/outcome",
        ),
        (
            json!({"outcomes": outcomes("home", 1.0)}),
            "/data/1/outcomes/0/price",
        ),
        (
            json!({"outcomes": outcomes("home", 1e9)}),
            "/data/1/outcomes/0/price",
        ),
        (
            json!({"outcomes": [{"outcome": "home", "price": 2.0}, {"outcome": "home", "price": 2.1}]}),
            "/data/1/outcomes/1/outcome",
        ),
        (
            json!({"outcomes": outcomes("maybe", 2.0)}),
            "/data/1/outcomes/0/outcome",
        ),
        (
            json!({"taken_at": "2999-01-01T00:00:00Z"}),
            "/data/1/taken_at",
        ),
    ] {
        refused(&app, "/v1/quotes", entry, pointer).await;
    }
    assert_eq!(app.engine.revision().await.unwrap(), revision);
}

#[tokio::test]
async fn every_entry_at_fault_is_reported_up_to_a_hundred() {
    let app = App::open().await;
    let bad = json!({"fixture_id": "x"});
    let answer = post(&app, "/v1/results", &json!({"data": vec![bad; 200]})).await;
    assert_eq!(answer.json()["errors"].as_array().unwrap().len(), 100);
}

#[tokio::test]
async fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
    let app = App::open().await;
    let writer = app.writer().await;
    let body = format!(
        r#"{{"data": [{{"fixture_id": {}.0, "score": {{"home": 2.0, "away": 1e0}}}}]}}"#,
        app.played()
    );
    let headers = [("authorization", writer.as_str())];
    let answer = app.post("/v1/results", &body, &headers).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.json());
    let half = body.replace("2.0", "2.5");
    let answer = app.post("/v1/results", &half, &headers).await;
    assert_eq!(answer.problem(), "invalid-entries");
}

#[tokio::test]
async fn a_compressed_body_is_refused_as_that() {
    let app = App::open().await;
    let writer = app.writer().await;
    let headers = [
        ("authorization", writer.as_str()),
        ("content-encoding", "gzip"),
    ];
    let answer = app.post("/v1/results", "\u{1f}", &headers).await;
    assert_eq!(answer.problem(), "unsupported-media-type");
    assert!(answer.json()["detail"].to_string().contains("gzip"));
}

#[tokio::test]
async fn a_body_that_is_no_batch_is_refused() {
    let app = App::open().await;
    let writer = app.writer().await;
    let many = json!({"data": vec![0; 1001]}).to_string();
    for (body, pointer) in [
        ("", ""),
        ("{", ""),
        ("[]", ""),
        ("{}", "/data"),
        (r#"{"data": {}}"#, "/data"),
        (r#"{"data": []}"#, "/data"),
        (r#"{"data": [], "more": 1}"#, "/more"),
        (&many, "/data"),
    ] {
        let answer = app
            .post("/v1/results", body, &[("authorization", &writer)])
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.problem().as_str()),
            (400, "malformed-body")
        );
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{body}");
    }
}

#[tokio::test]
async fn only_json_within_the_bound_is_taken() {
    let options = ApiOptions {
        read_access: ReadAccess::Open,
        body_bytes_max: 64,
        ..ApiOptions::default()
    };
    let app = App::with(options).await;
    let writer = app.writer().await;
    let long = " ".repeat(65);
    let answer = app
        .post("/v1/quotes", &long, &[("authorization", &writer)])
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (413, "body-too-large")
    );
    for kind in ["text/plain", "", "application/jsonx"] {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/v1/quotes")
            .header("authorization", &writer)
            .header("content-type", kind);
        let answer = app.send(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.problem(), "unsupported-media-type", "{kind}");
    }
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_again() {
    let app = App::open().await;
    let writer = app.writer().await;
    let headers = [
        ("authorization", writer.as_str()),
        ("idempotency-key", "order-1"),
    ];
    let body = json!({"data": [fixture("Team 01", "Team 02")]}).to_string();
    let first = app.post("/v1/fixtures", &body, &headers).await;
    assert_eq!(
        (first.status, first.header("idempotent-replayed")),
        (StatusCode::OK, "")
    );
    let again = app.post("/v1/fixtures", &body, &headers).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (StatusCode::OK, "true")
    );
    assert_eq!(again.body, first.body);
    assert_eq!(again.json()["fixtures_added"], 1);
    let other = json!({"data": [fixture("Team 03", "Team 04")]}).to_string();
    let mismatch = app.post("/v1/fixtures", &other, &headers).await;
    assert_eq!(
        (mismatch.status.as_u16(), mismatch.problem().as_str()),
        (422, "idempotency-mismatch")
    );
}

#[tokio::test]
async fn the_same_body_from_another_source_is_another_request() {
    let app = App::open().await;
    let writer = app.writer().await;
    let headers = [
        ("authorization", writer.as_str()),
        ("idempotency-key", "order-7"),
    ];
    let quote = json!({
        "fixture_id": app.fixtures.last().unwrap(), "bookmaker": "book", "market": "h2h",
        "outcomes": [{"outcome": "home", "price": 2.5}],
    });
    let body = json!({"data": [quote]}).to_string();
    let one = app.post("/v1/quotes?source=one", &body, &headers).await;
    assert_eq!(one.status, StatusCode::OK, "{one:?}");
    let again = app.post("/v1/quotes?source=one", &body, &headers).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    for other in ["/v1/quotes?source=two", "/v1/quotes"] {
        let answer = app.post(other, &body, &headers).await;
        assert_eq!(answer.problem(), "idempotency-mismatch", "{other}");
    }
}

#[tokio::test]
async fn a_refused_request_frees_its_idempotency_key() {
    let app = App::open().await;
    let writer = app.writer().await;
    let headers = [
        ("authorization", writer.as_str()),
        ("idempotency-key", "order-2"),
    ];
    let bad = json!({"data": [fixture("Team 01", "Team 01")]}).to_string();
    assert_eq!(
        app.post("/v1/fixtures", &bad, &headers).await.problem(),
        "invalid-entries"
    );
    let good = json!({"data": [fixture("Team 01", "Team 02")]}).to_string();
    assert_eq!(
        app.post("/v1/fixtures", &good, &headers).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_request_whose_twin_is_at_work_is_told_to_wait() {
    let app = App::open().await;
    let key = app.key(&[Scope::Write], 1).await;
    let body = json!({"data": [fixture("Team 01", "Team 02")]}).to_string();
    let record = IdempotencyRecord {
        principal: key[3..11].to_owned(),
        route: "POST /v1/fixtures".into(),
        key: "order-3".into(),
        fingerprint: Sha256::digest(&body).into(),
        at: app.now,
    };
    assert_eq!(
        app.engine.claim_idempotency(&record).await.unwrap(),
        IdempotencyClaim::New { since: app.now }
    );
    let headers = [("x-api-key", key.as_str()), ("idempotency-key", "order-3")];
    let answer = app.post("/v1/fixtures", &body, &headers).await;
    assert_eq!(
        (answer.status.as_u16(), answer.problem().as_str()),
        (409, "idempotency-in-progress")
    );
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn a_write_whose_client_leaves_goes_on_and_its_repeat_has_the_answer() {
    let app = App::open().await;
    let writer = app.writer().await;
    let headers = [
        ("authorization", writer.as_str()),
        ("idempotency-key", "order-4"),
    ];
    let body = json!({"data": [fixture("Team 01", "Team 02")]}).to_string();
    tokio::select! {
        biased;
        _ = app.post("/v1/fixtures", &body, &headers) => panic!("nobody could leave"),
        () = std::future::ready(()) => {}
    }
    // As whoever stops the server waits for what goes on.
    let finished = tokio::time::timeout(Duration::from_secs(20), app.state.finished());
    finished.await.expect("it comes to its end");
    let answer = app.post("/v1/fixtures", &body, &headers).await;
    assert_eq!(
        (answer.status, answer.header("idempotent-replayed")),
        (StatusCode::OK, "true")
    );
    assert_eq!(answer.json()["fixtures_added"], 1);
}

/// As when a server ended between the commit of a write and the note of its answer.
#[tokio::test]
async fn a_write_that_nobody_knows_the_end_of_is_done_again_as_of_its_time() {
    let app = App::open().await;
    let key = app.key(&[Scope::Write], 1).await;
    let quote = json!({
        "fixture_id": app.fixtures.last().unwrap(), "bookmaker": "book", "market": "h2h",
        "outcomes": [{"outcome": "home", "price": 2.5}],
    });
    let body = json!({"data": [quote]}).to_string();
    let sent = app.now - jiff::SignedDuration::from_secs(61);
    let record = IdempotencyRecord {
        principal: key[3..11].to_owned(),
        route: "POST /v1/quotes".into(),
        key: "order-4".into(),
        fingerprint: Sha256::digest(&body).into(),
        at: sent,
    };
    app.engine.claim_idempotency(&record).await.unwrap();
    let mut timed = quote.clone();
    timed["taken_at"] = json!(sent.to_string());
    let committed = json!({"data": [timed]}).to_string();
    let writer = ("x-api-key", key.as_str());
    let first = app.post("/v1/quotes", &committed, &[writer]).await;
    assert_eq!(first.json()["prices_written"], 1, "{first:?}");

    let again = [writer, ("idempotency-key", "order-4")];
    let again = app.post("/v1/quotes", &body, &again).await;
    assert_eq!(again.json()["prices_written"], 0, "{again:?}");
    let other = [writer, ("idempotency-key", "order-5")];
    let other = app.post("/v1/quotes", &body, &other).await;
    assert_eq!(
        other.json()["prices_written"],
        1,
        "another order is another price"
    );
}

#[tokio::test]
async fn an_idempotency_key_of_another_form_is_refused() {
    let app = App::open().await;
    let writer = app.writer().await;
    for key in ["", "a b", &"x".repeat(256)] {
        let headers = [("authorization", writer.as_str()), ("idempotency-key", key)];
        let answer = app.post("/v1/results", "{}", &headers).await;
        assert_eq!(answer.problem(), "bad-header", "{key}");
        assert_eq!(answer.json()["errors"][0]["header"], "idempotency-key");
    }
}
