//! Reads `nfl_games.csv` and `nba_games.csv`.

use std::collections::HashMap;
use std::path::Path;

use domain::{
    BookmakerKey, CompetitionKey, FixtureId, FixtureStatus, Game, KickoffPrecision, Line, Market,
    MatchStats, Price, Prices, Quote, QuoteStage, Score, SeasonKey, SeasonType, Sport, TeamId,
    summarise_quotes,
};
use forecast::Pool;
use jiff::Timestamp;

type Row = HashMap<String, String>;

/// Names of the columns of a file.
struct Columns {
    file: &'static str,
    key: &'static str,
    sport: Sport,
    date: &'static str,
    home: [&'static str; 2],
    away: [&'static str; 2],
    /// Line given to home, and the sign it is written with.
    spread: (&'static str, f64),
    total: &'static str,
    moneyline: [&'static str; 2],
}

const FILES: [Columns; 2] = [
    Columns {
        file: "nfl_games.csv",
        key: "nfl",
        sport: Sport::AmericanFootball,
        date: "gameday",
        home: ["home_team", "home_score"],
        away: ["away_team", "away_score"],
        spread: ("spread_line", -1.0),
        total: "total_line",
        moneyline: ["home_moneyline", "away_moneyline"],
    },
    Columns {
        file: "nba_games.csv",
        key: "nba",
        sport: Sport::Basketball,
        date: "date",
        home: ["home", "score_home"],
        away: ["away", "score_away"],
        spread: ("home_spread", 1.0),
        total: "total",
        moneyline: ["moneyline_home", "moneyline_away"],
    },
];

/// Both leagues with their games and the competition to score.
pub(crate) fn read(folder: &Path) -> Vec<(Pool, Vec<Game>, &'static str)> {
    FILES
        .iter()
        .map(|columns| {
            let mut reader =
                csv::Reader::from_path(folder.join(columns.file)).expect("it is there");
            let mut teams = HashMap::new();
            let games = reader
                .deserialize()
                .enumerate()
                .filter_map(|(index, row)| game(columns, &row.expect("columns"), &mut teams, index))
                .collect();
            let competitions = vec![CompetitionKey::new(columns.key).expect("a key")];
            let pool = Pool {
                name: columns.key.to_owned(),
                sport: columns.sport,
                competitions,
            };
            (pool, games, columns.key)
        })
        .collect()
}

fn number<T: std::str::FromStr>(row: &Row, column: &str) -> Option<T> {
    row.get(column).and_then(|it| it.parse().ok())
}

fn whole(row: &Row, column: &str) -> Option<u16> {
    let value: f64 = number(row, column)?;
    format!("{value:.0}").parse().ok()
}

fn game(
    columns: &Columns,
    row: &Row,
    teams: &mut HashMap<String, TeamId>,
    index: usize,
) -> Option<Game> {
    let mut team = |column: &str| {
        let next = TeamId(i64::try_from(teams.len()).expect("few teams") + 1);
        let name = match row[column].as_str() {
            "STL" => "LA",
            "SD" => "LAC",
            "OAK" => "LV",
            name => name,
        };
        *teams.entry(name.to_owned()).or_insert(next)
    };
    let (home, away) = (team(columns.home[0]), team(columns.away[0]));
    let kickoff: Timestamp = format!("{}T18:00:00Z", row[columns.date]).parse().ok()?;
    let rest = || Some([whole(row, "home_rest")?, whole(row, "away_rest")?]);
    Some(Game {
        fixture: FixtureId(i64::try_from(index).expect("few games")),
        competition: CompetitionKey::new(columns.key).ok()?,
        season: SeasonKey::new(row["season"].clone()).ok()?,
        season_type: SeasonType::Regular,
        sport: columns.sport,
        kickoff,
        known_at: KickoffPrecision::Minute.result_known_at(kickoff, columns.sport),
        home,
        away,
        neutral: row.get("location").is_some_and(|it| it == "Neutral"),
        status: FixtureStatus::Finished,
        score: Some(Score {
            home: whole(row, columns.home[1])?,
            away: whole(row, columns.away[1])?,
        }),
        stats: MatchStats {
            rest_days: rest(),
            ..MatchStats::default()
        },
        pregame: Prices::default(),
        closing: prices(columns, row, kickoff),
    })
}

fn prices(columns: &Columns, row: &Row, kickoff: Timestamp) -> Prices {
    let even = Price::new(1.91).ok();
    let line = |column: &str, sign: f64| {
        number::<f64>(row, column).and_then(|it| Line::new(sign * it).ok())
    };
    let american = |column: &str| {
        let odds: f64 = number(row, column)?;
        Price::new(
            1.0 + if odds > 0.0 {
                odds / 100.0
            } else {
                -100.0 / odds
            },
        )
        .ok()
    };
    let markets = [
        line(columns.spread.0, columns.spread.1).map(|it| (Market::spreads(it), [even, even])),
        line(columns.total, 1.0).map(|it| (Market::totals(it), [even, even])),
        Some((Market::H2H, columns.moneyline.map(american))),
    ];
    let quotes: Vec<Quote> = markets
        .into_iter()
        .flatten()
        .filter(|(_, prices)| prices.iter().all(Option::is_some))
        .map(|(market, [first, second])| Quote {
            bookmaker: BookmakerKey::new("market_average").expect("a key"),
            market,
            stage: QuoteStage::Closing,
            taken_at: kickoff,
            prices: [first, second, None],
        })
        .collect();
    summarise_quotes(&quotes, kickoff, false)
}
