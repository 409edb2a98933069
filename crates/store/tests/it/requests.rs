use std::time::Duration;

use store::{AlertRecord, IdempotencyClaim, IdempotencyRecord, Store};

use crate::alerts::alert;
use crate::each_store;
use crate::sample::time;

fn request(at: &str) -> IdempotencyRecord {
    IdempotencyRecord {
        principal: "se_a".to_owned(),
        route: "POST /v1/quotes".to_owned(),
        key: "k1".to_owned(),
        fingerprint: [1; 32],
        at: time(at),
    }
}

async fn claim(store: &dyn Store, record: &IdempotencyRecord) -> IdempotencyClaim {
    store.claim_idempotency(record).await.unwrap()
}

/// Goes on as one that came when it did.
fn new(record: &IdempotencyRecord) -> IdempotencyClaim {
    IdempotencyClaim::New { since: record.at }
}

fn done(body: &[u8]) -> IdempotencyClaim {
    IdempotencyClaim::Done {
        status: 201,
        body: body.to_vec(),
    }
}

#[tokio::test]
async fn the_first_request_goes_on_and_later_ones_learn_what_became_of_it() {
    each_store(async |store| {
        let first = request("2024-01-01T10:00:00Z");
        assert_eq!(claim(store, &first).await, new(&first));
        let second = request("2024-01-01T10:00:30Z");
        assert_eq!(claim(store, &second).await, IdempotencyClaim::InProgress);
        let answer = Some((201, b"{}".to_vec()));
        store.finish_idempotency(&first, answer).await.unwrap();
        assert_eq!(claim(store, &second).await, done(b"{}"));
        let other_body = IdempotencyRecord {
            fingerprint: [2; 32],
            ..second
        };
        assert_eq!(claim(store, &other_body).await, IdempotencyClaim::Mismatch);
    })
    .await;
}

#[tokio::test]
async fn keys_of_other_callers_and_routes_are_other_keys() {
    each_store(async |store| {
        let first = request("2024-01-01T10:00:00Z");
        let principal = IdempotencyRecord {
            principal: "se_b".to_owned(),
            ..first.clone()
        };
        let route = IdempotencyRecord {
            route: "POST /v1/results".to_owned(),
            ..first.clone()
        };
        let key = IdempotencyRecord {
            key: "k2".to_owned(),
            ..first.clone()
        };
        for it in [&first, &principal, &route, &key] {
            assert_eq!(claim(store, it).await, new(it));
        }
    })
    .await;
}

#[tokio::test]
async fn a_claim_given_up_can_be_claimed_again() {
    each_store(async |store| {
        let first = request("2024-01-01T10:00:00Z");
        claim(store, &first).await;
        store.finish_idempotency(&first, None).await.unwrap();
        assert_eq!(claim(store, &first).await, new(&first));
    })
    .await;
}

#[tokio::test]
async fn an_unfinished_claim_loses_its_place_after_a_minute_but_not_its_time() {
    each_store(async |store| {
        let slow = request("2024-01-01T10:00:00Z");
        claim(store, &slow).await;
        let within = request("2024-01-01T10:01:00Z");
        assert_eq!(claim(store, &within).await, IdempotencyClaim::InProgress);
        let next = request("2024-01-01T10:01:00.000001Z");
        let as_the_first = IdempotencyClaim::New { since: slow.at };
        assert_eq!(claim(store, &next).await, as_the_first);
        store
            .finish_idempotency(&slow, Some((201, b"late".to_vec())))
            .await
            .unwrap();
        store.finish_idempotency(&slow, None).await.unwrap();
        assert_eq!(claim(store, &next).await, IdempotencyClaim::InProgress);
        store
            .finish_idempotency(&next, Some((201, b"ok".to_vec())))
            .await
            .unwrap();
        assert_eq!(claim(store, &next).await, done(b"ok"));
    })
    .await;
}

#[tokio::test]
async fn the_time_is_that_of_the_first_of_many_and_of_nobody_with_another_body() {
    each_store(async |store| {
        let first = request("2024-01-01T10:00:00Z");
        claim(store, &first).await;
        for at in ["2024-01-01T10:02:00Z", "2024-01-01T10:04:00Z"] {
            let again = claim(store, &request(at)).await;
            assert_eq!(again, new(&first), "{at}");
        }
        let other = IdempotencyRecord {
            fingerprint: [2; 32],
            ..request("2024-01-01T10:06:00Z")
        };
        assert_eq!(claim(store, &other).await, new(&other));
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_remembered_for_a_day() {
    each_store(async |store| {
        let first = request("2024-01-01T10:00:00Z");
        claim(store, &first).await;
        store
            .finish_idempotency(&first, Some((201, Vec::new())))
            .await
            .unwrap();
        let within = request("2024-01-02T10:00:00Z");
        assert_eq!(claim(store, &within).await, done(b""));
        let after = request("2024-01-02T10:00:00.000001Z");
        assert_eq!(claim(store, &after).await, new(&after));
    })
    .await;
}

/// A server may end between its write and the note of its answer.
#[tokio::test]
async fn a_request_that_comes_again_within_a_day_finds_the_rule_it_made() {
    each_store(async |store| {
        let put = async |record: &AlertRecord, request: u8| {
            let made = store.put_alert(record, 2, Some([request; 32])).await;
            made.unwrap()
        };
        let first = put(&alert("se_a", Some("https://example.com/x")), 1).await;
        let seen = store.position().await.unwrap();
        let mut again = alert("se_a", Some("https://example.com/x"));
        again.created_at += Duration::from_hours(24);
        again.webhook.as_mut().unwrap().secret = vec![8; 32];
        assert_eq!(put(&again, 1).await, first, "with the secret it had");
        assert_eq!(store.position().await.unwrap(), seen, "nothing changed");
        let of_another = put(&alert("se_b", None), 1).await;
        assert_ne!(of_another, first, "of another key");
        again.created_at += Duration::from_micros(1);
        let later = put(&again, 1).await;
        assert_ne!(later, first, "a day is over");
        assert_eq!(put(&alert("se_a", None), 3).await, None, "two are enough");
        assert_eq!(put(&again, 1).await, later, "which is no reason here");
        assert_eq!(store.alerts().await.unwrap().len(), 3);
    })
    .await;
}
