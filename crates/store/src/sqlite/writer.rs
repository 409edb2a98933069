//! The way into the file: one writes at a time, and who comes meanwhile waits for the turn here,
//! where waiting is fair, instead of in SQLite, where it is sleeping and trying again.
//!
//! Two connections write, in turn. Nearly everything goes through sqlx, whose connection has a thread
//! of its own. What is appended to logs of games under way goes through rusqlite on the thread that
//! asks: the way to the other thread and back takes several times what the write itself does, and
//! readers of a game wait for it.

use std::ops::{Deref, DerefMut};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqlitePool, SqliteQueryResult};
use sqlx::{Sqlite, Transaction};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;

use super::SqliteOptions;
use super::appender::{Appender, Row, Written};
use crate::StoreError;

/// What writes; clones share the turn.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    pool: SqlitePool,
    turn: Arc<Mutex<Appender>>,
    patience: Duration,
}

impl Writer {
    pub(super) fn new(pool: SqlitePool, path: &Path, options: &SqliteOptions) -> Self {
        Self {
            pool,
            turn: Arc::new(Mutex::new(Appender::new(path, options))),
            patience: options.acquire_timeout,
        }
    }

    /// Begins a write of several steps.
    pub(super) async fn begin(&self) -> Result<Write, StoreError> {
        let turn = self.turn().await?;
        let steps = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Write { steps, _turn: turn })
    }

    /// A write of one step.
    pub(super) async fn run(
        &self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<SqliteQueryResult, StoreError> {
        let _turn = self.turn().await?;
        Ok(query.execute(&self.pool).await?)
    }

    /// Appends, on this thread: who asks cannot leave in the middle of it. What is expected to be
    /// quick is done without telling the runtime, whose answer to that costs as much as the write.
    pub(super) async fn append(
        &self,
        rows: &[Row<'_>],
        by: (i64, &str),
    ) -> Result<Written, StoreError> {
        let mut turn = self.turn().await?;
        let quick = turn.append_if_quick(rows, by);
        let written = match (quick, Handle::current().runtime_flavor()) {
            (Some(done), _) => done,
            (None, RuntimeFlavor::CurrentThread) => turn.append(rows, by),
            // Another process may hold the file, or the disk be slow: other tasks are not to wait.
            (None, _) => tokio::task::block_in_place(|| turn.append(rows, by)),
        }?;
        if turn.is_log_full() {
            // The next to write waits for it, as it would in SQLite; this one does not.
            tokio::task::spawn_blocking(move || turn.empty_log());
        }
        Ok(written)
    }

    /// Ends both connections; who has the turn is waited for.
    pub(super) async fn close(&self) {
        self.turn.lock().await.close();
        self.pool.close().await;
    }

    async fn turn(&self) -> Result<OwnedMutexGuard<Appender>, StoreError> {
        let turn = timeout(self.patience, Arc::clone(&self.turn).lock_owned()).await;
        turn.map_err(|_| sqlx::Error::PoolTimedOut.into())
    }
}

/// A write under way, undone where it is dropped.
pub(super) struct Write {
    // First, so that the turn is over when this is.
    steps: Transaction<'static, Sqlite>,
    _turn: OwnedMutexGuard<Appender>,
}

impl Write {
    /// Ends it, as a whole.
    pub(super) async fn commit(self) -> Result<(), StoreError> {
        Ok(self.steps.commit().await?)
    }
}

impl Deref for Write {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.steps
    }
}

impl DerefMut for Write {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.steps
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use crate::{ApiKeyRecord, SqliteStore, Store, StoreError};

    fn key(prefix: &str, name: String) -> ApiKeyRecord {
        ApiKeyRecord {
            prefix: prefix.to_owned(),
            hash: [7; 32],
            name,
            scopes: Vec::new(),
            created_at: Timestamp::UNIX_EPOCH,
            last_used_at: None,
            revoked_at: None,
        }
    }

    #[tokio::test]
    async fn a_disk_that_was_full_is_written_to_again_once_there_is_space() {
        let store = SqliteStore::temporary().await.unwrap();
        for round in 1..=3 {
            // A file that may not grow is a full disk to SQLite.
            let full = sqlx::query("PRAGMA max_page_count = 1");
            store.writer.run(full).await.unwrap();
            let long = key("long", "x".repeat(100_000));
            let error = store.put_key(&long).await.unwrap_err();
            let StoreError::Database(sqlx::Error::Database(cause)) = &error else {
                panic!("{error:?}");
            };
            assert_eq!(cause.code().as_deref(), Some("13"), "{cause}");
            let space = sqlx::query("PRAGMA max_page_count = 1000000");
            store.writer.run(space).await.unwrap();
            let short = key(&format!("short {round}"), "laptop".to_owned());
            store.put_key(&short).await.unwrap();
            assert_eq!(store.keys().await.unwrap().len(), round);
        }
    }
}
