//! The promises held on real football: needs the development data beside the checkout, and says
//! so where it is not there.
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

#[path = "../examples/judge/data.rs"]
#[expect(dead_code, reason = "the other sports are for the example")]
mod data;

use std::sync::Arc;

use domain::Prices;
use forecast::{BacktestOptions, Forecaster, History, TrainOptions, backtest, train};

#[test]
fn on_real_football_what_was_backtested_is_served_and_the_market_is_where_it_was_measured() {
    let Some(folder) = data::folder() else {
        eprintln!("skipped: the development data is not beside the checkout");
        return;
    };
    let mut football = data::football(&folder);
    football
        .games
        .retain(|it| it.competition.as_str() == "E0" && it.season.as_str() >= "2015");
    football.competitions.retain(|it| it.key.as_str() == "E0");
    let history = Arc::new(History::new(football.games));
    let until = "2023-07-01T00:00:00Z".parse().unwrap();
    let options = TrainOptions {
        until,
        threads: None,
    };
    let (trained, _) = train(&history, &football.competitions, &options, &|_| ()).unwrap();
    let judged = BacktestOptions {
        from: Some("2021-07-01T00:00:00Z".parse().unwrap()),
        ..BacktestOptions::default()
    };
    let report = backtest(&history, &football.competitions, &judged, &|_| ()).unwrap();
    assert_eq!(report.fixtures, 760);
    let forecaster = Forecaster::new(
        Arc::clone(&history),
        football.competitions,
        Arc::new(trained),
    );
    let judged = |it: &&forecast::Miss| it.model.as_str().starts_with("blend");
    for miss in report.worst.iter().filter(judged) {
        let game = history
            .games()
            .iter()
            .find(|it| it.fixture == miss.fixture)
            .unwrap();
        let mut unplayed = game.clone();
        (unplayed.score, unplayed.closing) = (None, Prices::default());
        let forecast = forecaster
            .predict(&unplayed, &game.pregame, game.pregame_at())
            .unwrap();
        assert_eq!(
            forecast.opinion(miss.model),
            Some(miss.h2h.as_slice()),
            "{}",
            miss.model.as_str()
        );
    }
    let log_loss = |model: &str| {
        let total = |it: &&forecast::ReportRow| {
            it.model.as_str() == model && it.competition.is_none() && it.season.is_none()
        };
        report.rows.iter().find(total).unwrap().metrics.log_loss
    };
    let (close, early, blend) = (
        log_loss("market_close"),
        log_loss("market_early"),
        log_loss("blend"),
    );
    assert!(close < early + 0.003 && early < blend && blend < log_loss("climatology"));
}
