//! Rules that watch games, over HTTP: made, changed, tested, deleted, and what they fired.

use api::{ApiOptions, ReadAccess, Scope};
use axum::http::{Method, StatusCode};
use domain::{AlertCondition, AlertOutcome, AlertScope, Direction, Market, Outcome, RawRule};
use engine::{AlertCaller, AlertCommand, IdempotencyRecord};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::app::{Answer, App};

fn rule() -> Value {
    json!({
        "name": "Home side ahead",
        "condition": {"on": "probability", "outcome": "home", "level": 0.6, "direction": "up"},
    })
}

impl App {
    async fn make(&self, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let writer = self.writer().await;
        let mut all = vec![("authorization", &*writer)];
        all.extend(headers);
        self.post("/v1/alerts", &body.to_string(), &all).await
    }

    async fn act(&self, method: Method, path: &str, body: &Value) -> Answer {
        let writer = self.writer().await;
        self.act_as(&writer, (method, path), body).await
    }

    async fn act_as(&self, key: &str, asked: (Method, &str), body: &Value) -> Answer {
        let mut headers = vec![("authorization", key)];
        if !body.is_null() {
            headers.push(("content-type", "application/json"));
        }
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.ask(asked, body, &headers).await
    }
}

#[tokio::test]
async fn an_alert_is_made_once_listed_changed_and_deleted() {
    let app = App::open().await;
    let key = [("idempotency-key", "one")];
    let made = app.make(&rule(), &key).await;
    assert_eq!(made.status, StatusCode::OK, "{made:?}");
    assert!(made.headers.contains_key("sports-edge-position"));
    let again = app.make(&rule(), &key).await;
    assert_eq!(
        (again.header("idempotent-replayed"), &again.body),
        ("true", &made.body)
    );
    let alert = made.json();
    let path = format!("/v1/alerts/{}", alert["id"]);
    assert_eq!(alert["state"], "active");
    assert_eq!(alert["about"], "every fixture");
    assert_eq!(alert["hysteresis"], 0.02);
    assert_eq!(alert["condition"]["market"], "h2h");
    assert!(
        app.writer()
            .await
            .contains(alert["made_by"].as_str().unwrap())
    );
    assert_eq!(app.get(&path).await.json(), alert);
    assert_eq!(app.get("/v1/alerts").await.json(), json!({"data": [alert]}));
    let fixture = app.upcoming();
    let patch = json!({
        "name": "other", "paused": true, "quiet_minutes": 60, "hysteresis": null,
        "scope": {"fixture_id": fixture},
        "condition": {"on": "swing", "market": "totals", "line": 2.5, "outcome": "over",
            "by": 0.1, "within_minutes": 5},
    });
    let changed = app.act(Method::PATCH, &path, &patch).await.json();
    assert_eq!(
        (&changed["name"], &changed["state"]),
        (&json!("other"), &json!("paused"))
    );
    assert_eq!(changed["scope"]["fixture_id"], fixture);
    assert!(changed["about"].as_str().unwrap().contains(" – "));
    assert_eq!(changed["condition"]["by"], 0.1);
    assert_eq!(
        (&changed["quiet_minutes"], &changed["hysteresis"]),
        (&json!(60), &json!(0.0))
    );
    let forever = app
        .act(Method::PATCH, &path, &json!({"quiet_minutes": null}))
        .await;
    assert_eq!(forever.json()["quiet_minutes"], Value::Null);
    let gone = app.act(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(
        (gone.status, gone.json()),
        (StatusCode::OK, json!({"id": alert["id"]}))
    );
    for method in [Method::GET, Method::DELETE] {
        let unknown = app.act(method, &path, &Value::Null).await;
        assert_eq!(
            (unknown.status, unknown.problem()),
            (StatusCode::NOT_FOUND, "unknown-alert".into())
        );
    }
}

/// What cannot be watched, and where the fault lies.
fn faults(team: i64) -> Vec<(Value, &'static str)> {
    let probability = |more: Value| {
        let mut condition = json!({"on": "probability", "outcome": "home", "level": 0.6});
        let members = condition.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        json!({"name": "x", "condition": condition})
    };
    let on = |condition: Value| json!({"name": "x", "condition": condition});
    let scoped =
        |scope: Value| json!({"name": "x", "condition": rule()["condition"], "scope": scope});
    vec![
        (probability(json!({"level": 1.5})), "/condition/level"),
        (probability(json!({"level": null})), "/condition/level"),
        (probability(json!({"outcome": null})), "/condition/outcome"),
        (
            probability(json!({"outcome": "over"})),
            "/condition/outcome",
        ),
        (probability(json!({"market": "totals"})), "/condition/line"),
        (probability(json!({"by": 0.1})), "/condition/by"),
        (on(json!({"on": "edge"})), "/condition/level"),
        (
            on(json!({"on": "edge", "level": 0.1, "outcome": "home"})),
            "/condition/outcome",
        ),
        (
            on(json!({"on": "swing", "outcome": "home", "by": 0.1})),
            "/condition/within_minutes",
        ),
        (
            on(json!({"on": "swing", "outcome": "home", "level": 0.1})),
            "/condition/level",
        ),
        (
            on(json!({"on": "swing", "outcome": "home"})),
            "/condition/by",
        ),
        (on(json!({"on": "swing"})), "/condition/outcome"),
        (scoped(json!({"fixture_id": 99_999})), "/scope/fixture_id"),
        (scoped(json!({"team_id": 99_999})), "/scope/team_id"),
        (scoped(json!({"competition": "none"})), "/scope/competition"),
        (
            scoped(json!({"competition": "E0", "team_id": team})),
            "/scope",
        ),
        (
            json!({"name": " ", "condition": rule()["condition"]}),
            "/name",
        ),
        (
            json!({"name": "x", "condition": rule()["condition"], "quiet_minutes": 0}),
            "/quiet_minutes",
        ),
        (
            json!({"name": "x", "condition": rule()["condition"], "hysteresis": 0.6}),
            "/hysteresis",
        ),
    ]
}

#[tokio::test]
async fn what_cannot_be_watched_is_refused_with_a_pointer() {
    let app = App::open().await;
    for (body, pointer) in faults(app.teams[0]) {
        let refused = app.make(&body, &[]).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(refused.problem(), "invalid-alert");
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{body}");
    }
    for body in [
        json!({"name": "x"}),
        json!({"name": "x", "condition": {"on": "moon"}}),
        json!({"nam": 1}),
    ] {
        assert_eq!(app.make(&body, &[]).await.problem(), "malformed-body");
    }
    assert_eq!(app.get("/v1/alerts").await.json(), json!({"data": []}));
}

#[tokio::test]
async fn a_key_has_only_so_many_alerts() {
    let app = App::open().await;
    for _ in 0..engine::ALERTS_PER_KEY_MAX {
        assert_eq!(app.make(&rule(), &[]).await.status, StatusCode::OK);
    }
    assert_eq!(app.make(&rule(), &[]).await.problem(), "too-many-alerts");
}

#[tokio::test]
async fn who_made_an_alert_may_change_it_and_who_operates_the_server() {
    let app = App::with(ApiOptions {
        read_access: ReadAccess::Keyed,
        ..ApiOptions::default()
    })
    .await;
    let made = app.make(&rule(), &[]).await.json();
    let path = format!("/v1/alerts/{}", made["id"]);
    assert_eq!(app.get("/v1/alerts").await.problem(), "key-missing");
    let bearer = async |scopes: &[Scope], mark| format!("Bearer {}", app.key(scopes, mark).await);
    let reader = bearer(&[Scope::Read], 2).await;
    let list = app
        .get_with("/v1/alerts", &[("authorization", &reader)])
        .await;
    assert_eq!(list.json()["data"][0]["id"], made["id"]);
    let delete = || (Method::DELETE, &*path);
    let refused = app.act_as(&reader, delete(), &Value::Null).await;
    assert_eq!(refused.problem(), "scope-missing");
    let other = bearer(&[Scope::Write], 3).await;
    for (method, path, body) in [
        (Method::DELETE, path.clone(), Value::Null),
        (Method::PATCH, path.clone(), json!({"paused": true})),
        (Method::POST, format!("{path}/test"), Value::Null),
    ] {
        let refused = app.act_as(&other, (method, &path), &body).await;
        assert_eq!(
            (refused.status, refused.problem()),
            (StatusCode::FORBIDDEN, "foreign-alert".into())
        );
    }
    let admin = bearer(&[Scope::Admin], 4).await;
    let gone = app.act_as(&admin, delete(), &Value::Null).await;
    assert_eq!(gone.status, StatusCode::OK);
}

#[tokio::test]
async fn a_test_is_listed_page_by_page_and_comes_over_the_live_feed() {
    let app = App::open().await;
    let made = app.make(&rule(), &[]).await.json();
    let path = format!("/v1/alerts/{}", made["id"]);
    let test = format!("{path}/test");
    for _ in 0..3 {
        let fired = app.act(Method::POST, &test, &Value::Null).await;
        assert_eq!(fired.status, StatusCode::OK, "{fired:?}");
        let fired = fired.json();
        assert_eq!(
            (&fired["firing"]["test"], &fired["status"]),
            (&json!(true), &json!("none"))
        );
    }
    let page = app.get(&format!("{path}/deliveries?limit=2")).await.json();
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
    let next = page["next_cursor"].as_str().unwrap();
    let rest = app
        .get(&format!("{path}/deliveries?limit=2&cursor={next}"))
        .await
        .json();
    assert_eq!(rest["data"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next_cursor"], Value::Null);
    let bad = app.get(&format!("{path}/deliveries?cursor=x")).await;
    assert_eq!(bad.problem(), "bad-cursor");
    let fired = app.get("/v1/alerts/fired").await.json();
    assert_eq!(fired["data"][0], page["data"][0]["firing"]);
    let followed = app.get("/v1/live?k=alerts/fired&wait_ms=0").await;
    let text = String::from_utf8(followed.body).unwrap();
    assert!(text.contains("Home side ahead"), "{text}");
    let metrics = app.state.metrics();
    assert!(
        metrics.contains("sports_edge_alerts_fired_total 0"),
        "{metrics}"
    );
}

/// Sent again under its idempotency key, it has no other key to be known again by.
#[tokio::test]
async fn an_alert_that_nobody_knows_the_end_of_is_there_once() {
    let app = App::open().await;
    let key = app.key(&[Scope::Write], 1).await;
    let body = json!({"name": "ahead", "condition": {"on": "probability", "outcome": "home",
        "level": 0.5, "direction": "up"}});
    let body = body.to_string();
    let (principal, route) = (&key[3..11], "POST /v1/alerts");
    let record = IdempotencyRecord {
        principal: principal.to_owned(),
        route: route.to_owned(),
        key: "order-6".into(),
        fingerprint: Sha256::digest(&body).into(),
        at: app.now - jiff::SignedDuration::from_secs(61),
    };
    app.engine.claim_idempotency(&record).await.unwrap();
    let said = format!("{principal}\0{route}\0order-6\0");
    let request = [said.as_bytes(), &record.fingerprint].concat();
    let caller = AlertCaller {
        principal: principal.to_owned(),
        operates: false,
    };
    let command = AlertCommand {
        name: "ahead".to_owned(),
        rule: RawRule {
            condition: AlertCondition::Probability {
                market: Market::H2H,
                outcome: AlertOutcome::Of(Outcome::Home),
                level: 0.5,
                direction: Direction::Up,
            },
            scope: AlertScope::All,
            hysteresis: None,
            quiet_minutes: None,
        },
        paused: false,
        webhook: None,
        request: Some(Sha256::digest(request).into()),
    };
    let made = app.engine.put_alert(&caller, command).await.unwrap();

    let headers = [("x-api-key", key.as_str()), ("idempotency-key", "order-6")];
    for _ in 0..2 {
        let again = app.post("/v1/alerts", &body, &headers).await;
        assert_eq!(again.json()["id"], json!(made.record.id.0), "{again:?}");
    }
    let other = [("x-api-key", key.as_str()), ("idempotency-key", "order-7")];
    let other = app.post("/v1/alerts", &body, &other).await.json();
    assert_ne!(other["id"], json!(made.record.id.0));
    assert_eq!(app.engine.alerts().await.unwrap().len(), 2);
}
