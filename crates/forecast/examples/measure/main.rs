//! Walks the development data forward and prints the log loss of every base model per range of
//! seasons, with the time it took: `cargo run --release -p forecast --example measure --
//! FOLDER [all-divisions | points]`.
#![expect(clippy::print_stdout, reason = "an example talks to a terminal")]

mod football;
mod points;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use domain::Game;
use forecast::{History, Matchup, ModelName, Pool, PoolWalker};
use jiff::{SignedDuration, Timestamp};
use rayon::prelude::*;

/// Ranges of seasons, as the data names their year, that results are summed over.
const RANGES: [(&str, i16, i16); 4] = [
    ("2012-2020", 2012, 2020),
    ("2012-2019", 2012, 2019),
    ("2020-2021", 2020, 2021),
    ("2021-2022", 2021, 2022),
];

type Sums = BTreeMap<(usize, ModelName), (u32, f64)>;

fn main() {
    let folder = std::env::args().nth(1).map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")),
        PathBuf::from,
    );
    let leagues = match std::env::args().nth(2).as_deref() {
        Some("points") => points::read(&folder),
        _ => football::read(&folder),
    };
    let sums: Mutex<Sums> = Mutex::default();
    let started = Instant::now();
    leagues.par_iter().for_each(|(pool, games, scored)| {
        let history = History::new(games.clone());
        let own = walk(&history, pool, scored);
        let mut sums = sums.lock().expect("no walk panics");
        for (key, (games, loss)) in own {
            let slot = sums.entry(key).or_default();
            slot.0 += games;
            slot.1 += loss;
        }
    });
    println!(
        "walked {} pools in {:.2?}",
        leagues.len(),
        started.elapsed()
    );
    for ((range, model), (games, loss)) in sums.into_inner().expect("no walk panicked") {
        let range = RANGES[range].0;
        let mean = loss / f64::from(games);
        println!(
            "{range:<10} {:<22} n={games:<6} log_loss={mean:.5}",
            model.as_str()
        );
    }
}

/// Sums of log loss of every model over the games of one pool in competition `scored`, refitted
/// every match day.
fn walk(history: &History, pool: &Pool, scored: &str) -> Sums {
    let mut walker = PoolWalker::new(history, pool);
    let mut sums = Sums::new();
    let mut fitted: Option<(Timestamp, forecast::PoolFit)> = None;
    for game in history.games() {
        let Some(outcome) = outcome(game) else {
            continue;
        };
        if game.competition.as_str() != scored {
            continue;
        }
        let cut = boundary(game.pregame_at());
        if fitted.as_ref().is_none_or(|(at, _)| *at != cut) {
            fitted = Some((cut, walker.fit(cut)));
        }
        let (_, fit) = fitted.as_ref().expect("fitted just now");
        let year: i16 = game.season.as_str()[..4]
            .parse()
            .expect("seasons start with a year");
        for opinion in fit.forecast(&Matchup::from(game)) {
            let loss = -opinion.scores.h2h()[outcome].max(1e-12).ln();
            for (index, (_, from, until)) in RANGES.iter().enumerate() {
                if (*from..=*until).contains(&year) {
                    let slot = sums.entry((index, opinion.model)).or_default();
                    slot.0 += 1;
                    slot.1 += loss;
                }
            }
        }
    }
    sums
}

fn outcome(game: &Game) -> Option<usize> {
    let score = game.score?;
    Some(match score.home.cmp(&score.away) {
        std::cmp::Ordering::Greater => 0,
        std::cmp::Ordering::Equal if game.sport.has_draw() => 1,
        std::cmp::Ordering::Equal => return None,
        std::cmp::Ordering::Less if game.sport.has_draw() => 2,
        std::cmp::Ordering::Less => 1,
    })
}

/// 08:00 UTC of the same or the previous day.
fn boundary(as_of: Timestamp) -> Timestamp {
    let hours = SignedDuration::from_hours(8).as_secs();
    let day = (as_of.as_second() - hours).div_euclid(86_400);
    Timestamp::from_second(day * 86_400 + hours).expect("a day of the data is a timestamp")
}
