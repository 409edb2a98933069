//! The example mappings and the shipped sample against real files.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use domain::{CompetitionKey, Sport, Tally};
use engine::import::{Catalogue, ImportOptions, Mapping, Reading, read_rows};
use store::{Store, TeamQuery};

use crate::store::World;

const MAPPINGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../data/mappings");
const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");

#[expect(clippy::print_stderr, reason = "a test that does nothing says so")]
fn skip(name: &str) {
    eprintln!("SKIPPED: {name}.csv is not on this machine");
}

/// Rows taken, rows set aside and prices of a file read through the mapping of the same name.
fn read(name: &str) -> Option<[usize; 3]> {
    let path = PathBuf::from(DATA).join(format!("{name}.csv"));
    let Ok(file) = File::open(&path) else {
        skip(name);
        return None;
    };
    let toml = std::fs::read_to_string(Path::new(MAPPINGS).join(format!("{name}.toml"))).unwrap();
    let mapping = Mapping::parse(&toml, name).unwrap();
    let catalogue = Catalogue::load(None, None).unwrap();
    let reading = Reading {
        location: name,
        connector: None,
        mapping: Some(&mapping),
        catalogue: &catalogue,
    };
    let mut counts = [0; 3];
    read_rows(BufReader::new(file), &reading, |row| {
        match row {
            Ok(row) => {
                counts[0] += 1;
                let prices = row
                    .quotes
                    .iter()
                    .flat_map(|quote| quote.prices.iter().flatten());
                counts[2] += prices.count();
            }
            Err(_) => counts[1] += 1,
        }
        true
    })
    .unwrap();
    Some(counts)
}

fn check(name: &str, expected: [usize; 3]) {
    if let Some(counts) = read(name) {
        assert_eq!(counts, expected, "rows, set aside, prices of {name}");
    }
}

#[test]
fn every_example_mapping_is_sound() {
    let mut names = 0;
    for entry in Path::new(MAPPINGS).read_dir().unwrap() {
        let path = entry.unwrap().path();
        Mapping::parse(&std::fs::read_to_string(&path).unwrap(), "example").unwrap();
        names += 1;
    }
    assert_eq!(names, 8);
}

#[test]
fn football_odds_is_read_through_its_mapping() {
    check("football_odds", [38_291, 0, 853_959]);
}

#[test]
fn football_xg_odds_other_is_read_through_its_mapping() {
    check("football_xg_odds_other", [15_530, 0, 108_385]);
}

#[test]
fn football_extra_closing_is_read_through_its_mapping() {
    check("football_extra_closing", [40_217, 0, 361_526]);
}

#[test]
fn football_results_cc0_is_read_through_its_mapping() {
    check("football_results_cc0", [133_564, 0, 0]);
}

#[test]
fn nfl_games_is_read_through_its_mapping() {
    check("nfl_games", [1_889, 0, 11_328]);
}

#[test]
fn nfl_results_elo538_is_read_through_its_mapping() {
    check("nfl_results_elo538", [8_031, 0, 0]);
}

#[test]
fn nba_games_is_read_through_its_mapping() {
    check("nba_games", [19_158, 0, 38_310]);
}

#[test]
fn intl_results_is_read_through_its_mapping() {
    check("intl_results", [42_882, 0, 0]);
}

/// The table of the season whose lines begin with `season`, each team as won–lost or won–lost–drawn.
async fn table(
    name: &str,
    season: &str,
    sport: Sport,
    competition: &str,
) -> Option<Vec<(String, String)>> {
    let Ok(text) = std::fs::read_to_string(PathBuf::from(DATA).join(format!("{name}.csv"))) else {
        skip(name);
        return None;
    };
    let mut lines = text.lines();
    let header = lines.next().unwrap();
    let rows: Vec<&str> = lines.filter(|it| it.starts_with(season)).collect();
    let toml = std::fs::read_to_string(Path::new(MAPPINGS).join(format!("{name}.toml"))).unwrap();
    let options = ImportOptions {
        mapping: Some(Mapping::parse(&toml, name).unwrap()),
        ..ImportOptions::default()
    };
    let world = World::new().await;
    let content = format!("{header}\n{}\n", rows.join("\n"));
    world.import_with(&content, &options).await.unwrap();
    let key = CompetitionKey::new(competition).unwrap();
    let table = world.store.standings(&key, None).await.unwrap().unwrap();
    let names = world.store.teams(&TeamQuery::default()).await.unwrap();
    let standings = domain::rank(sport, table.teams).into_iter().map(|it| {
        let team = names.iter().find(|team| team.id == it.record.team).unwrap();
        let Tally {
            won, lost, drawn, ..
        } = it.record.total();
        let drawn = if drawn > 0 {
            format!("–{drawn}")
        } else {
            String::new()
        };
        (team.name.clone(), format!("{won}–{lost}{drawn}"))
    });
    Some(standings.collect())
}

#[tokio::test]
async fn tables_of_american_leagues_are_those_of_the_regular_season() {
    if let Some(table) = table("nba_games", "2022,", Sport::Basketball, "nba").await {
        let warriors = table
            .iter()
            .find(|it| it.0 == "Golden State Warriors")
            .unwrap();
        assert_eq!((table.len(), warriors.1.as_str()), (30, "53–29"));
    }
    if let Some(table) = table("nfl_games", "2021_", Sport::AmericanFootball, "nfl").await {
        let of = |team: &str| table.iter().find(|it| it.0 == team).unwrap().1.as_str();
        assert_eq!(of("Green Bay Packers"), "13–4");
        assert_eq!(of("Los Angeles Rams"), "12–5");
        assert_eq!(of("Detroit Lions"), "3–13–1");
    }
}

#[tokio::test]
async fn the_shipped_sample_goes_in_whole() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../data/sample/football.csv.gz"
    );
    let mut text = String::new();
    flate2::read::GzDecoder::new(File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let world = World::new().await;
    let summary = world.import(&text).await;
    assert_eq!(summary.rejected, []);
    assert_eq!(summary.fixtures_added, 7_264);
    assert_eq!(summary.prices_added, 7_600);
    let again = world.import(&text).await;
    assert_eq!((again.fixtures_unchanged, again.prices_added), (7_264, 0));
    // Clubs of England, Spain, Germany, Italy and Austria: one team each, however they are called.
    assert_eq!(summary.new_names.len(), 26 + 6 + 27 + 3 + 23 + 27 + 13);
}
