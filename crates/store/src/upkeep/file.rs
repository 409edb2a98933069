//! A SQLite file as a source and as a target of whole tables.

use std::path::Path;

use futures_util::TryStreamExt;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions, Row, TypeInfo, ValueRef};

use super::tables::Table;
use super::tally::Value;
use super::{Tally, copy::Batches};
use crate::StoreError;
use crate::sqlite::schema;
use crate::sqlite::sql::Bulk;

/// Opens a file that is there, as it is, and begins a read that sees one state of it.
pub(super) async fn open(path: &Path) -> Result<SqliteConnection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(path.display().to_string()));
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(std::time::Duration::from_secs(5))
        .disable_statement_logging();
    schema::check(&options, path).await?;
    Ok(options.connect().await?)
}

/// Opens a file that nobody else knows of; it is synchronised once it is whole.
pub(super) async fn open_aside(path: &Path) -> Result<SqliteConnection, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Off)
        .synchronous(sqlx::sqlite::SqliteSynchronous::Off)
        .disable_statement_logging();
    Ok(options.connect().await?)
}

/// Runs statements without parameters.
pub(super) async fn run(connection: &mut SqliteConnection, sql: String) -> Result<(), StoreError> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await?;
    Ok(())
}

/// A number that a query answers with.
pub(super) async fn number(
    connection: &mut SqliteConnection,
    sql: String,
) -> Result<i64, StoreError> {
    let query = sqlx::query_scalar(AssertSqlSafe(sql));
    Ok(query.fetch_one(connection).await?)
}

/// Reads every row that `sql` selects, a batch at a time.
pub(super) async fn read(
    connection: &mut SqliteConnection,
    sql: String,
    batches: &mut Batches<'_>,
) -> Result<(), StoreError> {
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        batches.push(values(&row)?).await?;
    }
    drop(rows);
    batches.finish().await
}

/// What the rows that `sql` selects add up to.
pub(super) async fn tally(
    connection: &mut SqliteConnection,
    sql: String,
) -> Result<Tally, StoreError> {
    let (mut tally, mut scratch) = (Tally::default(), Vec::new());
    let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(connection);
    while let Some(row) = rows.try_next().await? {
        tally.add(&values(&row)?, &mut scratch);
    }
    Ok(tally)
}

fn values(row: &SqliteRow) -> Result<Vec<Value>, StoreError> {
    (0..row.len()).map(|place| value(row, place)).collect()
}

fn value(row: &SqliteRow, place: usize) -> Result<Value, StoreError> {
    let raw = row.try_get_raw(place)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "REAL" => Value::Real(row.try_get(place)?),
        "TEXT" => Value::Text(row.try_get(place)?),
        "BLOB" => Value::Bytes(row.try_get(place)?),
        _ => Value::Int(row.try_get(place)?),
    })
}

/// Writes rows of a table.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    table: &Table,
    rows: &[Vec<Value>],
) -> Result<(), StoreError> {
    let own = table.own_columns();
    let names: Vec<&str> = own.iter().map(|(_, name)| *name).collect();
    let head = format!("INSERT INTO {} ({})", table.name, names.join(", "));
    let bulk = Bulk {
        head: &head,
        columns: own.len(),
        tail: "",
    };
    bulk.insert(connection, rows, |mut query, row| {
        for (place, _) in &own {
            query = match row[*place].clone() {
                Value::Null => query.bind(None::<i64>),
                Value::Int(it) => query.bind(it),
                Value::Real(it) => query.bind(it),
                Value::Text(it) => query.bind(it),
                Value::Bytes(it) => query.bind(it),
            };
        }
        query
    })
    .await
}

/// The names of a file's own tables.
pub(super) async fn tables(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
               ORDER BY name";
    Ok(sqlx::query_scalar(sql).fetch_all(connection).await?)
}

/// The columns of a table as a list.
pub(super) async fn columns(
    connection: &mut SqliteConnection,
    table: &str,
) -> Result<String, StoreError> {
    let sql = "SELECT group_concat(name, ', ') FROM
               (SELECT name FROM pragma_table_info($1) ORDER BY cid)";
    let query = sqlx::query_scalar(sql).bind(table.to_owned());
    Ok(query.fetch_one(connection).await?)
}
