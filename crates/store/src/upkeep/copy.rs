//! Moves everything from one database to another, a batch at a time, and reads it back.

use std::path::{Path, PathBuf};

use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;
use tempfile::NamedTempFile;

use super::server::{self, Server};
use super::tables::{TABLES, Table};
use super::tally::Value;
use super::{BATCH_BYTES, BATCH_ROWS, Copying, Tally, Watcher, file};
use crate::sqlite::schema;
use crate::{Place, PostgresOptions, PostgresStore, StoreError};

/// Copies a database into an empty one; returns what each table held.
///
/// The source is read in one state while others go on writing to it. A file comes into being when
/// it is whole; in a PostgreSQL database everything is one transaction.
pub async fn copy(
    from: &Place,
    to: &Place,
    options: &PostgresOptions,
    watcher: &Watcher,
) -> Result<Vec<(String, Tally)>, StoreError> {
    match to {
        Place::File(path) => {
            let aside = Aside::new(path)?;
            let mut source = Source::open(from, options).await?;
            let copied = into_file(&mut source, aside.path(), watcher).await?;
            source.close().await?;
            aside.keep().await?;
            Ok(copied)
        }
        Place::Server(url) => {
            let mut source = Source::open(from, options).await?;
            let copied = into_server(&mut source, (url, options), watcher).await?;
            source.close().await?;
            Ok(copied)
        }
    }
}

/// Fills a new file.
pub(super) async fn into_file(
    source: &mut Source,
    path: &Path,
    watcher: &Watcher,
) -> Result<Vec<(String, Tally)>, StoreError> {
    let mut connection = file::open_aside(path).await?;
    schema::migrate_on(&mut connection).await?;
    file::run(&mut connection, "BEGIN".to_owned()).await?;
    let mut target = Target::File(connection);
    let copied = fill(source, &mut target, watcher).await?;
    if let Target::File(mut connection) = target {
        file::run(&mut connection, "COMMIT".to_owned()).await?;
        connection.close().await?;
    }
    Ok(copied)
}

/// Fills a PostgreSQL database that has no rows.
pub(super) async fn into_server(
    source: &mut Source,
    (url, options): (&str, &PostgresOptions),
    watcher: &Watcher,
) -> Result<Vec<(String, Tally)>, StoreError> {
    let store = PostgresStore::open(url, options).await?;
    let mut target = Target::Server(Server::begin(&store, url).await?);
    let copied = fill(source, &mut target, watcher).await?;
    if let Target::Server(server) = target {
        server.end().await?;
    }
    server::analyse(&store).await?;
    crate::Store::close(&store).await;
    Ok(copied)
}

/// Writes every table, reads every table back.
async fn fill(
    source: &mut Source,
    target: &mut Target,
    watcher: &Watcher,
) -> Result<Vec<(String, Tally)>, StoreError> {
    let counters = source.counters().await?;
    let mut written = Vec::new();
    for table in &TABLES {
        let total = source.count(table).await?;
        let mut batches = Batches::new(table, target, (watcher, total));
        source.read(table, &mut batches).await?;
        written.push((table.name.to_owned(), batches.tally));
    }
    target.set_counters(counters).await?;
    let total = written.iter().map(|(_, it)| it.rows).sum();
    let mut done = 0;
    for (table, (name, expected)) in TABLES.iter().zip(&written) {
        let found = target.tally(table).await?;
        same(name, *expected, found)?;
        done += found.rows;
        watcher(Copying {
            stage: "verify",
            done,
            total,
        });
    }
    Ok(written)
}

/// Complains where a table is not what it should be.
pub(super) fn same(table: &str, expected: Tally, found: Tally) -> Result<(), StoreError> {
    if expected == found {
        return Ok(());
    }
    Err(StoreError::Differs {
        table: table.to_owned(),
        expected: expected.to_string(),
        found: found.to_string(),
    })
}

/// Where everything is read from, in one state.
pub(super) enum Source {
    File(SqliteConnection),
    Server(Server),
}

impl Source {
    /// Opens a database with the schema of this release.
    pub(super) async fn open(place: &Place, options: &PostgresOptions) -> Result<Self, StoreError> {
        match place {
            Place::File(path) => {
                let mut connection = file::open(path).await?;
                let missing = || StoreError::Missing(place.to_string());
                let found = schema::found(&mut connection).await?.ok_or_else(missing)?;
                refuse_older(found, schema::KNOWN)?;
                file::run(&mut connection, "BEGIN".to_owned()).await?;
                Ok(Self::File(connection))
            }
            Place::Server(url) => Ok(Self::Server(Server::source(url, options).await?)),
        }
    }

    async fn counters(&mut self) -> Result<[i64; 2], StoreError> {
        match self {
            Self::File(it) => {
                let sql = "SELECT revision, outbox FROM meta";
                let row: (i64, i64) = sqlx::query_as(sql).fetch_one(it).await?;
                Ok(row.into())
            }
            Self::Server(it) => it.counters().await,
        }
    }

