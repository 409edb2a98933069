//! Reads the development data: top football divisions, NFL and NBA, with prices as quotes, so
//! that they are boiled down by the same code as in service.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use domain::{
    BookmakerKey, Competition, CompetitionKey, FixtureId, FixtureStatus, Game, KickoffPrecision,
    Line, Market, MatchStats, OddsFormat, Price, Prices, Quote, QuoteStage, Score, SeasonKey,
    SeasonType, Sport, TeamId, summarise_quotes,
};
use jiff::{SignedDuration, Timestamp, civil::DateTime};

/// Where American games are dated.
const EASTERN: &str = "America/New_York";

pub(crate) type Row = HashMap<String, String>;

/// Where the development data lies beside the checkout, or beside a folder that holds it; `None`
/// where it is not there.
pub(crate) fn folder() -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(3);
    let mut folders = above.map(|it| it.join("shared/data"));
    folders.find(|it| it.join("football_odds.csv").is_file())
}

/// Everything of one sport that models read.
#[derive(Default)]
pub(crate) struct Data {
    pub(crate) competitions: Vec<Competition>,
    pub(crate) games: Vec<Game>,
    teams: HashMap<(String, String), TeamId>,
}

/// The football divisions of `football_odds.csv`.
pub(crate) fn football(folder: &Path) -> Data {
    let mut data = Data::default();
    for key in ["E0", "D1", "I1", "SP1", "F1", "B1", "P1", "T1"] {
        data.competition(key, Sport::Football);
    }
    for row in rows(&folder.join("football_odds.csv")) {
        data.football_game(&row);
    }
    data
}

/// The NFL seasons of `nfl_games.csv`.
pub(crate) fn nfl(folder: &Path) -> Data {
    let mut data = Data::default();
    data.competition("nfl", Sport::AmericanFootball);
    for row in rows(&folder.join("nfl_games.csv")) {
        data.nfl_game(&row);
    }
    data
}

/// The NBA seasons of `nba_games.csv`.
pub(crate) fn nba(folder: &Path) -> Data {
    let mut data = Data::default();
    data.competition("nba", Sport::Basketball);
    for row in rows(&folder.join("nba_games.csv")) {
        data.nba_game(&row);
    }
    data
}

pub(crate) fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).expect("the file is there");
    reader
        .deserialize()
        .map(|row| row.expect("a row has its columns"))
        .collect()
}

fn number<T: std::str::FromStr>(row: &Row, column: &str) -> Option<T> {
    row.get(column).and_then(|it| it.parse().ok())
}

fn whole(row: &Row, column: &str) -> Option<u16> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "scores are small"
    )]
    number::<f64>(row, column)
        .filter(|it| it.is_finite())
        .map(|it| it as u16)
}

fn pair(row: &Row, columns: [&str; 2]) -> Option<[u16; 2]> {
    Some([whole(row, columns[0])?, whole(row, columns[1])?])
}

/// When a game starts in a time zone: noon where the time of day is not known.
fn kickoff(day: &str, time: Option<&String>, zone: &str) -> (Timestamp, KickoffPrecision) {
    let (clock, precision) = match time.filter(|it| it.contains(':')) {
        Some(time) => (time.as_str(), KickoffPrecision::Minute),
        None => ("12:00", KickoffPrecision::Day),
    };
    let at: DateTime = format!("{day}T{clock:0>5}:00")
        .parse()
        .expect("days of the data are dates");
    let at = at.in_tz(zone).expect("the zones are known").timestamp();
    (at, precision)
}

/// Collects quotes of one game at two moments: a day and a minute before it starts.
struct Quotes {
    kickoff: Timestamp,
    quotes: Vec<Quote>,
}

impl Quotes {
    fn add(
        &mut self,
        bookmaker: &str,
        market: Market,
        stage: QuoteStage,
        prices: &[Option<Price>],
    ) {
        if prices.iter().all(Option::is_none) {
            return;
        }
        let before = match stage {
            QuoteStage::Closing => SignedDuration::from_mins(1),
            _ => SignedDuration::from_hours(24),
        };
        let mut slots = [None; 3];
        slots[..prices.len()].copy_from_slice(prices);
        self.quotes.push(Quote {
            bookmaker: BookmakerKey::new(bookmaker).expect("a key"),
            market,
            stage,
            taken_at: self.kickoff - before,
            prices: slots,
        });
    }

