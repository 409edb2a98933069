//! Summaries of markets: always what the standing quotes come to, refreshed or not.

use std::collections::BTreeMap;

use domain::{BookmakerKey, FixtureId, Line, Market, Quote, QuoteStage, TeamId};
use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::Strategy;
use store::{Made, MarketSummary, Markets, Refreshed, Store};
use testkit::PostgresDatabase;

use crate::sample::{fixture, game, put, put_one, quote, time, totals, world};
use crate::{each_case, each_store};

async fn markets(store: &dyn Store, id: FixtureId) -> Markets {
    store.markets(id).await.unwrap().unwrap()
}

/// Whether a quote is a bookmaker's and can be meant.
fn counts(it: &Quote, has_draw: bool) -> bool {
    !it.bookmaker.as_str().starts_with("market_") && it.is_possible(has_draw)
}

/// The last quote of each bookmaker among these that count.
fn last<'a>(quotes: impl Iterator<Item = &'a Quote>, has_draw: bool) -> Vec<&'a Quote> {
    let mut last: BTreeMap<&BookmakerKey, &Quote> = BTreeMap::new();
    for it in quotes.filter(|it| counts(it, has_draw)) {
        let place = last.entry(&it.bookmaker).or_insert(it);
        if (it.taken_at, it.stage) > (place.taken_at, place.stage) {
            *place = it;
        }
    }
    last.into_values().collect()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    let count = u32::try_from(values.len()).ok().filter(|it| *it > 0)?;
    Some(values.iter().sum::<f64>() / f64::from(count))
}

fn near(found: Option<f64>, expected: Option<f64>, what: &str) {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            assert!(
                (found - expected).abs() < 1e-6,
                "{what}: {found} {expected}"
            );
        }
        _ => assert_eq!(found, expected, "{what}"),
    }
}

/// Holds a summary against the quotes of its market, worked out one by one.
fn check_market(
    summary: &MarketSummary,
    (quotes, kickoff): (&[&Quote], Timestamp),
    has_draw: bool,
) {
    let mut standing = last(quotes.iter().copied(), has_draw);
    standing.retain(|it| !it.is_suspended());
    let closing = quotes.iter().copied();
    let closing = closing.filter(|it| it.stage == QuoteStage::Closing && it.taken_at <= kickoff);
    let closing = last(closing, has_draw);
    assert_eq!(summary.bookmakers, standing.len() as u64);
    let own = |it: &&&Quote| counts(it, has_draw);
    let newest = quotes.iter().filter(own).map(|it| it.taken_at).max();
    assert_eq!(Some(summary.taken_at), newest);
    let outcomes = summary.market.outcomes(has_draw);
    assert_eq!(summary.outcomes.len(), outcomes.len());
    for (place, it) in summary.outcomes.iter().enumerate() {
        let prices = |quotes: &[&Quote]| -> Vec<f64> {
            let prices = quotes.iter().filter_map(|it| it.prices[place]);
            prices.map(domain::Price::decimal).collect()
        };
        let (now, close) = (prices(&standing), prices(&closing));
        let best = now.iter().copied().reduce(f64::max);
        assert_eq!(it.outcome, outcomes[place]);
        assert_eq!(it.best.map(domain::Price::decimal), best);
        near(it.average, mean(now.into_iter()), "average");
        near(it.closing, mean(close.into_iter()), "closing");
    }
    let margins = standing.iter().filter_map(|it| {
        let prices: Option<Vec<_>> = it.prices[..outcomes.len()].iter().copied().collect();
        Some(domain::overround(&prices?))
    });
    near(summary.margin, mean(margins), "margin");
}

/// Holds everything said of a fixture's markets against its quotes.
async fn check(store: &dyn Store, id: FixtureId, has_draw: bool) -> Markets {
    let all = store.quotes(id).await.unwrap();
    let standing = all.iter().filter(|it| it.superseded_at.is_none());
    let mut by_market: BTreeMap<Market, Vec<&Quote>> = BTreeMap::new();
    for it in standing {
        by_market
            .entry(it.quote.market)
            .or_default()
            .push(&it.quote);
    }
    by_market.retain(|_, quotes| !last(quotes.iter().copied(), has_draw).is_empty());
    let kickoff = store.fixture(id).await.unwrap().unwrap().kickoff;
    let markets = markets(store, id).await;
    let found: Vec<Market> = markets.markets.iter().map(|it| it.market).collect();
    assert_eq!(found, by_market.keys().copied().collect::<Vec<_>>());
    for summary in &markets.markets {
        let quotes = &by_market[&summary.market];
        check_market(summary, (quotes, kickoff), has_draw);
    }
    markets
}

