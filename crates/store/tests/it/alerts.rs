//! Rules that watch games, what they saw and fired, and what is told of it.

mod forgotten;
mod owners;

use std::time::Duration;

use domain::{
    AlertCondition, AlertId, AlertOutcome, AlertRule, AlertScope, Direction, FixtureId, Market,
    Outcome, RawRule,
};
use store::{
    AlertPause, AlertRecord, AlertState, AlertStep, ApiKeyRecord, ChangeKind, Committed,
    DeliveryAttempt, DeliveryClaim, DeliveryOutcome, DeliveryState, FiringQuery, NewFiring, Seen,
    Store, Webhook,
};

use crate::sample::{fixture, put, time, world};
use crate::{each_shared_store, each_store};

const MADE: &str = "2024-01-01T00:00:00Z";
const NOON: &str = "2024-01-02T12:00:00Z";
/// Where most rules are told.
const URL: &str = "https://one.example";

fn rule(level: f64) -> AlertRule {
    let raw = RawRule {
        condition: AlertCondition::Probability {
            market: Market::H2H,
            outcome: AlertOutcome::Of(Outcome::Home),
            level,
            direction: Direction::Up,
        },
        scope: AlertScope::All,
        hysteresis: None,
        quiet_minutes: Some(5),
    };
    AlertRule::new(raw).unwrap()
}

pub(crate) fn alert(principal: &str, url: Option<&str>) -> AlertRecord {
    AlertRecord {
        id: AlertId(0),
        principal: principal.to_owned(),
        name: "home above half".to_owned(),
        rule: rule(0.5),
        pause: None,
        webhook: url.map(|it| Webhook {
            url: it.to_owned(),
            secret: vec![7; 32],
        }),
        generation: 0,
        primed: false,
        version: 0,
        created_at: time(MADE),
        changed_at: time(MADE),
        revoked: false,
        fired_at: None,
    }
}

fn key() -> ApiKeyRecord {
    ApiKeyRecord {
        prefix: "se_a".to_owned(),
        hash: [7; 32],
        name: "laptop".to_owned(),
        scopes: Vec::new(),
        created_at: time(MADE),
        last_used_at: None,
        revoked_at: None,
    }
}

async fn add(store: &dyn Store, record: &AlertRecord) -> AlertRecord {
    store.put_alert(record, 100, None).await.unwrap().unwrap()
}

async fn game(store: &dyn Store) -> FixtureId {
    let ([a, b, ..], _) = world(store).await;
    let records = [fixture(a, b, "2024-02-01T15:00:00Z")];
    put(store, &records).await.fixtures[0]
}

/// What a rule saw of a fixture: a number that crossed its level.
fn saw(alert: &AlertRecord, fixture: FixtureId, version: u64) -> AlertState {
    let begun = alert.rule.begin(Some(0.4), time(MADE));
    AlertState {
        alert: alert.id,
        fixture,
        generation: alert.generation,
        version,
        position: 9,
        seen_at: time(NOON),
        watch: alert.rule.look(&begun, Some(0.6), time(NOON)).0,
    }
}

fn firing(alert: &AlertRecord, fixture: FixtureId, receiver: Option<&str>) -> NewFiring {
    NewFiring {
        alert: alert.id,
        fixture: Some(fixture),
        at: time(NOON),
        notice: r#"{"type":"alert.fired"}"#.to_owned(),
        receiver: receiver.map(str::to_owned),
    }
}

fn of(alert: AlertId) -> FiringQuery {
    FiringQuery {
        alert: Some(alert),
        before: None,
        limit: 10,
    }
}

async fn fire(store: &dyn Store, it: &AlertRecord, fixture: FixtureId, receiver: &str) -> i64 {
    let firing = firing(it, fixture, Some(receiver));
    store.fire_test(&firing).await.unwrap()
}

fn claim(now: &str, leased_until: &str, busy: &[&str]) -> DeliveryClaim {
    DeliveryClaim {
        now: time(now),
        leased_until: time(leased_until),
        busy: busy.iter().map(|it| (*it).to_owned()).collect(),
        owners: Vec::new(),
        owner_max: 10,
        limit: 10,
    }
}

fn attempt(firing: i64, attempt: u32, status: Option<u16>) -> DeliveryAttempt {
    DeliveryAttempt {
        firing,
        attempt,
        at: time(NOON),
        took: Duration::from_micros(1_234),
        status,
        fault: status.is_none().then(|| "it took too long".to_owned()),
    }
}