    /// Prices as they stood an hour before the game and at its start.
    fn prices(&self, has_draw: bool) -> [Prices; 2] {
        let pregame = self.kickoff - Game::PREGAME_LEAD;
        [pregame, self.kickoff].map(|at| summarise_quotes(&self.quotes, at, has_draw))
    }
}

impl Data {
    pub(crate) fn competition(&mut self, key: &str, sport: Sport) {
        self.competitions.push(Competition {
            key: CompetitionKey::new(key).expect("a key"),
            name: key.to_owned(),
            sport,
            country: "INT".to_owned(),
            pool: key.to_owned(),
            time_zone: "UTC".to_owned(),
            single_round: sport == Sport::Football,
        });
    }

    fn team(&mut self, competition: &str, name: &str) -> TeamId {
        let next = TeamId(i64::try_from(self.teams.len()).expect("few teams") + 1);
        *self
            .teams
            .entry((competition.to_owned(), name.to_owned()))
            .or_insert(next)
    }

    /// Adds a game of the competition with its sides and season; the caller fills in the rest.
    pub(crate) fn game(&mut self, names: [&str; 4], kickoff: Timestamp) -> &mut Game {
        let [competition, season, home, away] = names;
        let sides = [self.team(competition, home), self.team(competition, away)];
        let competition = self
            .competitions
            .iter()
            .find(|it| it.key.as_str() == competition)
            .expect("the competition was added first");
        self.games.push(Game {
            fixture: FixtureId(i64::try_from(self.games.len()).expect("few games") + 1),
            competition: competition.key.clone(),
            season: SeasonKey::new(season).expect("a key"),
            season_type: SeasonType::Regular,
            sport: competition.sport,
            kickoff,
            known_at: KickoffPrecision::Minute.result_known_at(kickoff, competition.sport),
            home: sides[0],
            away: sides[1],
            neutral: false,
            status: FixtureStatus::Finished,
            score: None,
            stats: MatchStats::default(),
            pregame: Prices::default(),
            closing: Prices::default(),
        });
        self.games.last_mut().expect("pushed just now")
    }

    fn football_game(&mut self, row: &Row) {
        let (kickoff, precision) = kickoff(&row["date"], row.get("time"), "UTC");
        let mut quotes = Quotes {
            kickoff,
            quotes: Vec::new(),
        };
        add_football_quotes(&mut quotes, row);
        let names = ["league", "season", "home", "away"].map(|it| row[it].as_str());
        let game = self.game(names, kickoff);
        game.known_at = precision.result_known_at(kickoff, Sport::Football);
        game.score = pair(row, ["fthg", "ftag"]).map(|[home, away]| Score { home, away });
        game.stats = MatchStats {
            half_time: pair(row, ["hthg", "htag"]).map(|[home, away]| Score { home, away }),
            red_cards: pair(row, ["hr", "ar"]),
            shots: pair(row, ["hs", "as"]),
            shots_on_target: pair(row, ["hst", "ast"]),
            expected_goals: number::<f64>(row, "hxg")
                .zip(number::<f64>(row, "axg"))
                .filter(|it| it.0.is_finite() && it.1.is_finite())
                .map(Into::into),
            ..MatchStats::default()
        };
        [game.pregame, game.closing] = quotes.prices(true);
    }

