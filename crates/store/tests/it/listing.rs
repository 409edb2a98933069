use domain::{Fixture, FixtureId, FixtureStatus, SeasonKey};
use store::{FixtureQuery, FixtureRecord, SortOrder, Store};

use crate::each_store;
use crate::sample::{fixture, game, key, put, quote, result, time, world};

/// Five fixtures, three of which kick off together.
async fn five(store: &dyn Store) -> Vec<FixtureId> {
    let ([a, b, c, d], [e, f, ..]) = world(store).await;
    let mut played = fixture(a, b, "2023-09-02T14:00:00Z");
    played.result = result(1, 0);
    let next_season = FixtureRecord {
        season: SeasonKey::new("2024/25").unwrap(),
        ..fixture(b, a, "2023-09-02T14:00:00Z")
    };
    let records = [
        fixture(c, a, "2023-09-09T14:00:00Z"),
        played,
        next_season,
        fixture(c, d, "2023-09-02T14:00:00Z"),
        game(e, f, "2021-01-10T00:30:00Z"),
    ];
    put(store, &records).await.fixtures
}

fn all() -> FixtureQuery {
    FixtureQuery {
        limit: 100,
        ..FixtureQuery::default()
    }
}

async fn list(store: &dyn Store, query: FixtureQuery) -> Vec<FixtureId> {
    let fixtures = store.fixtures(&query).await.unwrap();
    fixtures.iter().map(|it: &Fixture| it.id).collect()
}

#[tokio::test]
async fn fixtures_come_by_kickoff_then_id_in_both_directions() {
    each_store(async |store| {
        let ids = five(store).await;
        let mut expected = vec![ids[4], ids[1], ids[2], ids[3], ids[0]];
        assert_eq!(list(store, all()).await, expected);
        expected.reverse();
        let latest_first = FixtureQuery {
            order: SortOrder::Descending,
            ..all()
        };
        assert_eq!(list(store, latest_first).await, expected);
    })
    .await;
}

#[tokio::test]
async fn pages_neither_skip_nor_repeat_fixtures_that_kick_off_together() {
    each_store(async |store| {
        five(store).await;
        for order in [SortOrder::Ascending, SortOrder::Descending] {
            let whole = list(store, FixtureQuery { order, ..all() }).await;
            for limit in 1..=5 {
                let mut paged = Vec::new();
                let mut after = None;
                loop {
                    let query = FixtureQuery {
                        order,
                        limit,
                        after,
                        ..all()
                    };
                    let page = store.fixtures(&query).await.unwrap();
                    let Some(last) = page.last() else { break };
                    assert!(page.len() <= usize::try_from(limit).unwrap());
                    after = Some((last.kickoff, last.id));
                    paged.extend(page.iter().map(|it| it.id));
                }
                assert_eq!(paged, whole);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn fixtures_are_chosen_by_everything_that_can_be_asked() {
    each_store(async |store| {
        let ids = five(store).await;
        let ([a, b, c, d], _) = world(store).await;
        let by_id = FixtureQuery {
            ids: vec![ids[0], ids[4], FixtureId(99)],
            ..all()
        };
        assert_eq!(list(store, by_id).await, [ids[4], ids[0]]);
        let competitions = FixtureQuery {
            competitions: vec![key("nba"), key("XX")],
            ..all()
        };
        assert_eq!(list(store, competitions).await, [ids[4]]);
        let season = |it: &str| FixtureQuery {
            season: SeasonKey::new(it).ok(),
            ..all()
        };
        assert_eq!(list(store, season("2024/25")).await, [ids[2]]);
        assert_eq!(list(store, season("1999")).await, []);
        let side = FixtureQuery {
            team: Some(a),
            ..all()
        };
        assert_eq!(list(store, side).await, [ids[1], ids[2], ids[0]]);
        let meetings = FixtureQuery {
            team: Some(a),
            opponent: Some(b),
            ..all()
        };
        assert_eq!(list(store, meetings).await, [ids[1], ids[2]]);
        let finished = FixtureQuery {
            status: Some(FixtureStatus::Finished),
            ..all()
        };
        assert_eq!(list(store, finished).await, [ids[1]]);
        let priced = || FixtureQuery {
            priced: true,
            ..all()
        };
        assert_eq!(list(store, priced()).await, []);
        let mut offered = fixture(c, d, "2023-09-02T14:00:00Z");
        offered.quotes = vec![quote("bwin", "2023-09-01T14:00:00Z", [2.0, 3.4, 4.0])];
        put(store, &[offered]).await;
        assert_eq!(list(store, priced()).await, [ids[3]]);
        let weekend = FixtureQuery {
            from: Some(time("2023-09-02T14:00:00Z")),
            until: Some(time("2023-09-09T14:00:00Z")),
            ..all()
        };
        assert_eq!(list(store, weekend).await, [ids[1], ids[2], ids[3]]);
    })
    .await;
}

#[tokio::test]
async fn a_list_of_nothing_is_empty_and_the_longest_is_a_thousand() {
    each_store(async |store| {
        let (_, [e, f, ..]) = world(store).await;
        let records: Vec<FixtureRecord> = (0..1_001)
            .map(|it| FixtureRecord {
                season: SeasonKey::new(it.to_string()).unwrap(),
                ..game(e, f, "2021-01-10T00:30:00Z")
            })
            .collect();
        assert_eq!(put(store, &records).await.fixtures_added, 1_001);
        for (limit, found) in [(0, 0), (7, 7), (u32::MAX, 1_000)] {
            let query = FixtureQuery { limit, ..all() };
            assert_eq!(list(store, query).await.len(), found);
        }
    })
    .await;
}
