//! What only a file can do: be reopened, be somebody else's, be damaged.

use std::error::Error;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use store::{FixtureQuery, GameQuery, SqliteOptions, SqliteStore, Store, StoreError};

use crate::sample::{fixture, put, put_one, quote, result, world};

async fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, &SqliteOptions::default()).await
}

/// Runs statements on the file behind the store's back.
async fn tamper(path: &Path, sql: &'static str) {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn what_was_written_is_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let store = open(&path).await.unwrap();
    let ([a, b, ..], _) = world(&store).await;
    let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
    record.result = result(2, 1);
    let written = put_one(&store, &record).await;
    let revision = store.data_revision().await.unwrap();
    store.close().await;
    assert!(matches!(store.ping().await, Err(StoreError::Database(_))));

    let again = open(&path).await.unwrap();
    assert_eq!(again.fixture(written.id).await.unwrap(), Some(written));
    assert_eq!(again.data_revision().await.unwrap(), revision);
}

#[tokio::test]
async fn a_file_of_a_newer_release_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    open(&path).await.unwrap().close().await;
    tamper(&path, "PRAGMA user_version = 99").await;
    let before = std::fs::read(&path).unwrap();
    let error = open(&path).await.unwrap_err();
    let release = store::upkeep::known_schema(&store::Place::File(path.clone()));
    assert!(matches!(
        error,
        StoreError::SchemaTooNew { found: 99, known } if known == release
    ));
    let text = format!(
        "the database has schema 99, newer than {release} which this release knows; run the newer \
         release"
    );
    assert_eq!(error.to_string(), text);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_database_of_something_else_is_refused_and_left_alone() {
    let strangers = [
        "CREATE TABLE notes (text TEXT)",
        "PRAGMA application_id = 5",
        "PRAGMA user_version = 3",
    ];
    for sql in strangers {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.db");
        tamper(&path, sql).await;
        let before = std::fs::read(&path).unwrap();
        let error = open(&path).await.unwrap_err();
        assert!(
            matches!(&error, StoreError::NotOurs(it) if it.ends_with("notes.db")),
            "{sql}"
        );
        assert!(
            error
                .to_string()
                .ends_with("notes.db is not a Sports Edge database")
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_or_is_damaged_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("letter.txt");
    std::fs::write(&text, "Dear Sir or Madam, ".repeat(500)).unwrap();
    let error = open(&text).await.unwrap_err();
    assert!(matches!(error, StoreError::NotOurs(_)));

    let path = folder.path().join("data.db");
    open(&path).await.unwrap().close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100..4096].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let error = open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::NotOurs(_)), "{error:?}");
}

#[tokio::test]
async fn an_empty_file_is_a_new_database_and_a_missing_folder_an_error_with_its_cause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.db");
    std::fs::write(&path, "").unwrap();
    assert_eq!(open(&path).await.unwrap().data_revision().await.unwrap(), 0);
    let error = open(&folder.path().join("no/such/data.db"))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Database(_)));
    assert!(error.source().is_some());
}

#[tokio::test]
async fn two_processes_can_open_one_new_file_at_once() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.db");
        let opened = tokio::join!(open(&path), open(&path), open(&path));
        let stores = [opened.0.unwrap(), opened.1.unwrap(), opened.2.unwrap()];
        for store in stores {
            assert_eq!(store.data_revision().await.unwrap(), 0);
            store.close().await;
        }
    }
}

/// Damages a sound database with `sql` and returns what reading everything then says.
async fn damaged(sql: &'static str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let store = open(&path).await.unwrap();
    let ([a, b, ..], _) = world(&store).await;
    let mut record = fixture(a, b, "2023-09-02T14:00:00Z");
    record.quotes = vec![quote("bet365", "2023-09-01T12:00:00Z", [2.0, 3.5, 4.0])];
    record.result = result(2, 1);
    put(&store, std::slice::from_ref(&record)).await;
    record.result = result(3, 1);
    let id = put(&store, std::slice::from_ref(&record)).await.fixtures[0];
    tamper(&path, sql).await;
    let query = FixtureQuery {
        limit: 9,
        ..FixtureQuery::default()
    };
    let everything = async {
        store.competitions().await?;
        store.fixtures(&query).await?;
        store.quotes(id).await?;
        store.revisions(id).await?;
        store.games(&GameQuery::default()).await?;
        store.team_names(domain::Sport::Football).await?;
        store.teams(&store::TeamQuery::default()).await?;
        store.keys().await?;
        store.imports(9).await?;
        store.record(&crate::sample::recording(), &[record]).await
    };
    let error = everything.await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test]
