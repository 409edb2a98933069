//! Measures what imports and start-up wait for: writing fixtures with their quotes into a cold
//! file, writing them again, and reading every game.
//!
//! `cargo bench -p store -- [fixtures] [quotes per fixture]`

#![expect(clippy::print_stdout, reason = "a bench reports to a terminal")]
#![expect(
    clippy::unwrap_used,
    reason = "a bench that cannot run should say where"
)]

use std::time::{Duration, Instant};

use domain::{
    BookmakerKey, Competition, CompetitionKey, KickoffPrecision, Line, Market, MatchStats, Price,
    Quote, QuoteStage, Score, SeasonKey, SourceKey, Sport, TeamId,
};
use jiff::{SignedDuration, Timestamp};
use store::{
    FixtureRecord, GameQuery, NewTeam, Recorded, Recording, ResultRecord, SqliteOptions,
    SqliteStore, Store,
};

const BATCH: usize = 1_500;
const TEAMS: i64 = 20;
const PER_SEASON: i64 = TEAMS * (TEAMS - 1);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mut sizes = std::env::args().filter_map(|it| it.parse::<i64>().ok());
    let fixtures = sizes.next().unwrap_or(40_000);
    let quotes = sizes.next().unwrap_or(12);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bench.db");
    let store = SqliteStore::open(&path, &SqliteOptions::default())
        .await
        .unwrap();
    let teams = prepare(&store).await;
    let records: Vec<FixtureRecord> = (0..fixtures).map(|it| record(it, quotes, &teams)).collect();

    let (cold, took) = write(&store, &records).await;
    report("cold file", cold.prices_added, took);
    let size = std::fs::metadata(&path).unwrap().len();
    println!(
        "file: {:.1} MB for {} fixtures, {} prices",
        bytes(size),
        fixtures,
        cold.prices_added
    );
    let (again, took) = write(&store, &records).await;
    assert_eq!(
        again.prices_added + again.prices_changed + again.fixtures_changed,
        0
    );
    report("the same again", cold.prices_added, took);
    store.close().await;

    for pass in ["opened, first read", "second read"] {
        let start = Instant::now();
        let store = SqliteStore::open(&path, &SqliteOptions::default())
            .await
            .unwrap();
        let opened = start.elapsed();
        let games = store.games(&GameQuery::default()).await.unwrap();
        println!(
            "{pass}: {} games, open {opened:.2?}, in all {:.2?}",
            games.len(),
            start.elapsed()
        );
        let start = Instant::now();
        let counts = store.counts().await.unwrap();
        println!(
            "counts of {} competitions: {:.2?}",
            counts.len(),
            start.elapsed()
        );
    }
}

async fn write(store: &SqliteStore, records: &[FixtureRecord]) -> (Recorded, Duration) {
    let recording = Recording {
        source: SourceKey::new("bench").unwrap(),
        import: None,
        at: Timestamp::UNIX_EPOCH,
    };
    let mut sum = Recorded::default();
    let start = Instant::now();
    for batch in records.chunks(BATCH) {
        let recorded = store.record(&recording, batch).await.unwrap();
        sum.fixtures_changed += recorded.fixtures_changed;
        sum.prices_added += recorded.prices_added;
        sum.prices_changed += recorded.prices_changed;
    }
    (sum, start.elapsed())
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn report(what: &str, prices: u64, took: Duration) {
    let rate = prices as f64 / took.as_secs_f64();
    println!("{what}: {prices} prices in {took:.2?}, {rate:.0} prices/s");
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn bytes(size: u64) -> f64 {
    size as f64 / 1e6
}

async fn prepare(store: &SqliteStore) -> Vec<TeamId> {
    let competition = Competition {
        key: CompetitionKey::new("B0").unwrap(),
        name: "Bench".to_owned(),
        sport: Sport::Football,
        country: "GB".to_owned(),
        pool: "B".to_owned(),
        time_zone: "Europe/London".to_owned(),
        single_round: true,
    };
    store.put_competitions(&[competition]).await.unwrap();
    let team = |it| NewTeam {
        sport: Sport::Football,
        name: format!("Team {it}"),
        country: String::new(),
    };
    let teams: Vec<NewTeam> = (0..TEAMS).map(team).collect();
    store.put_teams(&teams).await.unwrap()
}

fn record(number: i64, quotes: i64, teams: &[TeamId]) -> FixtureRecord {
    let (season, pair) = (number / PER_SEASON, number % PER_SEASON);
    let (home, other) = (pair / (TEAMS - 1), pair % (TEAMS - 1));
    let away = if other < home { other } else { other + 1 };
    let team = |it: i64| teams[usize::try_from(it).unwrap()];
    let first = "1900-01-01T15:00:00Z".parse::<Timestamp>().unwrap();
    let kickoff = first + SignedDuration::from_hours(24 * (season * 365 + pair / 2));
    FixtureRecord {
        id: None,
        competition: CompetitionKey::new("B0").unwrap(),
        season: SeasonKey::new((1900 + season).to_string()).unwrap(),
        season_type: None,
        kickoff,
        kickoff_precision: KickoffPrecision::Minute,
        home: team(home),
        away: team(away),
        neutral: false,
        status: None,
        result: Some(ResultRecord {
            score: Score { home: 2, away: 1 },
            stats: MatchStats {
                half_time: Some(Score { home: 1, away: 0 }),
                shots: Some([11, 9]),
                shots_on_target: Some([5, 3]),
                corners: Some([6, 4]),
                yellow_cards: Some([2, 3]),
                red_cards: Some([0, 0]),
                ..MatchStats::default()
            },
        }),
        quotes: (0..quotes).map(|it| quote(number, it, kickoff)).collect(),
    }
}

/// Two `h2h` quotes to one of totals and one of spreads, half of them closing.
fn quote(fixture: i64, number: i64, kickoff: Timestamp) -> Quote {
    const BOOKMAKERS: [&str; 5] = [
        "bet365",
        "pinnacle",
        "market_average",
        "market_best",
        "betfair_exchange",
    ];
    let slot = number / 2;
    let market = match slot % 4 {
        0 | 1 => Market::H2H,
        2 => Market::totals(Line::from_quarters(10)),
        _ => Market::spreads(Line::from_quarters(-2)),
    };
    let bookmaker = BOOKMAKERS[usize::try_from(slot % 5).unwrap()];
    let (stage, taken_at) = if number % 2 == 0 {
        (
            QuoteStage::Opening,
            kickoff - SignedDuration::from_hours(60),
        )
    } else {
        (
            QuoteStage::Closing,
            kickoff - SignedDuration::from_mins(slot / 20),
        )
    };
    let price = |step: i64| {
        let cents = 110 + (fixture * 37 + number * 53 + step * 71) % 700;
        Some(Price::new(f64::from(i32::try_from(cents).unwrap()) / 100.0).unwrap())
    };
    let third = if market == Market::H2H {
        price(3)
    } else {
        None
    };
    Quote {
        bookmaker: BookmakerKey::new(bookmaker).unwrap(),
        market,
        stage,
        taken_at,
        prices: [price(1), price(2), third],
    }
}
