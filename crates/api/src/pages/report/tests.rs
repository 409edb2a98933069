use serde_json::{Value, json};

use super::*;
use crate::pages::{backtest_report_html, tests::views};

fn metrics(log_loss: f64) -> Value {
    let around = |value: f64| json!({"low": value - 0.01, "high": value + 0.01});
    json!({
        "n": 3650, "log_loss": log_loss, "log_loss_interval": around(log_loss),
        "brier": 0.58, "brier_interval": around(0.58), "rps": 0.19, "rps_interval": around(0.19),
        "ece": 0.012, "ece_interval": around(0.012), "ece_floor_p95": 0.015,
    })
}

fn row(model: &str, log_loss: f64, part: (Option<&str>, Option<&str>)) -> Value {
    let mut row = metrics(log_loss);
    row["model"] = json!(model);
    row["sport"] = json!("football");
    row["competition"] = json!(part.0);
    row["season"] = json!(part.1);
    row
}

fn report() -> Report {
    let all = (None, None);
    let season = (Some("E0"), Some("2022/23"));
    let difference = |model: &str, reference: &str, by: f64| {
        json!({"model": model, "sport": "football", "reference": reference, "n": 3642,
               "log_loss": by, "interval": {"low": by - 0.002, "high": by + 0.002}})
    };
    let mut of_season = difference("blend", "market_close", -0.0012);
    of_season["competition"] = json!("E0");
    of_season["season"] = json!("2022/23");
    of_season["n"] = json!(304);
    let miss = |fixture: i64, competition: &str, model: &str| {
        json!({"fixture": fixture, "competition": competition, "season": "2022/23",
               "kickoff": "2023-01-02T15:00:00Z", "model": model,
               "h2h": [0.88, 0.09, 0.03], "outcome": 2, "log_loss": 3.507})
    };
    let mut basketball = row("blend", 0.6, (Some("nba"), None));
    basketball["sport"] = json!("basketball");
    let mut of_basketball = basketball.clone();
    of_basketball["competition"] = json!(null);
    let month = |model: &str, month: &str, log_loss: f64| json!({"model": model, "sport": "football", "month": month, "n": 80, "log_loss": log_loss});
    let interval = json!({"low": -0.02, "high": 0.06});
    let point =
        |at: &str, profit: f64| json!({"at": at, "profit": profit, "low": -0.1, "high": 0.2});
    serde_json::from_value(json!({
        "from": "2021-08-13T19:00:00Z", "until": "2023-05-28T15:30:00Z", "fixtures": 8608,
        "competitions": ["E0", "nba"],
        "sports": [
            {"sport": "football", "from": "2021-08-13T19:00:00Z", "until": "2023-05-28T15:30:00Z", "fixtures": 3650},
            {"sport": "basketball", "from": "2021-10-19T23:30:00Z", "until": "2023-04-09T19:30:00Z", "fixtures": 4958}],
        "rows": [row("blend", 0.979, all), row("market_close", 0.9755, all), row("elo", 0.99, all),
                 row("boosted", 0.5, all), row("climatology", 0.4, all), of_basketball, basketball,
                 row("blend", 0.98, season), row("market_close", 0.97, season)],
        "differences": [difference("blend", "market_close", 0.0035),
                        difference("blend", "market_early", -0.0011), of_season,
                        difference("elo", "market_close", 0.014),
                        difference("boosted", "market_close", 0.006)],
        "reliability": [{"model": "blend", "sport": "football", "bins": [
            {"count": 900, "forecast": 0.25, "observed": 0.26, "interval": {"low": 0.23, "high": 0.29}},
            {"count": 900, "forecast": 0.6, "observed": 0.5, "interval": {"low": 0.47, "high": 0.53}}]}],
        "monthly": [month("blend", "2022-08", 0.98), month("blend", "2022-09", 1.01),
                    month("market_close", "2022-08", 0.97), month("market_close", "broken", 1.0)],
        "worst": [miss(9, "nba", "blend"), miss(3, "E0", "blend"), miss(4, "E0", "elo")],
        "betting": [{
            "sport": "football",
            "options": {"claimed_value_min": 0.01, "kelly_share": 0.25, "stake_max": 0.02, "price_max": 10.0},
            "bets": 1820, "flagged": 210, "turnover": 14.2, "profit": 0.31,
            "yield": 0.021, "yield_interval": interval, "yield_flat": 0.02,
            "yield_flat_interval": interval, "drawdown_max": 0.14, "claimed_value": 0.018,
            "closing_line_value": 0.017, "closing_line_value_interval": interval,
            "claim_error": 0.001, "claim_error_interval": interval, "slope": 0.97,
            "slope_interval": {"low": 0.85, "high": 1.1},
            "curve": [point("2022-08-10T20:00:00Z", 0.0), point("2023-05-28T20:00:00Z", 0.31)]}],
    }))
    .unwrap()
}

