//! Appends to the logs of games under way.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, params};

use super::SqliteOptions;
use crate::ChangeKind;

/// Page cache of the connection: the ends of a few tables and indexes.
const CACHE_KIB: i64 = 2 * 1024;

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
}

impl Appender {
    pub(super) fn new(path: &Path, options: &SqliteOptions) -> Self {
        Self {
            path: path.to_owned(),
            busy_timeout: options.busy_timeout,
            wal_pages: options.wal_pages,
            connection: None,
        }
    }

    /// Ends the connection.
    pub(super) fn close(&mut self) {
        self.connection = None;
    }

    /// Appends the rows that are not there, and writes what changed by them.
    pub(super) fn append(
        &mut self,
        rows: &[Row<'_>],
        (at, source): (i64, &str),
    ) -> rusqlite::Result<Written> {
        let write = Transaction::new(self.connection()?, TransactionBehavior::Immediate)?;
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
            ("wal_autocheckpoint", i64::from(self.wal_pages)),
        ];
        for (name, value) in settings {
            connection.pragma_update(None, name, value)?;
        }
        Ok(connection)
    }
}