async fn values_that_make_no_sense_are_named() {
    let cases = [
        (
            "UPDATE competitions SET sport = 'chess'",
            "competitions.sport",
            "chess",
        ),
        (
            "UPDATE competitions SET key = '?' WHERE key = 'E0'",
            "competitions.key",
            "?",
        ),
        (
            "UPDATE competitions SET time_zone = 'Moon'",
            "competitions.time_zone",
            "Moon",
        ),
        ("UPDATE seasons SET key = ''", "seasons.key", ""),
        ("UPDATE bookmakers SET key = 'a b'", "bookmakers.key", "a b"),
        (
            "UPDATE bookmakers SET id = 5000000",
            "bookmakers.key",
            "5000000",
        ),
        ("UPDATE sources SET key = 'ö'", "sources.key", "ö"),
        (
            "UPDATE fixtures SET kickoff = 9223372036854775807",
            "fixtures.kickoff",
            "9223372036854775807",
        ),
        (
            "UPDATE fixtures SET home_score = 70000",
            "fixtures.score",
            "70000",
        ),
        (
            "UPDATE fixtures SET stats = x'01ff'",
            "fixtures.stats",
            "01ff",
        ),
        ("UPDATE fixtures SET game = x'00'", "fixtures.game", "00"),
        ("UPDATE quotes SET kind = 9", "quotes.kind", "9"),
        (
            "UPDATE quotes SET line = 99999999999",
            "quotes.line",
            "99999999999",
        ),
        ("UPDATE quotes SET stage = -1", "quotes.stage", "-1"),
        ("UPDATE quotes SET price_1 = 0.5", "quotes.price", "0.5"),
        ("UPDATE quotes SET bookmaker = 77", "bookmakers.key", "77"),
        (
            "INSERT INTO imports VALUES (1, 1, '', '', 9223372036854775807, NULL, 0, 0, '')",
            "imports.started_at",
            "9223372036854775807",
        ),
        (
            "INSERT INTO api_keys VALUES (1, 'a', zeroblob(32), '', 'x', 0, NULL, NULL)",
            "api_keys.scopes",
            "x",
        ),
    ];
    for (sql, column, value) in cases {
        let expected = format!("column {column} holds {value:?}, which cannot be read");
        assert_eq!(damaged(sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn faults_are_rows_that_refer_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let store = open(&path).await.unwrap();
    let ([a, b, ..], _) = world(&store).await;
    put_one(&store, &fixture(a, b, "2023-09-02T14:00:00Z")).await;
    assert!(store.faults().await.unwrap().is_empty());
    tamper(&path, "DELETE FROM teams").await;
    let faults = store.faults().await.unwrap();
    assert!(
        faults
            .iter()
            .any(|it| it == "a row of fixtures refers to no teams"),
        "{faults:?}"
    );
}

#[tokio::test]
async fn a_file_that_is_deleted_or_replaced_while_it_is_open_is_missed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let store = open(&path).await.unwrap();
    let missed = async || {
        let error = store.ping().await.unwrap_err();
        assert!(matches!(error, StoreError::Replaced(_)), "{error:?}");
        assert!(error.to_string().contains("data.db was deleted"), "{error}");
    };
    std::fs::remove_file(&path).unwrap();
    missed().await;
    let other = open(&folder.path().join("other.db")).await.unwrap();
    other.close().await;
    std::fs::rename(folder.path().join("other.db"), &path).unwrap();
    missed().await;
}

#[tokio::test]
async fn a_new_file_is_its_owners_alone_and_one_that_is_there_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let mode = |name: &str| {
        let found = std::fs::metadata(folder.path().join(name)).unwrap();
        found.permissions().mode() & 0o777
    };
    let path = folder.path().join("data.db");
    let store = open(&path).await.unwrap();
    world(&store).await;
    for name in ["data.db", "data.db-wal", "data.db-shm"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    store.close().await;
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    open(&path).await.unwrap().close().await;
    assert_eq!(mode("data.db"), 0o640);
    let names = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(names.count(), 1, "nothing is left over");
}
