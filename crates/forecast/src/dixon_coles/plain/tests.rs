use super::*;

fn result(home: i64, away: i64, goals: [u16; 2]) -> WeightedResult {
    WeightedResult {
        home: TeamId(home),
        away: TeamId(away),
        goals,
        weight: 1.0,
    }
}

/// Every ordered pair of five teams three times, goals by a fixed rule.
fn season() -> Vec<WeightedResult> {
    let mut results = Vec::new();
    for round in 0..3_i64 {
        for home in 0..5_i64 {
            for away in (0..5_i64).filter(|it| *it != home) {
                let mixed = |it: i64| u16::try_from((it * 7 + round * 5) % 4).unwrap();
                results.push(result(
                    home,
                    away,
                    [mixed(home * 3 + away), mixed(away * 2 + home)],
                ));
            }
        }
    }
    results
}

fn intensities(fit: &DixonColesFit, home: usize, away: usize) -> [f64; 2] {
    let [(_, home), (_, away)] = [fit.teams[home], fit.teams[away]];
    [
        (fit.base + fit.home + home[0] - away[1]).exp(),
        (fit.base + away[0] - home[1]).exp(),
    ]
}

/// The log-likelihood, written out game by game.
fn log_likelihood(fit: &DixonColesFit, results: &[WeightedResult]) -> f64 {
    let number = |team: TeamId| fit.teams.iter().position(|it| it.0 == team).unwrap();
    let one = |it: &WeightedResult| {
        let [home, away] = intensities(fit, number(it.home), number(it.away));
        let poisson = |mean: f64, count: u16| {
            f64::from(count) * mean.ln()
                - mean
                - (1..=count).map(|k| f64::from(k).ln()).sum::<f64>()
        };
        let adjustment = match it.goals {
            [0, 0] => 1.0 - home * away * fit.rho,
            [0, 1] => 1.0 + home * fit.rho,
            [1, 0] => 1.0 + away * fit.rho,
            [1, 1] => 1.0 - fit.rho,
            _ => 1.0,
        };
        it.weight * (poisson(home, it.goals[0]) + poisson(away, it.goals[1]) + adjustment.ln())
    };
    results.iter().map(one).sum()
}

#[test]
fn the_likelihood_reported_is_that_of_the_games_one_by_one() {
    let results = season();
    let fit = fit_dixon_coles(&results);
    let expected = log_likelihood(&fit, &results);
    assert!(
        (fit.log_likelihood - expected).abs() < 1e-9,
        "{} {expected}",
        fit.log_likelihood
    );
}

#[test]
fn no_step_away_from_the_fit_is_likelier() {
    let results = season();
    let fit = fit_dixon_coles(&results);
    let best = log_likelihood(&fit, &results);
    for step in [-1e-2, 1e-2] {
        let mut others = vec![fit.clone(); 3];
        others[0].base += step;
        others[1].home += step;
        others[2].rho += step;
        for team in 0..fit.teams.len() {
            for side in 0..2 {
                let mut other = fit.clone();
                other.teams[team].1[side] += step;
                others.push(other);
            }
        }
        for other in others {
            assert!(log_likelihood(&other, &results) < best, "{other:?}");
        }
    }
}

#[test]
fn a_game_of_weight_two_counts_as_two_games() {
    let mut doubled = season();
    doubled.push(doubled[0]);
    let mut weighted = season();
    weighted[0].weight = 2.0;
    let (one, other) = (fit_dixon_coles(&doubled), fit_dixon_coles(&weighted));
    assert!((one.log_likelihood - other.log_likelihood).abs() < 1e-7);
    assert!((one.home - other.home).abs() < 1e-5);
}

#[test]
fn a_team_that_never_scored_ends_the_search_at_finite_numbers() {
    let results: Vec<_> = season()
        .into_iter()
        .map(|it| WeightedResult {
            goals: if it.home == TeamId(0) {
                [0, it.goals[1]]
            } else if it.away == TeamId(0) {
                [it.goals[0], 0]
            } else {
                it.goals
            },
            ..it
        })
        .collect();
    let fit = fit_dixon_coles(&results);
    assert!(fit.log_likelihood.is_finite());
    assert!(
        fit.teams
            .iter()
            .all(|(_, sides)| sides.iter().all(|it| it.is_finite()))
    );
}
