//! Times forecasts under way: one fixture with every open market, and 5,000 fixtures on a tick:
//! `cargo run --release -p forecast --example in_play_speed`.
#![expect(clippy::print_stdout, reason = "an example talks to a terminal")]

use std::hint::black_box;
use std::time::Instant;

use domain::{Line, Market, Score};
use forecast::{FootballParameters, FootballPlay, GameState, Phase, ScoreMatrix};
use jiff::{SignedDuration, Timestamp};

const FIXTURES: u16 = 5_000;
const ROUNDS: u16 = 21;

fn main() {
    let markets = markets();
    let games: Vec<(FootballPlay, GameState)> = (0..FIXTURES).map(game).collect();
    println!("{} markets a fixture", markets.len());
    let plain = timed(|tick| {
        for (play, state) in &games {
            black_box(play.scores(state, tick).expect("under way").h2h());
        }
    });
    println!("who wins: {plain:.2} us a fixture");
    let all = timed(|tick| {
        for (play, state) in &games {
            let scores = play.scores(state, tick).expect("under way");
            black_box(scores.markets(&markets));
        }
    });
    println!("every open market: {all:.2} us a fixture");
    let next = timed(|tick| {
        for (play, state) in &games {
            let (scores, next) = play.outlook(state, tick).expect("under way");
            black_box((scores.markets(&markets), next));
        }
    });
    println!("with what the next goal would do: {next:.2} us a fixture");
    let tick = f64::from(FIXTURES) / 1e3;
    println!("{FIXTURES} fixtures on one thread: {:.0} ms", all * tick);
    let started = Instant::now();
    let ready: Vec<_> = (0..FIXTURES).map(game).collect();
    let took = started.elapsed().as_secs_f64() * 1e6 / f64::from(FIXTURES);
    println!("making a fixture ready, once: {took:.0} us");
    black_box(ready);
}

/// Who wins, both score, correct score, totals from 0.5 to 6.5 and spreads from -3 to 3 by
/// quarters.
fn markets() -> Vec<Market> {
    let open = [
        Market::H2H,
        Market::BOTH_TEAMS_TO_SCORE,
        Market::CORRECT_SCORE,
    ];
    let totals = (2..=26).map(|it| Market::totals(Line::from_quarters(it)));
    let spreads = (-12..=12).map(|it| Market::spreads(Line::from_quarters(it)));
    open.into_iter().chain(totals).chain(spreads).collect()
}

fn game(index: u16) -> (FootballPlay, GameState) {
    let share = f64::from(index) / f64::from(FIXTURES);
    let prematch = ScoreMatrix::dixon_coles([0.6 + 1.8 * share, 2.2 - 1.4 * share], -0.05);
    let state = GameState {
        phase: Phase::Playing,
        score: Score {
            home: index % 3,
            away: index % 4 / 2,
        },
        period: 1 + u8::from(index % 2 == 1),
        seconds: index % 2700,
        running: true,
        ..GameState::BEFORE
    };
    (
        FootballPlay::new(&prematch, &FootballParameters::default()),
        state,
    )
}

/// Median of the microseconds a fixture takes, over rounds a second of play apart.
fn timed(work: impl Fn(Timestamp)) -> f64 {
    let mut took: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            let tick = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(i64::from(round));
            let started = Instant::now();
            work(tick);
            started.elapsed().as_secs_f64() * 1e6 / f64::from(FIXTURES)
        })
        .collect();
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}
