use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;

fn sum(outcomes: &Value) -> f64 {
    outcomes
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["probability"].as_f64().unwrap())
        .sum()
}

#[tokio::test]
async fn a_prediction_has_coherent_markets_with_fair_prices() {
    let app = App::trained().await;
    let answer = app
        .get(&format!("/v1/fixtures/{}/prediction", app.upcoming()))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let prediction = answer.json();
    assert_eq!(prediction["fixture_id"], app.upcoming());
    assert_eq!(prediction["as_of"], app.now.to_string());
    assert!(!prediction["version"].as_str().unwrap().is_empty());
    let markets = prediction["markets"].as_array().unwrap();
    let kinds: Vec<_> = markets
        .iter()
        .map(|it| it["market"].as_str().unwrap())
        .collect();
    for kind in [
        "h2h",
        "totals",
        "spreads",
        "both_teams_to_score",
        "correct_score",
    ] {
        assert!(kinds.contains(&kind), "{kind}");
    }
    for market in markets {
        let has_line = market["market"] == "totals" || market["market"] == "spreads";
        assert_eq!(market["line"].is_f64(), has_line, "{market}");
        if market["market"] != "correct_score" {
            assert!((sum(&market["outcomes"]) - 1.0).abs() < 1e-9, "{market}");
        }
        for outcome in market["outcomes"].as_array().unwrap() {
            let probability = outcome["probability"].as_f64().unwrap();
            let price = outcome["fair_price"].as_f64().unwrap();
            assert!((probability * price - 1.0).abs() < 1e-12, "{outcome}");
        }
    }
    let model = &prediction["model"];
    let opinions = prediction["opinions"].as_array().unwrap();
    assert!(opinions.iter().any(|it| it["model"] == *model), "{model}");
}

