use domain::{Line, Market, Price, Quote, QuoteStage};
use store::{RecordedQuote, Store};

use crate::each_store;
use crate::sample::{
    fixture, prices, put, quote, recording_at, source, suspended, time, totals, world,
};

const FRIDAY: &str = "2023-09-01T12:00:00Z";

#[tokio::test]
async fn every_kind_of_quote_comes_back_bit_for_bit_and_oldest_first() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let third = 1.0 + 1.0 / 3.0;
        let quotes = vec![
            quote(
                "bet365",
                "2023-09-01T13:00:00Z",
                [third, f64::from_bits(1.1_f64.to_bits() + 1), 10_000.0],
            ),
            totals("bet365", FRIDAY, 2.25, [1.000_000_1, 3.0]),
            Quote {
                market: Market::spreads(Line::new(-1.75).unwrap()),
                stage: QuoteStage::Closing,
                ..quote("pinnacle", "2023-09-02T14:00:00.000001Z", [1.9, 2.0, 0.0])
            },
            Quote {
                market: Market::BOTH_TEAMS_TO_SCORE,
                stage: QuoteStage::Intermediate,
                ..quote("pinnacle", "2023-09-01T18:00:00Z", [0.0, 2.0, 0.0])
            },
            suspended("bet365", "2023-09-01T13:00:00Z"),
        ];
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.quotes = quotes.clone();
        let id = put(store, &[record]).await.fixtures[0];
        let stored: Vec<Quote> = all(store, id)
            .await
            .into_iter()
            .map(|it| it.quote)
            .collect();
        let expected: Vec<Quote> = [1, 0, 4, 3, 2].map(|it: usize| quotes[it].clone()).into();
        assert_eq!(stored, expected);
    })
    .await;
}

#[tokio::test]
async fn quotes_of_many_fixtures_are_read_at_once() {
    each_store(async |store| {
        let ([a, b, c, d], _) = world(store).await;
        let mut priced = fixture(a, b, "2023-09-02T14:00:00Z");
        priced.quotes = vec![
            quote("pinnacle", FRIDAY, [2.0, 3.5, 4.0]),
            quote("bet365", FRIDAY, [2.1, 3.4, 4.0]),
        ];
        let mut other = fixture(c, d, "2023-09-02T14:00:00Z");
        other.quotes = vec![totals("bet365", FRIDAY, 2.25, [1.9, 1.9])];
        let bare = fixture(a, c, "2023-09-09T14:00:00Z");
        let records = [priced.clone(), other, bare];
        let ids = put(store, &records).await.fixtures;
        priced.quotes = vec![quote("bet365", FRIDAY, [2.2, 3.4, 4.0])];
        put(store, &[priced]).await;
        let asked = [ids[2], ids[1], ids[0], domain::FixtureId(999)];
        let read = store.quotes_of(&asked).await.unwrap();
        assert_eq!(read.len(), 2, "those with quotes");
        for id in &ids[..2] {
            assert_eq!(read[id], all(store, *id).await);
        }
        assert_eq!(read[&ids[0]].len(), 3, "what was superseded, too");
        assert!(store.quotes_of(&[]).await.unwrap().is_empty());
    })
    .await;
}

/// Few and many go in by different ways.
#[tokio::test]
async fn many_quotes_at_once_come_back_bit_for_bit() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let kinds = [
            quote("bet365", FRIDAY, [1.0 + 1.0 / 3.0, 3.5, 10_000.0]),
            totals("pinnacle", FRIDAY, 2.25, [1.000_000_1, 3.0]),
            Quote {
                market: Market::BOTH_TEAMS_TO_SCORE,
                stage: QuoteStage::Intermediate,
                ..quote("bet365", FRIDAY, [0.0, 2.0, 0.0])
            },
        ];
        let quotes: Vec<Quote> = kinds
            .iter()
            .cycle()
            .zip(0..1_200)
            .map(|(it, second)| Quote {
                taken_at: time(FRIDAY) + jiff::SignedDuration::from_secs(second),
                ..it.clone()
            })
            .collect();
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.quotes = quotes.clone();
        let id = put(store, &[record]).await.fixtures[0];
        let stored = all(store, id).await.into_iter().map(|it| it.quote);
        assert_eq!(stored.collect::<Vec<_>>(), quotes);
    })
    .await;
}

async fn all(store: &dyn Store, id: domain::FixtureId) -> Vec<RecordedQuote> {
    store.quotes(id).await.unwrap()
}

