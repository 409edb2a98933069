//! Databases as a whole: looked at, backed up, restored, moved between SQLite and PostgreSQL.

mod damage;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use domain::{FixtureId, PlayEvent, PlayKind, TeamId};
use store::upkeep::{Copying, backup, copy, known_schema, restore, status};
use store::{
    ApiKeyRecord, FetchState, FixtureEvent, FixtureQuery, GameQuery, IdempotencyRecord,
    ImportRecord, ModelRecord, Place, PostgresOptions, PostgresStore, SqliteOptions, SqliteStore,
    Store, StoreError, TeamName,
};
use tempfile::TempDir;
use testkit::PostgresDatabase;

use crate::sample::{
    fixture, game, put, quote, recording, recording_at, result, source, time, totals, world,
};

fn silent(_: Copying) {}

/// Tables that come of the others wherever these are written.
const DERIVED: [&str; 3] = ["pair_records", "standings", "view_refreshes"];

fn options() -> PostgresOptions {
    PostgresOptions::default()
}

async fn open(path: &Path) -> SqliteStore {
    let store = SqliteStore::open(path, &SqliteOptions::default()).await;
    store.unwrap()
}

/// Puts something in every table.
async fn fill(store: &dyn Store) {
    let ([a, b, c, d], [e, f, ..]) = world(store).await;
    let alias = TeamName {
        team: a,
        sport: domain::Sport::Football,
        name: "The Alphas".to_owned(),
        source: Some(source("wire")),
    };
    store.put_aliases(&[alias]).await.unwrap();
    let import = ImportRecord {
        source: source("wire"),
        location: "E0.csv".to_owned(),
        digest: "ab".to_owned(),
        started_at: time("2024-01-01T00:00:00Z"),
        finished_at: None,
        rows_read: 7,
        rows_rejected: 1,
        rejected: "[\"ü\"]".to_owned(),
    };
    store.begin_import(&import).await.unwrap();
    let state = FetchState {
        url: "https://example.com/E0.csv".to_owned(),
        etag: Some("\"x\"".to_owned()),
        last_modified: None,
        fetched_at: time("2024-01-01T00:00:00Z"),
    };
    store.put_fetch_state(&state).await.unwrap();
    play(store, [a, b, c, d], [e, f]).await;
    let model = ModelRecord {
        name: "sports".to_owned(),
        version: "1".to_owned(),
        created_at: time("2024-01-01T00:00:00Z"),
        data_digest: "d".to_owned(),
        body: (0..200_000_u32).map(|it| (it % 251) as u8).collect(),
        report: vec![0, 255],
    };
    store.put_model(&model).await.unwrap();
    let key = ApiKeyRecord {
        prefix: "abcdefgh".to_owned(),
        hash: [7; 32],
        name: "feed".to_owned(),
        scopes: vec!["write".to_owned()],
        created_at: time("2024-01-01T00:00:00Z"),
        last_used_at: None,
        revoked_at: None,
    };
    store.put_key(&key).await.unwrap();
    let claim = IdempotencyRecord {
        principal: "abcdefgh".to_owned(),
        route: "POST /v1/quotes".to_owned(),
        key: "k".to_owned(),
        fingerprint: [3; 32],
        at: time("2024-01-01T00:00:00Z"),
    };
    store.claim_idempotency(&claim).await.unwrap();
}

/// Fixtures, results and quotes, and corrections of both.
async fn play(store: &dyn Store, [a, b, c, d]: [TeamId; 4], [e, f]: [TeamId; 2]) {
    let mut first = fixture(a, b, "2023-09-02T14:00:00Z");
    first.quotes = vec![
        quote("bet365", "2021-12-31T23:00:00Z", [2.0, 3.5, 4.0]),
        quote("pinnacle", "2023-09-01T12:00:00Z", [2.1, 0.0, 3.9]),
        totals("bet365", "1850-01-01T00:00:00Z", 2.25, [1.9, 1.9]),
    ];
    let mut records = vec![
        first.clone(),
        fixture(c, d, "2023-09-03T14:00:00Z"),
        game(e, f, "2020-01-10T00:30:00Z"),
    ];
    put(store, &records).await;
    records[1].result = result(2, 1);
    first.quotes = vec![quote("bet365", "2021-12-31T23:00:00Z", [2.2, 3.5, 4.0])];
    records[0] = first;
    let later = recording_at("2024-02-01T00:00:00Z");
    store.record(&later, &records).await.unwrap();
    records[1].result = result(2, 2);
    store.record(&recording(), &records).await.unwrap();
    store.refresh_views().await.unwrap();
    let game = put(store, &records[..1]).await.fixtures[0];
    let event = FixtureEvent {
        fixture: game,
        event: PlayEvent {
            sequence: 7,
            revision: 1,
            at: time("2023-09-02T14:00:00Z"),
            clock: None,
            kind: PlayKind::Finished,
        },
        known_at: time("2023-09-02T16:00:00Z"),
    };
    store.append_events(&recording(), &[event]).await.unwrap();
    crate::alerts::fill(store, game).await;
}

