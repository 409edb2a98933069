use domain::{Line, Market};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::in_play::parameters::PointsParameters;

fn play(home: f64, away: f64) -> FootballPlay {
    let base = ScoreMatrix::dixon_coles([home, away], -0.06);
    let [wins, draws, defeats] = base.h2h();
    let bent = base.tilted_to([wins * 1.1, draws * 0.95, defeats]);
    FootballPlay::new(&bent, &FootballParameters::default())
}

fn state(score: [u16; 2], minute: u16) -> GameState {
    GameState {
        phase: Phase::Playing,
        score: Score {
            home: score[0],
            away: score[1],
        },
        period: if minute < 45 { 1 } else { 2 },
        seconds: 60 * (minute % 45),
        heard_at: Timestamp::UNIX_EPOCH,
        running: true,
        ..GameState::BEFORE
    }
}

fn later(seconds: f64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs_f64(seconds)
}

fn h2h(play: &FootballPlay, state: &GameState, seconds: f64) -> [f64; 3] {
    play.scores(state, later(seconds)).unwrap().h2h()
}

fn next_goal(play: &FootballPlay, state: &GameState, seconds: f64) -> NextGoal {
    let outlook = play.outlook(state, later(seconds)).unwrap();
    outlook.1.unwrap()
}

fn largest_cell_change(a: &ScoreMatrix, b: &ScoreMatrix) -> f64 {
    let cells = a.rows().flatten().zip(b.rows().flatten());
    cells.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

#[test]
fn before_the_game_it_is_the_forecast_before_bit_for_bit_and_at_its_start_within_rounding() {
    for (home, away) in [(1.5, 1.1), (0.3, 3.8), (0.02, 0.02), (6.0, 0.4)] {
        let play = play(home, away);
        let before = play.scores(&GameState::BEFORE, later(0.0)).unwrap();
        assert_eq!(before, play.prematch);
        let start = play.scores(&state([0, 0], 0), later(0.0)).unwrap();
        let change = largest_cell_change(&start, &before);
        assert!(change < 1e-11, "{home} {away}: {change}");
    }
}

#[test]
fn at_the_end_every_market_is_exactly_settled() {
    let play = play(1.4, 1.2);
    let mut end = state([2, 1], 89);
    end.phase = Phase::Break;
    end.regular = Some(end.score);
    let scores = play.scores(&end, later(0.0)).unwrap();
    assert_eq!(scores.h2h(), [1.0, 0.0, 0.0]);
    assert_eq!(scores.expected(), [2.0, 1.0]);
    let first = |market| scores.market(market)[0].probability;
    assert_eq!(first(Market::totals(Line::from_quarters(10))), 1.0);
    assert_eq!(first(Market::totals(Line::from_quarters(14))), 0.0);
    assert_eq!(first(Market::spreads(Line::from_quarters(-6))), 0.0);
    assert_eq!(first(Market::BOTH_TEAMS_TO_SCORE), 1.0);
    assert_eq!(first(Market::CORRECT_SCORE), 1.0);
    assert_eq!(play.outlook(&end, later(0.0)).unwrap().1, None);
    end.phase = Phase::Abandoned;
    assert_eq!(play.outlook(&end, later(0.0)), None);
}

#[test]
fn what_others_score_beyond_the_grid_is_held_at_its_edge() {
    let play = play(4.0, 0.2);
    assert!(h2h(&play, &state([31, 0], 80), 0.0)[0] > 1.0 - 1e-12);
    assert_eq!(on_grid(Score { home: 17, away: 16 }), [15, 14]);
    let next = next_goal(&play, &state([15, 0], 80), 0.0);
    assert!(next.probabilities.iter().all(|it| it.is_finite()));
}

#[test]
fn a_red_card_hurts_and_announced_stoppage_keeps_a_chance_alive() {
    let play = play(1.3, 1.3);
    let even = state([0, 0], 30);
    let sent_off = GameState {
        red_cards: [1, 0],
        ..even
    };
    assert!(h2h(&play, &sent_off, 0.0)[0] < h2h(&play, &even, 0.0)[0] - 0.05);
    // Each one that can be shown counts.
    let home_wins = [0, 1, 2, 3, 4].map(|cards| {
        let red_cards = [cards, 0];
        h2h(&play, &GameState { red_cards, ..even }, 0.0)[0]
    });
    assert!(home_wins.is_sorted_by(|a, b| a > b), "{home_wins:?}");
    let late = state([0, 0], 89);
    let long = GameState {
        stoppage: Some(600),
        ..late
    };
    let short = GameState {
        stoppage: Some(60),
        ..late
    };
    let draw = |it: &GameState, seconds| h2h(&play, it, seconds)[1];
    assert!(draw(&long, 120.0) < draw(&late, 120.0));
    assert!(draw(&short, 120.0) > draw(&late, 120.0));
    let silent = draw(&late, 3600.0);
    assert!(
        silent > 0.999 && silent < 1.0,
        "the clock alone settles nothing: {silent}"
    );
}

#[test]
fn the_next_goal_leads_where_the_score_after_it_does() {
    let play = play(1.6, 1.0);
    let now = state([1, 1], 60);
    let next = next_goal(&play, &now, 30.0);
    let sum: f64 = next.probabilities.iter().sum();
    assert!((sum - 1.0).abs() < 1e-12);
    assert!(next.probabilities[0] > next.probabilities[1]);
    for (side, score) in [[2, 1], [1, 2]].into_iter().enumerate() {
        assert_eq!(next.after[side], h2h(&play, &state(score, 60), 30.0));
    }
    // What is expected of the next minutes is what is thought now.
    let soon = h2h(&play, &now, 30.001);
    let now_h2h = h2h(&play, &now, 30.0);
    assert!((0..3).all(|it| (soon[it] - now_h2h[it]).abs() < 1e-4));
}

#[test]
fn the_parameters_are_shares_of_a_game_and_are_football_s_alone() {
    let parameters = FootballParameters::default();
    let whole: f64 = parameters.halves.iter().map(|it| it.share()).sum();
    assert!((whole - 1.0).abs() < 1e-3, "{whole}");
    assert_eq!(PointsParameters::of(domain::Sport::Football), None);
    let left = parameters.left(&state([0, 0], 45), later(0.0));
    assert_eq!(left, [0.0, parameters.halves[1].share()]);
}

proptest! {
    #[test]
    fn markets_stay_coherent_whatever_the_state(
        home in 0.05_f64..5.0, away in 0.05_f64..5.0,
        score in [0_u16..7, 0_u16..7], minute in 0_u16..90, red in [0_u8..5, 0_u8..5],
    ) {
        let play = play(home, away);
        let state = GameState { red_cards: red, ..state(score, minute) };
        let scores = play.scores(&state, later(0.0)).unwrap();
        let sum: f64 = scores.rows().flatten().sum();
        prop_assert!((sum - 1.0).abs() < 1e-12);
        prop_assert!(scores.rows().flatten().all(|it| *it >= 0.0));
        for goals in 0..usize::from(score[0]) {
            prop_assert!(scores.rows().nth(goals).unwrap().iter().all(|it| *it == 0.0));
        }
        let over: Vec<f64> = (1..30)
            .map(|it| scores.market(Market::totals(Line::from_quarters(2 * it - 1)))[0].probability)
            .collect();
        prop_assert!(over.windows(2).all(|it| it[0] >= it[1] - 1e-12));
    }

    #[test]
    fn a_goal_helps_the_side_that_scores_it(
        home in 0.2_f64..4.0, away in 0.2_f64..4.0,
        score in [0_u16..4, 0_u16..4], minute in 0_u16..90,
    ) {
        let play = play(home, away);
        let now = h2h(&play, &state(score, minute), 0.0);
        let more = h2h(&play, &state([score[0] + 1, score[1]], minute), 0.0);
        prop_assert!(more[0] >= now[0] - 1e-12 && more[2] <= now[2] + 1e-12);
    }

    #[test]
    fn a_leader_s_chances_grow_with_the_clock_and_nothing_jumps(
        // A side much the stronger loses by the clock, for it would go on scoring.
        home in 0.2_f64..1.5, more in 0.3_f64..2.0, lead in 1_u16..4, minute in 20_u16..89,
    ) {
        let play = play(home, home + more);
        let state = state([lead, 0], minute);
        let (now, tick) = (h2h(&play, &state, 0.0), h2h(&play, &state, 1.0));
        prop_assert!(tick[0] >= now[0] - 1e-9, "{now:?} {tick:?}");
        prop_assert!((0..3).all(|it| (tick[it] - now[it]).abs() < 5e-3));
        let little = h2h(&play, &state, 1e-3);
        prop_assert!((0..3).all(|it| (little[it] - now[it]).abs() < 5e-6));
    }
}
