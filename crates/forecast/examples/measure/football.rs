//! Reads `football_odds.csv` and, where it is there, `football_results_cc0.csv`.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use domain::{
    BookmakerKey, CompetitionKey, FixtureId, FixtureStatus, Game, KickoffPrecision, Line, Market,
    MatchStats, Price, Prices, Quote, QuoteStage, Score, SeasonKey, SeasonType, Sport, TeamId,
    summarise_quotes,
};
use forecast::Pool;
use jiff::{SignedDuration, Timestamp};

/// Top divisions with the lower divisions they share teams with.
const PYRAMIDS: [(&str, &[&str]); 5] = [
    ("E0", &["E1", "E2", "E3", "EC"]),
    ("D1", &["D2"]),
    ("I1", &["I2"]),
    ("SP1", &["SP2"]),
    ("F1", &["F2"]),
];

type Row = HashMap<String, String>;

/// Every pool of top leagues with its games and the competition to score.
pub(crate) fn read(folder: &Path) -> Vec<(Pool, Vec<Game>, &'static str)> {
    let mut leagues: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for file in ["football_odds.csv", "football_results_cc0.csv"] {
        let mut reader = csv::Reader::from_path(folder.join(file)).expect("the data is there");
        for row in reader.deserialize() {
            let row: Row = row.expect("every row has its columns");
            leagues.entry(row["league"].clone()).or_default().push(row);
        }
    }
    let with_lower = std::env::args().nth(2).as_deref() == Some("all-divisions");
    PYRAMIDS
        .iter()
        .map(|(top, lower)| {
            let lower = if with_lower { *lower } else { &[] };
            let mut teams = HashMap::new();
            let mut games = Vec::new();
            for league in std::iter::once(top).chain(lower) {
                for row in leagues.get(*league).into_iter().flatten() {
                    games.extend(game(row, &mut teams, games.len()));
                }
            }
            let keys = std::iter::once(top).chain(lower);
            let competitions = keys
                .map(|it| CompetitionKey::new(*it).expect("a key"))
                .collect();
            let pool = Pool {
                name: (*top).to_owned(),
                sport: Sport::Football,
                competitions,
            };
            (pool, games, *top)
        })
        .collect()
}

fn number<T: std::str::FromStr>(row: &Row, column: &str) -> Option<T> {
    row.get(column).and_then(|it| it.parse().ok())
}

fn pair(row: &Row, columns: [&str; 2]) -> Option<[u16; 2]> {
    Some([number(row, columns[0])?, number(row, columns[1])?])
}

fn game(row: &Row, teams: &mut HashMap<String, TeamId>, index: usize) -> Option<Game> {
    let mut team = |column: &str| {
        let next = TeamId(i64::try_from(teams.len()).expect("few teams") + 1);
        *teams.entry(row[column].clone()).or_insert(next)
    };
    let (home, away) = (team("home"), team("away"));
    let time = row.get("time").filter(|it| it.contains(':'));
    let precision = if time.is_some() {
        KickoffPrecision::Minute
    } else {
        KickoffPrecision::Day
    };
    let clock = time.map_or("12:00", String::as_str);
    let kickoff: Timestamp = format!("{}T{clock}:00Z", row["date"]).parse().ok()?;
    let prices = prices(row, kickoff);
    Some(Game {
        fixture: FixtureId(i64::try_from(index).expect("few games")),
        competition: CompetitionKey::new(row["league"].clone()).ok()?,
        season: SeasonKey::new(row["season"].clone()).ok()?,
        season_type: SeasonType::Regular,
        sport: Sport::Football,
        kickoff,
        known_at: precision.result_known_at(kickoff, Sport::Football),
        home,
        away,
        neutral: false,
        status: FixtureStatus::Finished,
        score: pair(row, ["fthg", "ftag"]).map(|[home, away]| Score { home, away }),
        stats: MatchStats {
            shots: pair(row, ["hs", "as"]),
            shots_on_target: pair(row, ["hst", "ast"]),
            expected_goals: number(row, "hxg")
                .and_then(|home: f64| Some([home, number(row, "axg")?]))
                .filter(|it| it.iter().all(|side| side.is_finite())),
            ..MatchStats::default()
        },
        pregame: Prices::default(),
        closing: prices,
    })
}

/// The closing prices, early ones where there are none.
fn prices(row: &Row, kickoff: Timestamp) -> Prices {
    let early = kickoff - SignedDuration::from_hours(48);
    let h2h = [
        ("pinnacle", ["ps_h", "ps_d", "ps_a"], early),
        ("pinnacle", ["psc_h", "psc_d", "psc_a"], kickoff),
        ("market_average", ["avg_h", "avg_d", "avg_a"], early),
        ("market_average", ["avgc_h", "avgc_d", "avgc_a"], kickoff),
        ("bet365", ["b365_h", "b365_d", "b365_a"], early),
        ("bet365", ["b365c_h", "b365c_d", "b365c_a"], kickoff),
    ];
    let totals = [
        ("market_average", ["avg_o25", "avg_u25"], early),
        ("market_average", ["avgc_o25", "avgc_u25"], kickoff),
        ("pinnacle", ["pc_o25", "pc_u25"], kickoff),
    ];
    let mut quotes = Vec::new();
    let mut add = |bookmaker: &str, market: Market, columns: &[&str], taken_at: Timestamp| {
        let mut prices = [None; 3];
        for (slot, column) in prices.iter_mut().zip(columns) {
            *slot = number::<f64>(row, column).and_then(|it| Price::new(it).ok());
        }
        if prices.iter().any(Option::is_some) {
            let bookmaker = BookmakerKey::new(bookmaker).expect("a key");
            let stage = if taken_at == kickoff {
                QuoteStage::Closing
            } else {
                QuoteStage::Opening
            };
            quotes.push(Quote {
                bookmaker,
                market,
                stage,
                taken_at,
                prices,
            });
        }
    };
    for (bookmaker, columns, taken_at) in h2h {
        add(bookmaker, Market::H2H, &columns, taken_at);
    }
    let line = Line::new(2.5).expect("a line");
    for (bookmaker, columns, taken_at) in totals {
        add(bookmaker, Market::totals(line), &columns, taken_at);
    }
    summarise_quotes(&quotes, kickoff, true)
}
