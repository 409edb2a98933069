//! Backups: one SQLite file that says what it holds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

use super::copy::{Aside, Source, into_file, into_server, same, unwritable};
use super::{Copying, Tally, Watcher, file};
use crate::sqlite::schema::{self, APPLICATION_ID, BACKUP_ID};
use crate::{Place, PostgresOptions, StoreError};

/// What a backup says of itself: of each table its columns, and what its rows add up to.
const MANIFEST: &str = "CREATE TABLE backup_tables (
    name    TEXT PRIMARY KEY,
    columns TEXT NOT NULL,
    rows    INTEGER NOT NULL,
    digest  TEXT NOT NULL
) STRICT";

/// SQLite's result code for a file that is damaged.
const CORRUPT: i32 = 11;

/// Writes everything a live database holds into a new file; returns what each table held.
pub async fn backup(
    from: &Place,
    to: &Path,
    options: &PostgresOptions,
    watcher: &Watcher,
) -> Result<Vec<(String, Tally)>, StoreError> {
    let aside = Aside::new(to)?;
    match from {
        Place::File(path) => vacuum(path, aside.path()).await?,
        Place::Server(_) => {
            let mut source = Source::open(from, options).await?;
            into_file(&mut source, aside.path(), watcher).await?;
            source.close().await?;
        }
    }
    let tallies = stamp((&from.to_string(), aside.path()), watcher).await?;
    aside.keep().await?;
    Ok(tallies)
}

/// Puts a backup in the place of a database that has no rows; returns what each table held.
///
/// A backup of an older release is brought up to date on the way.
pub async fn restore(
    from: &Path,
    to: &Place,
    options: &PostgresOptions,
    watcher: &Watcher,
) -> Result<Vec<(String, Tally)>, StoreError> {
    let folder = tempfile::tempdir().map_err(|it| unwritable(from, it))?;
    let aside = match to {
        Place::File(path) => Aside::new(path)?,
        Place::Server(_) => Aside::new(&folder.path().join("restored.db"))?,
    };
    take(from, aside.path()).await?;
    let tallies = unstamp((from, aside.path()), watcher).await?;
    match to {
        Place::File(_) => aside.keep().await?,
        Place::Server(url) => {
            let place = Place::File(aside.path().to_owned());
            let mut source = Source::open(&place, options).await?;
            into_server(&mut source, (url, options), watcher).await?;
            source.close().await?;
        }
    }
    Ok(tallies)
}

/// A consistent copy of a live file.
async fn vacuum(from: &Path, to: &Path) -> Result<(), StoreError> {
    let mut connection = file::open(from).await?;
    let missing = || StoreError::Missing(from.display().to_string());
    schema::found(&mut connection).await?.ok_or_else(missing)?;
    let to = to.display().to_string().replace('\'', "''");
    file::run(&mut connection, format!("VACUUM INTO '{to}'")).await?;
    Ok(connection.close().await?)
}

/// Copies the bytes of a backup.
async fn take(from: &Path, to: &Path) -> Result<(), StoreError> {
    let (source, target) = (from.to_owned(), to.to_owned());
    let copied = tokio::task::spawn_blocking(move || fs::copy(source, target));
    let copied = copied.await.expect("files are copied without a panic");
    copied.map_err(|source| unwritable(from, source))?;
    Ok(())
}

/// Makes a backup of a file: checks it and writes down what it holds.
async fn stamp(
    (named, path): (&str, &Path),
    watcher: &Watcher,
) -> Result<Vec<(String, Tally)>, StoreError> {
    let mut connection = file::open_aside(path).await?;
    make_sound(named, &mut connection).await?;
    let tables = file::tables(&mut connection).await?;
    file::run(&mut connection, MANIFEST.to_owned()).await?;
    let mut tallies = Vec::new();
    for name in tables {
        let columns = file::columns(&mut connection, &name).await?;
        let sql = format!("SELECT {columns} FROM {name}");
        let tally = file::tally(&mut connection, sql).await?;
        sqlx::query("INSERT INTO backup_tables VALUES ($1, $2, $3, $4)")
            .bind(name.as_str())
            .bind(columns)
            .bind(tally.rows.cast_signed())
            .bind(format!("{:032x}", tally.digest))
            .execute(&mut connection)
            .await?;
        watch(watcher, "verify", tally);
        tallies.push((name, tally));
    }
    mark(&mut connection, BACKUP_ID).await?;
    connection.close().await?;
    Ok(tallies)
}