#[tokio::test]
async fn a_market_is_summed_up_over_the_last_price_of_each_bookmaker() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.quotes = vec![
            quote("pinnacle", "2023-09-01T12:00:00Z", [3.0, 3.0, 3.0]),
            quote("pinnacle", "2023-09-01T13:00:00Z", [2.0, 4.0, 4.0]),
            quote("bet365", "2023-09-01T12:30:00Z", [2.5, 3.0, 0.0]),
            quote("market_best", "2023-09-01T14:00:00Z", [9.0, 9.0, 9.0]),
            Quote {
                stage: QuoteStage::Closing,
                ..totals("pinnacle", "2023-09-02T13:59:00Z", 2.5, [1.8, 2.2])
            },
        ];
        let id = put_one(store, &record).await.id;
        let markets = check(store, id, true).await;
        assert_eq!(markets.made, Made::Anew);
        assert_eq!(markets.change, store.position().await.unwrap());
        let [h2h, totals] = &markets.markets[..] else {
            panic!("{markets:?}");
        };
        assert_eq!(h2h.market, Market::H2H);
        assert_eq!(h2h.bookmakers, 2);
        assert_eq!(h2h.taken_at, time("2023-09-01T13:00:00Z"));
        assert_eq!(h2h.outcomes[0].average, Some(2.25));
        assert_eq!(h2h.outcomes[2].average, Some(4.0));
        assert_eq!(h2h.outcomes[0].closing, None);
        // Of the one bookmaker who prices all three.
        assert_eq!(h2h.margin, Some(0.0));
        assert_eq!(totals.market, Market::totals(Line::new(2.5).unwrap()));
        assert_eq!(totals.outcomes[1].closing, Some(2.2));
        let unknown = store.markets(FixtureId(9_999)).await.unwrap();
        assert_eq!(unknown, None);
        let bare = put_one(store, &fixture(b, a, "2023-10-02T14:00:00Z"))
            .await
            .id;
        let nothing = markets_of_nothing(store, bare).await;
        assert_eq!((nothing.made, nothing.change), (Made::Ready, 0));
    })
    .await;
}

async fn markets_of_nothing(store: &dyn Store, id: FixtureId) -> Markets {
    let markets = markets(store, id).await;
    assert_eq!(markets.markets, []);
    markets
}

#[tokio::test]
async fn a_refresh_changes_no_summary_and_a_new_or_corrected_price_makes_it_new() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.quotes = vec![quote("pinnacle", "2023-09-01T12:00:00Z", [2.0, 4.0, 4.0])];
        let id = put_one(store, &record).await.id;
        let other = put_one(store, &fixture(b, a, "2023-10-02T14:00:00Z"))
            .await
            .id;
        let before = markets(store, id).await;
        let refreshed = store.refresh_views().await.unwrap();
        assert!(matches!(refreshed, Refreshed::UpTo(_)), "{refreshed:?}");
        let ready = Markets {
            made: Made::Ready,
            ..before
        };
        // A standby has what is ready a little later, and works it out until then.
        let here = store.writing();
        assert_eq!(markets(here, id).await, ready);
        assert_eq!(markets(store, id).await.markets, ready.markets);
        let again = store.refresh_views().await.unwrap();
        assert!(matches!(again, Refreshed::Already(_)), "{again:?}");
        let new = [
            quote("bet365", "2023-09-01T12:00:00Z", [2.2, 4.0, 4.0]),
            quote("pinnacle", "2023-09-01T12:00:00Z", [2.1, 4.0, 4.0]),
        ];
        for (place, new) in new.into_iter().enumerate() {
            record.quotes = vec![new];
            put(store, std::slice::from_ref(&record)).await;
            let made = check(store, id, true).await;
            assert_eq!(made.made, Made::Anew, "{place}");
            assert!(made.change > ready.change);
            store.refresh_views().await.unwrap();
            check(store, id, true).await;
            let made = check(here, id, true).await;
            assert_eq!(made.made, Made::Ready, "{place}");
        }
        markets_of_nothing(store, other).await;
    })
    .await;
}

#[tokio::test]
async fn a_closing_price_is_one_of_before_the_kickoff_wherever_that_moves() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        let closing = |at: &str, price: f64| Quote {
            stage: QuoteStage::Closing,
            ..quote("pinnacle", at, [price, 4.0, 4.0])
        };
        record.quotes = vec![
            closing("2023-09-02T11:00:00Z", 2.0),
            closing("2023-09-02T13:59:00Z", 2.1),
        ];
        let id = put_one(store, &record).await.id;
        store.refresh_views().await.unwrap();
        let close = async || {
            let markets = check(store, id, true).await;
            markets.markets[0].outcomes[0].closing
        };
        assert_eq!(close().await, Some(2.1));
        record.id = Some(id);
        record.quotes.clear();
        record.kickoff = time("2023-09-02T11:30:00Z");
        put(store, std::slice::from_ref(&record)).await;
        assert_eq!(close().await, Some(2.0));
        store.refresh_views().await.unwrap();
        assert_eq!(close().await, Some(2.0));
    })
    .await;
}

