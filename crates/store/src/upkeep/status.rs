//! What a database is and holds, for people.

use jiff::Timestamp;
use sqlx::Connection;
use sqlx::sqlite::SqliteConnection;

use super::file;
use crate::code::moment;
use crate::postgres::session::Session;
use crate::postgres::sql::Args;
use crate::{Place, PostgresOptions, PostgresStore, StoreError, postgres, sqlite};

/// What a database is and holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DatabaseStatus {
    /// Its schema; `None` where it is empty.
    pub schema: Option<i64>,
    /// The schema this release works on.
    pub known: i64,
    /// Bytes it takes.
    pub size_bytes: u64,
    /// Its tables, by name.
    pub tables: Vec<TableStatus>,
    /// First and last kickoff.
    pub kickoffs: Option<[Timestamp; 2]>,
    /// Moments of the first and the last standing quote.
    pub quotes: Option<[Timestamp; 2]>,
    /// The data revision.
    pub revision: u64,
    /// Number of the last change.
    pub outbox: u64,
    /// Number of the oldest change that is kept.
    pub outbox_oldest: Option<u64>,
}

/// What a table holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStatus {
    /// Its name.
    pub name: String,
    /// Rows, counted.
    pub rows: u64,
    /// Bytes with its indexes.
    pub size_bytes: u64,
}

/// The schema that this release makes of a database.
pub fn known_schema(place: &Place) -> i64 {
    match place {
        Place::File(_) => sqlite::schema::KNOWN,
        Place::Server(_) => postgres::schema::KNOWN,
    }
}

/// The schema of a database, which is not changed; `None` where it is empty.
pub async fn schema(place: &Place, options: &PostgresOptions) -> Result<Option<i64>, StoreError> {
    match place {
        Place::File(path) => {
            let mut connection = file::open(path).await?;
            let found = sqlite::schema::found(&mut connection).await?;
            connection.close().await?;
            Ok(found)
        }
        Place::Server(url) => {
            let store = PostgresStore::reached(url, options).await?;
            let found = store.schema().await;
            crate::Store::close(&store).await;
            found
        }
    }
}

/// Looks at a database without changing it.
pub async fn status(
    place: &Place,
    options: &PostgresOptions,
) -> Result<DatabaseStatus, StoreError> {
    match place {
        Place::File(path) => {
            let mut connection = file::open(path).await?;
            let status = of_file(&mut connection).await?;
            connection.close().await?;
            Ok(status)
        }
        Place::Server(url) => of_server(&PostgresStore::reached(url, options).await?).await,
    }
}

const KICKOFFS: &str = "SELECT min(kickoff), max(kickoff) FROM fixtures";
const OLDEST: &str = "SELECT min(seq) FROM outbox";

type Span = (Option<i64>, Option<i64>);

async fn of_file(connection: &mut SqliteConnection) -> Result<DatabaseStatus, StoreError> {
    let known = sqlite::schema::KNOWN;
    file::run(connection, "BEGIN".to_owned()).await?;
    let pages = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size";
    let mut status = DatabaseStatus {
        schema: sqlite::schema::found(connection).await?,
        known,
        size_bytes: file::number(connection, pages.to_owned())
            .await?
            .unsigned_abs(),
        ..DatabaseStatus::default()
    };
    if status.schema.is_none() {
        return Ok(status);
    }
    let sizes: Vec<(String, i64)> = sqlx::query_as(
        "SELECT s.tbl_name, sum(d.pgsize) FROM dbstat('main', 1) AS d JOIN sqlite_schema AS s
         ON s.name = d.name WHERE s.tbl_name NOT LIKE 'sqlite_%' GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (name, size) in sizes {
        let rows = file::number(connection, format!("SELECT count(*) FROM {name}")).await?;
        status.tables.push(table(name, rows, size));
    }
    let row: Span = sqlx::query_as(KICKOFFS).fetch_one(&mut *connection).await?;
    status.kickoffs = span(row)?;
    let sql = "SELECT min(taken_at), max(taken_at) FROM quotes";
    let row: Span = sqlx::query_as(sql).fetch_one(&mut *connection).await?;
    status.quotes = span(row)?;
    let revision = "SELECT revision FROM meta".to_owned();
    status.revision = file::number(connection, revision).await?.unsigned_abs();
    if status.tables.iter().any(|it| it.name == "outbox") {
        let sql = "SELECT outbox FROM meta".to_owned();
        status.outbox = file::number(connection, sql).await?.unsigned_abs();
        let oldest: Option<i64> = sqlx::query_scalar(OLDEST).fetch_one(connection).await?;
        status.outbox_oldest = oldest.map(i64::unsigned_abs);
    }
    Ok(status)
}

async fn of_server(store: &PostgresStore) -> Result<DatabaseStatus, StoreError> {
    let schema = store.schema().await?;
    let mut session = store.snapshot().await?;
    session.script("SET LOCAL statement_timeout = 0").await?;
    let size = "SELECT pg_database_size(current_database())";
    let (size,): (i64,) = session.one(size, Args::default()).await?;
    let mut status = DatabaseStatus {
        schema,
        known: postgres::schema::KNOWN,
        size_bytes: size.unsigned_abs(),
        ..DatabaseStatus::default()
    };
    if schema.is_none() {
        return Ok(status);
    }
    let sizes: Vec<(String, i64)> = session.rows(SIZES, Args::default()).await?;
    for (name, size) in sizes {
        let sql = format!("SELECT count(*) FROM {name}");
        let (rows,): (i64,) = session.one(&sql, Args::default()).await?;
        status.tables.push(table(name, rows, size));
    }
    status.kickoffs = one_span(&mut session, KICKOFFS).await?;
    let sql = "SELECT min(quoted_from), max(quoted_until) FROM fixtures
               WHERE quoted_until >= quoted_from";
    status.quotes = one_span(&mut session, sql).await?;
    let sql = "SELECT revision, outbox FROM sports_edge";
    let (revision, outbox): (i64, i64) = session.one(sql, Args::default()).await?;
    status.revision = revision.unsigned_abs();
    status.outbox = outbox.unsigned_abs();
    let (oldest,): (Option<i64>,) = session.one(OLDEST, Args::default()).await?;
    status.outbox_oldest = oldest.map(i64::unsigned_abs);
    Ok(status)
}

/// Tables with their bytes; a partitioned one with those of its partitions.
const SIZES: &str = "SELECT c.relname::text,
         coalesce((SELECT sum(pg_total_relation_size(p.relid))::bigint
                   FROM pg_partition_tree(c.oid) AS p), pg_total_relation_size(c.oid))
     FROM pg_class AS c WHERE c.relnamespace = current_schema()::regnamespace
         AND c.relkind IN ('r', 'p') AND NOT c.relispartition
     ORDER BY 1";

async fn one_span(session: &mut Session, sql: &str) -> Result<Option<[Timestamp; 2]>, StoreError> {
    span(session.one(sql, Args::default()).await?)
}

fn span(row: Span) -> Result<Option<[Timestamp; 2]>, StoreError> {
    let (Some(from), Some(until)) = row else {
        return Ok(None);
    };
    Ok(Some([moment("time", from)?, moment("time", until)?]))
}

fn table(name: String, rows: i64, size: i64) -> TableStatus {
    TableStatus {
        name,
        rows: rows.unsigned_abs(),
        size_bytes: size.unsigned_abs(),
    }
}
