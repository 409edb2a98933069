use super::*;

fn sums() -> Vec<RatingSums> {
    [-320.0, -96.0, 0.0, 112.0, 288.0]
        .into_iter()
        .flat_map(|difference: f64| {
            let lean = difference / 10.0;
            [false, true].map(|neutral| RatingSums {
                difference,
                neutral,
                results: [60.0 + lean, 40.0, 50.0 - lean],
                goals: [210.0 + lean, 180.0 - lean],
            })
        })
        .collect()
}

fn check(objective: &impl Objective, at: [f64; 3]) {
    let mut gradient = [0.0; 3];
    objective.evaluate(&at, &mut gradient);
    for index in 0..3 {
        let value = |step: f64| {
            let mut other = at;
            other[index] += step;
            objective.evaluate(&other, &mut [0.0; 3])
        };
        let numeric = (value(1e-6) - value(-1e-6)) / 2e-6;
        let gap = (gradient[index] - numeric).abs();
        assert!(
            gap < 1e-5 * (1.0 + numeric.abs()),
            "{index}: {} {numeric}",
            gradient[index]
        );
    }
}

#[test]
fn gradients_are_those_of_the_values() {
    for at in [USUAL_RESULT, [0.5, -1.5, 0.1], [2.0, 0.4, -0.3]] {
        check(&ResultByRating(&sums()), at);
        check(&GoalsByRating(&sums()), at);
    }
}

#[test]
fn the_three_outcomes_add_up_to_one_for_any_parameters() {
    for half in [-9.0, -1.0, 0.0, 2.0] {
        for difference in [-6.0, -1.0, 0.0, 0.3, 6.0] {
            let h2h = ordered_logit(&[1.1, half, 0.3], difference, false);
            assert!((h2h.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{h2h:?}");
            assert!(h2h.iter().all(|it| *it > 0.0));
        }
    }
}

#[test]
fn without_games_the_usual_worth_is_taken() {
    let cut = "2020-01-01T06:00:00Z".parse().unwrap();
    let settings = crate::elo::EloSettings {
        gain: 10.0,
        margin_power: 1.0,
        home: 60.0,
        newcomer_gap: 80.0,
        memory_days: 1000.0,
        decay_per_day: 0.001,
    };
    let fit = EloFit::new(&EloTable::new(settings), cut);
    assert_eq!((fit.result, fit.goals), (USUAL_RESULT, USUAL_GOALS));
    let game = Matchup {
        competition: domain::CompetitionKey::new("E0").unwrap(),
        season: domain::SeasonKey::new("2019/20").unwrap(),
        home: TeamId(1),
        away: TeamId(2),
        neutral: false,
        kickoff: cut,
    };
    let (h2h, matrix) = (fit.h2h(&game, 0), fit.matrix(&game, 0));
    assert!(h2h[0] > h2h[2]);
    for (from_matrix, wanted) in matrix.h2h().into_iter().zip(h2h) {
        assert!((from_matrix - wanted).abs() < 1e-12);
    }
}
