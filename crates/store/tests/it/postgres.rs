//! What only PostgreSQL does: being shared, pooled, partitioned, refused.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use sqlx::{Connection, PgConnection};
use store::{
    FixtureRecord, GameQuery, Pooler, PostgresOptions, PostgresStore, Store, StoreError, redacted,
};
use testkit::{PostgresDatabase, PostgresPooler};

use crate::sample::{fixture, put, put_one, quote, recording, world};

async fn open(database: &PostgresDatabase) -> Result<PostgresStore, StoreError> {
    PostgresStore::open(&database.url(), &PostgresOptions::default()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_open_an_empty_database_at_once_make_the_schema_once() {
    let Some(database) = PostgresDatabase::empty() else {
        return;
    };
    let opened = tokio::join!(open(&database), open(&database), open(&database));
    for store in [opened.0.unwrap(), opened.1.unwrap(), opened.2.unwrap()] {
        assert_eq!(store.data_revision().await.unwrap(), 0);
        let release = store::upkeep::known_schema(&store::Place::Server(database.url()));
        assert_eq!(store.schema().await.unwrap(), Some(release));
        store.close().await;
    }
}

#[tokio::test]
async fn whoever_opens_a_database_waits_for_another_that_brings_it_up_to_date() {
    let Some(database) = PostgresDatabase::empty() else {
        return;
    };
    let mut other = PgConnection::connect(&database.url()).await.unwrap();
    let lock = sqlx::query("SELECT pg_advisory_lock(6001, 1)");
    lock.execute(&mut other).await.unwrap();
    let options = PostgresOptions {
        lock_timeout: Duration::from_millis(300),
        statement_timeout: Duration::from_millis(300),
        ..PostgresOptions::default()
    };
    let url = database.url();
    let opening = tokio::spawn(async move { PostgresStore::open(&url, &options).await });
    let waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
         AND wait_event = 'advisory' AND clock_timestamp() - query_start > interval '600 ms'";
    while !opening.is_finished() && database.sql(waits) == "0" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    other.close().await.unwrap();
    opening.await.unwrap().unwrap().close().await;
}

#[tokio::test]
async fn databases_of_a_newer_release_or_of_something_else_are_refused_and_left_alone() {
    let (Some(newer), Some(strange)) = (
        PostgresDatabase::migrated().await,
        PostgresDatabase::empty(),
    ) else {
        return;
    };
    newer.sql("UPDATE sports_edge SET schema = 99");
    let error = open(&newer).await.unwrap_err();
    assert!(matches!(error, StoreError::SchemaTooNew { found: 99, .. }));

    strange.sql("CREATE TABLE notes (text TEXT)");
    let error = open(&strange).await.unwrap_err();
    assert!(matches!(error, StoreError::NotOurs(_)), "{error:?}");
    assert!(error.to_string().ends_with("is not a Sports Edge database"));
    assert_eq!(
        strange.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"),
        "1"
    );
}

#[tokio::test]
async fn a_text_that_is_no_url_is_refused_and_a_password_never_told() {
    let options = PostgresOptions::default();
    let error = PostgresStore::open("postgres://u:se:cr@t@[bad/x", &options).await;
    let error = error.unwrap_err();
    assert!(matches!(error, StoreError::Url(_)), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("cr@t"), "{error}");
    let cases = [
        ("postgres://u:p@host:1/db", "postgres://u@host:1/db"),
        (
            "postgres://u:p@ss@host/db?sslmode=require",
            "postgres://u@host/db?sslmode=require",
        ),
        (
            "postgres://host/db?password=p&user=u",
            "postgres://host/db?user=u",
        ),
        ("postgres://u@host", "postgres://u@host"),
        ("postgres://u:se?cret@host/db", "postgres://…"),
        ("secret", "(not a URL)"),
    ];
    for (url, shown) in cases {
        assert_eq!(redacted(url), shown);
    }
    let nobody = "postgres://u:secret@127.0.0.1:1/db";
    let error = PostgresStore::open(nobody, &options).await.unwrap_err();
    assert!(!format!("{error:?}").contains("secret"), "{error:?}");
}

#[tokio::test]
async fn who_leaves_while_a_write_begins_leaves_no_connection_within_a_transaction() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let store = open(&database).await.unwrap();
    for polls in 0..20 {
        let (recording, events) = (recording(), []);
        let mut written = Box::pin(store.append_events(&recording, &events));
        for _ in 0..polls % 4 {
            if written.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    let began = Instant::now();
    let within = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'";
    while database.sql(within) != "0" {
        // Far less than the server lets one be.
        assert!(began.elapsed() < Duration::from_secs(5), "one stays in it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn quotes_lie_in_the_partition_of_their_year_and_nothing_takes_the_rest() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let store = database.store().await;
    let ([a, b, ..], _) = world(&store).await;
    let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
    let moments = [
        "1850-01-01T00:00:00Z",
        "2022-12-31T23:59:59.999999Z",
        "2023-01-01T00:00:00Z",
        "2023-09-01T12:00:00Z",
        "2150-01-01T00:00:00Z",
    ];
    record.quotes = moments
        .map(|at| quote("bet365", at, [2.0, 3.5, 4.0]))
        .into();
    let id = put_one(&store, &record).await.id;
    assert_eq!(store.quotes(id).await.unwrap().len(), 5);
    let partitions = database.sql(
        "SELECT string_agg(tableoid::regclass || '=' || n, ' ' ORDER BY tableoid::regclass::text)
         FROM (SELECT tableoid, count(*) AS n FROM quotes GROUP BY 1) AS q",
    );
    assert_eq!(
        partitions,
        "quotes_2022=1 quotes_2023=2 quotes_after=1 quotes_before=1"
    );
    let defaults = database.sql("SELECT count(*) FROM pg_partitioned_table WHERE partdefid <> 0");
    assert_eq!(defaults, "0");
}

#[tokio::test]
async fn faults_are_rows_that_refer_to_nothing() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let store = database.store().await;
    let ([a, b, ..], _) = world(&store).await;
    let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
    record.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
    put_one(&store, &record).await;
    assert_eq!(store.faults().await.unwrap(), Vec::<String>::new());
    database.sql("DELETE FROM bookmakers");
    assert_eq!(
        store.faults().await.unwrap(),
        ["a row of quotes refers to no bookmakers"]
    );
}

#[tokio::test]
async fn values_that_make_no_sense_are_named() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let store = database.store().await;
    let ([a, b, ..], _) = world(&store).await;
    let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
    record.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
    let id = put_one(&store, &record).await.id;
    database.sql("UPDATE quotes SET kind = 9");
    let error = store.quotes(id).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "column quotes.kind holds \"9\", which cannot be read"
    );
    database.sql("UPDATE fixtures SET stats = '\\x01ff'");
    let error = store.fixture(id).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "column fixtures.stats holds \"01ff\", which cannot be read"
    );
    database.sql("UPDATE outbox SET kind = 'x'");
    let error = store.changes(0, 1).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "column outbox.kind holds \"x\", which cannot be read"
    );
}

