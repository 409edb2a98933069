//! Games under way over HTTP.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::{Answer, App};

/// Posts events of a game that was played, told as they happened.
async fn tell(app: &App, entries: Value) -> Answer {
    let writer = app.writer().await;
    let body = json!({ "data": entries }).to_string();
    app.post("/v1/events", &body, &[("authorization", &writer)])
        .await
}

async fn kickoff(app: &App, id: i64) -> jiff::Timestamp {
    let fixture = app.get(&format!("/v1/fixtures/{id}")).await.json();
    fixture["kickoff"].as_str().unwrap().parse().unwrap()
}

/// The same with what is not whole to five places.
fn in_brief(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(in_brief).collect(),
        Value::Object(all) => {
            let all = all.iter().map(|(name, it)| (name.clone(), in_brief(it)));
            Value::Object(all.collect())
        }
        Value::Number(it) if it.is_f64() => {
            json!((it.as_f64().unwrap() * 100_000.0).round() / 100_000.0)
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn a_game_recorded_earlier_is_written_listed_and_followed() {
    let app = App::trained().await;
    let id = app.played();
    let start = kickoff(&app, id).await;
    let at = |minute: i64| (start + jiff::SignedDuration::from_mins(minute)).to_string();
    let entries = json!([
        {"fixture_id": id, "sequence": 1, "at": at(0), "told_at": at(0),
         "kind": "period_start", "period": 1},
        {"fixture_id": id, "sequence": 2, "at": at(10), "told_at": at(10),
         "clock": {"period": 1, "seconds": 600}, "kind": "scored", "side": "away"},
        {"fixture_id": id, "sequence": 3, "at": at(12), "told_at": at(12),
         "kind": "cancelled", "of": 2},
        {"fixture_id": id, "sequence": 4, "at": at(20), "told_at": at(20),
         "kind": "red_card", "side": "home"},
    ]);
    let answer = tell(&app, entries.clone()).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let written = answer.json();
    assert_eq!(written["events_added"], 4);
    assert_eq!(written["data"][0], json!({"fixture_id": id, "added": true}));
    assert_eq!(tell(&app, entries).await.json()["events_added"], 0);

    let events = app.get(&format!("/v1/fixtures/{id}/events")).await.json();
    let goal = &events["data"][1];
    assert_eq!(goal["standing"], "cancelled");
    assert_eq!(
        (&goal["side"], &goal["points"]),
        (&json!("away"), &json!(1))
    );
    assert_eq!(goal["clock"], json!({"period": 1, "seconds": 600}));
    let then = app
        .get(&format!("/v1/fixtures/{id}/events?as_of={}", at(11)))
        .await;
    assert_eq!(then.json()["data"].as_array().unwrap().len(), 2);
    assert_eq!(then.json()["data"][1]["standing"], "counts");

    let play = app
        .get(&format!("/v1/fixtures/{id}/play?as_of={}", at(11)))
        .await
        .json();
    assert_eq!(play["model"], "in_play");
    assert_eq!(play["play"]["score"], json!({"home": 0, "away": 1}));
    assert_eq!(play["play"]["clock"]["seconds"], 600);
    assert_eq!(play["play"]["stale"], Value::Null);
    assert_eq!(play["play"]["moments"].as_array().unwrap().len(), 2);
    let prediction = app
        .get(&format!("/v1/fixtures/{id}/prediction?as_of={}", at(11)))
        .await
        .json();
    assert_eq!(in_brief(&prediction["play"]), play["play"]);
    let outcomes = prediction["markets"][0]["outcomes"].as_array().unwrap();
    let h2h: Vec<_> = outcomes
        .iter()
        .map(|it| it["probability"].clone())
        .collect();
    assert_eq!(in_brief(&json!(h2h)), play["probabilities"]);
    let red = app
        .get(&format!("/v1/fixtures/{id}/play?as_of={}", at(21)))
        .await
        .json();
    assert_eq!(red["play"]["red_cards"], json!([1, 0]));
    assert_eq!(red["play"]["score"], json!({"home": 0, "away": 0}));
}

#[tokio::test]
async fn an_event_at_fault_is_pointed_at_and_nothing_is_written() {
    let app = App::open().await;
    let id = app.played();
    let at = kickoff(&app, id).await.to_string();
    let good = json!({"fixture_id": id, "sequence": 1, "at": at, "kind": "finished"});
    for (members, pointer) in [
        (json!({"fixture_id": 0}), "/data/1/fixture_id"),
        (json!({"kind": "nap"}), "/data/1/kind"),
        (json!({"kind": "scored"}), "/data/1/side"),
        (json!({"side": "home"}), "/data/1/side"),
        (
            json!({"kind": "period_start", "period": 0}),
            "/data/1/period",
        ),
        (json!({"kind": "clock"}), "/data/1/running"),
        (json!({"kind": "stoppage"}), "/data/1/seconds"),
        (json!({"kind": "score", "home": 1}), "/data/1/away"),
        (json!({"kind": "cancelled"}), "/data/1/of"),
        (
            json!({"kind": "scored", "side": "home", "points": 0}),
            "/data/1/points",
        ),
        (
            json!({"clock": {"period": 0, "seconds": 1}}),
            "/data/1/clock/period",
        ),
        (
            json!({"clock": {"period": 1, "seconds": 9999}}),
            "/data/1/clock/seconds",
        ),
        (
            json!({"kind": "scored", "side": "home", "points": 3}),
            "/data/1/points",
        ),
        (
            json!({"clock": {"period": 6, "seconds": 1}}),
            "/data/1/clock/period",
        ),
        (json!({"kind": "period_end", "period": 9}), "/data/1/period"),
        (json!({"at": "2999-01-01T00:00:00Z"}), "/data/1/at"),
        (json!({"weather": "rain"}), "/data/1/weather"),
    ] {
        let mut bad = good.clone();
        for (name, value) in members.as_object().unwrap() {
            bad[name] = value.clone();
        }
        let answer = tell(&app, json!([good, bad])).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{answer:?}"
        );
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{answer:?}");
    }
    let events = app.get(&format!("/v1/fixtures/{id}/events")).await.json();
    assert_eq!(events["data"], json!([]));
    let missing = app.get("/v1/fixtures/999999/events").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let refused = app.post("/v1/events", "{}", &[]).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_game_is_told_minute_by_minute_and_supposed_otherwise() {
    let app = App::trained().await;
    let id = app.played();
    let start = kickoff(&app, id).await;
    let at = |minute: i64| (start + jiff::SignedDuration::from_mins(minute)).to_string();
    let none = app.get(&format!("/v1/fixtures/{id}/timeline")).await.json();
    assert_eq!((&none["points"], &none["before"]), (&json!([]), &json!([])));
    let entries = json!([
        {"fixture_id": id, "sequence": 1, "at": at(0), "told_at": at(0),
         "kind": "period_start", "period": 1},
        {"fixture_id": id, "sequence": 2, "at": at(3), "told_at": at(3),
         "kind": "scored", "side": "away"},
        {"fixture_id": id, "sequence": 3, "at": at(4), "told_at": at(4), "kind": "finished"},
    ]);
    assert_eq!(tell(&app, entries).await.status, StatusCode::OK);
    let answer = app.get(&format!("/v1/fixtures/{id}/timeline")).await;
    let timeline = answer.json();
    let points = timeline["points"].as_array().unwrap();
    assert_eq!(points[0]["at"], at(0));
    let scored = points.iter().find(|it| it["at"] == at(3)).unwrap();
    assert_eq!(scored["score"], json!({"home": 0, "away": 1}));
    let play = app
        .get(&format!("/v1/fixtures/{id}/play?as_of={}", at(3)))
        .await
        .json();
    let told = in_brief(&scored["probabilities"]);
    assert_eq!(told, play["probabilities"]);
    let swing = &timeline["swings"][0];
    assert!(swing["moved"].as_f64().unwrap() > 0.1 && swing["event"]["kind"].is_string());
    assert_eq!(timeline["periods"][1]["start_seconds"], 2_700);
    assert_eq!(timeline["stale"], Value::Null);

    let supposed = format!("/v1/fixtures/{id}/what-if?minute=70&home=1&away=0");
    let answer = app.get(&supposed).await.json();
    assert!(answer["probabilities"][0].as_f64() > answer["before"][0].as_f64());
    assert!(answer["next_goal"]["after_home"][0].is_number());
    for (query, parameter) in [
        ("minute=99&home=1&away=0", "minute"),
        ("minute=9&home=1&away=16", "away"),
        ("minute=9&home=1&away=0&home_red=5", "home_red"),
        ("minute=9&home=1&away=0&cards=1", "cards"),
    ] {
        let refused = app.get(&format!("/v1/fixtures/{id}/what-if?{query}")).await;
        assert_eq!(refused.problem(), "bad-query");
        assert_eq!(
            refused.json()["errors"][0]["parameter"],
            parameter,
            "{refused:?}"
        );
    }
    let missing = app
        .get("/v1/fixtures/999999/what-if?minute=1&home=0&away=0")
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
