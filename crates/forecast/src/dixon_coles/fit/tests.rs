use domain::CompetitionKey;

use super::*;
use crate::dixon_coles::GoalRecord;

const SETTINGS: GoalSettings = GoalSettings {
    penalty: Penalty {
        strength: 4.0,
        level: 4.0,
        base: 10.0,
        home: 10.0,
        rho: 100.0,
    },
    newcomer_gap: 0.2,
    newcomer_games: 10.0,
    rho: -0.05,
    weight_floor: 1e-4,
};

fn cut() -> Timestamp {
    "2020-01-01T06:00:00Z".parse().unwrap()
}

fn record(home: i64, away: i64, competition: usize, goals: [u16; 2]) -> GoalRecord {
    GoalRecord {
        competition,
        home: TeamId(home),
        away: TeamId(away),
        neutral: false,
        kickoff: "2019-12-01T15:00:00Z".parse().unwrap(),
        weight: 1.0,
        goals: goals.map(f64::from),
        score: Some(goals),
    }
}

fn matchup(home: i64, away: i64, neutral: bool) -> Matchup {
    Matchup {
        competition: CompetitionKey::new("E0").unwrap(),
        season: domain::SeasonKey::new("2019/20").unwrap(),
        home: TeamId(home),
        away: TeamId(away),
        neutral,
        kickoff: cut(),
    }
}

#[test]
fn without_games_a_forecast_is_the_usual_one() {
    let fit = GoalFit::new(&GoalTable::new(0.002), 1, cut(), &SETTINGS);
    let [home, away] = fit.intensities(&matchup(1, 2, false), 0);
    assert!((away - USUAL_GOALS).abs() < 1e-6, "{away}");
    assert!((home / away - USUAL_HOME.exp()).abs() < 1e-6);
    let [home, away] = fit.intensities(&matchup(1, 2, true), 0);
    assert_eq!(home, away);
    assert!(fit.known(TeamId(1)).is_none());
}

#[test]
fn the_side_that_scores_more_attacks_better_and_a_stranger_is_weaker_than_the_mean() {
    let mut table = GoalTable::new(0.002);
    for (home, away, goals) in [
        (1, 2, [3, 0]),
        (2, 1, [0, 2]),
        (1, 3, [4, 1]),
        (3, 2, [1, 1]),
    ] {
        for _ in 0..5 {
            table.add(&record(home, away, 0, goals));
        }
    }
    let fit = GoalFit::new(&table, 1, cut(), &SETTINGS);
    let strength = |team| fit.known(TeamId(team)).unwrap();
    assert!(strength(1).attack > strength(3).attack && strength(1).attack > strength(2).attack);
    assert!(strength(1).defence > strength(3).defence);
    assert!(fit.strength(TeamId(9), 0).attack < -0.1);
    let matrix = fit.matrix(&matchup(1, 2, false), 0);
    assert!(matrix.h2h()[0] > 0.7, "{:?}", matrix.h2h());
}

#[test]
fn a_team_that_changes_division_ties_the_levels_of_both() {
    let mut table = GoalTable::new(0.002);
    // Team 1 wins everything in the lower division, then loses everything in the upper one.
    for _ in 0..8 {
        for other in 11..15 {
            table.add(&record(1, other, 1, [3, 0]));
            table.add(&record(other, 1, 1, [0, 3]));
        }
    }
    for _ in 0..8 {
        for other in 21..25 {
            table.add(&record(1, other, 0, [0, 3]));
            table.add(&record(other, 1, 0, [3, 0]));
        }
    }
    let fit = GoalFit::new(&table, 2, cut(), &SETTINGS);
    let upper = fit.strength(TeamId(98), 0).attack;
    let lower = fit.strength(TeamId(99), 1).attack;
    assert!(upper > lower, "{upper} {lower}");
    let goals = fit.intensities(&matchup(21, 11, true), 0);
    assert!(goals[0] > 3.0 * goals[1], "{goals:?}");
}

#[test]
fn old_games_fade_and_games_too_light_are_left_out() {
    let mut table = GoalTable::new(0.01);
    let old = GoalRecord {
        kickoff: "2010-01-01T15:00:00Z".parse().unwrap(),
        ..record(1, 2, 0, [9, 0])
    };
    table.add(&old);
    table.add(&record(3, 4, 0, [1, 0]));
    let sums = table.at(cut(), 1e-4);
    assert_eq!(sums.len(), 1);
    assert!(
        (sums[0].weight - (-0.01_f64 * 30.625).exp()).abs() < 1e-12,
        "{}",
        sums[0].weight
    );
    let fit = GoalFit::new(&table, 1, cut(), &SETTINGS);
    assert!(fit.known(TeamId(1)).is_none() && fit.known(TeamId(3)).is_some());
}
