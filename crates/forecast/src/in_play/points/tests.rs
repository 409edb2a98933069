use domain::{Line, Market, Outcome, Score, SeasonType, Sport};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;
use crate::points::PointsShape;

fn before(margin: f64) -> PointsDistribution {
    let normal = PointsDistribution::normal(&PointsShape {
        margin,
        margin_deviation: 12.0,
        total: 220.0,
        total_deviation: 18.0,
        tie_share: 0.0,
    });
    let [home, away] = normal.h2h();
    normal.tilted_to([home * 1.05, away])
}

fn play(sport: Sport, margin: f64) -> PointsPlay {
    PointsPlay::new(&before(margin), &PointsParameters::of(sport).unwrap())
}

fn state(score: [u16; 2], period: u8, seconds: u16) -> GameState {
    GameState {
        phase: Phase::Playing,
        score: Score {
            home: score[0],
            away: score[1],
        },
        period,
        seconds,
        heard_at: Timestamp::UNIX_EPOCH,
        running: true,
        ..GameState::BEFORE
    }
}

fn later(seconds: f64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs_f64(seconds)
}

fn home(play: &PointsPlay, state: &GameState, seconds: f64) -> f64 {
    play.scores(state, later(seconds)).unwrap().h2h()[0]
}

#[test]
fn before_the_game_it_is_the_forecast_before_bit_for_bit_and_at_its_start_within_rounding() {
    for margin in [-9.0, 0.0, 4.5] {
        let play = play(Sport::Basketball, margin);
        assert_eq!(
            play.scores(&GameState::BEFORE, later(0.0)).unwrap(),
            play.prematch
        );
        let start = play.scores(&state([0, 0], 1, 0), later(0.0)).unwrap();
        let pairs = start.margins().iter().zip(play.prematch.margins());
        assert!(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) < 1e-12);
        assert!((start.expected()[0] - play.prematch.expected()[0]).abs() < 0.01);
    }
}

#[test]
fn at_the_end_every_market_is_exactly_settled() {
    let play = play(Sport::Basketball, 3.0);
    let mut end = state([101, 99], 4, 720);
    for phase in [Phase::Break, Phase::Finished] {
        end.phase = phase;
        let scores = play.scores(&end, later(0.0)).unwrap();
        assert_eq!(scores.h2h(), [1.0, 0.0]);
        assert_eq!(scores.expected(), [101.0, 99.0]);
        let first = |market| scores.market(market)[0];
        let over = first(Market::totals(Line::from_quarters(4 * 200 - 2)));
        assert_eq!((over.outcome, over.probability), (Outcome::Over, 1.0));
        let covers = first(Market::spreads(Line::from_quarters(-10)));
        assert_eq!(covers.probability, 0.0);
    }
    end.phase = Phase::Abandoned;
    assert_eq!(play.scores(&end, later(0.0)), None);
}

#[test]
fn a_tie_goes_to_overtime_and_the_stronger_side_is_ahead_in_it() {
    let play = play(Sport::Basketball, 6.0);
    let mut tie = state([100, 100], 4, 720);
    tie.phase = Phase::Break;
    let scores = play.scores(&tie, later(0.0)).unwrap();
    let [home_wins, away_wins] = scores.h2h();
    assert!(home_wins > 0.5 && home_wins < 0.7 && away_wins > 0.3);
    assert!(scores.expected()[0] + scores.expected()[1] > 215.0);
    assert_eq!(scores.likelihood(0, 200)[0], 0.0);
    // The last second of a level game looks the same.
    let last = home(&play, &state([100, 100], 4, 719), 0.999);
    assert!((last - home_wins).abs() < 0.02, "{last} {home_wins}");
    let overtime = home(&play, &state([104, 100], 5, 200), 0.0);
    assert!(overtime > home_wins && overtime < 1.0);
    assert_eq!(scores.likelihood(500, -1), [0.0, 0.0]);
}

/// The forecast before a game of American football.
fn american_football() -> PointsDistribution {
    PointsDistribution::normal(&PointsShape {
        margin: 1.0,
        margin_deviation: 13.0,
        total: 45.0,
        total_deviation: 14.0,
        tie_share: 0.1,
    })
}

/// How likely a game of American football that stands like this ends in a tie.
fn tied(play: &PointsPlay, state: &GameState) -> f64 {
    let scores = play.scores(state, later(0.0)).unwrap();
    assert!((scores.margins().iter().sum::<f64>() - 1.0).abs() < 1e-12);
    scores.margins()[usize::try_from(MARGIN_MAX).unwrap()]
}