/// Records everybody writes, so that they all meet.
fn batch(sides: [domain::TeamId; 4], turn: usize) -> Vec<FixtureRecord> {
    let [a, b, c, d] = sides;
    let mut records = vec![
        fixture(a, b, "2023-09-02T14:00:00Z"),
        fixture(c, d, "2023-09-03T14:00:00Z"),
    ];
    for (place, record) in records.iter_mut().enumerate() {
        let bookmaker = format!("bookmaker-{}", (turn + place) % 5);
        record.quotes = vec![quote(&bookmaker, "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
    }
    records
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_write_the_same_new_fixtures_at_once_write_them_once() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let stores = [database.store().await, database.store().await];
    let (football, _) = world(&stores[0]).await;
    let writers: Vec<_> = (0..20)
        .map(|turn| {
            let store = stores[turn % 2].clone();
            tokio::spawn(async move {
                store
                    .record(&recording(), &batch(football, turn))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut added = 0;
    for writer in writers {
        added += writer.await.unwrap().fixtures_added;
    }
    assert_eq!(added, 2);
    let games = stores[1].games(&GameQuery::default()).await.unwrap();
    assert_eq!(games.len(), 2);
    for game in games {
        assert_eq!(stores[0].quotes(game.fixture).await.unwrap().len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pooler_that_shares_connections_between_transactions_is_no_trouble() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let Some(pooler) = PostgresPooler::start(&database, 2) else {
        return;
    };
    let options = PostgresOptions {
        pooler: Pooler::Transaction,
        ..PostgresOptions::default()
    };
    let url = pooler.url(database.name());
    let store = Arc::new(PostgresStore::open(&url, &options).await.unwrap());
    let (football, _) = world(&*store).await;
    let tasks: Vec<_> = (0..60)
        .map(|turn| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                if turn % 3 == 0 {
                    store
                        .record(&recording(), &batch(football, turn))
                        .await
                        .unwrap();
                }
                store.competitions().await.unwrap();
                store.teams(&store::TeamQuery::default()).await.unwrap();
                store.games(&GameQuery::default()).await.unwrap();
                store.changes(0, 10).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(store.games(&GameQuery::default()).await.unwrap().len(), 2);
    let seen = store.changes(0, 1_000).await.unwrap().last;
    let began = Instant::now();
    store
        .wait_for_changes(seen, Duration::from_millis(60))
        .await
        .unwrap();
    assert!(began.elapsed() >= Duration::from_millis(60));
    // Nothing was prepared to last on the connections that are shared.
    assert_eq!(
        database.sql("SELECT count(*) FROM pg_prepared_statements"),
        "0"
    );
    store.close().await;
}

#[tokio::test]
async fn a_statement_that_waits_too_long_for_a_lock_gives_up() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let options = PostgresOptions {
        lock_timeout: Duration::from_millis(100),
        ..PostgresOptions::default()
    };
    let store = PostgresStore::open(&database.url(), &options)
        .await
        .unwrap();
    let ([a, b, ..], _) = world(&store).await;
    let url = database.url();
    let holder = std::thread::spawn(move || {
        // Held for a second by somebody else.
        drop(url);
        database.sql("BEGIN; SELECT 1 FROM sports_edge FOR UPDATE; SELECT pg_sleep(1); COMMIT");
        database
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    let records = [fixture(a, b, "2023-09-02T14:00:00Z")];
    let error = store.record(&recording(), &records).await.unwrap_err();
    assert!(matches!(error, StoreError::Database(_)), "{error:?}");
    assert!(
        began.elapsed() < Duration::from_millis(900),
        "{:?}",
        began.elapsed()
    );
    let database = holder.join().unwrap();
    assert_eq!(put(&store, &records).await.fixtures_added, 1);
    let name = database.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sports-edge' AND datname = current_database()");
    assert_ne!(name, "0");
}

#[tokio::test]
async fn a_database_whose_connections_are_all_in_use_is_there() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let options = PostgresOptions {
        connections_max: 1,
        ..PostgresOptions::default()
    };
    let store = PostgresStore::open(&database.url(), &options)
        .await
        .unwrap();
    let ([a, b, ..], _) = world(&store).await;
    let mut holder = PgConnection::connect(&database.url()).await.unwrap();
    let mut looker = PgConnection::connect(&database.url()).await.unwrap();
    let hold = "BEGIN; SELECT 1 FROM sports_edge FOR UPDATE";
    sqlx::raw_sql(hold).execute(&mut holder).await.unwrap();
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        let records = [fixture(a, b, "2023-09-02T14:00:00Z")];
        put(&writer, &records).await.fixtures_added
    });
    let waiting = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                   WHERE wait_event_type = 'Lock' AND datname = current_database())";
    while !sqlx::query_scalar::<_, bool>(waiting)
        .fetch_one(&mut looker)
        .await
        .unwrap()
    {
        tokio::task::yield_now().await;
    }
    store.ping().await.unwrap();
    let release = "ROLLBACK";
    sqlx::raw_sql(release).execute(&mut holder).await.unwrap();
    assert_eq!(writing.await.unwrap(), 1);
    store.close().await;
}
