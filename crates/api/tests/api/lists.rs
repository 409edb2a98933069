use axum::http::StatusCode;
use serde_json::Value;

use crate::app::App;

async fn data(app: &App, path: &str) -> Vec<Value> {
    let answer = app.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    answer.json()["data"].as_array().unwrap().clone()
}

#[tokio::test]
async fn competitions_are_listed_with_their_counts() {
    let app = App::open().await;
    insta::assert_json_snapshot!(app.get("/v1/competitions").await.json());
}

#[tokio::test]
async fn teams_are_listed_and_found() {
    let app = App::open().await;
    insta::assert_json_snapshot!(app.get("/v1/teams?limit=2&sport=football").await.json());
    assert_eq!(data(&app, "/v1/teams").await.len(), 8);
    assert_eq!(data(&app, "/v1/teams?competition=T0").await.len(), 8);
    assert_eq!(data(&app, "/v1/teams?competition=XX").await.len(), 0);
    assert_eq!(data(&app, "/v1/teams?sport=basketball").await.len(), 0);
    assert_eq!(
        data(&app, "/v1/teams?search=am%2003").await[0]["name"],
        "Team 03"
    );
}

#[tokio::test]
async fn a_fixture_is_the_same_alone_and_in_a_list() {
    let app = App::open().await;
    let first = data(&app, "/v1/fixtures?limit=1").await.remove(0);
    insta::assert_json_snapshot!(first);
    let alone = app
        .get(&format!("/v1/fixtures/{}", app.fixtures[0]))
        .await
        .json();
    assert_eq!(alone, first);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat_in_both_directions() {
    let app = App::open().await;
    for order in ["oldest", "newest"] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/fixtures?order={order}&limit=50{cursor}");
            let page = app.get(&path).await.json();
            let ids = page["data"].as_array().unwrap().iter();
            seen.extend(ids.map(|it| it["id"].as_i64().unwrap()));
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        let mut expected = app.fixtures.clone();
        if order == "newest" {
            expected.reverse();
        }
        assert_eq!(seen.len(), expected.len());
        if order == "newest" {
            seen.reverse();
            expected.reverse();
        }
        seen.sort_unstable();
        expected.sort_unstable();
        assert_eq!(seen, expected, "{order}");
    }
}

#[tokio::test]
async fn filters_of_fixtures_narrow_the_list() {
    let app = App::open().await;
    let team = app.teams[0];
    let of_team = data(&app, &format!("/v1/fixtures?team={team}&limit=200")).await;
    assert_eq!(of_team.len(), 28);
    assert!(
        of_team
            .iter()
            .all(|it| it["home"]["id"] == team || it["away"]["id"] == team)
    );
    let open = data(&app, "/v1/fixtures?status=scheduled").await;
    assert_eq!(open.len(), 8);
    assert!(open.iter().all(|it| it["score"].is_null()));
    assert_eq!(
        data(&app, "/v1/fixtures?season=2018/19&limit=200")
            .await
            .len(),
        56
    );
    assert_eq!(
        data(&app, "/v1/fixtures?competition=XX,T0&limit=200")
            .await
            .len(),
        112
    );
    let spring = "/v1/fixtures?from=2018-09-01T00:00:00Z&until=2018-10-01T02:00:00%2B02:00";
    let kickoffs = data(&app, spring).await;
    assert!(!kickoffs.is_empty());
    for fixture in kickoffs {
        assert!(
            fixture["kickoff"].as_str().unwrap().starts_with("2018-09"),
            "{fixture}"
        );
    }
}

#[tokio::test]
async fn quotes_are_listed_with_their_trace() {
    let app = App::open().await;
    let path = format!("/v1/fixtures/{}/quotes", app.fixtures[0]);
    let quotes = data(&app, &path).await;
    insta::assert_json_snapshot!(&quotes[..1]);
    let stages: Vec<_> = quotes
        .iter()
        .map(|it| it["stage"].as_str().unwrap())
        .collect();
    assert!(stages.contains(&"opening") && stages.contains(&"closing"));
    let line = quotes.iter().find(|it| it["market"] == "totals").unwrap();
    assert_eq!(line["line"], 2.5);
}

#[tokio::test]
async fn prices_are_summed_up_by_market_and_a_new_one_counts_at_once() {
    let app = App::open().await;
    let path = format!("/v1/fixtures/{}/markets", app.upcoming());
    let before = app.get(&path).await.json();
    let count = |it: &serde_json::Value| it["data"][0]["bookmakers"].as_u64().unwrap_or(0);
    let body = format!(
        r#"{{"data": [{{"fixture_id": {}, "bookmaker": "longest", "market": "h2h",
            "outcomes": [
            {{"outcome": "home", "price": 1000}}, {{"outcome": "draw", "price": 500}},
            {{"outcome": "away", "price": 1.01}}]}}]}}"#,
        app.upcoming()
    );
    let writer = app.writer().await;
    let headers = [("authorization", writer.as_str())];
    let written = app.post("/v1/quotes", &body, &headers).await;
    assert_eq!(written.status, StatusCode::OK, "{written:?}");
    let after = app.get(&path).await.json();
    let h2h = &after["data"][0];
    assert_eq!(h2h["market"], "h2h");
    assert_eq!(count(&after), count(&before) + 1, "{after}");
    let best = h2h["outcomes"].as_array().unwrap().iter();
    let best: Vec<f64> = best.map(|it| it["best"].as_f64().unwrap()).collect();
    assert_eq!(best[..2], [1000.0, 500.0]);
    assert!(
        after["change"].as_u64() > before["change"].as_u64(),
        "{after}"
    );
    let unknown = app.get("/v1/fixtures/999999/markets").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn before_any_training_there_are_no_models_and_no_edges() {
    let app = App::open().await;
    for path in ["/v1/models", "/v1/edges"] {
        let answer = app.get(path).await.json();
        assert_eq!(
            answer,
            serde_json::json!({"data": [], "next_cursor": null}),
            "{path}"
        );
    }
}
