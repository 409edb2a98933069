use domain::{FixtureId, FixtureStatus, KickoffPrecision, SeasonKey};
use store::{FixtureRecord, ImportRecord, Recording, Store};

use crate::each_store;
use crate::sample::{fixture, game, put, put_one, read, recording, result, time, world};

#[tokio::test]
async fn where_pairs_meet_once_a_season_a_fixture_that_moves_is_the_same() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let first = put_one(store, &fixture(a, b, "2023-09-02T14:00:00Z")).await;
        let moved = put_one(store, &fixture(a, b, "2024-03-05T19:45:00Z")).await;
        assert_eq!(moved.id, first.id);
        assert_eq!(moved.kickoff, time("2024-03-05T19:45:00Z"));
        let back = put_one(store, &fixture(b, a, "2024-03-05T19:45:00Z")).await;
        assert_ne!(back.id, first.id);
        let next = FixtureRecord {
            season: SeasonKey::new("2024/25").unwrap(),
            ..fixture(a, b, "2024-09-02T14:00:00Z")
        };
        assert_ne!(put_one(store, &next).await.id, first.id);
    })
    .await;
}

#[tokio::test]
async fn a_game_that_was_played_is_not_moved_to_a_day_still_to_come() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut played = fixture(a, b, "2023-09-02T14:00:00Z");
        played.result = result(4, 1);
        let first = put_one(store, &played).await;
        // The recording is of the first of January 2024.
        let mistyped = put_one(store, &fixture(a, b, "2024-09-02T14:00:00Z")).await;
        assert_ne!(mistyped.id, first.id);
        let corrected = put_one(store, &fixture(a, b, "2023-09-09T14:00:00Z")).await;
        assert_eq!(corrected.id, first.id, "a day gone by may be put right");
        assert_eq!(corrected.score, first.score);
    })
    .await;
}

#[tokio::test]
async fn elsewhere_the_day_decides() {
    each_store(async |store| {
        let (_, [a, b, ..]) = world(store).await;
        let first = put_one(store, &game(a, b, "2021-01-10T00:30:00Z")).await;
        let later = put_one(store, &game(a, b, "2021-02-20T00:30:00Z")).await;
        assert_ne!(later.id, first.id);
        let other_season = FixtureRecord {
            season: SeasonKey::new("2021").unwrap(),
            ..game(a, b, "2021-01-10T00:30:00Z")
        };
        assert_ne!(put_one(store, &other_season).await.id, first.id);
        // Half past midnight in London is still the evening before in New York.
        let day = FixtureRecord {
            kickoff_precision: KickoffPrecision::Day,
            ..game(a, b, "2021-01-09T17:00:00Z")
        };
        assert_eq!(put_one(store, &day).await, first);
    })
    .await;
}

#[tokio::test]
async fn games_on_consecutive_days_stay_two_within_a_batch() {
    each_store(async |store| {
        let (_, [a, b, ..]) = world(store).await;
        let batch = [
            game(a, b, "2021-01-10T00:30:00Z"),
            game(a, b, "2021-01-11T00:30:00Z"),
        ];
        let recorded = put(store, &batch).await;
        assert_eq!(recorded.fixtures_added, 2);
        let again = put(store, &batch).await;
        assert_eq!(again.fixtures, recorded.fixtures);
        assert_eq!(again.fixtures_added + again.fixtures_changed, 0);
        // Each on its own finds itself too, in either order.
        for index in [1, 0] {
            let one = put(store, &batch[index..=index]).await;
            assert_eq!(one.fixtures, [recorded.fixtures[index]]);
            assert_eq!(one.fixtures_changed, 0);
        }
    })
    .await;
}

async fn import(store: &dyn Store) -> Recording {
    let begun = ImportRecord {
        source: recording().source,
        location: "file".to_owned(),
        digest: String::new(),
        started_at: recording().at,
        finished_at: None,
        rows_read: 0,
        rows_rejected: 0,
        rejected: "[]".to_owned(),
    };
    Recording {
        import: Some(store.begin_import(&begun).await.unwrap()),
        ..recording()
    }
}