/// A rule that has looked, fired, and been told of in vain.
pub(crate) async fn fill(store: &dyn Store, fixture: FixtureId) {
    let rule = add(store, &alert("se_a", Some("https://one.example/a"))).await;
    let step = AlertStep {
        state: saw(&rule, fixture, 0),
        firing: Some(firing(&rule, fixture, Some("https://one.example"))),
    };
    let Committed::Written(Some(told)) = store.commit_alerts(&[step]).await.unwrap()[0] else {
        panic!("nobody else looks");
    };
    let again = DeliveryOutcome::Again(time("2024-01-02T13:00:00Z"));
    store
        .finish_delivery((&attempt(told, 1, None), URL), again)
        .await
        .unwrap();
}

/// Everything of rules that can be read back, as text.
pub(crate) async fn everything(store: &dyn Store) -> String {
    let all = FiringQuery {
        alert: None,
        before: None,
        limit: 100,
    };
    let alerts = store.alerts().await.unwrap();
    let secrets: Vec<_> = alerts.iter().filter_map(|it| it.webhook.as_ref()).collect();
    let secrets: Vec<_> = secrets.iter().map(|it| (&it.url, &it.secret)).collect();
    let ids: Vec<FixtureId> = (1..100).map(FixtureId).collect();
    let states = store.alert_states(&ids).await.unwrap();
    let firings = store.firings(&all).await.unwrap();
    format!("{alerts:?} {secrets:?} {states:?} {firings:?}")
}

#[tokio::test]
async fn rules_are_listed_in_order_and_no_key_has_more_than_it_may() {
    each_store(async |store| {
        let seen = store.position().await.unwrap();
        let first = add(store, &alert("se_a", None)).await;
        let second = add(store, &alert("se_a", Some("https://example.com/x"))).await;
        assert_eq!(
            store
                .put_alert(&alert("se_a", None), 2, None)
                .await
                .unwrap(),
            None
        );
        let other = add(store, &alert("se_b", None)).await;
        assert_eq!(store.alert(second.id).await.unwrap().unwrap(), second);
        assert_eq!(
            second.webhook,
            alert("", Some("https://example.com/x")).webhook
        );
        assert_eq!(second.rule, rule(0.5));
        let changes = store.changes(seen, 100).await.unwrap().items;
        assert!(changes.iter().all(|it| it.kind == ChangeKind::Alert));
        assert_eq!(changes.len(), 3);
        let id = first.id;
        assert_eq!(store.alerts().await.unwrap(), [first, second, other]);
        assert!(store.delete_alert(id).await.unwrap());
        assert!(!store.delete_alert(id).await.unwrap());
        assert_eq!(store.alert(id).await.unwrap(), None);
        assert!(
            add(store, &alert("se_a", None)).await.id > AlertId(3),
            "no number comes twice"
        );
    })
    .await;
}

