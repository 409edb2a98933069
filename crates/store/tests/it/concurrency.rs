//! Readers beside a writer, writers in line, callers who hang up.

use std::sync::Arc;
use std::time::Duration;

use domain::SeasonKey;
use store::{FixtureRecord, GameQuery, Store};

use crate::each_shared_store;
use crate::sample::{game, quote, recording, world};

/// A batch that takes a while.
async fn long_batch(store: &dyn Store, count: usize) -> Vec<FixtureRecord> {
    let (_, [a, b, ..]) = world(store).await;
    (0..count)
        .map(|it| FixtureRecord {
            season: SeasonKey::new(it.to_string()).unwrap(),
            quotes: vec![quote("bet365", "2021-01-09T00:30:00Z", [2.0, 1.8, 0.0])],
            ..game(a, b, "2021-01-10T00:30:00Z")
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_go_on_during_a_long_write_and_see_all_of_it_or_nothing() {
    each_shared_store(async |store| {
        let batch = long_batch(&*store, 3_000).await;
        let before = store.data_revision().await.unwrap();
        let writer = tokio::spawn({
            let store = Arc::clone(&store);
            async move { store.record(&recording(), &batch).await }
        });
        let mut reads_before = 0;
        loop {
            let games = store.games(&GameQuery::default()).await.unwrap();
            let revision = store.data_revision().await.unwrap();
            match games.len() {
                0 => reads_before += 1,
                count => {
                    assert_eq!(count, 3_000);
                    assert_eq!(revision, before + 1);
                    break;
                }
            }
        }
        assert!(reads_before > 0);
        assert_eq!(writer.await.unwrap().unwrap().fixtures_added, 3_000);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_wait_their_turn_and_none_is_lost() {
    each_shared_store(async |store| {
        let batch = long_batch(&*store, 40).await;
        let before = store.data_revision().await.unwrap();
        let writers: Vec<_> = batch
            .into_iter()
            .map(|record| {
                let store = Arc::clone(&store);
                tokio::spawn(async move { store.record(&recording(), &[record]).await })
            })
            .collect();
        for writer in writers {
            assert_eq!(writer.await.unwrap().unwrap().fixtures_added, 1);
        }
        assert_eq!(store.data_revision().await.unwrap(), before + 40);
        assert_eq!(store.games(&GameQuery::default()).await.unwrap().len(), 40);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_whose_caller_hangs_up_leaves_nothing_and_frees_its_place() {
    each_shared_store(async |store| {
        let batch = long_batch(&*store, 3_000).await;
        let before = store.data_revision().await.unwrap();
        let patience = Duration::from_millis(5);
        let given_up = tokio::time::timeout(patience, store.record(&recording(), &batch)).await;
        assert!(given_up.is_err());
        assert_eq!(store.data_revision().await.unwrap(), before);
        let recorded = store.record(&recording(), &batch).await.unwrap();
        assert_eq!(recorded.fixtures_added, 3_000);
    })
    .await;
}
