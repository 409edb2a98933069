use domain::{FixtureId, Game, Prices, Quote, QuoteStage, Score, Sport, summarise_quotes};
use jiff::SignedDuration;
use store::{FixtureRecord, GameQuery, Store};

use crate::each_store;
use crate::sample::{fixture, game, key, put, quote, result, time, totals, world};

async fn games(store: &dyn Store, query: GameQuery) -> Vec<Game> {
    store.games(&query).await.unwrap()
}

fn priced(record: FixtureRecord) -> FixtureRecord {
    let kickoff = record.kickoff;
    let at = |hours: i64| (kickoff - SignedDuration::from_hours(hours)).to_string();
    let closing = |it: Quote| Quote {
        stage: QuoteStage::Closing,
        ..it
    };
    FixtureRecord {
        quotes: vec![
            quote("bet365", &at(48), [2.0, 3.4, 4.2]),
            quote("pinnacle", &at(48), [2.05, 3.5, 4.0]),
            quote("market_best", &at(48), [2.2, 3.6, 4.5]),
            totals("pinnacle", &at(48), 2.5, [1.8, 2.1]),
            totals("pinnacle", &at(48), 2.75, [1.95, 1.95]),
            closing(quote("pinnacle", &at(0), [1.9, 3.6, 4.6])),
            closing(totals("bet365", &at(0), 3.0, [1.93, 1.93])),
        ],
        ..record
    }
}

/// The two summaries recomputed from the quotes that stand.
async fn recomputed(store: &dyn Store, game: &Game) -> [Prices; 2] {
    let quotes = store.quotes(game.fixture).await.unwrap();
    let standing: Vec<Quote> = quotes
        .into_iter()
        .filter(|it| it.superseded_at.is_none())
        .map(|it| it.quote)
        .collect();
    let draws = game.sport.has_draw();
    [game.pregame_at(), game.kickoff]
        .map(|at| summarise_quotes(&standing, game.prices_at(at), draws))
}

#[tokio::test]
async fn a_game_holds_what_models_read() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = priced(fixture(a, b, "2023-09-02T14:00:00Z"));
        record.result = result(2, 1);
        let id = put(store, &[record.clone()]).await.fixtures[0];
        let [game] = <[Game; 1]>::try_from(games(store, GameQuery::default()).await).unwrap();
        assert_eq!(game.fixture, id);
        assert_eq!(game.competition, record.competition);
        assert_eq!(game.season, record.season);
        assert_eq!(game.sport, Sport::Football);
        assert_eq!(game.kickoff, record.kickoff);
        assert_eq!(game.known_at, time("2023-09-02T17:00:00Z"));
        assert_eq!([game.home, game.away], [a, b]);
        assert_eq!(game.score, Some(Score { home: 2, away: 1 }));
        assert_eq!(
            [game.pregame.clone(), game.closing.clone()],
            recomputed(store, &game).await
        );
        let before = game.pregame.h2h.unwrap();
        assert_eq!(before.reference_bookmaker.as_str(), "pinnacle");
        assert_eq!(
            before.best[0].as_ref().unwrap().bookmaker.as_str(),
            "market_best"
        );
        assert_eq!(
            game.pregame
                .totals
                .unwrap()
                .market
                .line()
                .unwrap()
                .quarters(),
            11
        );
        assert_eq!(game.pregame.spreads, None);
        let closing = game.closing.h2h.unwrap();
        assert_eq!(
            closing.reference[0].unwrap().decimal().to_bits(),
            1.9_f64.to_bits()
        );
    })
    .await;
}

#[tokio::test]
async fn summaries_follow_new_and_corrected_quotes_and_a_kickoff_that_moves() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        let mut summaries = Vec::new();
        let steps: [fn(FixtureRecord) -> FixtureRecord; 6] = [
            |it| it,
            priced,
            |it| FixtureRecord {
                quotes: vec![quote("pinnacle", "2023-08-31T14:00:00Z", [2.6, 0.0, 0.0])],
                ..it
            },
            |it| FixtureRecord {
                kickoff: time("2023-09-01T13:00:00Z"),
                quotes: Vec::new(),
                ..it
            },
            |it| FixtureRecord {
                kickoff: time("2023-08-30T13:00:00Z"),
                ..it
            },
            |it| FixtureRecord {
                result: result(0, 0),
                kickoff: time("2023-09-01T13:00:00Z"),
                ..it
            },
        ];
        for step in steps {
            record = step(record);
            put(store, std::slice::from_ref(&record)).await;
            let game = games(store, GameQuery::default()).await.remove(0);
            let summary = [game.pregame.clone(), game.closing.clone()];
            assert_eq!(summary, recomputed(store, &game).await);
            summaries.push(summary);
        }
        let nothing = [Prices::default(), Prices::default()];
        assert_eq!([&summaries[0], &summaries[4]], [&nothing, &nothing]);
        assert_ne!(summaries[1], summaries[2]);
        assert_eq!(summaries[3], summaries[5]);
        assert_ne!(summaries[3], summaries[2]);
    })
    .await;
}

