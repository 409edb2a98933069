use proptest::prelude::*;

use super::*;

fn line(quarters: i32) -> Line {
    Line::from_quarters(quarters)
}

fn first(matrix: &ScoreMatrix, market: Market) -> f64 {
    matrix.market(market)[0].probability
}

fn matrices() -> impl Strategy<Value = ScoreMatrix> {
    (0.01..9.0_f64, 0.01..9.0_f64, -2.0..2.0_f64)
        .prop_map(|(home, away, rho)| ScoreMatrix::dixon_coles([home, away], rho))
}

proptest! {
    #[test]
    fn cells_are_never_negative_and_add_up_to_one(matrix in matrices()) {
        prop_assert!(matrix.rows().flatten().all(|cell| *cell >= 0.0 && cell.is_finite()));
        let sum: f64 = matrix.rows().flatten().sum();
        prop_assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        prop_assert!((matrix.h2h().iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn both_sides_of_every_market_add_up_to_one(matrix in matrices(), quarters in -40..60) {
        let markets = [
            Market::totals(line(quarters)),
            Market::spreads(line(quarters)),
            Market::H2H,
            Market::BOTH_TEAMS_TO_SCORE,
        ];
        for market in markets {
            let outcomes = matrix.market(market);
            let sum: f64 = outcomes.iter().map(|it| it.probability).sum();
            prop_assert!((sum - 1.0).abs() < 1e-12, "{market:?} {sum}");
            prop_assert!(outcomes.iter().all(|it| (0.0..=1.0).contains(&it.probability)));
            let named: Vec<Outcome> = outcomes.iter().map(|it| it.outcome).collect();
            prop_assert_eq!(named, market.outcomes(true));
        }
    }

    #[test]
    fn a_higher_line_is_harder_to_beat_and_more_given_is_easier(
        matrix in matrices(), quarters in -30..50,
    ) {
        let over = |it| first(&matrix, Market::totals(line(it)));
        prop_assert!(over(quarters) >= over(quarters + 1) - 1e-12);
        let home = |it| first(&matrix, Market::spreads(line(it)));
        prop_assert!(home(quarters) <= home(quarters + 1) + 1e-12);
    }

    #[test]
    fn home_giving_a_line_is_away_given_it(
        home in 0.1..5.0_f64, away in 0.1..5.0_f64, rho in -0.2..0.2_f64, quarters in -20..20,
    ) {
        let one = ScoreMatrix::dixon_coles([home, away], rho);
        let mirrored = ScoreMatrix::dixon_coles([away, home], rho);
        let home_covers = one.market(Market::spreads(line(quarters)))[0].probability;
        let away_covers = mirrored.market(Market::spreads(line(-quarters)))[1].probability;
        prop_assert!((home_covers - away_covers).abs() < 1e-12);
    }

    #[test]
    fn a_tilt_hits_its_target_and_keeps_shapes(
        matrix in matrices(), weights in prop::array::uniform3(0.001..1.0_f64),
    ) {
        let sum: f64 = weights.iter().sum();
        let target = weights.map(|it| it / sum);
        let tilted = matrix.tilted_to(target);
        for (got, wanted) in tilted.h2h().into_iter().zip(target) {
            prop_assert!((got - wanted).abs() < 1e-12);
        }
        let ratio = |of: &ScoreMatrix| of.probability(2, 0) / of.probability(1, 0);
        prop_assert!((ratio(&tilted) / ratio(&matrix) - 1.0).abs() < 1e-9);
    }
}

#[test]
fn half_a_goal_given_to_home_is_a_home_win_or_a_draw() {
    let matrix = ScoreMatrix::dixon_coles([1.6, 1.1], -0.05);
    let [home, draw, _] = matrix.h2h();
    assert!((first(&matrix, Market::spreads(line(2))) - (home + draw)).abs() < 1e-12);
    assert!((first(&matrix, Market::spreads(line(-2))) - home).abs() < 1e-12);
    let no_draw = first(&matrix, Market::spreads(line(0)));
    assert!((no_draw - home / (1.0 - draw)).abs() < 1e-12);
}

#[test]
fn independent_goals_have_poisson_totals_and_means() {
    let matrix = ScoreMatrix::dixon_coles([1.5, 1.0], 0.0);
    let at_most_two = (-2.5_f64).exp() * (1.0 + 2.5 + 2.5 * 2.5 / 2.0);
    assert!((first(&matrix, Market::totals(line(10))) - (1.0 - at_most_two)).abs() < 1e-9);
    let [home, away] = matrix.expected();
    assert!((home - 1.5).abs() < 1e-9 && (away - 1.0).abs() < 1e-9);
    let both = (1.0 - (-1.5_f64).exp()) * (1.0 - (-1.0_f64).exp());
    assert!((first(&matrix, Market::BOTH_TEAMS_TO_SCORE) - both).abs() < 1e-9);
}

#[test]
fn a_negative_rho_makes_goalless_draws_likelier() {
    let cell = |rho| ScoreMatrix::dixon_coles([1.3, 1.1], rho).probability(0, 0);
    assert!(cell(-0.1) > cell(0.0) && cell(0.0) > cell(0.1));
}

#[test]
fn correct_scores_come_likeliest_first() {
    let matrix = ScoreMatrix::dixon_coles([2.0, 0.7], 0.0);
    let listed = matrix.market(Market::CORRECT_SCORE);
    assert_eq!(listed.len(), LIKELIEST_SCORES);
    assert!(listed.is_sorted_by(|a, b| a.probability >= b.probability));
    let likeliest = listed[0].outcome;
    assert!(likeliest == Outcome::Exactly(1, 0) || likeliest == Outcome::Exactly(2, 0));
    assert_eq!(
        listed[0].probability,
        matrix.probability(1, 0).max(matrix.probability(2, 0))
    );
}

#[test]
fn beyond_the_grid_nothing_is_likely_and_no_number_is_a_small_one() {
    let matrix = ScoreMatrix::dixon_coles([f64::NAN, f64::INFINITY], f64::NAN);
    assert_eq!(matrix.probability(ScoreMatrix::SIZE, 0), 0.0);
    assert!((matrix.rows().flatten().sum::<f64>() - 1.0).abs() < 1e-12);
}
