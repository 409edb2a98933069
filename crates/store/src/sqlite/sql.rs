//! Builds the statements whose shape depends on what is asked.

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Encode, FromRow, Sqlite, Type};

use crate::StoreError;

/// A query with its parameters, of the shape of what it runs.
pub(crate) type Bound<'q> = Query<'q, Sqlite, SqliteArguments>;

/// Conditions joined by `AND`, with their parameters.
#[derive(Debug, Default)]
pub(super) struct Filter {
    clauses: Vec<String>,
    arguments: SqliteArguments,
}

impl Filter {
    /// Adds a value and returns its placeholder.
    pub(super) fn bind<'q, T>(&mut self, value: T) -> String
    where
        T: Encode<'q, Sqlite> + Type<Sqlite>,
    {
        Arguments::add(&mut self.arguments, value).expect("plain values can always be bound");
        format!("${}", self.arguments.len())
    }

    /// Adds a condition.
    pub(super) fn and(&mut self, clause: String) {
        self.clauses.push(clause);
    }

    /// Adds `column IN (…)` over a list that may be of any length.
    pub(super) fn among(&mut self, column: &str, list: String) {
        let list = self.bind(list);
        self.and(format!("{column} IN (SELECT value FROM json_each({list}))"));
    }

    /// The conditions as a `WHERE` clause, empty where there are none.
    pub(super) fn clause(&self) -> String {
        if self.clauses.is_empty() {
            return String::new();
        }
        format!("WHERE {}", self.clauses.join(" AND "))
    }

    /// The rows of `sql`, which must hold the clause and the placeholders given out, as `T`.
    pub(super) async fn rows<T>(self, sql: String, pool: &SqlitePool) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let query = sqlx::query_as_with(AssertSqlSafe(sql), self.arguments);
        Ok(query.fetch_all(pool).await?)
    }

    /// The single row of `sql`, as `T`.
    pub(super) async fn fetch_one<T>(
        self,
        sql: String,
        connection: &mut SqliteConnection,
    ) -> Result<T, StoreError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let query = sqlx::query_as_with(AssertSqlSafe(sql), self.arguments);
        Ok(query.fetch_one(connection).await?)
    }
}

/// A table to write many rows into.
pub(crate) struct Bulk<'a> {
    /// `INSERT INTO table (columns)`.
    pub(crate) head: &'a str,
    /// How many columns.
    pub(crate) columns: usize,
    /// What follows the rows, such as an `ON CONFLICT` clause.
    pub(crate) tail: &'a str,
}

impl Bulk<'_> {
    /// Rows per statement: enough to forget the way to the connection's thread and back.
    const ROWS: usize = 64;

    /// Writes all rows, binding each with `bind`.
    pub(crate) async fn insert<T>(
        &self,
        tx: &mut SqliteConnection,
        rows: &[T],
        bind: impl for<'q> Fn(Bound<'q>, &T) -> Bound<'q>,
    ) -> Result<(), StoreError> {
        for chunk in rows.chunks(Self::ROWS) {
            let mut query = sqlx::query(AssertSqlSafe(self.sql(chunk.len())));
            for row in chunk {
                query = bind(query, row);
            }
            query.execute(&mut *tx).await?;
        }
        Ok(())
    }

    /// The placeholders have no numbers: SQLite looks numbered ones up one by one for each bind,
    /// which is quadratic in statements this wide.
    fn sql(&self, rows: usize) -> String {
        let row = format!("({})", vec!["?"; self.columns].join(", "));
        format!(
            "{} VALUES {} {}",
            self.head,
            vec![row; rows].join(", "),
            self.tail
        )
    }
}
