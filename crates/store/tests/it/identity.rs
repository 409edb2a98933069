//! What tells a database from every other: made with it, kept, and made anew with a copy.

use std::path::Path;

use sqlx::sqlite::SqlitePool;
use store::upkeep::{Copying, backup, copy, restore};
use store::{Place, PostgresOptions, PostgresStore, SqliteOptions, SqliteStore, Store};
use testkit::PostgresDatabase;

use crate::{each_store, sample::world};

fn silent(_: Copying) {}

fn is_identity(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|it| it.is_ascii_hexdigit())
}

async fn of_file(path: &Path) -> String {
    let store = SqliteStore::open(path, &SqliteOptions::default()).await;
    let store = store.unwrap();
    let identity = store.identity().await.unwrap();
    store.close().await;
    identity
}

async fn of_server(url: &str) -> String {
    let store = PostgresStore::open(url, &PostgresOptions::default()).await;
    let store = store.unwrap();
    let identity = store.identity().await.unwrap();
    store.close().await;
    identity
}

#[tokio::test]
async fn a_database_has_an_identity_that_no_write_changes() {
    each_store(async |store| {
        let identity = store.identity().await.unwrap();
        assert!(is_identity(&identity), "{identity}");
        world(store).await;
        assert_eq!(store.identity().await.unwrap(), identity);
    })
    .await;
}

#[tokio::test]
async fn what_is_restored_or_copied_is_another_database() {
    let options = PostgresOptions::default();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let place = |name: &str| Place::File(path(name));
    let first = of_file(&path("first.db")).await;
    assert_eq!(of_file(&path("first.db")).await, first, "opened again");
    let mut seen = vec![first, of_file(&path("other.db")).await];

    backup(&place("first.db"), &path("saved"), &options, &silent)
        .await
        .unwrap();
    for name in ["restored.db", "again.db"] {
        restore(&path("saved"), &place(name), &options, &silent)
            .await
            .unwrap();
        seen.push(of_file(&path(name)).await);
    }
    copy(&place("first.db"), &place("copy.db"), &options, &silent)
        .await
        .unwrap();
    seen.push(of_file(&path("copy.db")).await);

    if let Some(database) = PostgresDatabase::empty() {
        let url = database.url();
        seen.push(of_server(&url).await);
        assert_eq!(Some(&of_server(&url).await), seen.last(), "opened again");
        // It was served as an empty one.
        copy(
            &place("first.db"),
            &Place::Server(url.clone()),
            &options,
            &silent,
        )
        .await
        .unwrap();
        seen.push(of_server(&url).await);
    }
    assert!(seen.iter().all(|it| is_identity(it)), "{seen:?}");
    let mut distinct = seen.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), seen.len(), "{seen:?}");
}

#[tokio::test]
async fn databases_of_an_older_release_get_identities_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for name in ["a.db", "b.db"] {
        let path = folder.path().join(name);
        let url = format!("sqlite:{}?mode=rwc", path.display());
        let pool = SqlitePool::connect(&url).await.unwrap();
        let old = include_str!("../../migrations/sqlite/0001_fixtures.sql");
        sqlx::raw_sql(old).execute(&pool).await.unwrap();
        let mark = "PRAGMA user_version = 1; PRAGMA application_id = 0x53454447";
        sqlx::raw_sql(mark).execute(&pool).await.unwrap();
        pool.close().await;
        seen.push(of_file(&path).await);
    }
    assert!(seen.iter().all(|it| is_identity(it)) && seen[0] != seen[1]);
}

/// What the migration does to a row that is there.
#[tokio::test]
async fn a_server_of_an_older_release_gets_an_identity() {
    let Some(database) = PostgresDatabase::empty() else {
        return;
    };
    let url = database.url();
    let new = of_server(&url).await;
    database.sql(
        "ALTER TABLE sports_edge DROP COLUMN identity, DROP COLUMN timeline, DROP COLUMN history;
         ALTER TABLE fixtures DROP COLUMN season_type CASCADE;
         UPDATE sports_edge SET schema = 10",
    );
    let migrated = of_server(&url).await;
    assert!(is_identity(&migrated) && migrated != new, "{migrated}");
}