/// Everything that can be read back, as text.
async fn everything(store: &dyn Store) -> String {
    let fixtures = FixtureQuery {
        limit: 100,
        ..FixtureQuery::default()
    };
    let mut all = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        store.competitions().await.unwrap(),
        store.team_names(domain::Sport::Football).await.unwrap(),
        store.fixtures(&fixtures).await.unwrap(),
        store.games(&GameQuery::default()).await.unwrap(),
        store.data_revision().await.unwrap(),
        store.changes(0, 1_000).await.unwrap(),
        store.imports(10).await.unwrap(),
        store.keys().await.unwrap(),
    );
    for fixture in store.fixtures(&fixtures).await.unwrap() {
        let id: FixtureId = fixture.id;
        let quotes = store.quotes(id).await.unwrap();
        let revisions = store.revisions(id).await.unwrap();
        let events = store.events_after(id, 0).await.unwrap();
        all.push_str(&format!("{quotes:?} {revisions:?} {events:?}"));
    }
    let model = store.latest_model("sports").await.unwrap().unwrap();
    all.push_str(&format!("{:?}", model.body));
    all.push_str(&crate::alerts::everything(store).await);
    all
}

/// A file with something in every table, and what is in it.
async fn filled(folder: &TempDir) -> (PathBuf, String) {
    let path = folder.path().join("from.db");
    let store = open(&path).await;
    fill(&store).await;
    let all = everything(&store).await;
    store.close().await;
    (path, all)
}

#[tokio::test]
async fn a_file_moves_to_postgresql_and_back_with_everything_in_it() {
    let Some(database) = PostgresDatabase::empty() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (path, all) = filled(&folder).await;
    let server = Place::Server(database.url());
    let told = Arc::new(Mutex::new(Vec::new()));
    let teller = Arc::clone(&told);
    let watcher = move |it: Copying| teller.lock().unwrap().push(it.stage);
    let from = Place::File(path);
    let copied = copy(&from, &server, &options(), &watcher).await.unwrap();
    assert!(copied.iter().all(|(_, it)| it.rows > 0), "{copied:?}");
    let told = told.lock().unwrap().clone();
    assert!(
        told.contains(&"quotes") && told.last() == Some(&"verify"),
        "{told:?}"
    );
    let store = PostgresStore::open(&database.url(), &options())
        .await
        .unwrap();
    assert_eq!(everything(&store).await, all);
    assert_eq!(store.faults().await.unwrap(), Vec::<String>::new());

    let back = folder.path().join("back.db");
    let again = copy(&server, &Place::File(back.clone()), &options(), &silent).await;
    assert_eq!(again.unwrap(), copied);
    let file = open(&back).await;
    assert_eq!(everything(&file).await, all);
    assert_eq!(file.faults().await.unwrap(), Vec::<String>::new());

    // Both go on numbering where they were.
    for store in [&store as &dyn Store, &file] {
        let ([a, b, ..], _) = world(store).await;
        let mut record = fixture(b, a, "2024-03-02T14:00:00Z");
        record.quotes = vec![quote("bet365", "2024-03-01T12:00:00Z", [2.0, 3.5, 4.0])];
        let recorded = put(store, &[record]).await;
        assert_eq!([recorded.fixtures_added, recorded.prices_added], [1, 3]);
        assert_eq!(recorded.fixtures[0].0, 4);
    }
    file.close().await;
    store.close().await;
}

/// Every table of either schema is carried, whoever adds one later.
#[tokio::test]
async fn every_table_is_carried() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(&folder).await;
    let server = Place::Server(database.url());
    let copied = copy(&Place::File(path.clone()), &server, &options(), &silent)
        .await
        .unwrap();
    let mut carried: Vec<String> = copied.into_iter().map(|(name, _)| name).collect();
    for (place, counters) in [(Place::File(path), "meta"), (server, "sports_edge")] {
        let there = status(&place, &options()).await.unwrap();
        carried.push(counters.to_owned());
        carried.sort();
        let names = there.tables.into_iter().map(|it| it.name);
        let names: Vec<String> = names.filter(|it| !DERIVED.contains(&it.as_str())).collect();
        assert_eq!(names, carried);
        carried.retain(|it| it != counters);
    }
}

