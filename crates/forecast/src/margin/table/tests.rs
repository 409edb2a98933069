use super::*;

fn record(home: i64, away: i64, kickoff: &str) -> MarginRecord {
    MarginRecord {
        home: TeamId(home),
        away: TeamId(away),
        neutral: false,
        kickoff: kickoff.parse().unwrap(),
        weight: 1.0,
        rest: 2.0,
        fitted: [7.0, 41.0],
        played: [10.0, 45.0],
    }
}

#[test]
fn sums_fade_by_day_and_by_season() {
    let mut table = MarginTable::new(0.01, 100.0);
    table.add(&record(1, 2, "2019-12-01T18:00:00Z"));
    let weight = |table: &MarginTable, at: &str| table.at(at.parse().unwrap(), 0.0)[0].weight;
    assert!((weight(&table, "2019-12-11T18:00:00Z") - (-0.1_f64).exp()).abs() < 1e-9);
    // Past the break between seasons a game is older than its days.
    assert!((weight(&table, "2020-02-29T18:00:00Z") - (-1.9_f64).exp()).abs() < 1e-9);
    table.add(&record(3, 4, "2020-02-29T18:00:00Z"));
    assert!((weight(&table, "2020-02-29T18:00:00Z") - (-1.9_f64).exp()).abs() < 1e-9);
    assert_eq!(
        table.at("2020-02-29T18:00:00Z".parse().unwrap(), 0.5).len(),
        1
    );
}

#[test]
fn a_game_adds_its_moments() {
    let mut table = MarginTable::new(0.0, 0.0);
    table.add(&record(1, 2, "2019-12-01T18:00:00Z"));
    table.add(&record(1, 2, "2019-12-03T18:00:00Z"));
    let sums = table.at("2019-12-04T06:00:00Z".parse().unwrap(), 0.0);
    let expected = PairSums {
        home: 0,
        away: 1,
        neutral: false,
        weight: 2.0,
        rest: 4.0,
        rest_squared: 8.0,
        rest_margin: 28.0,
        sums: [14.0, 82.0],
        squares: [98.0, 3362.0],
        misses: [18.0, 32.0],
    };
    assert_eq!(sums, [expected]);
    assert_eq!(table.games, [2, 2]);
}
