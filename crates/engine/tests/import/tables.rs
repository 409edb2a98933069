//! The tables of competitions and aliases.

use engine::import::{Catalogue, ImportError, load_competitions};

fn problem(competitions: Option<&str>, aliases: Option<&str>) -> String {
    match Catalogue::load(competitions, aliases) {
        Err(ImportError::BadTable { what, problem }) => format!("{what}: {problem}"),
        other => panic!("taken: {other:?}"),
    }
}

const EXTRA: &str = "[[competition]]\nkey = \"quidditch\"\nname = \"Quidditch\"\nsport = \
                     \"football\"\ncountry = \"GB-SCT\"\npool = \"hogwarts\"\ntime_zone = \
                     \"Europe/London\"\nsingle_round = true\n";

#[test]
fn the_shipped_competitions_hold_every_league_of_football_data() {
    let competitions = load_competitions(None).unwrap();
    let keys: Vec<&str> = competitions.iter().map(|it| it.key.as_str()).collect();
    assert!(keys.is_sorted());
    for key in [
        "E0",
        "E1",
        "E2",
        "E3",
        "EC",
        "SC0",
        "SC1",
        "SC2",
        "SC3",
        "D1",
        "D2",
        "I1",
        "I2",
        "SP1",
        "SP2",
        "F1",
        "F2",
        "N1",
        "B1",
        "P1",
        "T1",
        "G1",
        "ARG",
        "AUT",
        "BRA",
        "CHN",
        "DNK",
        "FIN",
        "IRL",
        "JPN",
        "MEX",
        "NOR",
        "POL",
        "ROU",
        "RUS",
        "SWE",
        "SWZ",
        "USA",
        "nfl",
        "nba",
        "int/friendly",
        "int/other",
    ] {
        assert!(keys.contains(&key), "{key}");
    }
}

#[test]
fn the_users_own_competitions_are_added() {
    let competitions = load_competitions(Some(EXTRA)).unwrap();
    assert!(competitions.iter().any(|it| it.pool == "hogwarts"));
}

#[test]
fn tables_that_make_no_sense_are_refused() {
    assert!(problem(Some("nonsense"), None).starts_with("the extra table of competitions: "));
    let zone = EXTRA.replace("Europe/London", "Mars/Olympus");
    assert!(problem(Some(&zone), None).contains("time zone \"Mars/Olympus\" is not known"));
    let aliases = |rows: &str| {
        problem(
            None,
            Some(&format!("sport,country,source,name,team\n{rows}")),
        )
    };
    assert!(problem(None, Some("name,team\n")).contains("line 1: the header must be"));
    assert!(aliases("chess,,,A,B\n").contains("line 2: the sport is not known"));
    assert!(aliases("\nfootball,,,A,\n").contains("line 3: the name or the team is missing"));
    assert!(aliases("football,,,\"A,B\n").contains("line 2: a quotation mark is out of place"));
}