    fn nfl_game(&mut self, row: &Row) {
        let (kickoff, precision) = kickoff(&row["gameday"], row.get("gametime"), EASTERN);
        let mut quotes = Quotes {
            kickoff,
            quotes: Vec::new(),
        };
        let odds = |column: &str| american(row, column);
        let closing = QuoteStage::Closing;
        let h2h = [odds("home_moneyline"), odds("away_moneyline")];
        quotes.add("market_average", Market::H2H, closing, &h2h);
        if let Some(line) = line(row, "spread_line", -1.0) {
            let prices = [odds("home_spread_odds"), odds("away_spread_odds")];
            quotes.add("market_average", Market::spreads(line), closing, &prices);
        }
        if let Some(line) = line(row, "total_line", 1.0) {
            let prices = [odds("over_odds"), odds("under_odds")];
            quotes.add("market_average", Market::totals(line), closing, &prices);
        }
        // The earliest prices known are fair probabilities from the opening spread.
        if let Some(fair) = number::<f64>(row, "mkt_home_prob_open") {
            let prices = [fair, 1.0 - fair].map(|it| Price::new(1.0 / it).ok());
            quotes.add("market_average", Market::H2H, QuoteStage::Opening, &prices);
        }
        let names = ["season", "home_team", "away_team"].map(|it| row[it].as_str());
        let game = self.game(["nfl", names[0], names[1], names[2]], kickoff);
        game.known_at = precision.result_known_at(kickoff, Sport::AmericanFootball);
        game.neutral = row["location"] == "Neutral";
        game.score =
            pair(row, ["home_score", "away_score"]).map(|[home, away]| Score { home, away });
        game.stats.rest_days = pair(row, ["home_rest", "away_rest"]);
        [game.pregame, game.closing] = quotes.prices(false);
    }

    fn nba_game(&mut self, row: &Row) {
        let (kickoff, _) = kickoff(&row["date"], None, EASTERN);
        let mut quotes = Quotes {
            kickoff,
            quotes: Vec::new(),
        };
        let h2h = [
            american(row, "moneyline_home"),
            american(row, "moneyline_away"),
        ];
        quotes.add("market_average", Market::H2H, QuoteStage::Closing, &h2h);
        // Spreads and totals stand there without prices, hence are not read.
        let names = ["season", "home", "away"].map(|it| row[it].as_str());
        let game = self.game(["nba", names[0], names[1], names[2]], kickoff);
        game.known_at = KickoffPrecision::Day.result_known_at(kickoff, Sport::Basketball);
        game.score =
            pair(row, ["score_home", "score_away"]).map(|[home, away]| Score { home, away });
        [game.pregame, game.closing] = quotes.prices(false);
    }
}

fn add_football_quotes(quotes: &mut Quotes, row: &Row) {
    let price = |column: &str| number(row, column).and_then(|it| Price::new(it).ok());
    let stages = [
        (
            QuoteStage::Opening,
            [("pinnacle", "ps"), ("market_average", "avg")],
        ),
        (
            QuoteStage::Opening,
            [("bet365", "b365"), ("market_best", "max")],
        ),
        (
            QuoteStage::Closing,
            [("pinnacle", "psc"), ("market_average", "avgc")],
        ),
        (
            QuoteStage::Closing,
            [("bet365", "b365c"), ("market_best", "maxc")],
        ),
    ];
    for (stage, columns) in stages {
        for (bookmaker, prefix) in columns {
            let prices = ["h", "d", "a"].map(|it| price(&format!("{prefix}_{it}")));
            quotes.add(bookmaker, Market::H2H, stage, &prices);
        }
    }
    let totals = Market::totals(Line::from_quarters(10));
    let stages = [
        ("market_average", "avg", QuoteStage::Opening),
        ("market_best", "max", QuoteStage::Opening),
        ("pinnacle", "pc", QuoteStage::Closing),
        ("market_average", "avgc", QuoteStage::Closing),
    ];
    for (bookmaker, prefix, stage) in stages {
        let prices = ["o25", "u25"].map(|it| price(&format!("{prefix}_{it}")));
        quotes.add(bookmaker, totals, stage, &prices);
    }
}

fn american(row: &Row, column: &str) -> Option<Price> {
    let value: f64 = number(row, column)?;
    OddsFormat::American.read(&value.to_string()).ok()
}

/// A line of the file times `sign`, where it is a multiple of a quarter.
fn line(row: &Row, column: &str, sign: f64) -> Option<Line> {
    number::<f64>(row, column).and_then(|it| Line::new(sign * it).ok())
}
