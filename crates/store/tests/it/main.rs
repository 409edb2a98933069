//! What every store must do, written against the trait and run for each database.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod alerts;
mod changes;
mod competitions;
mod concurrency;
mod correcting;
mod events;
mod games;
mod identity;
mod imports;
mod keys;
mod listing;
mod markets;
mod matching;
mod opening;
mod plans;
mod postgres;
mod properties;
mod quoting;
mod reaching;
mod recording;
mod replicas;
mod requests;
mod sample;
mod standby;
mod teams;
mod upkeep;
mod views;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use store::{SqliteOptions, SqliteStore, Store};
use testkit::PostgresDatabase;

/// Runs a test on a fresh store of each kind.
async fn each_store(test: impl AsyncFn(&dyn Store)) {
    each_shared_store(async |store| test(&*store).await).await;
}

/// Runs a test on a fresh store of each kind that has several connections: a file, a database, and
/// a database with a standby that is read from.
async fn each_shared_store(test: impl AsyncFn(Arc<dyn Store>)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let file = SqliteStore::open(&path, &SqliteOptions::default())
        .await
        .unwrap();
    test(Arc::new(file)).await;
    if let Some(database) = PostgresDatabase::migrated().await {
        test(Arc::new(database.store().await)).await;
    }
    standby::check(test).await;
}

/// Runs a check on what a strategy gives, so many times, each on a fresh store: every eighth time a
/// server's, which takes longer to make.
fn each_case<S: Strategy>(cases: u32, strategy: &S, check: impl AsyncFn(&dyn Store, S::Value)) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    let count = AtomicU32::new(0);
    let run = TestRunner::new(config).run(strategy, |value| {
        runtime.block_on(async {
            let database = match count.fetch_add(1, Ordering::Relaxed).is_multiple_of(8) {
                true => PostgresDatabase::migrated().await,
                false => None,
            };
            let store: Box<dyn Store> = match &database {
                Some(database) => Box::new(database.store().await),
                None => Box::new(SqliteStore::temporary().await.unwrap()),
            };
            check(&*store, value).await;
            store.close().await;
        });
        Ok(())
    });
    run.unwrap();
}
