//! Logs of games under way.

use domain::{FixtureId, PlayEvent, PlayKind, Side};
use futures_util::FutureExt;
use store::{FixtureEvent, RecordedEvent, Store, StoreError};

use crate::each_store;
use crate::sample::{fixture, put, recording_at, time, world};

const KICKOFF: &str = "2023-09-02T14:00:00Z";

fn goal(fixture: FixtureId, sequence: u64, revision: u16, known_at: &str) -> FixtureEvent {
    FixtureEvent {
        fixture,
        event: PlayEvent {
            sequence,
            revision,
            at: time("2023-09-02T14:10:00.123456789Z"),
            clock: None,
            kind: PlayKind::Scored {
                side: Side::Home,
                points: std::num::NonZeroU8::MIN,
            },
        },
        known_at: time(known_at),
    }
}

async fn games(store: &dyn Store) -> [FixtureId; 2] {
    let ([a, b, c, d], _) = world(store).await;
    let records = [fixture(a, b, KICKOFF), fixture(c, d, KICKOFF)];
    put(store, &records).await.fixtures.try_into().unwrap()
}

async fn told(store: &dyn Store, ids: &[FixtureId]) -> Vec<(i64, u64, u16)> {
    let mut all = Vec::new();
    for id in ids {
        let events = store.events_after(*id, 0).await.unwrap();
        let number = |it: &RecordedEvent| (it.fixture.0, it.event.sequence, it.event.revision);
        all.extend(events.iter().map(number));
    }
    all
}