#[tokio::test]
async fn nothing_is_written_over_and_nothing_is_left_half_written() {
    let Some(database) = PostgresDatabase::migrated().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(&folder).await;
    let from = Place::File(path.clone());
    let store = database.store().await;
    world(&store).await;
    let server = Place::Server(database.url());
    let error = copy(&from, &server, &options(), &silent).await.unwrap_err();
    assert!(matches!(error, StoreError::NotEmpty(_)), "{error:?}");
    assert!(error.to_string().ends_with("nothing was written"));
    let error = copy(&from, &from, &options(), &silent).await.unwrap_err();
    assert!(matches!(error, StoreError::Taken(_)), "{error:?}");
    assert!(error.to_string().ends_with("nothing was written"));
    let error = backup(&from, &path, &options(), &silent).await.unwrap_err();
    assert!(matches!(error, StoreError::Taken(_)), "{error:?}");
    // What a database left behind that stood there would be taken for a part of the new one.
    for left in ["new.db-wal", "new.db-shm", "new.db-journal"] {
        let left = folder.path().join(left);
        std::fs::write(&left, "left").unwrap();
        let new = Place::File(folder.path().join("new.db"));
        let error = copy(&from, &new, &options(), &silent).await.unwrap_err();
        assert!(matches!(&error, StoreError::Taken(it) if *it == left.display().to_string()));
        std::fs::remove_file(left).unwrap();
    }

    // A value that PostgreSQL cannot hold ends the copy, and all of it with it.
    let empty = PostgresDatabase::migrated().await.unwrap();
    spoil(
        &path,
        "UPDATE teams SET name = 'Al' || char(0) || 'pha' WHERE id = 1",
    )
    .await;
    let to = Place::Server(empty.url());
    let error = copy(&from, &to, &options(), &silent).await.unwrap_err();
    assert!(matches!(error, StoreError::Database(_)), "{error:?}");
    assert_eq!(empty.sql("SELECT count(*) FROM sources"), "0");
    spoil(&path, "UPDATE teams SET name = 'Alpha' WHERE id = 1").await;
    spoil(&path, "UPDATE quotes SET line = 99999999999").await;
    let error = copy(&from, &to, &options(), &silent).await.unwrap_err();
    assert!(error.to_string().contains("column line holds"), "{error}");
    assert_eq!(empty.sql("SELECT count(*) FROM fixtures"), "0");
    let files = fs::read_dir(folder.path()).unwrap();
    assert_eq!(files.count(), 1, "no file is left behind");
}

/// Changes a file behind the store's back.
async fn spoil(path: &Path, sql: &'static str) {
    let url = format!("sqlite:{}", path.display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    sqlx::query(sql).execute(&pool).await.unwrap();
    pool.close().await;
}

#[tokio::test]
async fn a_live_file_is_backed_up_while_it_is_written_and_restored_to_either() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("from.db");
    let store = open(&path).await;
    fill(&store).await;
    let all = everything(&store).await;
    let saved = folder.path().join("it's a backup.db");
    let from = Place::File(path);
    let said = backup(&from, &saved, &options(), &silent).await.unwrap();
    // What is written later is not in it.
    let ([a, b, ..], _) = world(&store).await;
    put(&store, &[fixture(b, a, "2024-03-02T14:00:00Z")]).await;

    let restored = folder.path().join("restored.db");
    let place = Place::File(restored.clone());
    let found = restore(&saved, &place, &options(), &silent).await.unwrap();
    assert_eq!(found, said);
    assert_eq!(everything(&open(&restored).await).await, all);

    // A server does not take a backup for its database.
    let error = SqliteStore::open(&saved, &SqliteOptions::default())
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Backup(_)), "{error:?}");

    if let Some(database) = PostgresDatabase::empty() {
        let place = Place::Server(database.url());
        restore(&saved, &place, &options(), &silent).await.unwrap();
        let server = PostgresStore::open(&database.url(), &options())
            .await
            .unwrap();
        assert_eq!(everything(&server).await, all);
        let again = folder.path().join("of-postgresql.backup");
        backup(&place, &again, &options(), &silent).await.unwrap();
        let twice = folder.path().join("twice.db");
        let place = Place::File(twice.clone());
        restore(&again, &place, &options(), &silent).await.unwrap();
        assert_eq!(everything(&open(&twice).await).await, all);
        server.close().await;
    }
}