/// Makes a database of a backup: checks that it holds what it says, and brings it up to date.
async fn unstamp(
    (named, path): (&Path, &Path),
    watcher: &Watcher,
) -> Result<Vec<(String, Tally)>, StoreError> {
    let not_a_backup = |why: &str| StoreError::NotABackup(format!("{}: {why}", named.display()));
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(false)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    let id = file::number(&mut connection, "PRAGMA application_id".to_owned()).await;
    match id {
        Ok(BACKUP_ID) => {}
        Ok(APPLICATION_ID) => return Err(not_a_backup("it is a database itself")),
        Ok(_) => return Err(not_a_backup("it is a file of something else")),
        Err(_) => return Err(not_a_backup("it cannot be read")),
    }
    let version = file::number(&mut connection, "PRAGMA user_version".to_owned()).await?;
    schema::refuse_newer(version)?;
    make_sound(&named.display().to_string(), &mut connection).await?;
    let tallies = check(&mut connection, watcher).await?;
    let names = tallies.iter().map(|(name, _)| name.as_str());
    let found = file::tables(&mut connection).await?;
    if !names.eq(found.iter().filter(|it| *it != "backup_tables")) {
        return Err(not_a_backup("its tables are not the ones it was made with"));
    }
    file::run(&mut connection, "DROP TABLE backup_tables".to_owned()).await?;
    mark(&mut connection, APPLICATION_ID).await?;
    schema::migrate_on(&mut connection).await?;
    schema::renew_identity(&mut connection).await?;
    connection.close().await?;
    Ok(tallies)
}

/// Sees that a copy of what `named` says is whole. Indexes hold nothing of their own: damaged ones are
/// made anew, and what is damaged beside them is refused.
async fn make_sound(named: &str, connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let Some(fault) = first_fault(connection).await? else {
        return Ok(());
    };
    tracing::warn!(%named, %fault, "damaged; indexes of the copy are made anew");
    let remade = file::run(connection, "REINDEX".to_owned()).await;
    let left = match remade {
        Ok(()) => first_fault(connection).await?,
        Err(_) => Some(fault),
    };
    left.map_or(Ok(()), |fault| {
        Err(StoreError::Damaged {
            name: named.to_owned(),
            fault,
        })
    })
}

/// The first thing that is wrong with a file, its indexes included.
async fn first_fault(connection: &mut SqliteConnection) -> Result<Option<String>, StoreError> {
    let looked: Result<String, sqlx::Error> = sqlx::query_scalar("PRAGMA integrity_check(1)")
        .fetch_one(connection)
        .await;
    match looked {
        Ok(said) => Ok(Some(said).filter(|it| it != "ok")),
        Err(sqlx::Error::Database(error)) if is_damage(error.code().as_deref()) => {
            Ok(Some(error.message().to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

/// Whether a result code is that of a damaged file; which part of it is in the bits above.
fn is_damage(code: Option<&str>) -> bool {
    let code = code.and_then(|it| it.parse::<i32>().ok());
    code.is_some_and(|it| it & 0xff == CORRUPT)
}

/// Holds every table against what the backup says of it.
async fn check(
    connection: &mut SqliteConnection,
    watcher: &Watcher,
) -> Result<Vec<(String, Tally)>, StoreError> {
    let sql = "SELECT name, columns, rows, digest FROM backup_tables ORDER BY name";
    let said: Vec<(String, String, i64, String)> =
        sqlx::query_as(sql).fetch_all(&mut *connection).await?;
    let mut tallies = BTreeMap::new();
    for (name, columns, rows, digest) in said {
        let expected = Tally {
            rows: rows.unsigned_abs(),
            digest: u128::from_str_radix(&digest, 16).unwrap_or_default(),
        };
        let sql = format!("SELECT {columns} FROM {name}");
        let found = file::tally(connection, sql).await?;
        same(&name, expected, found)?;
        watch(watcher, "verify", found);
        tallies.insert(name, found);
    }
    Ok(tallies.into_iter().collect())
}

async fn mark(connection: &mut SqliteConnection, id: i64) -> Result<(), StoreError> {
    let sql = format!("PRAGMA application_id = {id}");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}

fn watch(watcher: &Watcher, stage: &'static str, tally: Tally) {
    watcher(Copying {
        stage,
        done: tally.rows,
        total: tally.rows,
    });
}