#[tokio::test]
async fn events_are_kept_in_every_revision_and_read_in_the_order_of_the_source() {
    each_store(async |store| {
        let [first, second] = games(store).await;
        let by = recording_at("2023-09-02T14:11:00Z");
        let known = "2023-09-02T14:10:30Z";
        let events = [
            goal(first, 9, 0, known),
            goal(first, 2, 1, known),
            goal(second, 1, 0, known),
            goal(first, 2, 0, known),
            goal(first, 9, 0, "2023-09-02T14:20:00Z"),
        ];
        let appended = store.append_events(&by, &events).await.unwrap();
        assert_eq!(appended.were_new(), [true, true, true, true, false]);
        for it in appended.recorded.iter().flatten() {
            assert!(
                store
                    .events_after(it.fixture, 0)
                    .await
                    .unwrap()
                    .contains(it)
            );
        }
        let all = told(store, &[first, second]).await;
        let id = first.0;
        assert_eq!(all, [(id, 2, 0), (id, 2, 1), (id, 9, 0), (second.0, 1, 0)]);
        let last = store.events_after(second, 0).await.unwrap().pop().unwrap();
        assert_eq!(last.event, events[2].event, "to the nanosecond");
        assert_eq!((last.known_at, last.recorded_at), (time(known), by.at));
        assert_eq!(last.source, by.source);
        assert_eq!(store.events_after(FixtureId(999), 0).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_log_is_read_on_from_where_it_was_left() {
    each_store(async |store| {
        let [first, second] = games(store).await;
        let by = recording_at("2023-09-02T14:11:00Z");
        let known = "2023-09-02T14:10:30Z";
        let (mut log, mut newest) = (Vec::new(), 0);
        for round in (0..5_u64).rev() {
            let events = [
                goal(first, 10 + round, 0, known),
                goal(second, 1 + round, 0, known),
                goal(first, 2 + round, 1, known),
            ];
            store.append_events(&by, &events).await.unwrap();
            let new = store.events_after(first, newest).await.unwrap();
            let sequences: Vec<u64> = new.iter().map(|it| it.event.sequence).collect();
            assert_eq!(sequences, [2 + round, 10 + round]);
            newest = new.iter().map(|it| it.number).max().unwrap();
            log.extend(new);
        }
        assert_eq!(store.events_after(first, newest).await.unwrap(), []);
        log.sort_by_key(|it| (it.event.sequence, it.event.revision));
        assert_eq!(log, store.events_after(first, 0).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn logs_of_many_games_are_read_at_once_each_from_where_it_was_left() {
    each_store(async |store| {
        let [first, second] = games(store).await;
        let by = recording_at("2023-09-02T14:11:00Z");
        let known = "2023-09-02T14:10:30Z";
        let events = [
            goal(second, 7, 0, known),
            goal(first, 9, 0, known),
            goal(second, 3, 0, known),
            goal(first, 2, 0, known),
        ];
        let appended = store.append_events(&by, &events).await.unwrap();
        let left = appended.recorded[1].as_ref().unwrap().number;
        let nobody = FixtureId(999);
        let after = [(nobody, 0), (first, left), (second, 0)];
        let read = store.events_of(&after).await.unwrap();
        assert_eq!(read.len(), 2);
        for (id, number) in &after[1..] {
            let alone = store.events_after(*id, *number).await.unwrap();
            assert_eq!(read[id], alone);
        }
        assert_eq!([read[&first].len(), read[&second].len()], [1, 2]);
        let last = read.values().flatten().map(|it| it.number).max().unwrap();
        let nothing = store.events_of(&[(first, last), (second, last)]).await;
        assert!(nothing.unwrap().is_empty());
        assert!(store.events_of(&[]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_there_is_left_alone_and_changes_nothing() {
    each_store(async |store| {
        let [first, second] = games(store).await;
        let by = recording_at("2023-09-02T14:11:00Z");
        let revision = store.data_revision().await.unwrap();
        let seen = store.changes(0, 1_000).await.unwrap().last;
        let events = [
            goal(first, 1, 0, "2023-09-02T14:10:30Z"),
            goal(second, 1, 0, "2023-09-02T14:10:30Z"),
            goal(first, 2, 0, "2023-09-02T14:10:30Z"),
        ];
        let appended = store.append_events(&by, &events).await.unwrap();
        let changes = store.changes(seen, 1_000).await.unwrap();
        assert_eq!(appended.span, seen..changes.last);
        let words = changes.items.iter().map(|it| (it.kind.as_str(), &*it.key));
        let expected = [first, second].map(|it| it.0.to_string());
        assert!(words.eq(expected.iter().map(|it| ("events", &**it))));
        let again = store.append_events(&by, &events).await.unwrap();
        assert_eq!(again.were_new(), [false; 3]);
        assert!(again.span.is_empty());
        assert_eq!(store.changes(0, 1_000).await.unwrap().last, changes.last);
        assert_eq!(store.data_revision().await.unwrap(), revision);
        let nothing = store.append_events(&by, &[]).await.unwrap();
        assert!(nothing.recorded.is_empty() && nothing.span.is_empty());
    })
    .await;
}

#[tokio::test]
async fn events_of_a_game_nobody_knows_are_refused_with_all_beside_them() {
    each_store(async |store| {
        let [first, _] = games(store).await;
        let by = recording_at("2023-09-02T14:11:00Z");
        let events = [
            goal(first, 1, 0, KICKOFF),
            goal(FixtureId(999), 1, 0, KICKOFF),
        ];
        let error = store.append_events(&by, &events).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unknown { what: "fixture", key } if key == "999"));
        assert_eq!(told(store, &[first]).await, []);
    })
    .await;
}

#[tokio::test]
async fn who_leaves_while_events_are_written_leaves_them_whole_and_the_store_at_work() {
    each_store(async |store| {
        let [first, second] = games(store).await;
        let by = recording_at("2023-09-02T14:11:00Z");
        let known = "2023-09-02T14:10:30Z";
        for number in 0..40 {
            let both = [
                goal(first, number, 0, known),
                goal(second, number, 0, known),
            ];
            let mut written = Box::pin(store.append_events(&by, &both));
            // Further each time: into the way to the database, and past it.
            for _ in 0..number / 4 {
                if written.as_mut().now_or_never().is_some() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let last = [goal(first, 100, 0, known), goal(second, 100, 0, known)];
        let appended = store.append_events(&by, &last).await.unwrap();
        assert_eq!(appended.were_new(), [true, true]);
        let all = told(store, &[first, second]).await;
        let of = |id: FixtureId| all.iter().filter(move |it| it.0 == id.0).map(|it| it.1);
        assert!(of(first).eq(of(second)), "{all:?}");
        let position = store.position().await.unwrap();
        let told = store.changes(position - 2, 10).await.unwrap();
        assert_eq!((told.items.len(), told.last), (2, position));
    })
    .await;
}
