use domain::{
    Fixture, FixtureId, FixtureStatus, KickoffPrecision, MatchStats, Score, SeasonKey, TeamId,
};
use store::{FixtureRecord, GameQuery, KnownRecord, Recording, ResultRecord, Store, StoreError};

use crate::each_store;
use crate::sample::{
    fixture, key, put, put_one, quote, read, recording, result, source, time, world,
};

#[tokio::test]
async fn a_new_fixture_comes_back_as_it_was_recorded() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00.123456Z");
        record.neutral = true;
        let stored = put_one(store, &record).await;
        assert_eq!(stored.competition, record.competition);
        assert_eq!(stored.season, record.season);
        assert_eq!(stored.kickoff, record.kickoff);
        assert_eq!(stored.kickoff_precision, KickoffPrecision::Minute);
        assert_eq!([stored.home, stored.away], [a, b]);
        assert!(stored.neutral);
        assert_eq!(stored.status, FixtureStatus::Scheduled);
        assert_eq!(stored.score, None);
        assert_eq!(stored.stats, MatchStats::default());
    })
    .await;
}

#[tokio::test]
async fn a_result_finishes_a_fixture_and_keeps_every_statistic() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let stats = MatchStats {
            half_time: Some(Score { home: 1, away: 0 }),
            shots: Some([12, 7]),
            shots_on_target: Some([5, 2]),
            corners: Some([6, 3]),
            yellow_cards: Some([1, 4]),
            red_cards: Some([0, 1]),
            expected_goals: Some([0.1 + 0.2, 1.0 / 3.0]),
            rest_days: Some([7, 4]),
        };
        let record = FixtureRecord {
            status: Some(FixtureStatus::Postponed),
            result: Some(ResultRecord {
                score: Score { home: 3, away: 1 },
                stats,
            }),
            ..fixture(a, b, "2023-09-02T14:00:00Z")
        };
        let stored = put_one(store, &record).await;
        assert_eq!(stored.status, FixtureStatus::Finished);
        assert_eq!(stored.score, Some(Score { home: 3, away: 1 }));
        assert_eq!(stored.stats, stats);
        assert_eq!(
            store.games(&GameQuery::default()).await.unwrap()[0].stats,
            stats
        );
    })
    .await;
}

#[tokio::test]
async fn what_a_record_leaves_open_is_left_alone() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let bare = fixture(a, b, "2023-09-02T14:00:00Z");
        let mut full = bare.clone();
        full.result = Some(ResultRecord {
            score: Score { home: 1, away: 1 },
            stats: MatchStats {
                shots: Some([9, 9]),
                ..MatchStats::default()
            },
        });
        let known = put_one(store, &full).await;
        assert_eq!(put_one(store, &bare).await, known);
        // Finished without a score says nothing new either.
        let claimed = FixtureRecord {
            status: Some(FixtureStatus::Finished),
            ..bare.clone()
        };
        assert_eq!(put_one(store, &claimed).await, known);
        let other = fixture(b, a, "2023-10-02T14:00:00Z");
        let claimed = FixtureRecord {
            status: Some(FixtureStatus::Finished),
            ..other
        };
        let unplayed = put_one(store, &claimed).await;
        assert_eq!(unplayed.status, FixtureStatus::Scheduled);
        // More statistics add to those known.
        full.result = Some(ResultRecord {
            score: Score { home: 1, away: 1 },
            stats: MatchStats {
                corners: Some([3, 2]),
                ..MatchStats::default()
            },
        });
        let known = put_one(store, &full).await;
        assert_eq!(known.stats.shots, Some([9, 9]));
        assert_eq!(known.stats.corners, Some([3, 2]));
    })
    .await;
}

#[tokio::test]
async fn what_a_write_did_is_counted() {
    each_store(async |store| {
        let ([a, b, c, _], _) = world(store).await;
        let mut first = fixture(a, b, "2023-09-02T14:00:00Z");
        first.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
        let second = fixture(b, c, "2023-09-02T14:00:00Z");
        let recorded = put(store, &[first.clone(), second.clone()]).await;
        assert_eq!(recorded.fixtures_added, 2);
        assert_eq!(recorded.fixtures_changed, 0);
        assert_eq!([recorded.prices_added, recorded.prices_changed], [3, 0]);

        first.quotes[0] = quote("bet365", "2023-09-01T12:00:00Z", [2.1, 3.5, 4.0]);
        first
            .quotes
            .push(quote("pinnacle", "2023-09-01T12:00:00Z", [2.0, 0.0, 4.0]));
        let mut played = second;
        played.result = result(0, 0);
        let again = put(store, &[played, first]).await;
        assert_eq!(again.fixtures, [recorded.fixtures[1], recorded.fixtures[0]]);
        assert_eq!([again.fixtures_added, again.fixtures_changed], [0, 1]);
        assert_eq!([again.prices_added, again.prices_changed], [2, 1]);
    })
    .await;
}

#[tokio::test]
async fn the_revision_grows_with_each_write_that_changes_something_and_no_other() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        let mut last = store.data_revision().await.unwrap();
        let steps: [fn(&mut FixtureRecord); 4] = [
            |_| {},
            |it| it.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])],
            |it| it.kickoff = time("2023-09-03T14:00:00Z"),
            |it| it.result = result(1, 0),
        ];
        for step in steps {
            step(&mut record);
            put(store, std::slice::from_ref(&record)).await;
            let grown = store.data_revision().await.unwrap();
            assert_eq!(grown, last + 1);
            put(store, std::slice::from_ref(&record)).await;
            assert_eq!(store.data_revision().await.unwrap(), grown);
            last = grown;
        }
        put(store, &[]).await;
        assert_eq!(store.data_revision().await.unwrap(), last);
    })
    .await;
}