#[tokio::test]
async fn a_backup_that_is_not_what_it_says_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (path, _) = filled(&folder).await;
    let saved = folder.path().join("backup.db");
    let to = Place::File(folder.path().join("restored.db"));
    let refused = async |file: &Path| {
        let error = restore(file, &to, &options(), &silent).await.unwrap_err();
        assert!(!folder.path().join("restored.db").exists());
        error
    };
    let error = refused(&path).await;
    assert!(
        error.to_string().contains("it is a database itself"),
        "{error}"
    );
    let error = refused(Path::new("/nowhere/backup")).await;
    assert!(matches!(error, StoreError::File { .. }), "{error:?}");
    let text = folder.path().join("text");
    fs::write(&text, "not a database at all, but long enough to be one").unwrap();
    let error = refused(&text).await;
    assert!(matches!(error, StoreError::NotABackup(_)), "{error:?}");

    backup(&Place::File(path), &saved, &options(), &silent)
        .await
        .unwrap();
    spoil(
        &saved,
        "UPDATE quotes SET price_1 = 2.01 WHERE price_1 = 2.2",
    )
    .await;
    let error = refused(&saved).await;
    assert!(
        matches!(&error, StoreError::Differs { table, .. } if table == "quotes"),
        "{error:?}"
    );
    spoil(
        &saved,
        "UPDATE quotes SET price_1 = 2.2 WHERE price_1 = 2.01",
    )
    .await;
    spoil(&saved, "CREATE TABLE stranger (id INTEGER)").await;
    let error = refused(&saved).await;
    assert!(error.to_string().contains("its tables"), "{error}");
    spoil(&saved, "DROP TABLE stranger").await;
    spoil(&saved, "PRAGMA user_version = 99").await;
    let error = refused(&saved).await;
    assert!(
        matches!(error, StoreError::SchemaTooNew { .. }),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_older_backup_is_brought_up_to_date_and_an_older_source_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let old = include_str!("../../migrations/sqlite/0001_fixtures.sql");
    let url = format!("sqlite:{}?mode=rwc", path.display());
    let pool = sqlx::SqlitePool::connect(&url).await.unwrap();
    sqlx::raw_sql(old).execute(&pool).await.unwrap();
    let mark = "PRAGMA user_version = 1; PRAGMA application_id = 0x53454447;
                INSERT INTO sources VALUES (1, 'wire')";
    sqlx::raw_sql(mark).execute(&pool).await.unwrap();
    pool.close().await;
    let from = Place::File(path);
    let to = Place::File(folder.path().join("new.db"));
    let error = copy(&from, &to, &options(), &silent).await.unwrap_err();
    assert!(
        error.to_string().contains("sports-edge db migrate"),
        "{error}"
    );
    let seen = status(&from, &options()).await.unwrap();
    assert_eq!((seen.schema, seen.known), (Some(1), known_schema(&from)));
    let saved = folder.path().join("backup.db");
    backup(&from, &saved, &options(), &silent).await.unwrap();
    restore(&saved, &to, &options(), &silent).await.unwrap();
    let seen = status(&to, &options()).await.unwrap();
    assert_eq!(seen.schema, Some(seen.known));
    let sources = seen.tables.iter().find(|it| it.name == "sources");
    assert_eq!(sources.unwrap().rows, 1);
}

#[tokio::test]
async fn status_says_what_is_there_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let nowhere = Place::File(folder.path().join("nowhere.db"));
    let error = status(&nowhere, &options()).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing(_)), "{error:?}");
    let (path, _) = filled(&folder).await;
    let file = status(&Place::File(path.clone()), &options())
        .await
        .unwrap();
    let rows = |name: &str| file.tables.iter().find(|it| it.name == name).unwrap().rows;
    assert_eq!(
        [rows("fixtures"), rows("quotes"), rows("models")],
        [3, 3, 1]
    );
    assert!(file.size_bytes > 200_000);
    assert!(file.tables.iter().all(|it| it.size_bytes > 0));
    let span = [time("2020-01-10T00:30:00Z"), time("2023-09-03T14:00:00Z")];
    assert_eq!(file.kickoffs, Some(span));
    let span = [time("1850-01-01T00:00:00Z"), time("2023-09-01T12:00:00Z")];
    assert_eq!(file.quotes, Some(span));
    assert_eq!(file.outbox_oldest, Some(1));
    let Some(database) = PostgresDatabase::empty() else {
        return;
    };
    let server = Place::Server(database.url());
    assert_eq!(status(&server, &options()).await.unwrap().schema, None);
    copy(&Place::File(path), &server, &options(), &silent)
        .await
        .unwrap();
    let there = status(&server, &options()).await.unwrap();
    assert_eq!(there.schema, Some(known_schema(&server)));
    assert_eq!((there.kickoffs, there.quotes), (file.kickoffs, file.quotes));
    assert_eq!((there.outbox, there.revision), (file.outbox, file.revision));
    let of = |status: &store::upkeep::DatabaseStatus| -> Vec<(String, u64)> {
        let tables = status.tables.iter();
        let own = tables.filter(|it| !["meta", "sports_edge"].contains(&it.name.as_str()));
        let own = own.filter(|it| !DERIVED.contains(&it.name.as_str()));
        own.map(|it| (it.name.clone(), it.rows)).collect()
    };
    assert_eq!(of(&there), of(&file));
}
