//! Fits the in-play models on the development data up to mid 2021 (NBA: to 2019/20) and judges
//! them on the seasons after it: `cargo run --release -p forecast --example in_play --
//! [fit] [effects] [football] [internationals] [nba]`. Without `fit` the parameters in force are judged.
#![expect(clippy::print_stdout, reason = "an example talks to a terminal")]

mod clubs;
#[path = "../judge/data.rs"]
#[expect(dead_code, reason = "other sports and columns are for other examples")]
mod data;
mod fit;
mod internationals;
mod points;

use domain::Score;
use forecast::{
    FootballParameters, FootballPlay, GameState, InPlayReport, Phase, PlayScored, ScoreMatrix,
    judge_in_play,
};
use jiff::Timestamp;

/// A moment of a game whose end is known.
pub(crate) struct Moment {
    pub(crate) prematch: ScoreMatrix,
    pub(crate) state: GameState,
    pub(crate) minute: u16,
    /// Score of regular play.
    pub(crate) end: Score,
    /// Whether it lies before what is judged.
    pub(crate) to_fit: bool,
}

/// Where a game stands at a minute of regular play.
pub(crate) fn state(score: Score, minute: u16) -> GameState {
    let (phase, period, minutes) = match minute {
        0 => (Phase::Before, 0, 0),
        1..=44 => (Phase::Playing, 1, minute),
        45 => (Phase::Break, 1, 45),
        _ => (Phase::Playing, 2, minute - 45),
    };
    GameState {
        phase,
        score,
        period,
        seconds: 60 * minutes,
        ..GameState::BEFORE
    }
}

pub(crate) fn outcome(score: Score) -> usize {
    match score.home.cmp(&score.away) {
        std::cmp::Ordering::Greater => 0,
        std::cmp::Ordering::Equal => 1,
        std::cmp::Ordering::Less => 2,
    }
}

fn main() {
    let Some(folder) = data::folder() else {
        println!("the development data is not beside the checkout: nothing to fit or judge");
        return;
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let asked = |it: &str| arguments.is_empty() || arguments.iter().any(|word| word == it);
    let fits = arguments.iter().any(|it| it == "fit");
    let mut parameters = FootballParameters::default();
    if asked("football") {
        let clubs = clubs::read(&folder);
        if fits {
            let minutes = internationals::minutes(&folder);
            parameters = fit::football(&clubs, &minutes, parameters, asked("effects"));
            println!("{parameters:#?}");
        }
        clubs::report(&clubs, &parameters);
    }
    if asked("internationals") {
        internationals::judge(&folder, &parameters);
    }
    if asked("nba") {
        points::run(&folder, fits);
    }
}

/// Judges what the model says of moments not fitted on.
pub(crate) fn judge(moments: &[&Moment], parameters: &FootballParameters) -> InPlayReport {
    let scored: Vec<PlayScored> = moments
        .iter()
        .map(|it| PlayScored {
            minute: it.minute,
            lead: it.state.lead(),
            probabilities: h2h(it, parameters).to_vec(),
            prematch: it.prematch.h2h().to_vec(),
            outcome: outcome(it.end),
        })
        .collect();
    judge_in_play(&scored, 1)
}

pub(crate) fn h2h(moment: &Moment, parameters: &FootballParameters) -> [f64; 3] {
    let play = FootballPlay::new(&moment.prematch, parameters);
    let scores = play.scores(&moment.state, Timestamp::UNIX_EPOCH);
    scores.expect("no game was given up").h2h()
}

pub(crate) fn print(title: &str, report: &InPlayReport) {
    println!("{title}");
    println!("minute lead     n  log loss  to prematch [95 %]          ECE (floor p95)");
    for it in &report.cells {
        let (m, d) = (&it.metrics, &it.to_prematch);
        let of = |value: Option<String>| value.unwrap_or_else(|| "all".to_owned());
        println!(
            "{:>6} {:>4} {:>5}  {:.4}    {:+.4} [{:+.4}, {:+.4}]  {:.4} ({:.4})",
            of(it.minute.map(|it| it.to_string())),
            of(it.lead.map(|it| it.to_string())),
            m.n,
            m.log_loss,
            d.log_loss,
            d.interval.map_or(f64::NAN, |it| it.low),
            d.interval.map_or(f64::NAN, |it| it.high),
            m.ece,
            m.ece_floor_p95
        );
    }
}
