//! Brings a database to the schema this release knows, and refuses those it must not touch.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqlitePool};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use crate::StoreError;

/// Marks a file as ours; "SEDG" in the header's application id.
pub(crate) const APPLICATION_ID: i64 = 0x5345_4447;

/// Marks a backup; "SEBK" in the same place.
pub(crate) const BACKUP_ID: i64 = 0x5345_424B;

/// Every migration, oldest first; the n-th makes schema n of schema n − 1. Never edited once
/// released.
const MIGRATIONS: [&str; 13] = [
    include_str!("../../migrations/sqlite/0001_fixtures.sql"),
    include_str!("../../migrations/sqlite/0002_outbox.sql"),
    include_str!("../../migrations/sqlite/0003_events.sql"),
    include_str!("../../migrations/sqlite/0004_no_events_known.sql"),
    include_str!("../../migrations/sqlite/0005_views.sql"),
    include_str!("../../migrations/sqlite/0006_events_by_game.sql"),
    include_str!("../../migrations/sqlite/0007_alerts.sql"),
    include_str!("../../migrations/sqlite/0008_market_summaries.sql"),
    include_str!("../../migrations/sqlite/0009_since_when_asked.sql"),
    include_str!("../../migrations/sqlite/0010_who_asked_for_an_alert.sql"),
    include_str!("../../migrations/sqlite/0011_no_age_of_changes.sql"),
    include_str!("../../migrations/sqlite/0012_identity.sql"),
    include_str!("../../migrations/sqlite/0013_season_type.sql"),
];

pub(crate) const KNOWN: i64 = MIGRATIONS.len().cast_signed() as i64;

/// SQLite's result codes for a file that is damaged, and for one that is no database.
const UNREADABLE: [&str; 2] = ["11", "26"];

/// Looks whether a file is new, or ours and not too new, before anything is written to it.
pub(crate) async fn check(options: &SqliteConnectOptions, path: &Path) -> Result<(), StoreError> {
    let not_ours = || StoreError::NotOurs(path.display().to_string());
    let looked = async {
        let mut connection = options.connect().await?;
        // One state of the file, even while another process makes its schema.
        let mut tx = connection.begin().await?;
        let found = header(&mut tx).await;
        tx.rollback().await?;
        connection.close().await?;
        found
    };
    let header = match looked.await {
        Err(sqlx::Error::Database(error))
            if error.code().is_some_and(|it| UNREADABLE.contains(&&*it)) =>
        {
            return Err(not_ours());
        }
        other => other?,
    };
    match header {
        Header { version, .. } if header.ours() => refuse_newer(version),
        Header { objects: 0, .. } if header.blank() => Ok(()),
        Header {
            application: BACKUP_ID,
            ..
        } => Err(StoreError::Backup(path.display().to_string())),
        _ => Err(not_ours()),
    }
}

/// Runs the migrations that are missing.
pub(super) async fn migrate(writer: &SqlitePool) -> Result<(), StoreError> {
    migrate_on(&mut *writer.acquire().await?).await
}

/// Runs the migrations that are missing, each in a transaction of its own.
pub(crate) async fn migrate_on(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    for (version, sql) in (1..).zip(MIGRATIONS) {
        let mut tx = connection.begin_with("BEGIN IMMEDIATE").await?;
        // Read again: another process may have come first.
        let header = header(&mut tx).await?;
        refuse_newer(header.version)?;
        if header.version >= version {
            continue;
        }
        sqlx::raw_sql(sql).execute(&mut *tx).await?;
        let mark =
            format!("PRAGMA user_version = {version}; PRAGMA application_id = {APPLICATION_ID}");
        sqlx::raw_sql(AssertSqlSafe(mark)).execute(&mut *tx).await?;
        tx.commit().await?;
        tracing::info!(version, "schema migrated");
    }
    Ok(())
}

/// What tells the database from every other.
pub(super) async fn identity(reader: &SqlitePool) -> Result<String, StoreError> {
    let sql = "SELECT identity FROM meta";
    Ok(sqlx::query_scalar(sql).fetch_one(reader).await?)
}

/// Makes another database of a copy of one.
pub(crate) async fn renew_identity(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let sql = "UPDATE meta SET identity = lower(hex(randomblob(16)))";
    sqlx::query(sql).execute(connection).await?;
    Ok(())
}

/// What is wrong with a database, at most 20 findings of each kind.
pub(super) async fn faults(reader: &SqlitePool) -> Result<Vec<String>, StoreError> {
    let check = "PRAGMA quick_check(20)";
    let mut faults: Vec<String> = sqlx::query_scalar(check).fetch_all(reader).await?;
    faults.retain(|it| it != "ok");
    let check = "SELECT 'a row of ' || \"table\" || ' refers to no ' || parent \
                 FROM pragma_foreign_key_check LIMIT 20";
    let orphans: Vec<String> = sqlx::query_scalar(check).fetch_all(reader).await?;
    faults.extend(orphans);
    Ok(faults)
}

/// The schema of a file that is ours; `None` where it is blank.
pub(crate) async fn found(connection: &mut SqliteConnection) -> Result<Option<i64>, StoreError> {
    let header = header(connection).await?;
    Ok(header.ours().then_some(header.version))
}

/// Refuses a schema that a newer release made.
pub(crate) fn refuse_newer(found: i64) -> Result<(), StoreError> {
    if found > KNOWN {
        return Err(StoreError::SchemaTooNew {
            found,
            known: KNOWN,
        });
    }
    Ok(())
}

/// What a database says of itself.
struct Header {
    application: i64,
    version: i64,
    objects: i64,
}

impl Header {
    fn ours(&self) -> bool {
        self.application == APPLICATION_ID
    }

    fn blank(&self) -> bool {
        self.application == 0 && self.version == 0
    }
}

async fn header(connection: &mut SqliteConnection) -> Result<Header, sqlx::Error> {
    Ok(Header {
        application: sqlx::query_scalar("PRAGMA application_id")
            .fetch_one(&mut *connection)
            .await?,
        version: sqlx::query_scalar("PRAGMA user_version")
            .fetch_one(&mut *connection)
            .await?,
        objects: sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
            .fetch_one(&mut *connection)
            .await?,
    })
}
