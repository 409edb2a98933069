use super::*;

const SETTINGS: EloSettings = EloSettings {
    gain: 10.0,
    margin_power: 0.8,
    home: 60.0,
    newcomer_gap: 80.0,
    memory_days: 1000.0,
    decay_per_day: 0.001,
};

fn record(home: i64, away: i64, at: &str, score: [u16; 2]) -> EloRecord {
    EloRecord {
        competition: 0,
        home: TeamId(home),
        away: TeamId(away),
        neutral: false,
        kickoff: at.parse().unwrap(),
        score,
    }
}

#[test]
fn a_draw_between_equals_moves_the_home_side_down_by_the_gain_times_the_surprise() {
    let mut table = EloTable::new(SETTINGS);
    let [home, away] = table.add(&record(1, 2, "2020-01-01T15:00:00Z", [1, 1]));
    let expected = 1.0 / (1.0 + 10.0_f64.powf(-60.0 / 400.0));
    assert!((home - (1500.0 + 10.0 * (0.5 - expected))).abs() < 1e-9);
    assert!((home + away - 3000.0).abs() < 1e-9);
}

#[test]
fn a_bigger_win_moves_more_and_a_neutral_venue_gives_nothing_away() {
    let moved = |score, neutral| {
        let record = EloRecord {
            neutral,
            ..record(1, 2, "2020-01-01T15:00:00Z", score)
        };
        EloTable::new(SETTINGS).add(&record)[0] - EloTable::START
    };
    assert!(moved([4, 0], false) > moved([1, 0], false));
    assert!(moved([1, 0], true) > moved([1, 0], false));
    assert_eq!(moved([2, 2], true), 0.0);
    assert!(moved([0, 1], true) < 0.0);
}

/// Ten teams that have played each other to draws.
fn league() -> EloTable {
    let mut table = EloTable::new(SETTINGS);
    for team in 0..10 {
        let other = (team + 1) % 10;
        let game = EloRecord {
            neutral: true,
            ..record(team, other, "2020-01-01T15:00:00Z", [1, 1])
        };
        table.add(&game);
    }
    table
}

#[test]
fn a_newcomer_starts_below_the_mean_of_a_competition_past_its_first_season() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap();
    let (first, second) = (at("2020-02-01T15:00:00Z"), at("2020-08-01T15:00:00Z"));
    let table = league();
    assert_eq!(table.entry_rating(TeamId(99), 0, first), EloTable::START);
    assert!((table.entry_rating(TeamId(99), 0, second) - 1420.0).abs() < 1e-9);
    assert_eq!(table.entry_rating(TeamId(99), 1, second), EloTable::START);
    // After a year and more without a game nobody is left to be compared with.
    assert_eq!(
        table.entry_rating(TeamId(99), 0, at("2021-08-01T15:00:00Z")),
        EloTable::START
    );
    assert!(table.rated(TeamId(99)).is_none());
}

#[test]
fn a_team_long_gone_comes_back_as_a_newcomer_by_and_by() {
    let table = league();
    let entry = |at: &str| table.entry_rating(TeamId(3), 0, at.parse().unwrap());
    assert_eq!(
        entry("2020-03-01T15:00:00Z"),
        table.rated(TeamId(3)).unwrap().rating
    );
    let (year, later) = (entry("2020-12-31T15:00:00Z"), entry("2021-01-30T15:00:00Z"));
    assert!(
        later < year && year < 1500.0 && later > 1420.0,
        "{year} {later}"
    );
}

#[test]
fn results_are_summed_by_difference_and_fade() {
    let table = league();
    let at = "2020-01-01T15:00:00Z".parse::<Timestamp>().unwrap();
    let sums = table.sums(at);
    assert_eq!(sums.len(), 1);
    assert!((sums[0].results[1] - 10.0).abs() < 1e-9);
    assert!((sums[0].goals[0] - 10.0).abs() < 1e-9 && sums[0].neutral);
    let later = table.sums("2020-04-10T15:00:00Z".parse().unwrap());
    assert!((later[0].results[1] - 10.0 * (-0.1_f64).exp()).abs() < 1e-9);
}
