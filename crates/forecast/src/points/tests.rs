use proptest::prelude::*;

use super::*;

fn line(quarters: i32) -> Line {
    Line::from_quarters(quarters)
}

fn distributions() -> impl Strategy<Value = PointsDistribution> {
    (
        -30.0..30.0_f64,
        5.0..20.0_f64,
        20.0..240.0_f64,
        5.0..25.0_f64,
        0.0..1.0_f64,
    )
        .prop_map(
            |(margin, margin_deviation, total, total_deviation, tie_share)| {
                PointsDistribution::normal(&PointsShape {
                    margin,
                    margin_deviation,
                    total,
                    total_deviation,
                    tie_share,
                })
            },
        )
}

fn first(points: &PointsDistribution, market: Market) -> f64 {
    points.market(market)[0].probability
}

proptest! {
    #[test]
    fn probabilities_are_never_negative_and_add_up_to_one(points in distributions()) {
        for part in [&points.margins, &points.totals] {
            prop_assert!(part.iter().all(|it| *it >= 0.0));
            prop_assert!((part.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        prop_assert!((points.h2h().iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn lines_are_monotone_and_their_sides_add_up_to_one(
        points in distributions(), quarters in -160..1000,
    ) {
        for market in [Market::totals, Market::spreads] {
            let outcomes = points.market(market(line(quarters)));
            let sum: f64 = outcomes.iter().map(|it| it.probability).sum();
            prop_assert!((sum - 1.0).abs() < 1e-12);
        }
        let over = |it| first(&points, Market::totals(line(it)));
        prop_assert!(over(quarters) >= over(quarters + 1) - 1e-12);
        let home = |it| first(&points, Market::spreads(line(it)));
        prop_assert!(home(quarters) <= home(quarters + 1) + 1e-12);
    }

    #[test]
    fn a_tilt_hits_its_target_however_extreme(points in distributions(), home in 0.0..=1.0_f64) {
        let tilted = points.tilted_to([home, 1.0 - home]);
        prop_assert!((tilted.h2h()[0] - home).abs() < 1e-12);
        prop_assert!((tilted.h2h()[1] - (1.0 - home)).abs() < 1e-12);
        prop_assert!(tilted.margins.iter().all(|it| *it >= 0.0));
        prop_assert_eq!(tilted.totals, points.totals);
    }
}

fn even(tie_share: f64) -> PointsDistribution {
    PointsDistribution::normal(&PointsShape {
        margin: 0.0,
        margin_deviation: 12.0,
        total: 45.0,
        total_deviation: 13.0,
        tie_share,
    })
}

#[test]
fn between_equals_everything_is_even() {
    let points = even(0.1);
    assert!((points.h2h()[0] - 0.5).abs() < 1e-12);
    assert!((first(&points, Market::spreads(line(0))) - 0.5).abs() < 1e-12);
    assert!((first(&points, Market::H2H) - 0.5).abs() < 1e-12);
}

#[test]
fn expected_points_are_half_of_total_and_margin_each() {
    let points = PointsDistribution::normal(&PointsShape {
        margin: 6.0,
        margin_deviation: 12.0,
        total: 210.0,
        total_deviation: 18.0,
        tie_share: 1.0,
    });
    let [home, away] = points.expected();
    assert!(
        (home - 108.0).abs() < 1e-3 && (away - 102.0).abs() < 1e-3,
        "{home} {away}"
    );
}

#[test]
fn a_sport_without_ties_gives_them_nothing() {
    let points = even(0.0);
    assert_eq!(points.margins[index_of_tie()], 0.0);
    assert!((points.tilted_to([0.7, 0.3]).h2h()[0] - 0.7).abs() < 1e-12);
}
