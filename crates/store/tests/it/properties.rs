//! What holds for any records whatever.

use crate::each_case;
use crate::sample::{fixture, game, prices, put, quote, recording_at, time, totals, world};
use domain::{
    FixtureStatus, Game, KickoffPrecision, MatchStats, PricesAt, Quote, QuoteStage, Score,
    SeasonType, TeamId, summarise_quotes,
};
use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use store::{FixtureRecord, GameQuery, ResultRecord, Store};

/// A record in small numbers, so that records meet: sides are places in the world.
fn record() -> impl Strategy<Value = FixtureRecord> {
    let stats = (option::of(any::<[u16; 2]>()), option::of(any::<[u32; 2]>()));
    let result =
        (0..3_u16, 0..3_u16, stats).prop_map(|(home, away, (shots, goals))| ResultRecord {
            score: Score { home, away },
            stats: MatchStats {
                shots,
                expected_goals: goals.map(|it| it.map(|side| f64::from(side) / 1e9)),
                ..MatchStats::default()
            },
        });
    let status = prop_oneof![
        Just(FixtureStatus::Scheduled),
        Just(FixtureStatus::Postponed),
        Just(FixtureStatus::Finished),
    ];
    let sides = (any::<bool>(), 0..4_i64, 1..4_i64);
    let parts = (
        sides,
        0..240_i64,
        any::<bool>(),
        option::of(prop_oneof![
            Just(SeasonType::Regular),
            Just(SeasonType::Postseason)
        ]),
        option::of(status),
        option::of(result),
    );
    (parts, vec(a_quote(), 0..5)).prop_map(|(parts, quotes)| {
        let ((league, home, ahead), hours, exact, season_type, status, result) = parts;
        let sides = [TeamId(home), TeamId((home + ahead) % 4)];
        let make = if league { fixture } else { game };
        let record = make(sides[0], sides[1], "2021-01-10T00:30:00Z");
        FixtureRecord {
            kickoff: record.kickoff + SignedDuration::from_hours(hours),
            kickoff_precision: match exact {
                true => KickoffPrecision::Minute,
                false => KickoffPrecision::Day,
            },
            season_type,
            status,
            result,
            quotes,
            ..record
        }
    })
}

fn a_quote() -> impl Strategy<Value = Quote> {
    let bookmaker = prop_oneof![Just("bet365"), Just("pinnacle"), Just("market_best")];
    let price = prop_oneof![1 => Just(0.0), 4 => 1.000_001..30.0_f64];
    let values = [price.clone(), price.clone(), price];
    let stage = prop_oneof![
        3 => Just(QuoteStage::Opening),
        3 => Just(QuoteStage::Closing),
        1 => Just(QuoteStage::Suspended)
    ];
    (bookmaker, 0..6_i64, stage, any::<bool>(), values).prop_map(
        |(bookmaker, day, stage, goals, mut values)| {
            if stage == QuoteStage::Suspended {
                values = [0.0; 3];
            }
            let quote = match goals {
                true => totals(
                    bookmaker,
                    "2021-01-10T00:30:00Z",
                    2.5,
                    [values[0], values[1]],
                ),
                false => quote(bookmaker, "2021-01-10T00:30:00Z", values),
            };
            Quote {
                taken_at: quote.taken_at + SignedDuration::from_hours(24 * day - 24),
                stage,
                ..quote
            }
        },
    )
}

/// Runs `check` on batches of records whose sides are in the store.
fn each_batch(check: impl AsyncFn(&dyn Store, Vec<Vec<FixtureRecord>>)) {
    let batches = vec(vec(record(), 1..8), 1..4);
    each_case(48, &batches, async |store, mut batches| {
        let (football, basketball) = world(store).await;
        for record in batches.iter_mut().flatten() {
            let teams = match record.competition.as_str() {
                "E0" => football,
                _ => basketball,
            };
            let side = |it: TeamId| teams[usize::try_from(it.0).unwrap()];
            (record.home, record.away) = (side(record.home), side(record.away));
        }
        check(store, batches).await;
    });
}