#[tokio::test]
async fn a_moment_is_answered_alike_in_any_offset_and_never_from_the_future() {
    let app = App::trained().await;
    let path = |moment: &str| format!("/v1/fixtures/{}/prediction?as_of={moment}", app.upcoming());
    let utc = app.get(&path("2020-01-10T12:00:00Z")).await;
    let elsewhere = app.get(&path("2020-01-10T14:00:00%2B02:00")).await;
    assert_eq!(utc.status, elsewhere.status);
    if utc.status == StatusCode::OK {
        assert_eq!(utc.body, elsewhere.body);
    }
    let future = app.get(&path("2999-01-01T00:00:00Z")).await;
    assert_eq!(future.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(future.problem(), "not-predictable");
}

#[tokio::test]
async fn an_insight_explains_a_fixture() {
    let app = App::trained().await;
    let answer = app
        .get(&format!("/v1/fixtures/{}/insight", app.played()))
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let insight = answer.json();
    assert_eq!(insight["fixture"]["id"], app.played());
    assert_eq!(insight["prediction"]["fixture_id"], app.played());
    let matrix = insight["score_matrix"].as_array().unwrap();
    assert_eq!(matrix.len(), 7);
    let total: f64 = matrix
        .iter()
        .flat_map(|it| it.as_array().unwrap())
        .map(number)
        .sum();
    assert!((total - 1.0).abs() < 1e-9, "{total}");
    let series = insight["ratings"].as_array().unwrap();
    assert_eq!(series.len(), 2);
    assert!(
        series[0]["points"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["rating"].is_f64())
    );
    let meetings = insight["head_to_head"].as_array().unwrap();
    assert!(!meetings.is_empty() && meetings.iter().all(|it| it["status"] == "finished"));
    assert!(
        insight["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .all(|it| it["effect"].is_f64())
    );
    let market = &insight["market"];
    let fair: f64 = market["probabilities"]
        .as_array()
        .unwrap()
        .iter()
        .map(number)
        .sum();
    assert!((fair - 1.0).abs() < 1e-9, "{market}");
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[tokio::test]
async fn an_insight_without_a_model_still_shows_the_market() {
    let app = App::open().await;
    let insight = app
        .get(&format!("/v1/fixtures/{}/insight", app.played()))
        .await
        .json();
    assert!(insight["prediction"].is_null() && insight["score_matrix"].is_null());
    assert!(insight["market"]["bookmakers"].as_u64().unwrap() >= 2);
}

#[tokio::test]
async fn the_board_sets_the_model_beside_the_market() {
    let app = App::trained().await;
    let rows = app.get("/v1/board?competition=T0&limit=3").await.json();
    let rows = rows["data"].as_array().unwrap().clone();
    assert_eq!(rows.len(), 3);
    for row in rows {
        assert_eq!(row["fixture"]["status"], "scheduled");
        let ours = row["prediction"]["probabilities"].as_array().unwrap();
        assert_eq!(ours.len(), 3);
        assert_eq!(row["as_of"], app.now.to_string());
        assert!(row["market"].is_null(), "bookmakers quote three days ahead");
    }
    let window = "/v1/board?from=2018-09-01T00:00:00Z&until=2018-10-01T00:00:00Z";
    let played = app.get(window).await.json()["data"]
        .as_array()
        .unwrap()
        .clone();
    assert!(!played.is_empty());
    for row in played {
        assert!(row["fixture"]["score"].is_object());
        assert_eq!(row["market"]["best"].as_array().unwrap().len(), 3, "{row}");
    }
}

/// Writes who wins as a bookmaker prices it some minutes ago, or that it takes no bets.
async fn offer(app: &App, bookmaker: &str, minutes: i64, prices: Option<[f64; 3]>) {
    let taken_at = app.now - jiff::SignedDuration::from_mins(minutes);
    let mut entry = json!({"fixture_id": app.upcoming(), "bookmaker": bookmaker, "market": "h2h",
        "taken_at": taken_at.to_string()});
    match prices {
        None => entry["stage"] = "suspended".into(),
        Some([home, draw, away]) => {
            entry["outcomes"] = json!([{"outcome": "home", "price": home},
                {"outcome": "draw", "price": draw}, {"outcome": "away", "price": away}]);
        }
    }
    let writer = app.writer().await;
    let headers = [("authorization", writer.as_str())];
    let body = json!({"data": [entry]}).to_string();
    let written = app.post("/v1/quotes", &body, &headers).await;
    assert_eq!(written.status, StatusCode::OK, "{written:?}");
}

#[tokio::test]
async fn what_a_bookmaker_suspends_is_off_the_market_at_once_and_stays_listed() {
    let app = App::trained().await;
    let id = app.upcoming();
    let on_offer = async || {
        let edges = "/v1/edges?flagged=shown&min_edge=-1&limit=200";
        let edges = app.get(edges).await.json()["data"]
            .as_array()
            .unwrap()
            .clone();
        let ours = edges.iter().filter(|it| it["fixture"]["id"] == id);
        let mut bookmakers: Vec<String> = ours
            .map(|it| it["bookmaker"].as_str().unwrap().to_owned())
            .collect();
        bookmakers.sort();
        bookmakers.dedup();
        let markets = app.get(&format!("/v1/fixtures/{id}/markets")).await.json();
        let market = app.get(&format!("/v1/fixtures/{id}/insight")).await.json();
        let market = market["market"]["bookmaker"].as_str().map(str::to_owned);
        let count = markets["data"][0]["bookmakers"].as_u64().unwrap_or(0);
        (bookmakers, count, market)
    };
    // The made-up league's own bookmakers, whose prices lie in the future of this test.
    let (_, others, _) = on_offer().await;
    let mean = Some("market_mean".to_owned());
    offer(&app, "acme", 5, Some([2.2, 3.4, 3.6])).await;
    offer(&app, "zenith", 4, Some([2.0, 3.5, 4.0])).await;
    let both = vec!["acme".to_owned(), "zenith".to_owned()];
    let priced = (both, others + 2, mean.clone());
    assert_eq!(on_offer().await, priced);
    offer(&app, "zenith", 3, None).await;
    assert_eq!(
        on_offer().await,
        (vec!["acme".to_owned()], others + 1, mean)
    );
    let page = app.get(&format!("/fixtures/{id}")).await;
    let page = String::from_utf8(page.body).unwrap();
    assert_eq!(page.matches(">suspended<").count(), 1, "{page}");
    offer(&app, "acme", 2, None).await;
    assert_eq!(on_offer().await, (vec![], others, None));
    let quotes = app.get(&format!("/v1/fixtures/{id}/quotes")).await.json();
    let mut quotes = quotes["data"].as_array().unwrap().iter();
    let suspended = quotes.find(|it| it["bookmaker"] == "acme" && it["stage"] == "suspended");
    assert_eq!(suspended.unwrap()["outcomes"], json!([]));
    offer(&app, "acme", 1, Some([2.2, 3.4, 3.6])).await;
    offer(&app, "zenith", 0, Some([2.0, 3.5, 4.0])).await;
    assert_eq!(on_offer().await, priced);
}

#[tokio::test]
async fn edges_obey_their_filters() {
    let app = App::trained().await;
    let all = app
        .get("/v1/edges?flagged=shown&min_edge=-1&limit=200")
        .await;
    assert_eq!(all.status, StatusCode::OK, "{all:?}");
    let all = all.json()["data"].as_array().unwrap().clone();
    let values: Vec<_> = all.iter().map(|it| number(&it["expected_value"])).collect();
    assert!(values.is_sorted_by(|a, b| a >= b), "{values:?}");
    for edge in &all {
        assert!(edge["age_seconds"].as_i64().unwrap() >= 0);
        let flagged = !edge["flags"].as_array().unwrap().is_empty();
        assert!(!flagged || number(&edge["stake"]) == 0.0, "{edge}");
    }
    let path = "/v1/edges?flagged=shown&min_edge=-1&limit=200&market=h2h&bookmaker=bet365";
    let some = app.get(path).await.json()["data"]
        .as_array()
        .unwrap()
        .clone();
    let expected = |it: &&Value| it["market"] == "h2h" && it["bookmaker"] == "bet365";
    assert_eq!(some.len(), all.iter().filter(expected).count());
    let sound = app.get("/v1/edges?min_edge=-1&limit=200").await.json();
    let sound = sound["data"].as_array().unwrap().clone();
    assert!(
        sound
            .iter()
            .all(|it| it["flags"].as_array().unwrap().is_empty())
    );
    assert!(sound.len() <= all.len());
}

#[tokio::test]
async fn a_trained_model_is_listed_and_has_a_report_card() {
    let app = App::trained().await;
    let models = app.get("/v1/models").await.json();
    let models = models["data"].as_array().unwrap().clone();
    assert!(!models.is_empty());
    for model in models {
        assert_eq!(model["serving"], true);
        let path = format!("/v1/models/{}/report", model["name"].as_str().unwrap());
        let report = app.get(&path).await;
        assert_eq!(report.status, StatusCode::OK, "{path}");
        assert!(report.json().is_object());
    }
    assert_eq!(
        app.get("/v1/models/oracle/report").await.problem(),
        "unknown-model"
    );
}

#[tokio::test]
async fn a_batch_says_of_each_fixture_what_is_said_of_it_alone_in_the_order_asked() {
    let app = App::trained().await;
    let moments = [None, Some("2020-01-10T12:00:00Z"), None, None];
    let numbers = [app.upcoming(), app.upcoming(), app.played(), app.upcoming()];
    let entries: Vec<Value> = numbers
        .iter()
        .zip(moments)
        .map(|(id, as_of)| serde_json::json!({"fixture_id": id, "as_of": as_of}))
        .collect();
    let body = serde_json::json!({ "data": entries }).to_string();
    let answer = app.post("/v1/predictions/batch", &body, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let entries = answer.json()["data"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 4);
    for ((id, as_of), entry) in numbers.iter().zip(moments).zip(entries) {
        let query = as_of.map_or_else(String::new, |it| format!("?as_of={it}"));
        let alone = app
            .get(&format!("/v1/fixtures/{id}/prediction{query}"))
            .await;
        assert_eq!(entry["fixture_id"], *id);
        if alone.status == StatusCode::OK {
            // Numbers are written so that they read back exactly: equal text, equal bits.
            assert_eq!(entry["prediction"].to_string(), alone.json().to_string());
            assert!(entry["problem"].is_null());
        } else {
            assert_eq!(entry["problem"]["type"], alone.json()["type"]);
        }
    }
}

#[tokio::test]
async fn in_a_batch_every_fault_stays_with_its_entry() {
    let app = App::trained().await;
    let id = app.upcoming();
    let body = format!(
        r#"{{"data": [{{"fixture_id": 999999}}, {{"fixture_id": {id}}},
            {{"fixture_id": {id}, "as_of": "2999-01-01T00:00:00Z"}}], "markets": ["h2h", "totals"]}}"#
    );
    let answer = app.post("/v1/predictions/batch", &body, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let entries = answer.json()["data"].clone();
    let problem = &entries[0]["problem"];
    assert_eq!(problem["type"], "/docs/problems#unknown-fixture");
    assert_eq!(problem["status"], 404);
    assert_eq!(problem["instance"], "/v1/fixtures/999999/prediction");
    assert_eq!(problem["request_id"], answer.header("x-request-id"));
    assert_eq!(
        entries[2]["problem"]["type"],
        "/docs/problems#not-predictable"
    );
    let markets = entries[1]["prediction"]["markets"].as_array().unwrap();
    let fine = |it: &Value| it["market"] == "h2h" || it["market"] == "totals";
    assert!(markets.len() > 1 && markets.iter().all(fine), "{markets:?}");
}

#[tokio::test]
async fn a_batch_that_cannot_be_read_is_refused_as_a_whole() {
    let app = App::open().await;
    for (body, problem) in [
        (r#"{"data": []}"#, "malformed-body"),
        (
            r#"{"data": [{"fixture_id": 1}], "markets": []}"#,
            "malformed-body",
        ),
        (
            r#"{"data": [{"fixture_id": 1}], "markets": ["x"]}"#,
            "malformed-body",
        ),
        (
            r#"{"data": [{"fixture_id": 1}], "kinds": []}"#,
            "malformed-body",
        ),
        (r#"{"data": [{"fixture_id": "x"}]}"#, "invalid-entries"),
        (
            r#"{"data": [{"fixture_id": 1, "as_of": "now"}]}"#,
            "invalid-entries",
        ),
        (r#"{"data": [{"fixture_id": 1}]}"#, "no-model"),
        (
            r#"{"data": [{"fixture_id": 1.0}], "markets": null}"#,
            "no-model",
        ),
    ] {
        let answer = app.post("/v1/predictions/batch", body, &[]).await;
        assert_eq!(answer.problem(), problem, "{body}");
    }
    let many = vec![r#"{"fixture_id": 1}"#; 1_001].join(",");
    let body = format!(r#"{{"data": [{many}]}}"#);
    let answer = app.post("/v1/predictions/batch", &body, &[]).await;
    assert_eq!(answer.problem(), "malformed-body");
}
