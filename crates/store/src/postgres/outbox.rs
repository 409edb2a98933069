//! Numbers what writes changed, and wakes whoever waits for changes.
//!
//! The numbers come from one row whose lock is held from the numbering to the end of the
//! transaction. So they are visible in their order, and a reader that goes on from the last number
//! it saw misses nothing, however long other transactions take. A notification only wakes: it is
//! sent after the commit, one for as many commits as came meanwhile, for PostgreSQL lets
//! transactions that notify commit one at a time.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use sqlx::postgres::PgListener;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

use super::session::Session;
use super::sql::Args;
use super::{Pooler, PostgresStore};
use crate::outbox::{Outgoing, TRIMMED_MAX};
use crate::{CHANGES_MAX, Changes, StoreError};

const CHANNEL: &str = "sports_edge";

/// How long whoever waits goes without a look of its own, with notifications and without.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
const POLL: Duration = Duration::from_millis(25);

/// Numbers what changed, `$1` revisions and `$2` changes of kinds `$3` and keys `$4`, and marks what
/// views depend on, of kinds `$5`, things `$6` and parts `$7`, with the last
/// number: seasons and teams in one table, prices of fixtures (kind 2) in another.
pub(super) const NUMBER: &str = "WITH counter AS (
         UPDATE sports_edge SET revision = revision + $1, outbox = outbox + $2
         RETURNING revision, outbox),
     told AS (
         INSERT INTO outbox (seq, kind, key, at)
         SELECT counter.outbox - $2 + c.place, c.kind, c.key,
                (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
         FROM counter, unnest($3::text[], $4::text[]) WITH ORDINALITY AS c (kind, key, place)),
     marked AS (
         INSERT INTO view_marks (kind, thing, part, change)
         SELECT m.kind, m.thing, m.part, counter.outbox
         FROM counter, unnest($5::bigint[], $6::bigint[], $7::bigint[]) AS m (kind, thing, part)
         WHERE m.kind < 2
         ON CONFLICT (kind, thing, part) DO UPDATE SET change = excluded.change),
     priced AS (
         INSERT INTO market_marks (fixture, change, ready)
         SELECT m.thing, counter.outbox, -1
         FROM counter, unnest($5::bigint[], $6::bigint[]) AS m (kind, thing) WHERE m.kind = 2
         ON CONFLICT (fixture) DO UPDATE SET change = excluded.change)";

/// Wakes whoever waits.
#[derive(Debug, Default)]
pub(super) struct Bell {
    listener: Mutex<Option<PgListener>>,
    /// Commits so far, and the commits that were told of.
    commits: AtomicU64,
    told: AtomicU64,
    /// Whether somebody rings.
    ringing: AtomicBool,
}

impl Bell {
    /// Notes a commit; whether whoever made it has to ring.
    fn committed(&self) -> bool {
        self.commits.fetch_add(1, Ordering::SeqCst);
        !self.ringing.swap(true, Ordering::SeqCst)
    }

    /// Whether whoever rings has commits to tell of; where not, the ringing is over.
    fn has_untold(&self) -> bool {
        loop {
            let commits = self.commits.load(Ordering::SeqCst);
            if self.told.swap(commits, Ordering::SeqCst) != commits {
                return true;
            }
            self.ringing.store(false, Ordering::SeqCst);
            // One that came between found somebody ringing, and left it to them.
            let is_told = self.commits.load(Ordering::SeqCst) == commits;
            if is_told || self.ringing.swap(true, Ordering::SeqCst) {
                return false;
            }
        }
    }

    /// Lets go of the connection that listens.
    pub(super) async fn stop(&self) {
        self.listener.lock().await.take();
    }
}

/// Parameters of [`NUMBER`].
pub(super) fn number(revisions: i64, outgoing: &Outgoing) -> Args {
    let (kinds, keys) = outgoing.columns();
    let [marked, things, parts] = outgoing.marks.columns();
    Args::default()
        .with(revisions)
        .with(outgoing.len())
        .with(kinds)
        .with(keys)
        .with(marked)
        .with(things)
        .with(parts)
}

/// Ends a write that can change predictions.
pub(super) async fn seal(
    store: &PostgresStore,
    session: Session,
    outgoing: &Outgoing,
) -> Result<(), StoreError> {
    finish(store, session, (1, outgoing)).await.map(drop)
}

/// Ends a write that changes other answers only; returns the number of the last change before it,
/// and of its own last one.
pub(super) async fn tell(
    store: &PostgresStore,
    session: Session,
    outgoing: &Outgoing,
) -> Result<Range<u64>, StoreError> {
    finish(store, session, (0, outgoing)).await
}

async fn finish(
    store: &PostgresStore,
    mut session: Session,
    (revisions, outgoing): (i64, &Outgoing),
) -> Result<Range<u64>, StoreError> {
    let sql = format!("{NUMBER} SELECT outbox FROM counter");
    let (last,): (i64,) = session.one(&sql, number(revisions, outgoing)).await?;
    commit(store, session).await?;
    Ok((last - outgoing.len()).unsigned_abs()..last.unsigned_abs())
}

/// Commits what was numbered, and wakes.
pub(super) async fn commit(store: &PostgresStore, session: Session) -> Result<(), StoreError> {
    session.commit().await?;
    if store.bell.committed() {
        // On a task of its own: others rely on it, and whoever wrote may leave meanwhile.
        let store = store.clone();
        tokio::spawn(async move {
            while store.bell.has_untold() {
                if let Err(error) = ring(&store).await {
                    // They look by themselves before long.
                    tracing::debug!(%error, "nobody was woken");
                }
            }
        });
    }
    Ok(())
}

async fn ring(store: &PostgresStore) -> Result<(), StoreError> {
    let sql = "SELECT pg_notify($1, '')";
    store.run(sql, Args::default().with(CHANNEL)).await?;
    Ok(())
}

pub(super) const CHANGES: &str = "SELECT s.outbox, o.seq, o.kind, o.key
     FROM sports_edge AS s LEFT JOIN LATERAL (
         SELECT seq, kind, key FROM outbox WHERE seq > $1 ORDER BY seq LIMIT $2) AS o ON true
     ORDER BY o.seq";

type Row = (i64, Option<i64>, Option<String>, Option<String>);

pub(super) async fn changes(
    store: &PostgresStore,
    after: u64,
    limit: u32,
) -> Result<Changes, StoreError> {
    let from = i64::try_from(after).unwrap_or(i64::MAX);
    let limit = i64::from(limit.clamp(1, CHANGES_MAX));
    let args = Args::default().with(from).with(limit);
    let rows: Vec<Row> = store.read().await?.rows(CHANGES, args).await?;
    let newest = rows.first().map_or(0, |it| it.0);
    let there = |(_, seq, kind, key): Row| Some((seq?, kind?, key?));
    Changes::of(after, newest, rows.into_iter().filter_map(there).collect())
}

pub(super) async fn wait(
    store: &PostgresStore,
    after: u64,
    patience: Duration,
) -> Result<u64, StoreError> {
    let deadline = Instant::now() + patience;
    loop {
        let newest = newest(store).await?;
        let left = deadline.saturating_duration_since(Instant::now());
        if newest != after || left.is_zero() {
            return Ok(newest);
        }
        match store.pooler {
            Pooler::Transaction => sleep(left.min(POLL)).await,
            Pooler::None => {
                let wait = left.min(LOOK_AGAIN);
                if let Ok(Err(_)) = timeout(wait, listen(store)).await {
                    // Where nobody can listen, as at a server that recovers, it fails at once.
                    sleep(wait.min(POLL)).await;
                }
            }
        }
    }
}

/// Waits for a notification; the first time for the listening to begin, before which there may
/// have been one.
async fn listen(store: &PostgresStore) -> Result<(), StoreError> {
    let mut slot = store.bell.listener.lock().await;
    let Some(listener) = slot.as_mut() else {
        let mut listener = PgListener::connect_with(&store.pool).await?;
        listener.listen(CHANNEL).await?;
        *slot = Some(listener);
        return Ok(());
    };
    listener.recv().await?;
    Ok(())
}

pub(super) async fn newest(store: &PostgresStore) -> Result<u64, StoreError> {
    let mut session = store.read().await?;
    let sql = "SELECT outbox FROM sports_edge";
    let (newest,): (i64,) = session.one(sql, Args::default()).await?;
    Ok(newest.unsigned_abs())
}

/// Only ever the oldest, so that what is kept has no gaps, whatever clocks did; no more than
/// [`TRIMMED_MAX`] of them.
pub(super) async fn trim(store: &PostgresStore, older_than: Duration) -> Result<u64, StoreError> {
    let age = i64::try_from(older_than.as_micros()).unwrap_or(i64::MAX / 2);
    store
        .run(
            "DELETE FROM outbox WHERE seq < (SELECT min(seq) FROM outbox) + $2 AND seq <= (
                 SELECT max(seq) FROM outbox
                 WHERE at < (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - $1)",
            Args::default().with(age).with(TRIMMED_MAX),
        )
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_commit_is_left_untold_whoever_rings_when_it_comes() {
        let (bell, heard) = (Bell::default(), AtomicU64::new(0));
        let write = || {
            if bell.committed() {
                while bell.has_untold() {
                    heard.store(bell.commits.load(Ordering::SeqCst), Ordering::SeqCst);
                }
            }
        };
        for _ in 0..3_000 {
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(write);
                }
            });
            let commits = bell.commits.load(Ordering::SeqCst);
            assert_eq!(heard.load(Ordering::SeqCst), commits, "all have left");
        }
    }
}