/// Everything the store has to say.
async fn everything(store: &dyn Store) -> (u64, Vec<Game>, String) {
    let games = store.games(&GameQuery::default()).await.unwrap();
    let mut rest = String::new();
    for game in &games {
        let fixture = store.fixture(game.fixture).await.unwrap();
        let quotes = store.quotes(game.fixture).await.unwrap();
        let revisions = store.revisions(game.fixture).await.unwrap();
        rest += &format!("{fixture:?} {quotes:?} {revisions:?}");
    }
    (store.data_revision().await.unwrap(), games, rest)
}

#[test]
fn recording_the_same_records_twice_changes_nothing() {
    each_batch(async |store, batches| {
        for batch in batches {
            let first = put(store, &batch).await;
            let before = everything(store).await;
            let again = store
                .record(&recording_at("2025-01-01T00:00:00Z"), &batch)
                .await
                .unwrap();
            assert_eq!(again.fixtures, first.fixtures);
            let changes = [
                again.fixtures_added,
                again.fixtures_changed,
                again.prices_added,
                again.prices_changed,
            ];
            assert_eq!(changes, [0; 4]);
            assert_eq!(everything(store).await, before);
        }
    });
}

#[test]
fn games_always_agree_with_fixtures_quotes_and_counts() {
    each_batch(async |store, batches| {
        for batch in &batches {
            put(store, batch).await;
        }
        let games = store.games(&GameQuery::default()).await.unwrap();
        let (mut finished, mut single_prices) = (0, 0);
        for game in &games {
            let fixture = store.fixture(game.fixture).await.unwrap().unwrap();
            assert_eq!((game.kickoff, game.score), (fixture.kickoff, fixture.score));
            assert_eq!([game.home, game.away], [fixture.home, fixture.away]);
            assert_eq!(game.stats, fixture.stats);
            assert_eq!(
                fixture.score.is_some(),
                fixture.status == FixtureStatus::Finished
            );
            finished += u64::from(fixture.score.is_some());
            let quotes = store.quotes(game.fixture).await.unwrap();
            let standing = quotes.into_iter().filter(|it| it.superseded_at.is_none());
            let standing: Vec<Quote> = standing.map(|it| it.quote).collect();
            single_prices += standing.iter().flat_map(|it| it.prices).flatten().count() as u64;
            let at = |moment: PricesAt| summarise_quotes(&standing, moment, game.sport.has_draw());
            assert_eq!(game.pregame, at(PricesAt::Moment(game.pregame_at())));
            assert_eq!(game.closing, at(PricesAt::Start(game.kickoff)));
        }
        let counts = store.counts().await.unwrap();
        let sum = |place: usize| counts.iter().map(|(_, it)| it[place]).sum::<u64>();
        assert_eq!(
            [sum(0), sum(1), sum(2)],
            [games.len() as u64, finished, single_prices]
        );
    });
}

#[test]
fn a_correction_and_its_undoing_leave_both_as_traces() {
    each_batch(async |store, batches| {
        let (football, _) = world(store).await;
        let mut record = fixture(football[0], football[1], "2023-09-02T14:00:00Z");
        record.quotes = batches
            .concat()
            .into_iter()
            .flat_map(|it| it.quotes)
            .collect();
        record
            .quotes
            .push(quote("bwin", "2021-01-10T00:30:00Z", [2.0, 3.0, 4.0]));
        let id = put(store, std::slice::from_ref(&record)).await.fixtures[0];
        let before = store.games(&GameQuery::default()).await.unwrap();
        let mut corrected = record.clone();
        corrected.kickoff = time("2023-09-03T14:00:00Z");
        corrected.quotes.last_mut().unwrap().prices = prices([2.5, 3.0, 4.0]);
        let change = put(store, &[corrected]).await;
        assert_eq!([change.fixtures_changed, change.prices_changed], [1, 1]);
        put(store, &[record]).await;
        assert_eq!(store.games(&GameQuery::default()).await.unwrap(), before);
        assert_eq!(store.revisions(id).await.unwrap().len(), 2);
        let quotes = store.quotes(id).await.unwrap();
        let superseded = quotes
            .iter()
            .filter(|it| it.superseded_at.is_some())
            .count();
        assert_eq!(superseded, 2);
    });
}