#[test]
fn american_football_knows_ties_after_one_overtime_and_none_after_the_regular_season() {
    let before = american_football();
    let parameters = PointsParameters::of(Sport::AmericanFootball).unwrap();
    let regular = PointsPlay::new(&before, &parameters);
    let mut end = state([20, 20], 4, 900);
    end.phase = Phase::Break;
    let mut start = state([20, 20], 5, 0);
    let coming = tied(&regular, &end);
    assert!(coming > 0.02 && coming < 0.2, "{coming}");
    assert_eq!(coming.to_bits(), tied(&regular, &start).to_bits());
    start.seconds = 590;
    let late = tied(&regular, &start);
    assert!(late > 0.5, "{late}");
    // Nothing more is played of a tie after overtime: every market is settled.
    end.period = 5;
    let scores = regular.scores(&end, later(0.0)).unwrap();
    assert_eq!(
        (tied(&regular, &end), scores.expected()),
        (1.0, [20.0, 20.0])
    );
    let last = PointsPlay::new(&before, &parameters.within(SeasonType::Postseason));
    assert_eq!(tied(&last, &end), 0.0);
    assert_eq!(tied(&last, &start), 0.0);
    let scores = last.scores(&end, later(0.0)).unwrap();
    assert!(scores.expected()[0] + scores.expected()[1] > 42.0);
}

#[test]
fn the_clock_alone_ends_no_game() {
    let parameters = PointsParameters::of(Sport::AmericanFootball).unwrap();
    let american = PointsPlay::new(&american_football(), &parameters);
    for play in [play(Sport::Basketball, 0.0), american] {
        for (period, seconds) in [(4, 900), (4, 1_000), (5, 600), (5, 900)] {
            let behind = home(&play, &state([100, 101], period, seconds), 0.0);
            assert!(behind > 1e-4 && behind < 0.1, "{behind}");
        }
        let mut over = state([100, 101], 4, 900);
        over.phase = Phase::Break;
        assert_eq!(home(&play, &over, 0.0), 0.0);
    }
}

#[test]
fn an_overtime_that_begins_changes_nothing_until_something_is_played() {
    for (sport, seconds) in [(Sport::Basketball, 720), (Sport::AmericanFootball, 900)] {
        for margin in [-9.0, 0.0, 4.5] {
            let play = play(sport, margin);
            let mut end = state([101, 101], 4, seconds);
            let at = |it: &GameState| play.scores(it, later(0.0)).unwrap();
            let last = at(&end);
            end.phase = Phase::Break;
            let between = at(&end);
            assert_eq!(between, at(&state([101, 101], 5, 0)));
            let covers = |it: &PointsDistribution| {
                let market = Market::spreads(Line::from_quarters(-14));
                it.market(market)[0].probability
            };
            // Up to what may still be scored in the last second.
            let apart = covers(&last) - covers(&between);
            assert!(apart.abs() < 0.05, "{apart}");
        }
    }
}

proptest! {
    #[test]
    fn points_help_leads_grow_and_nothing_jumps(
        margin in -12.0_f64..12.0, lead in 0_u16..20, period in 1_u8..7, seconds in 0_u16..700,
    ) {
        let play = play(Sport::Basketball, margin);
        // Overtimes are shorter.
        let seconds = if period > REGULAR { seconds % 290 } else { seconds };
        let score = 25 * u16::from(period);
        let now = state([score + lead, score], period, seconds);
        let more = state([score + lead + 3, score], period, seconds);
        let scores = play.scores(&now, later(0.0)).unwrap();
        let sum: f64 = scores.margins().iter().sum();
        prop_assert!((sum - 1.0).abs() < 1e-12);
        let (lowest, totals) = scores.totals();
        prop_assert!(lowest >= i32::from(2 * score + lead));
        prop_assert!((totals.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // Every margin keeps a chance of 1e-12, which is what may be lost here.
        prop_assert!(home(&play, &more, 0.0) >= home(&play, &now, 0.0) - 1e-9);
        let little = home(&play, &now, 1e-3) - home(&play, &now, 0.0);
        prop_assert!(little.abs() < 1e-4, "{little}");
        let worse = state([score, score + lead], period, seconds);
        prop_assert!(home(&play, &worse, 0.0) <= home(&play, &now, 0.0) + 1e-9);
    }
}
