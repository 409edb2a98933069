//! Boosted models by themselves, on folds of the development data:
//! `cargo run --release -p forecast --example boost -- football 2012 2020 plain /tmp/boost`.
//!
//! Arguments: sport (`football`, `nfl`, `nba`), first and last year whose season (from 1 July) is
//! a fold, `plain` (no anchor, fixed rounds, every row and feature: what another library can be
//! held against) or `anchored`, a folder to write each fold to as CSV (`-` for none), and settings
//! as `name=value`.
#![expect(clippy::print_stdout, reason = "an example talks to a terminal")]

#[path = "../judge/data.rs"]
mod data;
mod folds;

use std::time::Instant;

use domain::Sport;
use forecast::{BoostSettings, History, boosted_table, features};

fn main() {
    let Some(folder) = data::folder() else {
        println!("the development data is not beside the checkout: nothing to learn from");
        return;
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [sport, first, last, kind, out, changes @ ..] = arguments.as_slice() else {
        println!("arguments: sport, first year, last year, plain or anchored, folder or -");
        return;
    };
    let (sport, data) = match sport.as_str() {
        "nfl" => (Sport::AmericanFootball, data::nfl(&folder)),
        "nba" => (Sport::Basketball, data::nba(&folder)),
        _ => (Sport::Football, data::football(&folder)),
    };
    let history = History::new(data.games);
    let started = Instant::now();
    let table = boosted_table(&history, &data.competitions, sport);
    let names: Vec<&str> = features(sport).iter().map(|it| it.name).collect();
    println!(
        "{} rows of {} features walked in {:.2?}",
        table.targets.len(),
        names.len(),
        started.elapsed()
    );
    let years = [first, last].map(|it| it.parse::<i16>().expect("a year"));
    let plain = kind == "plain";
    let mut settings = if plain {
        folds::plain()
    } else {
        folds::anchored()
    };
    let mut span_years = 10;
    for change in changes {
        let (name, value) = change.split_once('=').expect("name=value");
        if name == "span_years" {
            span_years = value.parse().expect("years");
        } else {
            set(&mut settings, name, value);
        }
    }
    let run = folds::Run {
        table: &table,
        names: &names,
        settings,
        plain,
        span_years,
        out: (out != "-").then(|| out.into()),
    };
    run.folds(years[0]..=years[1]);
}

fn set(settings: &mut BoostSettings, name: &str, value: &str) {
    let number: f64 = value.parse().expect("a number");
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "settings are small"
    )]
    let count = number as usize;
    match name {
        "rounds_max" => settings.rounds_max = count,
        "patience" => settings.patience = count,
        "tail_share" => settings.tail_share = number,
        "learning_rate" => settings.learning_rate = number,
        "leaves_max" => settings.leaves_max = count,
        "rows_min" => settings.rows_min = u32::try_from(count).expect("few rows"),
        "weight_min" => settings.weight_min = number,
        "l2" => settings.l2 = number,
        "gain_min" => settings.gain_min = number,
        "row_share" => settings.row_share = number,
        "feature_share" => settings.feature_share = number,
        "bins_max" => settings.bins_max = count,
        "seed" => settings.seed = count as u64,
        _ => panic!("setting {name} is not known"),
    }
}