#[tokio::test]
async fn games_on_consecutive_days_stay_two_in_batches_of_one_import() {
    each_store(async |store| {
        let (_, [a, b, ..]) = world(store).await;
        let days = ["2021-01-10T00:30:00Z", "2021-01-11T00:30:00Z"];
        for _ in 0..2 {
            let by = import(store).await;
            let mut ids: Vec<FixtureId> = Vec::new();
            for day in days {
                let batch = [game(a, b, day)];
                ids.extend(store.record(&by, &batch).await.unwrap().fixtures);
            }
            assert_ne!(ids[0], ids[1]);
            assert_eq!(read(store, ids[0]).await.kickoff, time(days[0]));
            assert_eq!(read(store, ids[1]).await.kickoff, time(days[1]));
        }
        assert_eq!(store.counts().await.unwrap()[1].1[0], 2);
    })
    .await;
}

#[tokio::test]
async fn a_played_game_is_not_the_one_of_the_next_day() {
    each_store(async |store| {
        let (_, [a, b, ..]) = world(store).await;
        let mut played = game(a, b, "2021-01-10T00:30:00Z");
        played.result = result(110, 99);
        let first = put_one(store, &played).await;
        // Neither a game still to be played, nor one with another result.
        let next = put_one(store, &game(a, b, "2021-01-11T00:30:00Z")).await;
        assert_ne!(next.id, first.id);
        let mut other = game(a, b, "2021-01-08T23:00:00Z");
        other.result = result(88, 101);
        assert_ne!(put_one(store, &other).await.id, first.id);
        assert_eq!(read(store, first.id).await, first);
    })
    .await;
}

#[tokio::test]
async fn a_game_that_moves_by_a_day_is_the_same() {
    each_store(async |store| {
        let (_, [a, b, ..]) = world(store).await;
        let first = put_one(store, &game(a, b, "2021-01-10T00:30:00Z")).await;
        let mut played = game(a, b, "2021-01-11T00:30:00Z");
        played.result = result(120, 118);
        let moved = put_one(store, &played).await;
        assert_eq!(moved.id, first.id);
        assert_eq!(moved.kickoff, time("2021-01-11T00:30:00Z"));
        assert_eq!(moved.status, FixtureStatus::Finished);
        // Another source that dates the same result a day off means the same game.
        played.kickoff = time("2021-01-12T17:00:00Z");
        assert_eq!(put_one(store, &played).await.id, first.id);
        // Two days off is another game.
        played.kickoff = time("2021-01-14T17:00:00Z");
        assert_ne!(put_one(store, &played).await.id, first.id);
    })
    .await;
}

#[tokio::test]
async fn the_nearest_of_two_candidates_is_meant() {
    each_store(async |store| {
        let (_, [a, b, ..]) = world(store).await;
        let days = ["2021-01-10T18:00:00Z", "2021-01-12T18:00:00Z"];
        let ids = put(store, &days.map(|it| game(a, b, it))).await.fixtures;
        let by = import(store).await;
        let between = [game(a, b, "2021-01-11T20:00:00Z")];
        let moved = store.record(&by, &between).await.unwrap();
        assert_eq!(moved.fixtures, [ids[1]]);
        let moved = put(store, &between).await;
        assert_eq!(moved.fixtures_changed, 0);
    })
    .await;
}

#[tokio::test]
async fn a_series_on_days_running_is_told_one_game_after_the_other() {
    each_store(async |store| {
        let (_, [a, b, ..]) = world(store).await;
        let mut ids = Vec::new();
        for day in [
            "2021-01-10T18:00:00Z",
            "2021-01-11T18:00:00Z",
            "2021-01-12T17:00:00Z",
        ] {
            let told = put_one(store, &game(a, b, day)).await;
            assert_eq!(told.kickoff, time(day));
            ids.push(told.id);
        }
        ids.dedup();
        assert_eq!(ids.len(), 3);
        // Told once more, each is itself, at another hour, too.
        let again = put_one(store, &game(a, b, "2021-01-11T20:00:00Z")).await;
        assert_eq!(again.id, ids[1]);
    })
    .await;
}

#[tokio::test]
async fn an_id_says_which_fixture_is_meant_whatever_else_is_said() {
    each_store(async |store| {
        let (_, [a, b, ..]) = world(store).await;
        let first = put_one(store, &game(a, b, "2021-01-10T00:30:00Z")).await;
        let moved = FixtureRecord {
            id: Some(first.id),
            ..game(a, b, "2021-05-01T00:30:00Z")
        };
        let same_day = game(a, b, "2021-01-10T00:30:00Z");
        let recorded = put(store, &[moved]).await;
        assert_eq!(recorded.fixtures, [first.id]);
        assert_eq!(
            read(store, first.id).await.kickoff,
            time("2021-05-01T00:30:00Z")
        );
        assert_ne!(put_one(store, &same_day).await.id, first.id);
    })
    .await;
}
