use super::*;

/// Sums of a few made-up games between four teams of two competitions, one at a neutral venue.
fn pairs() -> Vec<PairSums> {
    let pair = |home, away, competition, neutral, goals, low| PairSums {
        home,
        away,
        competition,
        neutral,
        weight: 3.5,
        goals,
        low,
    };
    vec![
        pair(0, 1, 0, false, [5.0, 3.0], [0.5, 0.25, 0.75, 1.0]),
        pair(1, 2, 0, true, [2.5, 4.0], [1.0, 0.0, 0.0, 0.5]),
        pair(2, 3, 1, false, [7.0, 1.5], [0.0, 0.5, 0.25, 0.0]),
        pair(3, 0, 1, false, [2.0, 6.0], [0.0, 0.0, 0.0, 0.0]),
    ]
}

fn check_gradient(rho: f64) {
    let pairs = pairs();
    let layout = Layout {
        teams: 4,
        competitions: 2,
    };
    let expected: Vec<f64> = (0..layout.len()).map(|it| 0.01 * it as f64).collect();
    let likelihood = GoalLikelihood {
        layout,
        pairs: &pairs,
        class: &[0, 0, 1, 1],
        expected: &expected,
        penalty: Penalty {
            strength: 2.0,
            level: 3.0,
            base: 4.0,
            home: 5.0,
            rho: 6.0,
        },
    };
    let mut at: Vec<f64> = (0..layout.len())
        .map(|it| 0.3 * (it as f64 * 1.7).sin())
        .collect();
    at[layout.rho()] = rho;
    let mut gradient = vec![0.0; layout.len()];
    likelihood.evaluate(&at, &mut gradient);
    for index in 0..at.len() {
        let value = |step: f64| {
            let mut other = at.clone();
            other[index] += step;
            likelihood.evaluate(&other, &mut vec![0.0; layout.len()])
        };
        let numeric = (value(1e-6) - value(-1e-6)) / 2e-6;
        assert!(
            (gradient[index] - numeric).abs() < 1e-6 * (1.0 + numeric.abs()),
            "parameter {index}: {} against {numeric}",
            gradient[index]
        );
    }
}

#[test]
fn the_gradient_is_that_of_the_value() {
    check_gradient(-0.05);
    check_gradient(0.1);
}

#[test]
fn beyond_the_admissible_rho_value_and_gradient_still_agree() {
    check_gradient(2.5);
    check_gradient(-3.0);
}

#[test]
fn every_curvature_is_positive() {
    let layout = Layout {
        teams: 1,
        competitions: 1,
    };
    let likelihood = GoalLikelihood {
        layout,
        pairs: &[],
        class: &[0],
        expected: &[0.0; 6],
        penalty: Penalty::NONE,
    };
    assert!(likelihood.curvatures(&[0.0; 6]).iter().all(|it| *it > 0.0));
}
