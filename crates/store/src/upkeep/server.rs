//! A PostgreSQL database as a source and as a target of whole tables.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row, TypeInfo, ValueRef};

use super::copy::{Batches, refuse_older};
use super::tables::{Kind, Numbered, TABLES, Table};
use super::tally::{Tally, Value};
use crate::code::corrupt;
use crate::postgres::copy::Copy;
use crate::postgres::partitions;
use crate::postgres::schema::KNOWN;
use crate::postgres::session::Session;
use crate::postgres::sql::Args;
use crate::{PostgresOptions, PostgresStore, StoreError, redacted};

/// Everything takes as long as it takes.
const UNBOUNDED: &str =
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

/// A database within one transaction.
pub(super) struct Server {
    session: Session,
    /// Years whose partitions are known to be there.
    years: BTreeSet<i16>,
}

impl Server {
    /// Begins to read a database with the schema of this release.
    pub(super) async fn source(url: &str, options: &PostgresOptions) -> Result<Self, StoreError> {
        let store = PostgresStore::reached(url, options).await?;
        let missing = || StoreError::Missing(redacted(url));
        let found = store.schema().await?.ok_or_else(missing)?;
        if found > KNOWN {
            return Err(StoreError::SchemaTooNew {
                found,
                known: KNOWN,
            });
        }
        refuse_older(found, KNOWN)?;
        let mut session = store.snapshot().await?;
        session.script(UNBOUNDED).await?;
        Ok(Self::new(session))
    }

    /// Begins to write a database, which must have no rows; nobody else writes meanwhile.
    pub(super) async fn begin(store: &PostgresStore, url: &str) -> Result<Self, StoreError> {
        let mut session = store.write().await?;
        session.script(UNBOUNDED).await?;
        // Every write passes this row.
        session
            .script("SELECT 1 FROM sports_edge FOR UPDATE")
            .await?;
        let any: Vec<_> = TABLES.iter().map(|it| it.name).collect();
        let any = any.join(") OR EXISTS (SELECT 1 FROM ");
        let sql = format!("SELECT EXISTS (SELECT 1 FROM {any})");
        let (full,): (bool,) = session.one(&sql, Args::default()).await?;
        if full {
            return Err(StoreError::NotEmpty(redacted(url)));
        }
        Ok(Self::new(session))
    }

    fn new(session: Session) -> Self {
        Self {
            session,
            years: BTreeSet::new(),
        }
    }

    /// Makes what was written last, with every table numbering on from its last row.
    pub(super) async fn end(self) -> Result<(), StoreError> {
        self.session.commit().await
    }

    pub(super) async fn counters(&mut self) -> Result<[i64; 2], StoreError> {
        let sql = "SELECT revision, outbox FROM sports_edge";
        let row: (i64, i64) = self.session.one(sql, Args::default()).await?;
        Ok(row.into())
    }

    /// Sets the counters, and the sequences beside them, and makes another database of it than what
    /// it was when it was empty.
    pub(super) async fn set_counters(&mut self, counters: [i64; 2]) -> Result<(), StoreError> {
        let sql = "UPDATE sports_edge SET revision = $1, outbox = $2, identity = DEFAULT";
        let args = Args::default().with(counters[0]).with(counters[1]);
        self.session.run(sql, args).await?;
        for table in &TABLES {
            let name = table.name;
            let sequence = match table.numbered {
                Numbered::No => continue,
                Numbered::Identity => format!("pg_get_serial_sequence('{name}', 'id')"),
                Numbered::Sequence(sequence) => format!("'{sequence}'"),
            };
            let sql = format!(
                "SELECT setval({sequence}, coalesce(max(id), 1), max(id) IS NOT NULL) FROM {name}"
            );
            self.session.run(&sql, Args::default()).await?;
        }
        Ok(())
    }

    pub(super) async fn number(&mut self, sql: &str) -> Result<i64, StoreError> {
        let (number,): (i64,) = self.session.one(sql, Args::default()).await?;
        Ok(number)
    }

    /// Reads every row of a table, a batch at a time.
    pub(super) async fn read(
        &mut self,
        table: &Table,
        batches: &mut Batches<'_>,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(AssertSqlSafe(select(table))).persistent(false);
        let mut rows = query.fetch(self.session.connection());
        while let Some(row) = rows.try_next().await? {
            batches.push(values(&row)?).await?;
        }
        drop(rows);
        batches.finish().await
    }

