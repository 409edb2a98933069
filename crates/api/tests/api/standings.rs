//! Tables, form and meetings: what the fixtures add up to, new with every result.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::app::App;

const TABLE: &str = "/v1/competitions/T0/standings";

async fn get(app: &App, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
    answer.json()
}

async fn fixtures(app: &App, filter: &str) -> Vec<Value> {
    let page = get(app, &format!("/v1/fixtures?limit=200&{filter}")).await;
    page["data"].as_array().unwrap().clone()
}

/// Points, difference and goals of each team, worked out from the list of fixtures.
async fn expected(app: &App, season: &str) -> Vec<(i64, i64, i64, i64)> {
    let mut teams: BTreeMap<i64, (i64, i64, i64)> = BTreeMap::new();
    for fixture in fixtures(app, &format!("season={season}")).await {
        let sides = ["home", "away"];
        for (us, them) in [(0, 1), (1, 0)] {
            let team = fixture[sides[us]]["id"].as_i64().unwrap();
            let sum = teams.entry(team).or_default();
            let goals = |side: usize| fixture["score"][sides[side]].as_i64();
            let (Some(scored), Some(conceded)) = (goals(us), goals(them)) else {
                continue;
            };
            sum.0 += match scored - conceded {
                1.. => 3,
                0 => 1,
                _ => 0,
            };
            sum.1 += scored - conceded;
            sum.2 += scored;
        }
    }
    let mut rows: Vec<_> = teams
        .into_iter()
        .map(|(id, it)| (it.0, it.1, it.2, id))
        .collect();
    rows.sort_by_key(|it| std::cmp::Reverse((it.0, it.1, it.2)));
    rows
}

async fn put_result(app: &App, fixture: i64, score: [u16; 2]) {
    let writer = app.writer().await;
    let [home, away] = score;
    let body = json!({"data": [{"fixture_id": fixture, "score": {"home": home, "away": away}}]});
    let headers = [("authorization", writer.as_str())];
    let written = app.post("/v1/results", &body.to_string(), &headers).await;
    assert_eq!(written.status, StatusCode::OK, "{written:?}");
}