    async fn count(&mut self, table: &Table) -> Result<u64, StoreError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let count = match self {
            Self::File(it) => file::number(it, sql).await?,
            Self::Server(it) => it.number(&sql).await?,
        };
        Ok(count.unsigned_abs())
    }

    async fn read(&mut self, table: &Table, batches: &mut Batches<'_>) -> Result<(), StoreError> {
        match self {
            Self::File(it) => file::read(it, table.select_from_file(), batches).await,
            Self::Server(it) => it.read(table, batches).await,
        }
    }

    /// Lets go of the database.
    pub(super) async fn close(self) -> Result<(), StoreError> {
        match self {
            Self::File(it) => Ok(it.close().await?),
            Self::Server(it) => it.end().await,
        }
    }
}

/// Refuses a schema that has yet to be brought up to date.
pub(super) fn refuse_older(found: i64, known: i64) -> Result<(), StoreError> {
    if found < known {
        return Err(StoreError::SchemaTooOld { found, known });
    }
    Ok(())
}

/// Where everything is written.
enum Target {
    File(SqliteConnection),
    Server(Server),
}

impl Target {
    async fn write(&mut self, table: &Table, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        match self {
            Self::File(it) => file::write(it, table, rows).await,
            Self::Server(it) => it.write(table, rows).await,
        }
    }

    async fn set_counters(&mut self, [revision, outbox]: [i64; 2]) -> Result<(), StoreError> {
        match self {
            Self::File(it) => {
                let sql = format!("UPDATE meta SET revision = {revision}, outbox = {outbox}");
                file::run(it, sql).await
            }
            Self::Server(it) => it.set_counters([revision, outbox]).await,
        }
    }

    async fn tally(&mut self, table: &Table) -> Result<Tally, StoreError> {
        match self {
            Self::File(it) => file::tally(it, table.select_from_file()).await,
            Self::Server(it) => it.tally(table).await,
        }
    }
}

/// Rows of a table on their way.
pub(super) struct Batches<'a> {
    table: &'a Table,
    target: &'a mut Target,
    watcher: &'a Watcher,
    total: u64,
    rows: Vec<Vec<Value>>,
    bytes: usize,
    tally: Tally,
    scratch: Vec<u8>,
}

impl<'a> Batches<'a> {
    fn new(table: &'a Table, target: &'a mut Target, (watcher, total): (&'a Watcher, u64)) -> Self {
        Self {
            table,
            target,
            watcher,
            total,
            rows: Vec::with_capacity(BATCH_ROWS),
            bytes: 0,
            tally: Tally::default(),
            scratch: Vec::new(),
        }
    }

    /// Takes a row, and writes what has gathered where it is much.
    pub(super) async fn push(&mut self, row: Vec<Value>) -> Result<(), StoreError> {
        self.tally.add(&row, &mut self.scratch);
        self.bytes += row.iter().map(Value::weight).sum::<usize>();
        self.rows.push(row);
        if self.rows.len() < BATCH_ROWS && self.bytes < BATCH_BYTES {
            return Ok(());
        }
        self.send().await
    }

    /// Writes what is left.
    pub(super) async fn finish(&mut self) -> Result<(), StoreError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.send().await
    }

    async fn send(&mut self) -> Result<(), StoreError> {
        self.target.write(self.table, &self.rows).await?;
        self.rows.clear();
        self.bytes = 0;
        (self.watcher)(Copying {
            stage: self.table.name,
            done: self.tally.rows,
            total: self.total.max(self.tally.rows),
        });
        Ok(())
    }
}

/// A file that is written under another name and takes its own when it is whole.
pub(super) struct Aside {
    file: NamedTempFile,
    target: PathBuf,
}

impl Aside {
    /// Begins a file that must not be there yet.
    pub(super) fn new(target: &Path) -> Result<Self, StoreError> {
        // What a database that stood there has left beside it would be taken for a part of this one.
        for end in ["", "-wal", "-shm", "-journal"] {
            let mut name = target.as_os_str().to_owned();
            name.push(end);
            if Path::new(&name).exists() {
                let taken = name.to_string_lossy().into_owned();
                return Err(StoreError::Taken(taken));
            }
        }
        let folder = target.parent().filter(|it| !it.as_os_str().is_empty());
        let mut name = tempfile::Builder::new();
        let name = name.prefix(".sports-edge-").suffix(".partial");
        let file = name.tempfile_in(folder.unwrap_or(Path::new(".")));
        Ok(Self {
            file: file.map_err(|source| unwritable(target, source))?,
            target: target.to_owned(),
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Gives the file its name once its bytes are on the disk.
    pub(super) async fn keep(self) -> Result<(), StoreError> {
        let Self { file, target } = self;
        let name = target.clone();
        let kept = tokio::task::spawn_blocking(move || {
            file.as_file().sync_all()?;
            file.persist_noclobber(&target).map_err(|it| it.error)?;
            let folder = target.parent().filter(|it| !it.as_os_str().is_empty());
            std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        });
        let kept = kept.await.expect("files are synchronised without a panic");
        kept.map_err(|source| unwritable(&name, source))
    }
}

/// Complains of a file that cannot be written.
pub(super) fn unwritable(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File {
        path: path.display().to_string(),
        source,
    }
}
