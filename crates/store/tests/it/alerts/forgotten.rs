//! What is forgotten of rules, when, and by whom it is begun anew.

use domain::FixtureStatus;
use store::{AlertState, AlertStep, Committed, FiringQuery, FixtureRecord};

use super::{MADE, NOON, add, alert, fire, firing, game, of, saw};
use crate::each_store;
use crate::sample::{fixture, put, result, time, world};

#[tokio::test]
async fn old_firings_are_forgotten_once_they_are_told_and_so_are_too_many() {
    each_store(async |store| {
        let id = game(store).await;
        let rule = add(store, &alert("se_a", Some("https://one.example"))).await;
        for _ in 0..4 {
            store.fire_test(&firing(&rule, id, None)).await.unwrap();
        }
        let due = fire(store, &rule, id, "https://one.example:443").await;
        let before = time(MADE);
        assert_eq!(store.trim_firings(before, 3).await.unwrap(), 2);
        let later = time("2024-03-01T00:00:00Z");
        assert_eq!(store.trim_firings(later, 3).await.unwrap(), 2);
        let left = store.firings(&of(rule.id)).await.unwrap();
        assert_eq!(left.iter().map(|it| it.id).collect::<Vec<_>>(), [due]);
        let page = FiringQuery {
            alert: None,
            before: Some(due),
            limit: 10,
        };
        assert_eq!(store.firings(&page).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn what_was_forgotten_is_not_begun_anew_by_who_remembers_it() {
    each_store(async |store| {
        let ([a, b, ..], _) = world(store).await;
        let over = FixtureRecord {
            result: result(1, 0),
            ..fixture(a, b, "2023-10-01T15:00:00Z")
        };
        let id = put(store, &[over]).await.fixtures[0];
        let rule = add(store, &alert("se_a", None)).await;
        let step = |version| AlertStep {
            state: saw(&rule, id, version),
            firing: Some(firing(&rule, id, None)),
        };
        store.commit_alerts(&[step(0)]).await.unwrap();
        let later = time("2024-03-01T00:00:00Z");
        assert_eq!(store.trim_alert_states(later, 9).await.unwrap(), 1);
        let done = store.commit_alerts(&[step(1)]).await.unwrap();
        assert_eq!(done, [Committed::Lost]);
        assert_eq!(store.firings(&of(rule.id)).await.unwrap().len(), 1);
        let anew = store.commit_alerts(&[step(0)]).await.unwrap();
        assert!(matches!(anew[..], [Committed::Written(Some(_))]));
    })
    .await;
}

#[tokio::test]
async fn what_was_seen_of_games_long_over_is_forgotten_part_by_part() {
    each_store(async |store| {
        let ([a, b, c, d], _) = world(store).await;
        let over = |record: FixtureRecord| FixtureRecord {
            result: result(1, 0),
            ..record
        };
        let with = |status, record: FixtureRecord| FixtureRecord {
            status: Some(status),
            ..record
        };
        let records = [
            over(fixture(a, b, "2023-10-01T15:00:00Z")),
            with(
                FixtureStatus::Cancelled,
                fixture(a, c, "2023-11-01T15:00:00Z"),
            ),
            over(fixture(a, d, "2023-12-01T15:00:00Z")),
            fixture(b, c, "2024-02-01T15:00:00Z"),
            with(
                FixtureStatus::Postponed,
                fixture(b, a, "2023-10-01T15:00:00Z"),
            ),
            fixture(c, a, "2023-10-01T15:00:00Z"),
        ];
        let ids = put(store, &records).await.fixtures;
        let rule = add(store, &alert("se_a", None)).await;
        let seen_at = [MADE, MADE, NOON, MADE, MADE, MADE];
        let steps = ids.iter().zip(seen_at).map(|(id, at)| AlertStep {
            state: AlertState {
                seen_at: time(at),
                ..saw(&rule, *id, 0)
            },
            firing: None,
        });
        let steps: Vec<AlertStep> = steps.collect();
        store.commit_alerts(&steps).await.unwrap();
        let left = async || {
            let states = store.alert_states(&ids).await.unwrap();
            states.iter().map(|it| it.fixture).collect::<Vec<_>>()
        };
        let before = time("2024-01-02T00:00:00Z");
        assert_eq!(store.trim_alert_states(time(MADE), 9).await.unwrap(), 0);
        assert_eq!(left().await, ids, "all were looked at since");
        assert_eq!(store.trim_alert_states(before, 1).await.unwrap(), 1);
        assert_eq!(store.trim_alert_states(before, 9).await.unwrap(), 1);
        assert_eq!(
            left().await,
            ids[2..],
            "one was looked at since, the others are to come, whenever that may be"
        );
    })
    .await;
}
