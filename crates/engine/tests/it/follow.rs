//! What other processes write, followed.

use std::sync::{Arc, atomic::AtomicI64};

use engine::{Engine, EngineOptions};
use store::Store;
use testkit::{LeagueOptions, league};

use crate::world::Hand;

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
    let options = LeagueOptions {
        seed: 7,
        key: "L1".to_owned(),
        teams: 4,
        seasons: 1,
        rounds_open: 1,
    };
    testkit::fill(&*store, &league(&options)).await;
    engine.follow().await.unwrap();
    assert!(changed.has_changed().unwrap());
    changed.mark_unchanged();
    engine.follow().await.unwrap();
    assert!(!changed.has_changed().unwrap(), "it is told once");
}
