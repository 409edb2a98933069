//! Appends to the logs of games under way.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, params};

use super::SqliteOptions;
use crate::ChangeKind;

/// Page cache of the connection: the ends of a few tables and indexes.
const CACHE_KIB: i64 = 2 * 1024;
/// An append of a few rows that takes no longer is done where it is asked for.
const QUICK_MAX: Duration = Duration::from_millis(1);
/// More rows are not quick.
const QUICK_ROWS_MAX: usize = 16;

thread_local! {
    /// Pages in the log after what this thread committed last.
    static LOG_PAGES: Cell<u32> = const { Cell::new(0) };
}

const EVENT: &str = "INSERT INTO events
         (fixture, sequence, revision, known_at, recorded_at, source, body)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";

const COUNT: &str = "UPDATE meta SET outbox = outbox + ?1 RETURNING outbox";

const CHANGE: &str = "INSERT INTO outbox (seq, kind, key, at)
     VALUES (?1, ?2, ?3, CAST(unixepoch('subsec') * 1000000 AS INTEGER))";

/// A row of the log.
pub(super) struct Row<'a> {
    pub(super) fixture: i64,
    pub(super) sequence: i64,
    pub(super) revision: i64,
    pub(super) known_at: i64,
    pub(super) body: &'a str,
}

/// What was new of an append.
pub(super) struct Written {
    /// Number, fixture and body of each row.
    pub(super) rows: Vec<(i64, i64, String)>,
    /// The number of the last change before, and of the last of these.
    pub(super) span: Range<i64>,
}

/// The connection that appends, opened where it is first needed.
#[derive(Debug)]
pub(super) struct Appender {
    path: PathBuf,
    busy_timeout: Duration,
    wal_pages: u32,
    connection: Option<Connection>,
    /// How long the last append of a few rows took; `None` before one.
    took: Option<Duration>,
    /// Whether the log has the pages at which it is to be emptied.
    is_log_full: bool,
}

impl Appender {
    pub(super) fn new(path: &Path, options: &SqliteOptions) -> Self {
        Self {
            path: path.to_owned(),
            busy_timeout: options.busy_timeout,
            wal_pages: options.wal_pages,
            connection: None,
            took: None,
            is_log_full: false,
        }
    }

    /// Ends the connection.
    pub(super) fn close(&mut self) {
        self.connection = None;
    }

    /// Appends where the last append was quick and nobody else is writing; `None` where that is not
    /// known and [`Self::append`] is to be asked, for which others should make room.
    pub(super) fn append_if_quick(
        &mut self,
        rows: &[Row<'_>],
        by: (i64, &str),
    ) -> Option<rusqlite::Result<Written>> {
        let is_quick = rows.len() <= QUICK_ROWS_MAX && self.took.is_some_and(|it| it <= QUICK_MAX);
        if !is_quick {
            return None;
        }
        match self.timed(rows, by, Duration::ZERO) {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => None,
            done => Some(done),
        }
    }

    /// Appends the rows that are not there, and writes what changed by them; waits for other
    /// processes.
    pub(super) fn append(
        &mut self,
        rows: &[Row<'_>],
        by: (i64, &str),
    ) -> rusqlite::Result<Written> {
        self.timed(rows, by, self.busy_timeout)
    }

    /// Whether what was appended last left the log so long that it is to be emptied.
    pub(super) fn is_log_full(&self) -> bool {
        self.is_log_full
    }

    /// Brings what the log holds into the file, as far as readers let it.
    pub(super) fn empty_log(&mut self) {
        self.is_log_full = false;
        let Some(connection) = &self.connection else {
            return;
        };
        // What cannot be done now is tried again after the next append.
        let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()));
        if let Err(error) = done {
            tracing::debug!(%error, "the log of the database is not emptied");
        }
    }

    fn timed(
        &mut self,
        rows: &[Row<'_>],
        by: (i64, &str),
        patience: Duration,
    ) -> rusqlite::Result<Written> {
        let began = Instant::now();
        let wal_pages = self.wal_pages;
        let connection = self.connection()?;
        connection.busy_timeout(patience)?;
        LOG_PAGES.set(0);
        let written = append(connection, rows, by)?;
        self.is_log_full = LOG_PAGES.get() >= wal_pages;
        if rows.len() <= QUICK_ROWS_MAX {
            self.took = Some(began.elapsed());
        }
        Ok(written)
    }

    fn connection(&mut self) -> rusqlite::Result<&mut Connection> {
        if self.connection.is_none() {
            self.connection = Some(self.open()?);
        }
        Ok(self.connection.as_mut().expect("it was opened just now"))
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.busy_timeout)?;
        let settings = [
            ("foreign_keys", 1),
            // Normal, as the other writer has it.
            ("synchronous", 1),
            ("cache_size", -CACHE_KIB),
        ];
        for (name, value) in settings {
            connection.pragma_update(None, name, value)?;
        }
        // In place of SQLite's own, which empties a long log in the middle of an append.
        connection.wal_hook(Some(|_, pages| {
            LOG_PAGES.set(u32::try_from(pages).unwrap_or(0));
            Ok(())
        }));
        Ok(connection)
    }
}

