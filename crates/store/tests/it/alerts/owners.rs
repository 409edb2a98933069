//! What is to be told: fair to every key, bounded for every rule, by the address a rule has now.

use store::{AlertRecord, DeliveryClaim, DeliveryOutcome, DeliveryState, Seen, Webhook};

use super::{URL, add, alert, attempt, claim, fire, game, of};
use crate::{each_store, sample::time};

const NOW: &str = "2024-01-02T12:00:01Z";
const LEASE: &str = "2024-01-02T12:01:00Z";

#[tokio::test]
async fn of_each_key_no_more_is_taken_than_it_may_be_telling() {
    each_store(async |store| {
        let id = game(store).await;
        for (principal, host) in [("se_a", "a"), ("se_a", "b"), ("se_a", "c"), ("se_b", "d")] {
            let url = format!("https://{host}.example");
            let rule = add(store, &alert(principal, Some(&url))).await;
            fire(store, &rule, id, &url).await;
        }
        let taken = async |owners: &[&str]| {
            let claim = DeliveryClaim {
                owners: owners.iter().map(|it| (*it).to_owned()).collect(),
                owner_max: 2,
                ..claim(NOW, LEASE, &[])
            };
            let taken = store.claim_deliveries(&claim).await.unwrap();
            let taken = taken.into_iter().map(|it| it.principal);
            taken.collect::<Vec<_>>()
        };
        assert_eq!(taken(&["se_a"]).await, ["se_a", "se_b"]);
        assert_eq!(taken(&["se_a", "se_a"]).await, [""; 0]);
        assert_eq!(taken(&["se_b", "se_b"]).await, ["se_a", "se_a"]);
    })
    .await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_pauses_no_rule_that_has_another_address_by_now() {
    each_store(async |store| {
        let id = game(store).await;
        let rule = add(store, &alert("se_a", Some(URL))).await;
        let told = fire(store, &rule, id, URL).await;
        let claimed = claim(NOW, LEASE, &[]);
        assert_eq!(store.claim_deliveries(&claimed).await.unwrap().len(), 1);
        let moved = AlertRecord {
            webhook: Some(Webhook {
                url: "https://two.example".to_owned(),
                secret: vec![7; 32],
            }),
            ..rule.clone()
        };
        assert!(store.replace_alert(&moved, Seen::Kept).await.unwrap());
        let gone = attempt(told, 1, Some(410));
        let outcome = DeliveryOutcome::Gone;
        store.finish_delivery((&gone, URL), outcome).await.unwrap();
        let read = store.alert(rule.id).await.unwrap().unwrap();
        assert_eq!((read.pause, read.version), (None, moved.version + 1));
        let next = store.claim_deliveries(&claimed).await.unwrap();
        assert_eq!(next[0].webhook.url, "https://two.example");
        let gone = attempt(told, 2, Some(410));
        let told = (&gone, "https://two.example");
        store.finish_delivery(told, outcome).await.unwrap();
        let read = store.alert(rule.id).await.unwrap().unwrap();
        assert!(read.pause.is_some());
    })
    .await;
}

#[tokio::test]
async fn what_a_rule_fires_beyond_what_waits_to_be_told_is_given_up() {
    each_store(async |store| {
        let id = game(store).await;
        let rule = add(store, &alert("se_a", Some(URL))).await;
        for _ in 0..251 {
            fire(store, &rule, id, URL).await;
        }
        assert_eq!(store.delivery_backlog().await.unwrap().0, 250);
        let firings = store.firings(&of(rule.id)).await.unwrap();
        assert_eq!(firings[0].delivery, Some(DeliveryState::GivenUp));
        let due = Some(DeliveryState::Due(time(super::NOON)));
        assert_eq!(firings[1].delivery, due);
    })
    .await;
}
