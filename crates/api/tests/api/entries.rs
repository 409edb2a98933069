//! Fixtures that cannot be written as they are told.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    app::App,
    writes::{fixture, post},
};

#[tokio::test]
async fn a_fixture_that_makes_no_sense_is_refused_by_what_does_not() {
    let app = App::open().await;
    let known = app
        .get(&format!("/v1/fixtures/{}", app.played()))
        .await
        .json();
    let with = |name: &str, value: Value| {
        let mut entry = fixture("Team 01", "Team 02");
        entry[name] = value;
        entry
    };
    let mut moved = fixture("", "");
    moved["fixture_id"] = known["id"].clone();
    for side in ["home", "away"] {
        moved[side] = known[side]["id"].clone();
    }
    for (entry, pointer) in [
        (with("status", json!("finished")), "status"),
        (with("home", json!("49")), "home"),
        (with("kickoff", json!("2031-01-18")), "kickoff"),
        (
            with("kickoff", json!("9999-12-31T23:59:59-10:00")),
            "kickoff",
        ),
        (moved, "kickoff"),
    ] {
        let answer = post(&app, "/v1/fixtures", &json!({"data": [entry]})).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{answer:?}"
        );
        let fault = &answer.json()["errors"][0];
        assert_eq!(fault["pointer"], format!("/data/0/{pointer}"));
        assert!(
            !fault["detail"].as_str().unwrap().contains("failed to"),
            "{fault}"
        );
    }
    // The words of a game that was played, in a year that is still to come, are another game's.
    let mistyped = json!({"competition": known["competition"], "season": known["season"],
        "kickoff": "2031-01-18T15:00:00Z", "home": known["home"]["id"], "away": known["away"]["id"]});
    let answer = post(&app, "/v1/fixtures", &json!({"data": [mistyped]}))
        .await
        .json();
    assert_eq!(answer["fixtures_added"], 1);
    let again = app
        .get(&format!("/v1/fixtures/{}", known["id"]))
        .await
        .json();
    assert_eq!(again, known);
}

#[tokio::test]
async fn a_body_may_begin_with_the_mark_of_its_encoding() {
    let app = App::open().await;
    let writer = app.writer().await;
    let body = format!(
        "\u{feff}{}",
        json!({"data": [fixture("Team 01", "Team 02")]})
    );
    let answer = app
        .post("/v1/fixtures", &body, &[("authorization", &writer)])
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn a_name_with_what_is_not_seen_is_refused() {
    let app = App::open().await;
    for name in ["A\u{0}B", "\u{202e}Arsenal", "Arse\u{2066}nal"] {
        let body = json!({"data": [fixture(name, "Newcomers")]});
        let answer = post(&app, "/v1/fixtures", &body).await;
        assert_eq!(answer.problem(), "invalid-entries", "{name:?}");
        assert_eq!(answer.json()["errors"][0]["pointer"], "/data/0/home");
    }
}
