//! Fits Dixon–Coles to a CSV of `home,away,home_goals,away_goals,weight` (teams as numbers) again
//! and again, and prints log-likelihood, parameters and times as JSON:
//! `cargo run --release -p forecast --example dixon_coles -- FILE [REPEATS]`.
#![expect(clippy::print_stdout, reason = "an example talks to a terminal")]

use std::time::Instant;

use domain::TeamId;
use forecast::{WeightedResult, fit_dixon_coles};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("the first argument names a file");
    let repeats = arguments
        .next()
        .map_or(50, |it| it.parse().expect("repeats are a number"));
    let mut reader = csv::Reader::from_path(file).expect("the file is there");
    let results: Vec<WeightedResult> = reader
        .deserialize()
        .map(|row| {
            let (home, away, home_goals, away_goals, weight) = row.expect("five columns");
            WeightedResult {
                home: TeamId(home),
                away: TeamId(away),
                goals: [home_goals, away_goals],
                weight,
            }
        })
        .collect();
    let mut milliseconds = Vec::new();
    let mut fit = None;
    for _ in 0..repeats {
        let started = Instant::now();
        fit = Some(fit_dixon_coles(&results));
        milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let fit = fit.expect("at least one repeat");
    milliseconds.sort_by(f64::total_cmp);
    let report = serde_json::json!({
        "matches": results.len(),
        "log_likelihood": fit.log_likelihood,
        "home": fit.home,
        "rho": fit.rho,
        "milliseconds_median": milliseconds[milliseconds.len() / 2],
        "milliseconds_slowest": milliseconds.last(),
    });
    println!("{report}");
}
