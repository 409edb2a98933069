//! Connections while they are used: how transactions begin, how statements run, what is tried
//! again.

use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, FromRow, Postgres, Transaction};

use super::sql::Args;
use super::{Pooler, PostgresOptions, PostgresStore};
use crate::StoreError;

/// How often a write that met another is tried at most.
const TRIES_MAX: u32 = 10;

/// What is tried again: serialisation failures, deadlocks, and a key that another write numbered
/// at the same moment.
const CONFLICTS: [&str; 2] = ["40001", "40P01"];
const UNIQUE: &str = "23505";
const INTERNED: [&str; 3] = ["sources", "bookmakers", "seasons"];

/// Bounds as settings of the server.
pub(crate) fn settings(options: &PostgresOptions) -> [(&'static str, String); 4] {
    let ms = |it: Duration| it.as_millis().to_string();
    [
        ("statement_timeout", ms(options.statement_timeout)),
        ("lock_timeout", ms(options.lock_timeout)),
        (
            "idle_in_transaction_session_timeout",
            ms(options.idle_timeout),
        ),
        // Plans for milliseconds are not worth compiling.
        ("jit", "off".to_owned()),
    ]
}

/// What begins a transaction that writes, and one that reads.
pub(crate) fn begin(options: &PostgresOptions) -> [Arc<str>; 2] {
    let bounds: String = match options.pooler {
        Pooler::None => String::new(),
        // The connection is whoever's it was before, so that bounds are set each time.
        Pooler::Transaction => settings(options)
            .iter()
            .map(|(name, value)| format!("; SET LOCAL {name} = '{value}'"))
            .collect(),
    };
    [
        format!("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE{bounds}").into(),
        format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{bounds}").into(),
    ]
}

impl PostgresStore {
    /// Begins a write.
    pub(crate) async fn write(&self) -> Result<Session, StoreError> {
        self.transaction(&self.begin[0]).await
    }

    /// Begins a read of several queries that see one state.
    pub(crate) async fn snapshot(&self) -> Result<Session, StoreError> {
        self.transaction(&self.begin[1]).await
    }

    async fn transaction(&self, begin: &str) -> Result<Session, StoreError> {
        self.expect().await?;
        self.transaction_now(begin).await
    }

    async fn transaction_now(&self, begin: &str) -> Result<Session, StoreError> {
        let (pool, begin) = (self.pool.clone(), AssertSqlSafe(begin.to_owned()));
        // On a task of its own: a connection whose user leaves while it begins would come back to
        // the pool within a transaction that nobody ends, and keep what is written in it, or what
        // was there when it began, from all who come after.
        let begun = tokio::spawn(async move { pool.begin_with(begin).await });
        let begun = begun.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        Ok(self.session(Inner::Whole(begun?)))
    }

    /// A connection for one statement.
    pub(crate) async fn read(&self) -> Result<Session, StoreError> {
        self.expect().await?;
        self.read_now().await
    }

    /// The same, however long the server has been away.
    pub(super) async fn read_now(&self) -> Result<Session, StoreError> {
        match self.pooler {
            Pooler::None => Ok(self.session(Inner::Single(self.pool.acquire().await?))),
            // A statement is parsed in one step and run in another; between them the pooler may
            // change the connection, except within a transaction.
            Pooler::Transaction => self.transaction_now(&self.begin[1]).await,
        }
    }

    /// A connection for one statement that writes.
    async fn write_one(&self) -> Result<Session, StoreError> {
        match self.pooler {
            Pooler::None => self.read().await,
            Pooler::Transaction => self.write().await,
        }
    }

    /// Runs one statement that writes; returns the number of rows it touched.
    pub(crate) async fn run(&self, sql: &str, args: Args) -> Result<u64, StoreError> {
        let mut session = self.write_one().await?;
        let touched = session.run(sql, args).await?;
        session.commit().await?;
        Ok(touched)
    }

    fn session(&self, inner: Inner) -> Session {
        Session {
            inner,
            persistent: self.pooler == Pooler::None,
        }
    }
}

enum Inner {
    Single(PoolConnection<Postgres>),
    Whole(Transaction<'static, Postgres>),
}

/// A connection, and with it a transaction unless it is for one statement.
pub(crate) struct Session {
    inner: Inner,
    /// Whether statements stay prepared.
    persistent: bool,
}

impl Session {
    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        match &mut self.inner {
            Inner::Single(connection) => connection,
            Inner::Whole(transaction) => transaction,
        }
    }

    /// Runs a statement; returns the number of rows it touched.
    pub(crate) async fn run(&mut self, sql: &str, args: Args) -> Result<u64, StoreError> {
        let query = sqlx::query_with(AssertSqlSafe(sql.to_owned()), args.0);
        let query = query.persistent(self.persistent);
        Ok(query.execute(self.connection()).await?.rows_affected())
    }

    /// Runs statements without parameters, one after the other.
    pub(crate) async fn script(&mut self, sql: &str) -> Result<(), StoreError> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        script.execute(self.connection()).await?;
        Ok(())
    }

    /// The rows of a query.
    pub(crate) async fn rows<T>(&mut self, sql: &str, args: Args) -> Result<Vec<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let query = sqlx::query_as_with(AssertSqlSafe(sql.to_owned()), args.0);
        let query = query.persistent(self.persistent);
        Ok(query.fetch_all(self.connection()).await?)
    }

    /// The first row of a query, where there is one.
    pub(crate) async fn optional<T>(
        &mut self,
        sql: &str,
        args: Args,
    ) -> Result<Option<T>, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let query = sqlx::query_as_with(AssertSqlSafe(sql.to_owned()), args.0);
        let query = query.persistent(self.persistent);
        Ok(query.fetch_optional(self.connection()).await?)
    }

    /// The row of a query that always has one.
    pub(crate) async fn one<T>(&mut self, sql: &str, args: Args) -> Result<T, StoreError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let query = sqlx::query_as_with(AssertSqlSafe(sql.to_owned()), args.0);
        let query = query.persistent(self.persistent);
        Ok(query.fetch_one(self.connection()).await?)
    }

    /// Makes what was written last.
    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        if let Inner::Whole(transaction) = self.inner {
            transaction.commit().await?;
        }
        Ok(())
    }
}

/// Does `write`, and again where it met another that came first.
pub(crate) async fn again<T, F>(mut write: impl FnMut() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, StoreError>>,
{
    for attempt in 1..TRIES_MAX {
        match write().await {
            Err(StoreError::Database(error)) if is_conflict(&error) => {
                tracing::debug!(attempt, %error, "a write met another");
                tokio::time::sleep(Duration::from_millis(u64::from(attempt) * 5)).await;
            }
            other => return other,
        }
    }
    write().await
}

fn is_conflict(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else {
        return false;
    };
    let code = error.code().unwrap_or_default();
    let interned = || error.table().is_some_and(|it| INTERNED.contains(&it));
    CONFLICTS.contains(&&*code) || (code == UNIQUE && interned())
}