#[tokio::test]
async fn quotes_of_other_moments_stages_lines_and_bookmakers_stand_side_by_side() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let base = totals("bet365", FRIDAY, 2.5, [1.9, 1.9]);
        let later = totals("bet365", "2023-09-01T12:00:00.000001Z", 2.5, [1.8, 1.9]);
        let closing = Quote {
            stage: QuoteStage::Closing,
            ..base.clone()
        };
        let line = totals("bet365", FRIDAY, 2.75, [1.9, 1.9]);
        let other = totals("pinnacle", FRIDAY, 2.5, [1.9, 1.9]);
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        let mut id = None;
        for one in [base, later, closing, line, other] {
            record.quotes = vec![one];
            let recorded = put(store, std::slice::from_ref(&record)).await;
            assert_eq!([recorded.prices_added, recorded.prices_changed], [2, 0]);
            id = Some(recorded.fixtures[0]);
        }
        assert_eq!(all(store, id.unwrap()).await.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn a_corrected_quote_is_superseded_and_kept_with_its_trace() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.quotes = vec![quote("bet365", FRIDAY, [2.0, 3.5, 4.0])];
        let by = recording_at("2023-09-05T00:00:00Z");
        let id = store
            .record(&by, std::slice::from_ref(&record))
            .await
            .unwrap()
            .fixtures[0];
        record.quotes = vec![quote("bet365", FRIDAY, [2.2, 3.5, 4.0])];
        let mut by = recording_at("2023-09-06T00:00:00Z");
        by.source = source("other");
        store
            .record(&by, std::slice::from_ref(&record))
            .await
            .unwrap();
        let [old, new] = <[RecordedQuote; 2]>::try_from(all(store, id).await).unwrap();
        assert_eq!(old.quote.prices, prices([2.0, 3.5, 4.0]));
        assert_eq!(old.source, source("test"));
        assert_eq!(old.recorded_at, time("2023-09-05T00:00:00Z"));
        assert_eq!(old.superseded_at, Some(time("2023-09-06T00:00:00Z")));
        assert_eq!(new.quote.prices, prices([2.2, 3.5, 4.0]));
        assert_eq!(new.source, source("other"));
        assert_eq!(new.recorded_at, time("2023-09-06T00:00:00Z"));
        assert_eq!(new.superseded_at, None);
    })
    .await;
}

#[tokio::test]
async fn a_price_that_is_not_given_leaves_the_one_that_stands() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.quotes = vec![quote("bet365", FRIDAY, [2.0, 0.0, 4.0])];
        let id = put(store, std::slice::from_ref(&record)).await.fixtures[0];
        record.quotes = vec![quote("bet365", FRIDAY, [0.0, 3.5, 0.0])];
        let recorded = put(store, std::slice::from_ref(&record)).await;
        assert_eq!([recorded.prices_added, recorded.prices_changed], [1, 0]);
        let quotes = all(store, id).await;
        assert_eq!(quotes.len(), 2);
        assert_eq!(quotes[1].quote.prices, prices([2.0, 3.5, 4.0]));
        let again = put(store, std::slice::from_ref(&record)).await;
        assert_eq!([again.prices_added, again.prices_changed], [0, 0]);
    })
    .await;
}

#[tokio::test]
async fn a_quote_without_any_price_says_nothing() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.quotes = vec![quote("bet365", FRIDAY, [0.0; 3])];
        let id = put(store, &[record]).await.fixtures[0];
        assert_eq!(all(store, id).await, []);
    })
    .await;
}

#[tokio::test]
async fn what_is_finer_than_a_microsecond_is_not_kept() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00.000000999Z");
        record.quotes = vec![quote(
            "bet365",
            "2023-09-01T12:00:00.000000500Z",
            [2.0, 3.5, 4.0],
        )];
        let id = put(store, std::slice::from_ref(&record)).await.fixtures[0];
        let stored = store.fixture(id).await.unwrap().unwrap();
        assert_eq!(stored.kickoff, time("2023-09-02T14:00:00Z"));
        assert_eq!(all(store, id).await[0].quote.taken_at, time(FRIDAY));
        assert_eq!(put(store, &[record]).await.fixtures_changed, 0);
        assert_eq!(
            Price::new(2.0).ok(),
            all(store, id).await[0].quote.prices[0]
        );
    })
    .await;
}
