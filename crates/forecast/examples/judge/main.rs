//! Judges every model on the development data:
//! `cargo run --release -p forecast --example judge -- football 2021-07-01 2023-07-01`.
//! Arguments: sport (`football`, `nfl`, `nba`), first day, day after the last, and optionally the
//! top divisions only (`top5`).
#![expect(clippy::print_stdout, reason = "an example talks to a terminal")]

mod data;

use std::time::Instant;

use domain::CompetitionKey;
use forecast::{BacktestOptions, History, backtest, text_table};

fn main() {
    let Some(folder) = data::folder() else {
        println!("the development data is not beside the checkout: nothing to judge");
        return;
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |index: usize| arguments.get(index).map(String::as_str);
    let data = match argument(0) {
        Some("nfl") => data::nfl(&folder),
        Some("nba") => data::nba(&folder),
        _ => data::football(&folder),
    };
    let day =
        |index: usize| argument(index).map(|it| format!("{it}T00:00:00Z").parse().expect("a day"));
    let mut options = BacktestOptions {
        from: day(1),
        until: day(2),
        ..BacktestOptions::default()
    };
    if argument(3) == Some("top5") {
        let keys =
            ["E0", "SP1", "D1", "I1", "F1"].map(|it| CompetitionKey::new(it).expect("a key"));
        options.competitions = keys.to_vec();
    }
    let history = History::new(data.games);
    let started = Instant::now();
    let report = backtest(&history, &data.competitions, &options, &|_| ()).expect("games to judge");
    let took = started.elapsed();
    let mut totals = report.clone();
    totals
        .rows
        .retain(|it| it.competition.is_none() && it.season.is_none());
    println!("{}", text_table(&totals));
    println!(
        "walked and judged in {took:.2?}; {} rows",
        report.rows.len()
    );
}