/// Appends the rows that are not there, and writes what changed by them.
fn append(
    connection: &mut Connection,
    rows: &[Row<'_>],
    (at, source): (i64, &str),
) -> rusqlite::Result<Written> {
    let write = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let mut new = Vec::with_capacity(rows.len());
    let mut event = write.prepare_cached(EVENT)?;
    for it in rows {
        let keys = (it.fixture, it.sequence, it.revision);
        let row = params![keys.0, keys.1, keys.2, it.known_at, at, source, it.body];
        if event.execute(row)? > 0 {
            new.push((write.last_insert_rowid(), it.fixture, it.body.to_owned()));
        }
    }
    drop(event);
    let games: BTreeSet<i64> = new.iter().map(|it| it.1).collect();
    let count = i64::try_from(games.len()).expect("a batch fits in memory");
    let last: i64 = write
        .prepare_cached(COUNT)?
        .query_row([count], |row| row.get(0))?;
    let mut change = write.prepare_cached(CHANGE)?;
    for (number, game) in (last - count + 1..).zip(games) {
        change.execute(params![number, ChangeKind::Events.as_str(), game])?;
    }
    drop(change);
    write.commit()?;
    Ok(Written {
        rows: new,
        span: last - count..last,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> (tempfile::TempDir, Appender) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.db");
        let maker = Connection::open(&path).unwrap();
        maker
            .execute_batch(
                "PRAGMA journal_mode = WAL;
                 CREATE TABLE events (id INTEGER PRIMARY KEY, fixture, sequence, revision, known_at,
                     recorded_at, source, body, UNIQUE (fixture, sequence, revision));
                 CREATE TABLE meta (outbox INTEGER);
                 INSERT INTO meta VALUES (0);
                 CREATE TABLE outbox (seq INTEGER PRIMARY KEY, kind, key, at);",
            )
            .unwrap();
        let options = SqliteOptions {
            wal_pages: 20,
            ..SqliteOptions::default()
        };
        let appender = Appender::new(&path, &options);
        (folder, appender)
    }

    fn row(sequence: i64) -> Row<'static> {
        Row {
            fixture: 1,
            sequence,
            revision: 0,
            known_at: 0,
            body: "{}",
        }
    }

    #[test]
    fn what_is_not_known_to_be_quick_is_left_to_who_makes_room() {
        let (folder, mut appender) = file();
        let by = (0, "api");
        assert!(
            appender.append_if_quick(&[row(1)], by).is_none(),
            "the first"
        );
        appender.append(&[row(1)], by).unwrap();
        appender.took = Some(QUICK_MAX);
        let done = appender.append_if_quick(&[row(2)], by).unwrap().unwrap();
        assert_eq!((done.rows.len(), done.span), (1, 1..2));
        appender.took = Some(QUICK_MAX);
        let many: Vec<Row<'_>> = (3..20).map(row).collect();
        assert!(appender.append_if_quick(&many, by).is_none(), "many rows");
        let other = Connection::open(folder.path().join("log.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(appender.append_if_quick(&[row(3)], by).is_none(), "busy");
        other.execute_batch("ROLLBACK").unwrap();
        appender.took = Some(2 * QUICK_MAX);
        assert!(appender.append_if_quick(&[row(3)], by).is_none(), "slow");
        assert_eq!(
            appender.append(&[row(2), row(3)], by).unwrap().rows.len(),
            1
        );
    }

    #[test]
    fn a_full_log_is_told_of_and_emptied() {
        let (folder, mut appender) = file();
        let log = folder.path().join("log.db-wal");
        let mut most = 0;
        for sequence in 1..200 {
            appender.append(&[row(sequence)], (0, "api")).unwrap();
            if appender.is_log_full() {
                appender.empty_log();
            }
            assert!(!appender.is_log_full());
            most = most.max(std::fs::metadata(&log).unwrap().len());
        }
        assert!(most < 40 * 4_120, "{most} bytes");
    }
}