#[tokio::test]
async fn a_table_adds_up_what_the_fixtures_say_and_follows_corrections_at_once() {
    let app = App::open().await;
    let check = async || {
        let table = get(&app, TABLE).await;
        assert_eq!(
            table["ranked_by"],
            json!(["points", "difference", "scored"])
        );
        let season = table["season"].as_str().unwrap();
        let expected = expected(&app, season).await;
        let number = |it: &Value| it.as_i64().unwrap();
        let rows = table["data"].as_array().unwrap().iter();
        let mut shown: Vec<_> = rows
            .map(|it| {
                let total = &it["total"];
                (
                    number(&it["points"]),
                    number(&total["difference"]),
                    number(&total["scored"]),
                    number(&it["team"]["id"]),
                )
            })
            .collect();
        let order: Vec<_> = shown.iter().map(|it| (it.0, it.1, it.2)).collect();
        assert!(order.is_sorted_by(|a, b| a >= b), "{order:?}");
        shown.sort_unstable();
        let mut expected = expected;
        expected.sort_unstable();
        assert_eq!(shown, expected);
        table
    };
    let before = check().await;
    let played = fixtures(&app, "status=finished&order=newest").await;
    let last = played[0]["id"].as_i64().unwrap();
    put_result(&app, last, [9, 0]).await;
    let after = check().await;
    assert_ne!(before, after);
    assert!(after["change"].as_u64() > before["change"].as_u64());
    // Asked again it is the same answer, kept.
    let answer = app.get(TABLE).await;
    assert_eq!(answer.header("server-timing"), "cache;desc=memory");
    let etag = answer.header("etag").to_owned();
    let same = app.get_with(TABLE, &[("if-none-match", &etag)]).await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_game_said_to_be_of_the_postseason_leaves_the_table() {
    let app = App::open().await;
    let last = &fixtures(&app, "status=finished&order=newest").await[0];
    assert_eq!(last["season_type"], "regular");
    let path = format!("/v1/fixtures/{}", last["id"]);
    let (home, before) = (&last["home"]["id"], get(&app, TABLE).await);
    let played = |table: &Value| {
        let rows = table["data"].as_array().unwrap().iter();
        let mut own = rows.filter(|it| it["team"]["id"] == *home);
        own.next().unwrap()["total"]["played"].as_i64().unwrap()
    };
    let writer = app.writer().await;
    let say = async |season_type: Option<&str>| {
        let mut entry = json!({"competition": last["competition"], "season": last["season"],
            "kickoff": last["kickoff"], "home": home, "away": last["away"]["id"]});
        if let Some(it) = season_type {
            entry["season_type"] = json!(it);
        }
        let (body, key) = (json!({"data": [entry]}).to_string(), writer.as_str());
        app.post("/v1/fixtures", &body, &[("authorization", key)])
            .await
    };
    let refused = say(Some("autumn")).await;
    assert_eq!(
        refused.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{refused:?}"
    );
    // Left out it stays as it was said last.
    for season_type in [Some("postseason"), None] {
        let written = say(season_type).await;
        assert_eq!(written.status, StatusCode::OK, "{written:?}");
        assert_eq!(get(&app, &path).await["season_type"], "postseason");
        assert_eq!(played(&get(&app, TABLE).await), played(&before) - 1);
        let page = app.get(&path.replace("/v1", "")).await;
        assert!(String::from_utf8_lossy(&page.body).contains(" · postseason"));
    }
}

#[tokio::test]
async fn a_table_of_another_season_is_asked_for_by_its_name() {
    let app = App::open().await;
    let table = get(&app, TABLE).await;
    assert_eq!(table["seasons"], json!(["2018/19", "2019/20"]));
    assert_eq!(table["season"], "2019/20");
    let first = get(&app, &format!("{TABLE}?season=2018/19")).await;
    let top = &first["data"][0];
    assert_eq!(top["position"], 1);
    assert_eq!(top["total"]["played"], 14);
    assert_eq!(
        (&top["home"]["played"], &top["away"]["played"]),
        (&json!(7), &json!(7))
    );
    assert!(top["win_share"].as_f64().unwrap() > 0.5, "{top}");
    let unknown = app.get(&format!("{TABLE}?season=1999")).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(unknown.problem(), "unknown-season");
    let unknown = app.get("/v1/competitions/XX/standings").await;
    assert_eq!(unknown.problem(), "unknown-competition");
    let bad = app.get("/v1/competitions/a%20b/standings").await;
    assert_eq!(bad.problem(), "bad-path");
}

#[tokio::test]
async fn form_is_the_last_results_and_what_they_add_up_to() {
    let app = App::open().await;
    let team = app.teams[0];
    let form = get(&app, &format!("/v1/teams/{team}/form")).await;
    let games = fixtures(&app, &format!("team={team}&status=finished&order=newest")).await;
    assert_eq!(form["data"].as_array().unwrap().as_slice(), &games[..5]);
    let scored: i64 = games[..5]
        .iter()
        .map(|it| {
            let side = if it["home"]["id"] == team {
                "home"
            } else {
                "away"
            };
            it["score"][side].as_i64().unwrap()
        })
        .sum();
    assert_eq!(form["tally"]["scored"], scored);
    assert_eq!(form["tally"]["played"], 5);
    let long = get(&app, &format!("/v1/teams/{team}/form?limit=50")).await;
    assert_eq!(long["tally"]["played"], games.len());
    let unknown = app.get("/v1/teams/99999/form").await;
    assert_eq!(unknown.problem(), "unknown-team");
    let bad = app.get(&format!("/v1/teams/{team}/form?limit=51")).await;
    assert_eq!(bad.problem(), "bad-query");
}

#[tokio::test]
async fn meetings_are_counted_from_the_side_of_the_team_asked_for() {
    let app = App::open().await;
    let [team, other] = [app.teams[0], app.teams[1]];
    let meetings = get(&app, &format!("/v1/teams/{team}/meetings?with={other}")).await;
    let turned = get(&app, &format!("/v1/teams/{other}/meetings?with={team}")).await;
    let games = meetings["data"].as_array().unwrap();
    assert!(!games.is_empty());
    for fixture in games {
        let sides = [&fixture["home"]["id"], &fixture["away"]["id"]];
        assert!(sides.contains(&&json!(team)) && sides.contains(&&json!(other)));
    }
    assert_eq!(meetings["total"]["played"], games.len());
    assert_eq!(meetings["data"], turned["data"]);
    for (one, two) in [("won", "lost"), ("drawn", "drawn"), ("scored", "conceded")] {
        assert_eq!(meetings["total"][one], turned["total"][two]);
        assert_eq!(meetings["home"][one], turned["away"][two]);
    }
    let itself = app
        .get(&format!("/v1/teams/{team}/meetings?with={team}"))
        .await;
    assert_eq!(itself.problem(), "bad-query");
    let unknown = app
        .get(&format!("/v1/teams/{team}/meetings?with=99999"))
        .await;
    assert_eq!(unknown.problem(), "unknown-team");
}
