//! What other processes write, followed.

use std::sync::{Arc, atomic::AtomicI64};

use engine::{ApiKeyRecord, Engine, EngineOptions};
use jiff::Timestamp;
use store::Store;

use crate::world::{Hand, league_of};

#[tokio::test]
async fn what_another_process_writes_is_told_to_whoever_waits_for_changes() {
    let (store, _folder) = testkit::store().await;
    let store: Arc<dyn Store> = Arc::new(store);
    let clock = Arc::new(Hand::new(AtomicI64::new(0)));
    let engine = Engine::new(Arc::clone(&store), clock, EngineOptions::default());
    engine.follow().await.unwrap();
    let mut changed = engine.changed();
    engine.follow().await.unwrap();
    assert!(!changed.has_changed().unwrap(), "nothing was written");
    testkit::fill(&*store, &league_of(4, 1, 1)).await;
    engine.follow().await.unwrap();
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();
    engine.follow().await.unwrap();
    assert!(!changed.has_changed().unwrap(), "it is told once");
}

#[tokio::test]
async fn a_key_that_another_process_revokes_counts_until_that_is_followed_and_no_longer() {
    let (store, _folder) = testkit::store().await;
    let store: Arc<dyn Store> = Arc::new(store);
    let clock = Arc::new(Hand::new(AtomicI64::new(0)));
    let engine = || Engine::new(Arc::clone(&store), clock.clone(), EngineOptions::default());
    let (here, there) = (engine(), engine());
    here.follow().await.unwrap();
    let made = ApiKeyRecord {
        prefix: "abcdefgh".to_owned(),
        hash: [7; 32],
        name: "feed".to_owned(),
        scopes: vec!["read".to_owned()],
        created_at: Timestamp::UNIX_EPOCH,
        last_used_at: None,
        revoked_at: None,
    };
    assert_eq!(here.key("abcdefgh").await.unwrap(), None);
    there.put_key(&made).await.unwrap();
    let known = here.key("abcdefgh").await.unwrap();
    assert_eq!(known, Some(made), "what is not there is asked for again");
    assert!(there.revoke_key("abcdefgh").await.unwrap());
    here.follow().await.unwrap();
    let revoked = here.key("abcdefgh").await.unwrap().unwrap();
    assert!(revoked.revoked_at.is_some());
}
