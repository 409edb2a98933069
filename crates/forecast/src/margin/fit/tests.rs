use super::*;
use crate::margin::MarginRecord;
use crate::points::PointsDistribution;

const SETTINGS: MarginSettings = MarginSettings {
    ridge: [0.5, 0.5],
    home: 2.0,
    total: 45.0,
    deviations: [12.0, 13.0],
    rest_days_max: 14.0,
    tie_share: 0.1,
    weight_floor: 1e-6,
};

fn cut() -> Timestamp {
    "2020-01-01T06:00:00Z".parse().unwrap()
}

/// Twenty rounds of four teams of known strengths, home worth 3, a day of rest worth half a point.
fn table() -> MarginTable {
    let strengths = [6.0, 2.0, -3.0, -5.0];
    let mut table = MarginTable::new(0.0, 0.0);
    for round in 0..20_i32 {
        for home in 0..4_usize {
            for away in (0..4_usize).filter(|it| *it != home) {
                let rest = f64::from(round % 5) - 2.0;
                let margin = strengths[home] - strengths[away] + 3.0 + 0.5 * rest;
                let team = |it: usize| TeamId(i64::try_from(it).unwrap());
                let total = 50.0 + strengths[home] + strengths[away];
                table.add(&MarginRecord {
                    home: team(home),
                    away: team(away),
                    neutral: false,
                    kickoff: "2019-12-01T18:00:00Z".parse().unwrap(),
                    weight: 1.0,
                    rest,
                    fitted: [margin, total],
                    played: [margin, total],
                });
            }
        }
    }
    table
}

#[test]
fn known_strengths_come_back() {
    let fit = MarginFit::new(&table(), cut(), &SETTINGS);
    let parts = fit.parts([TeamId(0), TeamId(3)], false, 2.0);
    assert!((parts.ratings - 11.0).abs() < 0.2, "{parts:?}");
    assert!((parts.home - 3.0).abs() < 0.2, "{parts:?}");
    assert!((parts.rest - 1.0).abs() < 0.3, "{parts:?}");
    assert_eq!(fit.parts([TeamId(0), TeamId(3)], true, 0.0).home, 0.0);
    let shape = fit.shape([TeamId(0), TeamId(3)], false, 0.0);
    assert!((shape.total - 51.0).abs() < 0.5, "{shape:?}");
    assert!((fit.games() - 240.0).abs() < 1e-9);
}

#[test]
fn the_margin_explained_is_the_sum_of_its_parts() {
    let fit = MarginFit::new(&table(), cut(), &SETTINGS);
    for (neutral, rest) in [(false, 0.0), (true, 1.0), (false, -3.0)] {
        let teams = [TeamId(1), TeamId(2)];
        let parts = fit.parts(teams, neutral, rest);
        let shape = fit.shape(teams, neutral, rest);
        assert!((shape.margin - parts.ratings - parts.home - parts.rest).abs() < 1e-9);
    }
}

#[test]
fn without_games_a_forecast_is_the_usual_one_and_the_less_is_known_the_wider_it_is() {
    let empty = MarginFit::new(&MarginTable::new(0.01, 0.0), cut(), &SETTINGS);
    let shape = empty.shape([TeamId(0), TeamId(1)], false, 0.0);
    assert!((shape.margin - 2.0).abs() < 1e-9 && (shape.total - 45.0).abs() < 1e-9);
    assert!(shape.margin_deviation >= 12.0);
    assert!(empty.rating(TeamId(0)).is_none());
    let fit = MarginFit::new(&table(), cut(), &SETTINGS);
    let known = fit.shape([TeamId(0), TeamId(1)], false, 0.0);
    let stranger = fit.shape([TeamId(0), TeamId(9)], false, 0.0);
    assert!(stranger.margin_deviation > known.margin_deviation);
    let shape = fit.shape([TeamId(0), TeamId(3)], false, 0.0);
    assert!(PointsDistribution::normal(&shape).h2h()[0] > 0.8);
}

#[test]
fn what_is_left_unexplained_is_the_scatter_of_games() {
    let mut table = table();
    // The same games again, half a touchdown above and below.
    for (shift, kickoff) in [
        (3.5, "2019-12-02T18:00:00Z"),
        (-3.5, "2019-12-03T18:00:00Z"),
    ] {
        for _ in 0..200 {
            table.add(&MarginRecord {
                home: TeamId(0),
                away: TeamId(1),
                neutral: false,
                kickoff: kickoff.parse().unwrap(),
                weight: 1.0,
                rest: 0.0,
                fitted: [7.0 + shift, 58.0],
                played: [7.0 + shift, 58.0],
            });
        }
    }
    let fit = MarginFit::new(&table, cut(), &SETTINGS);
    let share = 400.0 / 641.0;
    assert!(
        (fit.margin.variance - share * 3.5 * 3.5).abs() < 0.5,
        "{}",
        fit.margin.variance
    );
}
