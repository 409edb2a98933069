//! A small world to test in: two competitions, and records that say little unless asked to.

use domain::{
    BookmakerKey, Competition, CompetitionKey, Fixture, FixtureId, KickoffPrecision, Line, Market,
    MatchStats, Price, Quote, QuoteStage, Score, SeasonKey, SourceKey, Sport, TeamId,
};
use jiff::Timestamp;
use store::{FixtureRecord, NewTeam, Recorded, Recording, ResultRecord, Store};

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn key(text: &str) -> CompetitionKey {
    CompetitionKey::new(text).unwrap()
}

pub(crate) fn source(text: &str) -> SourceKey {
    SourceKey::new(text).unwrap()
}

/// A league in which each pair meets once a season at each ground.
pub(crate) fn league() -> Competition {
    Competition {
        key: key("E0"),
        name: "Premier League".to_owned(),
        sport: Sport::Football,
        country: "GB".to_owned(),
        pool: "england".to_owned(),
        time_zone: "Europe/London".to_owned(),
        single_round: true,
    }
}

/// One in which pairs meet as often as the schedule likes.
pub(crate) fn nba() -> Competition {
    Competition {
        key: key("nba"),
        name: "NBA".to_owned(),
        sport: Sport::Basketball,
        country: "US".to_owned(),
        pool: "nba".to_owned(),
        time_zone: "America/New_York".to_owned(),
        single_round: false,
    }
}

pub(crate) fn team(sport: Sport, name: &str) -> NewTeam {
    NewTeam {
        sport,
        name: name.to_owned(),
        country: String::new(),
    }
}

/// Puts both competitions and four teams of each sport in; returns football's and basketball's.
pub(crate) async fn world(store: &dyn Store) -> ([TeamId; 4], [TeamId; 4]) {
    store.put_competitions(&[league(), nba()]).await.unwrap();
    let names = ["Alpha", "Beta", "Gamma", "Delta"];
    let teams = |sport| names.map(|name| team(sport, name));
    let football = store.put_teams(&teams(Sport::Football)).await.unwrap();
    let basketball = store.put_teams(&teams(Sport::Basketball)).await.unwrap();
    (football.try_into().unwrap(), basketball.try_into().unwrap())
}

/// A fixture of the league in 2023/24, to be played.
pub(crate) fn fixture(home: TeamId, away: TeamId, kickoff: &str) -> FixtureRecord {
    FixtureRecord {
        id: None,
        competition: key("E0"),
        season: SeasonKey::new("2023/24").unwrap(),
        season_type: None,
        kickoff: time(kickoff),
        kickoff_precision: KickoffPrecision::Minute,
        home,
        away,
        neutral: false,
        status: None,
        result: None,
        quotes: Vec::new(),
    }
}

/// A game of the NBA in 2020, to be played.
pub(crate) fn game(home: TeamId, away: TeamId, kickoff: &str) -> FixtureRecord {
    FixtureRecord {
        competition: key("nba"),
        season: SeasonKey::new("2020").unwrap(),
        ..fixture(home, away, kickoff)
    }
}

pub(crate) fn result(home: u16, away: u16) -> Option<ResultRecord> {
    Some(ResultRecord {
        score: Score { home, away },
        stats: MatchStats::default(),
    })
}

pub(crate) fn prices(values: [f64; 3]) -> [Option<Price>; 3] {
    values.map(|it| Price::new(it).ok())
}

/// An opening quote of `h2h`; a value that is no price leaves the outcome open.
pub(crate) fn quote(bookmaker: &str, taken_at: &str, values: [f64; 3]) -> Quote {
    Quote {
        bookmaker: BookmakerKey::new(bookmaker).unwrap(),
        market: Market::H2H,
        stage: QuoteStage::Opening,
        taken_at: time(taken_at),
        prices: prices(values),
    }
}

pub(crate) fn suspended(bookmaker: &str, taken_at: &str) -> Quote {
    Quote {
        stage: QuoteStage::Suspended,
        ..quote(bookmaker, taken_at, [0.0; 3])
    }
}

pub(crate) fn totals(bookmaker: &str, taken_at: &str, line: f64, values: [f64; 2]) -> Quote {
    Quote {
        market: Market::totals(Line::new(line).unwrap()),
        ..quote(bookmaker, taken_at, [values[0], values[1], 0.0])
    }
}

/// Who writes in these tests, on 1 January 2024.
pub(crate) fn recording() -> Recording {
    recording_at("2024-01-01T00:00:00Z")
}

pub(crate) fn recording_at(at: &str) -> Recording {
    Recording {
        source: source("test"),
        import: None,
        at: time(at),
    }
}

pub(crate) async fn put(store: &dyn Store, records: &[FixtureRecord]) -> Recorded {
    store.record(&recording(), records).await.unwrap()
}

/// Records one record and returns its fixture as the store has it.
pub(crate) async fn put_one(store: &dyn Store, record: &FixtureRecord) -> Fixture {
    let recorded = put(store, std::slice::from_ref(record)).await;
    read(store, recorded.fixtures[0]).await
}

pub(crate) async fn read(store: &dyn Store, id: FixtureId) -> Fixture {
    store.fixture(id).await.unwrap().unwrap()
}