#[test]
fn a_report_is_told_by_its_preferred_model_against_the_closing_market() {
    let mut names = Names::new();
    names.insert(
        FixtureId(3),
        views::fixture(3, "2023-01-02T15:00:00Z", Some((0, 1))),
    );
    let body = Body::new(&report(), "", "", &names).unwrap();
    assert_eq!(
        (body.model.as_str(), body.market.as_deref()),
        ("blend", Some("market close"))
    );
    let stats: Vec<(&str, &str)> = body
        .stats
        .iter()
        .map(|it| (it.name, it.value.as_str()))
        .collect();
    assert_eq!(
        stats,
        [
            ("Log loss", "0.9790"),
            ("Calibration error", "1.2%"),
            ("Against the closing market", "+0.0035"),
            ("Against the early market", "\u{2212}0.0011"),
        ]
    );
    let order: Vec<&str> = body.totals.iter().map(|it| it.model.as_str()).collect();
    // By what is common: boosted has easy fixtures of its own, and climatology none in common.
    let expected = ["market close", "blend", "boosted", "elo", "climatology"];
    assert_eq!(order, expected);
    let to_market = body.seasons[0].to_market.as_ref().unwrap();
    let shown = (to_market.log_loss.as_str(), to_market.n.as_str());
    assert_eq!(shown, ("\u{2212}0.0012", "304"));
    assert_eq!(body.misses.len(), 1);
    assert_eq!(body.misses[0].title, "Arsenal v Brighton & Hove");
    assert_eq!(
        (body.misses[0].happened, body.misses[0].given.as_str()),
        ("Away", "3.0%")
    );
    let summary = body.reliability.unwrap();
    assert!(summary.contains("in 1 of 2 groups"));
    assert!(body.monthly.is_some() && body.betting.unwrap().curve.is_some());
}

#[test]
fn another_model_is_shown_on_request_and_the_unknown_is_not() {
    let names = Names::new();
    let elo = Body::new(&report(), "football", "elo", &names).unwrap();
    assert!(elo.model == "elo" && elo.reliability.is_none());
    let close = Body::new(&report(), "football", "market_close", &names).unwrap();
    assert_eq!(close.market, None);
    assert_eq!(
        Body::new(&report(), "curling", "nothing", &names)
            .unwrap()
            .model,
        "blend"
    );
}

#[test]
fn a_sport_has_its_own_fixtures_and_a_model_its_own_misses() {
    let of = |report: &Report, sport: &str, model: &str| {
        let body = Body::new(report, sport, model, &Names::new()).unwrap();
        let misses: Vec<i64> = body.misses.iter().map(|it| it.fixture).collect();
        let looked_up = body::misses(report, sport, model).into_iter();
        assert!(looked_up.map(|it| it.0).eq(misses.iter().copied()));
        let (scope, _) = body.scope.split_once(", each").unwrap();
        (scope.to_owned(), misses)
    };
    let report = report();
    assert_eq!(
        of(&report, "basketball", ""),
        (
            "4,958 fixtures from Tue 19 Oct 2021 to Sun 9 Apr 2023".to_owned(),
            vec![9]
        )
    );
    assert_eq!(
        of(&report, "football", "elo"),
        (
            "3,650 fixtures from Fri 13 Aug 2021 to Sun 28 May 2023".to_owned(),
            vec![4]
        )
    );
    assert_eq!(of(&report, "football", "boosted").1, [0_i64; 0]);
    // A report of before this was kept is read, and says what it knows.
    let mut old = serde_json::to_value(&report).unwrap();
    old.as_object_mut().unwrap().remove("sports");
    for difference in old["differences"].as_array_mut().unwrap() {
        let difference = difference.as_object_mut().unwrap();
        difference.remove("competition");
        difference.remove("season");
    }
    let old: Report = serde_json::from_value(old).unwrap();
    assert_eq!(
        of(&old, "basketball", ""),
        ("3,650 fixtures".to_owned(), vec![9])
    );
}

#[test]
fn a_standalone_report_needs_nothing_else_and_an_empty_one_says_so() {
    let html = backtest_report_html(&report());
    assert!(html.contains("Fixture 3") && html.contains("What betting would have brought"));
    assert!(!html.contains("<script") && !html.contains("src=") && !html.contains("href="));
    let mut nothing = report();
    nothing.rows.clear();
    assert!(backtest_report_html(&nothing).contains("Nothing was judged"));
}

#[test]
fn where_too_little_is_known_a_dash_stands_for_the_figure() {
    let mut report = report();
    for row in &mut report.rows {
        row.metrics.log_loss_interval = None;
    }
    for row in &mut report.differences {
        row.difference.interval = None;
    }
    let betting = &mut report.betting[0];
    (betting.closing_line_value, betting.slope) = (None, None);
    (betting.closing_line_value_interval, betting.slope_interval) = (None, None);
    let body = Body::new(&report, "", "", &Names::new()).unwrap();
    assert!(body.totals.iter().all(|it| it.interval == "\u{2013}"));
    assert!(!body.stats[2].note.contains("95%"));
    let stats = body.betting.unwrap().stats;
    let of = |name: &str| {
        let stat = stats.iter().find(|it| it.name == name).unwrap();
        (stat.value.as_str(), stat.note.as_str())
    };
    let few = ("\u{2013}", "too few to say how sure that is");
    assert_eq!(of("Closing-line value"), few);
    assert_eq!(of("Slope of claims"), ("\u{2013}", "one is honest"));
    assert!(of("Yield").1.starts_with("95% between"));
}
