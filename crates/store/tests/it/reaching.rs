//! Servers of PostgreSQL that hang, go, come back or follow another one.

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use store::{Pooler, PostgresOptions, PostgresStore, Store, StoreError};
use testkit::{PostgresDatabase, PostgresPooler, PostgresServer, ServerOptions};

use crate::sample::{fixture, put, result, world};

#[tokio::test]
async fn a_pooler_that_lets_everybody_in_and_has_nobody_answered_is_away() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let Some(pooler) = PostgresPooler::start(&database, 1) else {
        return;
    };
    let options = PostgresOptions {
        pooler: Pooler::Transaction,
        ..PostgresOptions::default()
    };
    let url = pooler.url(database.name());
    let store = PostgresStore::open(&url, &options).await.unwrap();
    store.ping().await.unwrap();
    let bare = url
        .parse::<PgConnectOptions>()
        .unwrap()
        .extra_float_digits(None);
    let mut holder = bare.connect().await.unwrap();
    sqlx::raw_sql("BEGIN; SELECT 1")
        .execute(&mut holder)
        .await
        .unwrap();
    let error = store.ping().await.unwrap_err();
    assert!(error.is_away(), "{error:?}");
    sqlx::raw_sql("ROLLBACK")
        .execute(&mut holder)
        .await
        .unwrap();
    store.ping().await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_pooler_that_was_not_told_of_is_named_with_what_to_set() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let Some(pooler) = PostgresPooler::start(&database, 1) else {
        return;
    };
    let options = PostgresOptions::default();
    let url = pooler.url(database.name());
    let error = PostgresStore::open(&url, &options).await.unwrap_err();
    let StoreError::RefusedParameter { parameter, .. } = &error else {
        panic!("{error:?}");
    };
    assert_eq!(parameter, "extra_float_digits");
    let said = error.to_string();
    assert!(
        said.contains("ignore_startup_parameters = extra_float_digits")
            && said.contains("database.pooler = \"transaction\""),
        "{said}"
    );
    assert!(!error.is_away());

    let more = "ignore_startup_parameters = extra_float_digits,options";
    let Some(pooler) = PostgresPooler::start_with(&database, 1, more) else {
        return;
    };
    let url = pooler.url(database.name());
    let used = async {
        let store = PostgresStore::open(&url, &options).await?;
        for _ in 0..3 {
            store.schema().await?;
        }
        Ok::<_, StoreError>(())
    };
    let error = used.await.unwrap_err();
    assert!(matches!(error, StoreError::Pooled(_)), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("set database.pooler = \"transaction\"")
    );
}

#[tokio::test]
async fn a_server_that_follows_another_says_so_and_is_read_from() {
    let Some(primary) = PostgresServer::start(settings(&[])) else {
        testkit::skip("PostgreSQL");
        return;
    };
    let options = PostgresOptions::default();
    let store = PostgresStore::open(&primary.url("postgres"), &options)
        .await
        .unwrap();
    world(&store).await;
    let standby = primary.replica(ServerOptions::default());
    let follower = PostgresStore::open(&standby.url("postgres"), &options)
        .await
        .unwrap();
    let error = follower.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Follows), "{error:?}");
    assert!(follower.reads_on() && !store.reads_on());
    assert!(!follower.competitions().await.unwrap().is_empty());
    standby.sql("postgres", "SELECT pg_promote()");
    follower.ping().await.unwrap();
    assert!(!follower.reads_on());
}

#[tokio::test]
async fn a_server_that_has_long_been_away_is_not_waited_for_until_it_is_back() {
    let Some(mut server) = PostgresServer::start(settings(&["synchronous_commit=on"])) else {
        testkit::skip("PostgreSQL");
        return;
    };
    let options = PostgresOptions {
        acquire_timeout: Duration::from_secs(600), // Longer than any test may take.
        absence_max: Duration::ZERO,
        ..PostgresOptions::default()
    };
    let store = PostgresStore::open(&server.url("postgres"), &options)
        .await
        .unwrap();
    world(&store).await;
    server.kill();
    store.ping().await.unwrap_err();
    let read = store.competitions().await.unwrap_err();
    let written = store.put_competitions(&[]).await.unwrap_err();
    assert!(read.is_away() && written.is_away(), "{read:?} {written:?}");
    server.restart();
    while store.ping().await.is_err() {}
    assert!(!store.competitions().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_server_that_died_and_came_back_is_talked_to_again() {
    let Some(mut server) = PostgresServer::start(settings(&["synchronous_commit=on"])) else {
        testkit::skip("PostgreSQL");
        return;
    };
    let options = PostgresOptions {
        acquire_timeout: Duration::from_secs(5),
        ..PostgresOptions::default()
    };
    let store = PostgresStore::open(&server.url("postgres"), &options)
        .await
        .unwrap();
    let ([a, b, ..], _) = world(&store).await;
    server.kill();
    // A connection of the old life may be what fails the first time.
    for _ in 0..2 {
        let error = store.ping().await.unwrap_err();
        assert!(
            matches!(error, StoreError::Database(sqlx::Error::Io(_))),
            "the cause, and not that it was waited for: {error:?}"
        );
    }
    server.restart();
    let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
    record.result = result(1, 0);
    // The first call may still meet a connection of the old life.
    for _ in 0..20 {
        if store.ping().await.is_ok() {
            break;
        }
    }
    assert_eq!(put(&store, &[record]).await.fixtures_added, 1);
}

fn settings(settings: &[&str]) -> ServerOptions {
    ServerOptions {
        settings: settings.iter().map(|it| (*it).to_owned()).collect(),
        port: None,
    }
}