async fn refused(store: &dyn Store, by: &Recording, bad: FixtureRecord) -> StoreError {
    let good = fixture(bad.home, bad.away, "2023-09-02T14:00:00Z");
    let before = store.data_revision().await.unwrap();
    let error = store.record(by, &[good, bad]).await.unwrap_err();
    assert_eq!(store.data_revision().await.unwrap(), before);
    assert_eq!(store.games(&GameQuery::default()).await.unwrap(), []);
    error
}

#[tokio::test]
async fn a_record_that_names_what_is_not_there_is_refused_with_its_whole_batch() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let sound = fixture(a, b, "2023-09-09T14:00:00Z");
        let mut bad = sound.clone();
        bad.competition = key("XX");
        let error = refused(store, &recording(), bad).await;
        assert_eq!(error.to_string(), "competition XX is not known");
        let mut bad = sound.clone();
        bad.id = Some(FixtureId(77));
        let error = refused(store, &recording(), bad).await;
        assert_eq!(error.to_string(), "fixture 77 is not known");
        let bad = fixture(a, TeamId(555), "2023-09-09T14:00:00Z");
        let error = store
            .record(&recording(), &[sound.clone(), bad])
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "team 555 is not known");
        let by = Recording {
            import: Some(5),
            ..recording()
        };
        let error = refused(store, &by, sound).await;
        assert_eq!(error.to_string(), "import 5 is not known");
    })
    .await;
}

#[tokio::test]
async fn a_write_that_fails_half_way_leaves_nothing() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut first = fixture(a, b, "2023-09-02T14:00:00Z");
        first.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
        let by = Recording {
            source: source("never-seen"),
            ..recording()
        };
        let before = store.data_revision().await.unwrap();
        // The schema itself refuses a team that plays itself, when much is already written.
        let impossible = fixture(a, a, "2023-09-02T14:00:00Z");
        let error = store
            .record(&by, &[first.clone(), impossible])
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::Database(_)), "{error:?}");
        assert_eq!(error.to_string(), "the database failed");
        assert_eq!(store.data_revision().await.unwrap(), before);
        assert_eq!(store.counts().await.unwrap()[0].1, [0, 0, 0]);
        let recorded = store.record(&by, &[first]).await.unwrap();
        assert_eq!(
            store.quotes(recorded.fixtures[0]).await.unwrap()[0].source,
            by.source
        );
    })
    .await;
}

#[tokio::test]
async fn a_fixture_nobody_recorded_is_not_there() {
    each_store(async |store| {
        assert_eq!(store.fixture(FixtureId(1)).await.unwrap(), None);
        assert_eq!(store.quotes(FixtureId(1)).await.unwrap(), []);
        assert_eq!(store.revisions(FixtureId(1)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn two_records_of_one_fixture_in_a_batch_add_up() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut scheduled = fixture(a, b, "2023-09-02T14:00:00Z");
        scheduled.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
        let mut played = fixture(a, b, "2023-09-02T14:00:00Z");
        played.result = result(2, 2);
        played.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.2, 0.0, 0.0])];
        let batch = [scheduled, played];
        let recorded = put(store, &batch).await;
        assert_eq!(recorded.fixtures[0], recorded.fixtures[1]);
        assert_eq!([recorded.fixtures_added, recorded.prices_added], [1, 3]);
        let stored = read(store, recorded.fixtures[0]).await;
        assert_eq!(stored.score, Some(Score { home: 2, away: 2 }));
        let again = put(store, &batch).await;
        assert_eq!(
            again.fixtures_changed + again.prices_changed + again.prices_added,
            0
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_added_to_a_known_fixture_leaves_the_fixture_as_it_stands() {
    each_store(async |store| {
        let ([a, b, c, _], [nets, ..]) = world(store).await;
        let id = put_one(store, &fixture(a, b, "2023-09-02T14:00:00Z"))
            .await
            .id;
        let moved = FixtureRecord {
            id: Some(id),
            competition: key("nba"),
            season: SeasonKey::new("2024").unwrap(),
            kickoff_precision: KickoffPrecision::Day,
            neutral: true,
            status: Some(FixtureStatus::Postponed),
            ..fixture(c, nets, "2023-11-15T12:00:00Z")
        };
        let moved = put_one(store, &moved).await;
        let revisions = store.revisions(id).await.unwrap();
        let quoted = KnownRecord {
            fixture: id,
            result: None,
            quotes: vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])],
        };
        let by = recording();
        let known = [quoted.clone(), quoted];
        let written = store.record_known(&by, &known).await.unwrap();
        assert_eq!((written.fixtures_changed, written.prices_added), (0, 3));
        assert_eq!(written.fixtures, [id; 2]);
        assert_eq!(store.fixture(id).await.unwrap(), Some(moved.clone()));

        let played = KnownRecord {
            fixture: id,
            result: result(2, 1),
            quotes: Vec::new(),
        };
        let written = store.record_known(&by, &[played]).await.unwrap();
        assert_eq!((written.fixtures_added, written.fixtures_changed), (0, 1));
        let expected = Fixture {
            status: FixtureStatus::Finished,
            score: Some(Score { home: 2, away: 1 }),
            ..moved
        };
        assert_eq!(store.fixture(id).await.unwrap(), Some(expected));
        let after = store.revisions(id).await.unwrap();
        let new = after[revisions.len()..].iter();
        assert_eq!(Vec::from_iter(new.map(|it| it.field.as_str())), ["status"]);
        let unknown = KnownRecord {
            fixture: FixtureId(77),
            ..known[0].clone()
        };
        let [known, _] = known;
        let refused = store.record_known(&by, &[known, unknown]).await;
        assert_eq!(refused.unwrap_err().to_string(), "fixture 77 is not known");
    })
    .await;
}