    /// What the rows of a table add up to.
    pub(super) async fn tally(&mut self, table: &Table) -> Result<Tally, StoreError> {
        let (mut tally, mut scratch) = (Tally::default(), Vec::new());
        let query = sqlx::query(AssertSqlSafe(select(table))).persistent(false);
        let mut rows = query.fetch(self.session.connection());
        while let Some(row) = rows.try_next().await? {
            tally.add(&values(&row)?, &mut scratch);
        }
        Ok(tally)
    }

    /// Writes rows of a table.
    pub(super) async fn write(
        &mut self,
        table: &Table,
        rows: &[Vec<Value>],
    ) -> Result<(), StoreError> {
        if table.name == "quotes" {
            self.make_partitions(rows).await?;
        }
        let sql = format!(
            "COPY {} ({}) FROM STDIN (FORMAT binary)",
            table.name,
            table.column_list()
        );
        let mut copy = Copy::begin(&mut self.session, &sql).await?;
        let fields = i16::try_from(table.columns.len()).expect("tables have few columns");
        for row in rows {
            copy.row(fields);
            for (value, (column, kind)) in row.iter().zip(table.columns) {
                field(&mut copy, value, (column, *kind))?;
            }
            copy.flush_full().await?;
        }
        copy.finish().await?;
        Ok(())
    }

    async fn make_partitions(&mut self, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        let year = |row: &Vec<Value>| match row[1] {
            Value::Int(micros) => Timestamp::from_microsecond(micros).ok(),
            _ => None,
        };
        let years = rows.iter().filter_map(year).map(partitions::year_of);
        let missing: BTreeSet<i16> = years.filter(|it| !self.years.contains(it)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing = Vec::from_iter(missing);
        partitions::make_in(&mut self.session, &missing).await?;
        self.years.extend(missing);
        Ok(())
    }
}

/// Lets the planner know what came in.
pub(super) async fn analyse(store: &PostgresStore) -> Result<(), StoreError> {
    let mut session = store.write().await?;
    session.script(UNBOUNDED).await?;
    // Of the system's own tables the server would only say that they are not ours to look at.
    let tables: Vec<_> = TABLES.iter().map(|it| it.name).collect();
    let tables = tables.join(", ");
    session.script(&format!("ANALYZE {tables}")).await?;
    session.commit().await
}

fn select(table: &Table) -> String {
    format!("SELECT {} FROM {}", table.column_list(), table.name)
}

fn values(row: &PgRow) -> Result<Vec<Value>, StoreError> {
    (0..row.len()).map(|place| value(row, place)).collect()
}

fn value(row: &PgRow, place: usize) -> Result<Value, StoreError> {
    let raw = row.try_get_raw(place)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INT8" => Value::Int(row.try_get(place)?),
        "INT4" => Value::Int(row.try_get::<i32, _>(place)?.into()),
        "INT2" => Value::Int(row.try_get::<i16, _>(place)?.into()),
        "FLOAT8" => Value::Real(row.try_get(place)?),
        "BYTEA" => Value::Bytes(row.try_get(place)?),
        _ => Value::Text(row.try_get(place)?),
    })
}

fn field(
    copy: &mut Copy<'_>,
    value: &Value,
    (column, kind): (&'static str, Kind),
) -> Result<(), StoreError> {
    let unfit = || corrupt(column, format!("{value:?}"));
    match (value, kind) {
        (Value::Null, _) => copy.null(),
        (Value::Int(it), Kind::Big) => copy.field(&it.to_be_bytes()),
        (Value::Int(it), Kind::Int) => {
            copy.field(&i32::try_from(*it).map_err(|_| unfit())?.to_be_bytes());
        }
        (Value::Int(it), Kind::Small) => {
            copy.field(&i16::try_from(*it).map_err(|_| unfit())?.to_be_bytes());
        }
        (Value::Real(it), Kind::Real) => copy.field(&it.to_be_bytes()),
        (Value::Text(it), Kind::Text) => copy.field(it.as_bytes()),
        (Value::Bytes(it), Kind::Bytes) => copy.field(it),
        _ => return Err(unfit()),
    }
    Ok(())
}