#[tokio::test]
async fn prices_that_nobody_can_have_meant_count_for_nothing() {
    each_store(async |store| {
        let (football, basketball) = world(store).await;
        let typo = [100.0, 100.0, 100.0];
        for (teams, is_football) in [(football, true), (basketball, false)] {
            let make = if is_football { fixture } else { game };
            let mut record = make(teams[0], teams[1], "2023-09-02T14:00:00Z");
            let mut sane = quote("pinnacle", "2023-09-01T12:00:00Z", [2.0, 4.0, 4.0]);
            let mut wrong = quote("bet365", "2023-09-01T12:00:00Z", typo);
            if !is_football {
                sane.prices = quote("x", "2023-09-01T12:00:00Z", [1.9, 1.9, 0.0]).prices;
                wrong.prices[2] = None;
            }
            record.quotes = vec![sane, wrong];
            let id = put_one(store, &record).await.id;
            let markets = check(store, id, is_football).await;
            assert_eq!(markets.markets[0].bookmakers, 1);
            assert!(markets.markets[0].margin.unwrap() >= 0.0);
        }
    })
    .await;
}

#[tokio::test]
async fn one_server_makes_summaries_new_at_a_time() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let store = database.store().await;
    let ([a, b, ..], _) = world(&store).await;
    let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
    record.quotes = vec![quote("pinnacle", "2023-09-01T12:00:00Z", [2.0, 4.0, 4.0])];
    let id = put_one(&store, &record).await.id;
    let pool = sqlx::PgPool::connect(&database.url()).await.unwrap();
    let mut other = pool.begin().await.unwrap();
    let lock = "SELECT pg_advisory_xact_lock(6001, 4)";
    sqlx::query(lock).execute(&mut *other).await.unwrap();
    store.refresh_views().await.unwrap();
    assert_eq!(check(&store, id, true).await.made, Made::Anew);
    other.rollback().await.unwrap();
    store.refresh_views().await.unwrap();
    assert_eq!(check(&store, id, true).await.made, Made::Ready);
    pool.close().await;
}

/// Which bookmaker, market, minute and stage, and prices in hundredths above one.
type Said = (usize, usize, i64, usize, [u16; 3]);

fn said_quote((bookmaker, market, minute, stage, prices): Said) -> Quote {
    let books = ["pinnacle", "bet365", "betfair", "market_average"];
    let stages = [
        QuoteStage::Opening,
        QuoteStage::Intermediate,
        QuoteStage::Closing,
        QuoteStage::Suspended,
    ];
    let at = time("2023-09-01T12:00:00Z") + jiff::SignedDuration::from_mins(minute);
    // Below a price there is none.
    let decimals = prices.map(|it| f64::from(it) / 100.0);
    let width = [3, 2, 2][market];
    let mut quote = quote(books[bookmaker], &at.to_string(), decimals);
    quote.stage = stages[stage];
    quote.market = [
        Market::H2H,
        Market::totals(Line::new(2.5).unwrap()),
        Market::BOTH_TEAMS_TO_SCORE,
    ][market];
    quote.prices[width..].fill(None);
    if quote.is_suspended() {
        quote.prices = [None; 3];
    }
    quote
}

fn quotes() -> impl Strategy<Value = Vec<Quote>> {
    let one = (
        0..4_usize,
        0..3_usize,
        0..6_i64,
        0..4_usize,
        [60..600_u16, 60..600_u16, 60..600_u16],
    );
    vec(one.prop_map(said_quote), 1..12)
}

async fn priced(
    store: &dyn Store,
    teams: [TeamId; 2],
    batch: &[Quote],
    football: bool,
) -> FixtureId {
    let [a, b] = teams;
    let make = if football { fixture } else { game };
    let mut record = make(a, b, "2023-09-02T14:00:00Z");
    // A batch may not say two things of one price.
    for it in batch {
        record.quotes = vec![it.clone()];
        if it.is_suspended() || it.prices.iter().any(Option::is_some) {
            put(store, std::slice::from_ref(&record)).await;
        }
    }
    record.quotes.clear();
    put_one(store, &record).await.id
}

#[test]
fn whatever_is_quoted_summaries_are_what_the_quotes_come_to() {
    let batches = vec((quotes(), proptest::bool::ANY), 1..4);
    each_case(40, &batches, async |store, batches| {
        let (football, basketball) = world(store).await;
        for (place, (batch, is_football)) in batches.iter().enumerate() {
            let teams = if *is_football { football } else { basketball };
            let id = priced(store, [teams[0], teams[1]], batch, *is_football).await;
            let anew = check(store, id, *is_football).await;
            if place % 2 == 0 {
                store.refresh_views().await.unwrap();
                let ready = check(store, id, *is_football).await;
                // To the bit, and so from one database to another.
                assert_eq!(ready.markets, anew.markets);
                assert_eq!(ready.made, Made::Ready);
            }
        }
    });
}
