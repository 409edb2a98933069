use domain::{
    FixtureId, FixtureStatus, KickoffPrecision, MatchStats, Score, SeasonKey, SeasonType,
};
use store::{FixtureRecord, ResultRecord, Store};

use crate::each_store;
use crate::sample::{fixture, put_one, recording_at, result, source, time, world};

async fn correct(store: &dyn Store, record: &FixtureRecord) {
    let by = recording_at("2024-02-02T00:00:00Z");
    store
        .record(&by, std::slice::from_ref(record))
        .await
        .unwrap();
}

/// Field, old and new value of every revision.
async fn revisions(store: &dyn Store, id: FixtureId) -> Vec<[String; 3]> {
    let revisions = store.revisions(id).await.unwrap();
    revisions
        .into_iter()
        .map(|it| [it.field, it.old, it.new])
        .collect()
}

#[tokio::test]
async fn a_corrected_score_leaves_the_old_one_behind() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.result = result(2, 0);
        let id = put_one(store, &record).await.id;
        record.result = result(2, 1);
        correct(store, &record).await;
        let revisions = store.revisions(id).await.unwrap();
        assert_eq!(revisions.len(), 1);
        assert_eq!(revisions[0].field, "score");
        assert_eq!(revisions[0].old, r#"{"home":2,"away":0}"#);
        assert_eq!(revisions[0].new, r#"{"home":2,"away":1}"#);
        assert_eq!(revisions[0].source, source("test"));
        assert_eq!(revisions[0].at, time("2024-02-02T00:00:00Z"));
    })
    .await;
}

#[tokio::test]
async fn learning_what_was_unknown_corrects_nothing() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        let id = put_one(store, &record).await.id;
        record.result = result(2, 0);
        correct(store, &record).await;
        assert_eq!(revisions(store, id).await, Vec::<[String; 3]>::new());
    })
    .await;
}

#[tokio::test]
async fn every_field_can_be_corrected() {
    each_store(async |store| {
        let ([a, b, c, _], [nets, ..]) = world(store).await;
        let stats = |it: u16| MatchStats {
            half_time: Some(Score { home: it, away: 0 }),
            shots: Some([it, 1]),
            shots_on_target: Some([it, 2]),
            corners: Some([it, 3]),
            yellow_cards: Some([it, 4]),
            red_cards: Some([it, 5]),
            expected_goals: Some([f64::from(it), 0.5]),
            rest_days: Some([it, 6]),
        };
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.result = Some(ResultRecord {
            score: Score { home: 1, away: 0 },
            stats: stats(1),
        });
        let id = put_one(store, &record).await.id;
        let corrected = FixtureRecord {
            id: Some(id),
            competition: crate::sample::key("nba"),
            season: SeasonKey::new("2024").unwrap(),
            season_type: Some(SeasonType::Postseason),
            kickoff: time("2023-09-20T11:00:00Z"),
            kickoff_precision: KickoffPrecision::Day,
            home: c,
            away: nets,
            neutral: true,
            result: Some(ResultRecord {
                score: Score { home: 2, away: 0 },
                stats: stats(2),
            }),
            ..record
        };
        correct(store, &corrected).await;
        let revisions = revisions(store, id).await.into_iter();
        let fields = revisions.map(|[field, old, new]| {
            assert_ne!(old, new);
            field
        });
        let fields: Vec<String> = fields.collect();
        let expected = [
            "competition",
            "season",
            "season_type",
            "kickoff",
            "kickoff_precision",
            "home",
            "away",
            "neutral",
            "score",
            "half_time",
            "shots",
            "shots_on_target",
            "corners",
            "yellow_cards",
            "red_cards",
            "expected_goals",
            "rest_days",
        ];
        assert_eq!(fields, expected);
        let stored = store.fixture(id).await.unwrap().unwrap();
        let own = (corrected.competition, corrected.season);
        assert_eq!((stored.competition, stored.season), own);
        assert_eq!([stored.home, stored.away], [c, nets]);
        assert_eq!(stored.kickoff_precision, KickoffPrecision::Day);
        assert_eq!(stored.stats, stats(2));
    })
    .await;
}

#[tokio::test]
async fn a_result_that_is_annulled_goes_and_is_remembered() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
        record.result = result(3, 0);
        let id = put_one(store, &record).await.id;
        record.result = None;
        record.status = Some(FixtureStatus::Cancelled);
        correct(store, &record).await;
        let stored = store.fixture(id).await.unwrap().unwrap();
        assert_eq!(stored.status, FixtureStatus::Cancelled);
        assert_eq!(stored.score, None);
        let expected = [
            ["status", r#""finished""#, r#""cancelled""#],
            ["score", r#"{"home":3,"away":0}"#, "null"],
        ];
        assert_eq!(
            revisions(store, id).await,
            expected.map(|it| it.map(str::to_owned))
        );
        // Played after all: that it was cancelled is worth a trace.
        record.result = result(1, 1);
        correct(store, &record).await;
        let last = revisions(store, id).await.pop().unwrap();
        assert_eq!(
            last,
            ["status", r#""cancelled""#, r#""finished""#].map(str::to_owned)
        );
    })
    .await;
}

#[tokio::test]
async fn a_day_never_replaces_a_minute_of_that_day_but_a_minute_refines_a_day() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let day = FixtureRecord {
            kickoff_precision: KickoffPrecision::Day,
            ..fixture(a, b, "2023-09-02T11:00:00Z")
        };
        let minute = fixture(a, b, "2023-09-02T19:00:00Z");
        assert_eq!(put_one(store, &day).await.kickoff, day.kickoff);
        let refined = put_one(store, &minute).await;
        assert_eq!(refined.kickoff, minute.kickoff);
        assert_eq!(refined.kickoff_precision, KickoffPrecision::Minute);
        assert_eq!(put_one(store, &day).await, refined);
        // Another day is news, however vague.
        let moved = FixtureRecord {
            kickoff_precision: KickoffPrecision::Day,
            ..fixture(a, b, "2023-11-15T12:00:00Z")
        };
        let stored = put_one(store, &moved).await;
        assert_eq!(stored.id, refined.id);
        assert_eq!(stored.kickoff, moved.kickoff);
        assert_eq!(stored.kickoff_precision, KickoffPrecision::Day);
        assert_eq!(revisions(store, stored.id).await.len(), 4);
    })
    .await;
}
