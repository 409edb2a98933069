//! What every store must do, written against the trait and run for each way to open one.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod competitions;
mod concurrency;
mod correcting;
mod games;
mod imports;
mod keys;
mod listing;
mod matching;
mod opening;
mod properties;
mod quoting;
mod recording;
mod requests;
mod sample;
mod teams;

use store::{SqliteOptions, SqliteStore, Store};

/// Runs a test on a fresh store of each kind.
async fn each_store(test: impl AsyncFn(&dyn Store)) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let file = SqliteStore::open(&path, &SqliteOptions::default())
        .await
        .unwrap();
    test(&file).await;
    test(&SqliteStore::in_memory().await.unwrap()).await;
}