#[tokio::test]
async fn rules_of_a_revoked_key_say_so() {
    each_store(async |store| {
        store.put_key(&key()).await.unwrap();
        let id = add(store, &alert("se_a", Some("https://example.com")))
            .await
            .id;
        let revoked = async || store.alert(id).await.unwrap().unwrap().revoked;
        assert!(!revoked().await);
        let fixture = game(store).await;
        let record = store.alert(id).await.unwrap().unwrap();
        fire(store, &record, fixture, "https://example.com").await;
        store.revoke_key("se_a", time(NOON)).await.unwrap();
        assert!(revoked().await);
        let all = claim("2024-01-03T00:00:00Z", "2024-01-03T00:01:00Z", &[]);
        assert_eq!(store.claim_deliveries(&all).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn what_nobody_will_be_told_any_more_is_given_up_and_forgotten() {
    each_store(async |store| {
        store.put_key(&key()).await.unwrap();
        let fixture = game(store).await;
        let of_the_key = add(store, &alert("se_a", Some("https://one.example"))).await;
        let told = add(store, &alert("se_b", Some("https://two.example"))).await;
        let silent = add(store, &alert("se_b", Some("https://two.example"))).await;
        let silenced = AlertRecord {
            webhook: None,
            ..silent.clone()
        };
        store.replace_alert(&silenced, Seen::Kept).await.unwrap();
        fire(store, &of_the_key, fixture, "https://one.example").await;
        store.revoke_key("se_a", time(NOON)).await.unwrap();
        // Whoever fires may not have heard of it yet.
        fire(store, &of_the_key, fixture, "https://one.example").await;
        fire(store, &silent, fixture, "https://two.example").await;
        let due = fire(store, &told, fixture, "https://two.example").await;
        let backlog = store.delivery_backlog().await.unwrap();
        assert_eq!(backlog, (1, Some(time(NOON))));
        let states = async |id| -> Vec<_> {
            let firings = store.firings(&of(id)).await.unwrap();
            firings.into_iter().map(|it| it.delivery).collect()
        };
        let given_up = Some(DeliveryState::GivenUp);
        assert_eq!(states(of_the_key.id).await, [given_up; 2]);
        assert_eq!(states(silent.id).await, [given_up]);
        assert_eq!(
            states(told.id).await,
            [Some(DeliveryState::Due(time(NOON)))]
        );
        let later = time("2024-03-01T00:00:00Z");
        assert_eq!(store.trim_firings(later, 9).await.unwrap(), 3);
        let all = claim("2024-01-03T00:00:00Z", "2024-01-03T00:01:00Z", &[]);
        let taken = store.claim_deliveries(&all).await.unwrap();
        assert_eq!(Vec::from_iter(taken.iter().map(|it| it.firing)), [due]);
    })
    .await;
}

#[tokio::test]
async fn a_rule_is_replaced_by_who_read_it_last() {
    each_store(async |store| {
        let fixture = game(store).await;
        let made = add(store, &alert("se_a", None)).await;
        let step = AlertStep {
            state: saw(&made, fixture, 0),
            firing: None,
        };
        store.commit_alerts(&[step]).await.unwrap();
        let mut changed = made.clone();
        changed.name = "another".to_owned();
        changed.pause = Some(AlertPause::Owner);
        assert!(store.replace_alert(&changed, Seen::Kept).await.unwrap());
        assert!(!store.replace_alert(&changed, Seen::Kept).await.unwrap());
        let read = store.alert(made.id).await.unwrap().unwrap();
        assert_eq!(
            (read.name.as_str(), read.pause),
            ("another", Some(AlertPause::Owner))
        );
        assert_eq!(read.version, made.version + 1);
        assert_eq!(store.alert_states(&[fixture]).await.unwrap().len(), 1);
        let mut anew = read;
        anew.rule = rule(0.7);
        anew.generation += 1;
        assert!(store.replace_alert(&anew, Seen::Forgotten).await.unwrap());
        assert_eq!(store.alert_states(&[fixture]).await.unwrap(), []);
        store.prime_alert(made.id, 0).await.unwrap();
        let primed = async || store.alert(made.id).await.unwrap().unwrap().primed;
        assert!(!primed().await, "it is of another generation");
        store.prime_alert(made.id, 1).await.unwrap();
        assert!(primed().await);
    })
    .await;
}

#[tokio::test]
async fn of_two_looks_at_the_same_thing_one_fires() {
    each_store(async |store| {
        let id = game(store).await;
        let rule = add(store, &alert("se_a", None)).await;
        let step = |version| AlertStep {
            state: saw(&rule, id, version),
            firing: Some(firing(&rule, id, None)),
        };
        let first = store.commit_alerts(&[step(0)]).await.unwrap();
        assert!(matches!(first[..], [Committed::Written(Some(_))]));
        assert_eq!(
            store.commit_alerts(&[step(0)]).await.unwrap(),
            [Committed::Lost]
        );
        let kept = store.alert_states(&[id]).await.unwrap();
        assert_eq!(kept, [saw(&rule, id, 1)]);
        let again = store.commit_alerts(&[step(1), step(1)]).await.unwrap();
        assert!(matches!(
            again[..],
            [Committed::Written(_), Committed::Lost]
        ));
        let fired = store.firings(&of(rule.id)).await.unwrap();
        assert_eq!(fired.len(), 2);
        assert!(fired[0].id > fired[1].id && fired[0].delivery.is_none());
        let at = store.alert(rule.id).await.unwrap().unwrap().fired_at;
        assert_eq!(at, Some(time(NOON)));
        let mut paused = store.alert(rule.id).await.unwrap().unwrap();
        paused.pause = Some(AlertPause::Owner);
        store.replace_alert(&paused, Seen::Kept).await.unwrap();
        assert_eq!(
            store.commit_alerts(&[step(2)]).await.unwrap(),
            [Committed::Lost]
        );
        store.delete_alert(rule.id).await.unwrap();
        assert_eq!(
            store.commit_alerts(&[step(0)]).await.unwrap(),
            [Committed::Lost]
        );
        assert_eq!(store.firings(&of(rule.id)).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn of_many_who_look_at_once_one_fires() {
    each_shared_store(async |store| {
        let id = game(&*store).await;
        let rule = add(&*store, &alert("se_a", None)).await;
        let steps = [AlertStep {
            state: saw(&rule, id, 0),
            firing: Some(firing(&rule, id, None)),
        }];
        let mut all = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (store, steps) = (store.clone(), steps.clone());
            all.spawn(async move { store.commit_alerts(&steps).await.unwrap()[0] });
        }
        let done = all.join_all().await;
        let written = done.iter().filter(|it| **it != Committed::Lost).count();
        assert_eq!(written, 1);
        assert_eq!(store.firings(&of(rule.id)).await.unwrap().len(), 1);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn what_is_due_is_taken_once_and_one_for_each_receiver_that_is_not_busy() {
    each_store(async |store| {
        let id = game(store).await;
        let one = add(store, &alert("se_a", Some("https://one.example/a"))).await;
        let two = add(store, &alert("se_a", Some("https://two.example/b"))).await;
        let first = fire(store, &one, id, "https://one.example:443").await;
        let second = fire(store, &one, id, "https://one.example:443").await;
        let other = fire(store, &two, id, "https://two.example:443").await;
        let (now, lease) = ("2024-01-02T12:00:01Z", "2024-01-02T12:01:00Z");
        let early = claim("2024-01-02T11:00:00Z", lease, &[]);
        assert_eq!(store.claim_deliveries(&early).await.unwrap(), []);
        let busy = claim(now, lease, &["https://two.example:443"]);
        let taken = store.claim_deliveries(&busy).await.unwrap();
        assert_eq!(taken.len(), 1);
        let it = &taken[0];
        assert_eq!((it.firing, it.attempt, it.alert), (first, 1, one.id));
        assert_eq!(it.webhook.url, "https://one.example/a");
        assert_eq!(it.webhook.secret, [7; 32]);
        let taken = async |claim: DeliveryClaim| {
            let taken = store.claim_deliveries(&claim).await.unwrap();
            taken
                .iter()
                .map(|it| (it.firing, it.attempt))
                .collect::<Vec<_>>()
        };
        let rest = taken(claim(now, lease, &[])).await;
        assert_eq!(rest, [(second, 1), (other, 1)]);
        assert_eq!(taken(claim(now, lease, &[])).await, []);
        let backlog = store.delivery_backlog().await.unwrap();
        assert_eq!(backlog, (3, Some(time(lease))));
        // Who took them is gone without a word.
        let later = claim(lease, "2024-01-02T12:05:00Z", &[]);
        assert_eq!(taken(later).await, [(first, 2), (other, 2)]);
    })
    .await;
}

#[tokio::test]
async fn an_attempt_is_noted_and_ends_the_telling_or_leaves_it_for_later() {
    each_store(async |store| {
        let id = game(store).await;
        let rule = add(store, &alert("se_a", Some("https://one.example"))).await;
        let told = fire(store, &rule, id, "https://one.example:443").await;
        let all = claim("2024-01-02T12:00:01Z", "2024-01-02T12:01:00Z", &[]);
        assert_eq!(store.claim_deliveries(&all).await.unwrap().len(), 1);
        let due = time("2024-01-02T12:10:00Z");
        let again = DeliveryOutcome::Again(due);
        store
            .finish_delivery((&attempt(told, 1, None), URL), again)
            .await
            .unwrap();
        let state = async || store.firings(&of(rule.id)).await.unwrap().remove(0);
        assert_eq!(state().await.delivery, Some(DeliveryState::Due(due)));
        assert_eq!(store.claim_deliveries(&all).await.unwrap(), []);
        let later = claim("2024-01-02T12:10:00Z", "2024-01-02T12:11:00Z", &[]);
        assert_eq!(store.claim_deliveries(&later).await.unwrap()[0].attempt, 2);
        let good = attempt(told, 2, Some(204));
        store
            .finish_delivery((&good, URL), DeliveryOutcome::Delivered)
            .await
            .unwrap();
        let late = attempt(told, 3, Some(500));
        store
            .finish_delivery((&late, URL), DeliveryOutcome::GivenUp)
            .await
            .unwrap();
        let ended = state().await;
        assert_eq!(ended.delivery, Some(DeliveryState::Delivered));
        assert_eq!(ended.attempts, [attempt(told, 1, None), good]);
        assert_eq!(store.delivery_backlog().await.unwrap(), (0, None));
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_pauses_its_rule_and_ends_what_it_was_to_be_told() {
    each_store(async |store| {
        let id = game(store).await;
        let rule = add(store, &alert("se_a", Some("https://one.example"))).await;
        let told = fire(store, &rule, id, "https://one.example:443").await;
        fire(store, &rule, id, "https://one.example:443").await;
        let gone = attempt(told, 1, Some(410));
        store
            .finish_delivery((&gone, URL), DeliveryOutcome::Gone)
            .await
            .unwrap();
        let read = store.alert(rule.id).await.unwrap().unwrap();
        assert_eq!(read.pause, Some(AlertPause::Gone));
        let ended = store.firings(&of(rule.id)).await.unwrap();
        let gone = |it: &store::FiringRecord| it.delivery == Some(DeliveryState::Gone);
        assert!(ended.iter().all(gone));
        let given = add(store, &alert("se_a", Some("https://two.example"))).await;
        fire(store, &given, id, "https://two.example:443").await;
        let without = AlertRecord {
            webhook: None,
            ..given.clone()
        };
        store.replace_alert(&without, Seen::Kept).await.unwrap();
        let ended = store.firings(&of(given.id)).await.unwrap();
        assert_eq!(ended[0].delivery, Some(DeliveryState::GivenUp));
        assert_eq!(store.delivery_backlog().await.unwrap().0, 0);
    })
    .await;
}