#[tokio::test]
async fn a_mean_of_bookmakers_stands_in_for_a_missing_reference() {
    each_store(async |store| {
        let (_, [a, b, ..]) = world(store).await;
        let mut record = game(a, b, "2021-01-10T00:30:00Z");
        record.quotes = vec![
            quote("unibet", "2021-01-09T00:30:00Z", [1.8, 2.1, 0.0]),
            quote("bwin", "2021-01-09T00:30:00Z", [1.9, 2.0, 0.0]),
        ];
        put(store, &[record]).await;
        let game = games(store, GameQuery::default()).await.remove(0);
        let market = game.pregame.h2h.clone().unwrap();
        assert_eq!(market.reference_bookmaker.as_str(), "market_mean");
        assert_eq!(
            [game.pregame.clone(), game.closing.clone()],
            recomputed(store, &game).await
        );
    })
    .await;
}

#[tokio::test]
async fn games_are_chosen_by_id_competition_and_time_in_order_of_kickoff_then_id() {
    each_store(async |store| {
        let ([a, b, c, d], [e, f, ..]) = world(store).await;
        let records = [
            fixture(a, b, "2023-09-03T14:00:00Z"),
            fixture(c, d, "2023-09-02T14:00:00Z"),
            fixture(b, a, "2023-09-02T14:00:00Z"),
            game(e, f, "2021-01-10T00:30:00Z"),
        ];
        let ids = put(store, &records).await.fixtures;
        let all = GameQuery::default;
        let found = async |query| -> Vec<FixtureId> {
            games(store, query)
                .await
                .iter()
                .map(|it| it.fixture)
                .collect()
        };
        assert_eq!(found(all()).await, [ids[3], ids[1], ids[2], ids[0]]);
        let chosen = GameQuery {
            ids: vec![ids[0], ids[3], FixtureId(99)],
            ..all()
        };
        assert_eq!(found(chosen).await, [ids[3], ids[0]]);
        let competition = GameQuery {
            competitions: vec![key("E0"), key("??".replace('?', "X").as_str())],
            ..all()
        };
        assert_eq!(found(competition).await, [ids[1], ids[2], ids[0]]);
        let from = GameQuery {
            from: Some(time("2023-09-02T14:00:00Z")),
            ..all()
        };
        assert_eq!(found(from).await, [ids[1], ids[2], ids[0]]);
        let hair_later = GameQuery {
            from: Some(time("2023-09-02T14:00:00.000000001Z")),
            ..all()
        };
        assert_eq!(found(hair_later).await, [ids[0]]);
        let until = GameQuery {
            until: Some(time("2023-09-03T14:00:00Z")),
            ..all()
        };
        assert_eq!(found(until).await, [ids[3], ids[1], ids[2]]);
        let hair_later = GameQuery {
            until: Some(time("2023-09-03T14:00:00.000000001Z")),
            ..all()
        };
        assert_eq!(found(hair_later).await.len(), 4);
        let nowhere = GameQuery {
            competitions: vec![key("XX")],
            ..all()
        };
        assert_eq!(found(nowhere).await, []);
    })
    .await;
}

#[tokio::test]
async fn more_games_than_fit_in_a_bundle_all_come_out() {
    each_store(async |store| {
        let ([a, b, ..], [e, f, ..]) = world(store).await;
        let day = |it: i64| time("1990-01-01T14:00:00Z") + SignedDuration::from_hours(72 * it);
        let mut records: Vec<FixtureRecord> = (0..1_500)
            .map(|it| FixtureRecord {
                kickoff: day(1_500 - it),
                ..game(e, f, "1990-01-01T14:00:00Z")
            })
            .collect();
        records.push(fixture(a, b, "2023-09-02T14:00:00Z"));
        put(store, &records).await;
        let read = games(store, GameQuery::default()).await;
        assert_eq!(read.len(), 1_501);
        assert!(read.is_sorted_by_key(|it| (it.kickoff, it.fixture)));
        let one = GameQuery {
            competitions: vec![key("E0")],
            ..GameQuery::default()
        };
        assert_eq!(games(store, one).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn games_that_changed_after_a_revision_can_be_told_from_the_rest() {
    each_store(async |store| {
        let ([a, b, c, d], _) = world(store).await;
        let mut records = [
            fixture(a, b, "2023-09-02T14:00:00Z"),
            fixture(c, d, "2023-09-03T14:00:00Z"),
            fixture(b, c, "2023-09-04T14:00:00Z"),
        ];
        let ids = put(store, &records).await.fixtures;
        let changed = async |revision| -> Vec<FixtureId> {
            let query = GameQuery {
                changed_after: Some(revision),
                ..GameQuery::default()
            };
            let games = games(store, query).await;
            games.iter().map(|it| it.fixture).collect()
        };
        let first = store.data_revision().await.unwrap();
        assert_eq!(changed(first - 1).await, ids);
        assert_eq!(changed(first).await, []);
        records[0].result = result(1, 0);
        records[2].quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
        put(store, &records).await;
        assert_eq!(changed(first).await, [ids[0], ids[2]]);
        assert_eq!(changed(u64::MAX).await, []);
    })
    .await;
}
