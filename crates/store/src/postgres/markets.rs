//! Reads summaries of markets where they are up to date, and quotes where they are not; makes them
//! new a batch of fixtures at a time.

use domain::FixtureId;

use super::PostgresStore;
use super::session::Session;
use super::sql::Args;
use crate::markets::{BATCH, COLUMNS, SummaryRow, worked_out};
use crate::{Made, Markets, StoreError};

const MARK: &str = "SELECT c.sport, m.change, m.ready
     FROM fixtures AS f JOIN competitions AS c ON c.id = f.competition
     LEFT JOIN market_marks AS m ON m.fixture = f.id WHERE f.id = $1";

/// The moments of the first and last quote say which partitions to look into.
const QUOTES: &str = "fixtures AS f CROSS JOIN LATERAL (
         SELECT * FROM quotes WHERE fixture = f.id
             AND taken_at BETWEEN f.quoted_from AND f.quoted_until OFFSET 0) AS q
     JOIN bookmakers AS b ON b.id = q.bookmaker JOIN competitions AS c ON c.id = f.competition
     WHERE f.id = ANY ($1)";

const DUE: &str = "SELECT fixture, change FROM market_marks
     WHERE ready < change AND change <= $1 ORDER BY change, fixture LIMIT $2";

/// In the order in which writes mark them, so that none waits for the other in a ring.
const LOCK: &str =
    "SELECT fixture FROM market_marks WHERE fixture = ANY ($1) ORDER BY fixture FOR UPDATE";

const READY: &str = "UPDATE market_marks AS m SET ready = n.change
     FROM unnest($1::bigint[], $2::bigint[]) AS n (fixture, change) WHERE m.fixture = n.fixture";

fn now() -> String {
    worked_out(|it| format!("CAST({it} AS BIGINT)"), QUOTES)
}

pub(super) async fn read(
    store: &PostgresStore,
    id: FixtureId,
) -> Result<Option<Markets>, StoreError> {
    let mut session = store.snapshot().await?;
    let mark = session.optional(MARK, Args::default().with(id.0)).await?;
    let found: Option<(String, Option<i64>, Option<i64>)> = mark;
    let Some((played, change, ready)) = found else {
        return Ok(None);
    };
    let (rows, made): (Vec<SummaryRow>, Made) = if ready < change {
        let (now, names) = (now(), "p (fixture, ");
        let sql = format!("SELECT {COLUMNS} FROM ({now}) AS {names}{COLUMNS}) ORDER BY kind, line");
        let args = Args::default().with(vec![id.0]);
        (session.rows(&sql, args).await?, Made::Anew)
    } else {
        let sql = format!(
            "SELECT {COLUMNS} FROM market_summaries WHERE fixture = $1 ORDER BY kind, line"
        );
        let args = Args::default().with(id.0);
        (session.rows(&sql, args).await?, Made::Ready)
    };
    Markets::of(&rows, &played, (made, change)).map(Some)
}

/// Makes summaries new that are behind; returns the change up to which they then are, `None` where
/// there was nothing to do or another process is at it.
pub(super) async fn refresh(store: &PostgresStore) -> Result<Option<u64>, StoreError> {
    let sql = "SELECT max(change) FROM market_marks WHERE ready < change";
    let newest = store.snapshot().await?.one(sql, Args::default()).await?;
    let (Some(newest),): (Option<i64>,) = newest else {
        return Ok(None);
    };
    let mut done = None;
    // What is marked again meanwhile has a higher number, and is left for the next time.
    while batch(store, newest).await? {
        done = Some(newest.unsigned_abs());
    }
    Ok(done)
}

async fn batch(store: &PostgresStore, newest: i64) -> Result<bool, StoreError> {
    let mut session = store.write().await?;
    let lock = "SELECT pg_try_advisory_xact_lock(6001, 4)";
    let (ours,): (bool,) = session.one(lock, Args::default()).await?;
    if !ours {
        return Ok(false);
    }
    // Marks are read before quotes are: whoever writes meanwhile marks with a higher number.
    let due = Args::default().with(newest).with(BATCH);
    let due: Vec<(i64, i64)> = session.rows(DUE, due).await?;
    if due.is_empty() {
        return Ok(false);
    }
    let (fixtures, changes): (Vec<i64>, Vec<i64>) = due.into_iter().unzip();
    renew(&mut session, &fixtures).await?;
    session.run(LOCK, Args::default().with(&fixtures)).await?;
    let ready = Args::default().with(fixtures).with(changes);
    session.run(READY, ready).await?;
    session.commit().await?;
    Ok(true)
}

async fn renew(session: &mut Session, fixtures: &[i64]) -> Result<(), StoreError> {
    let these = || Args::default().with(fixtures);
    let old = "DELETE FROM market_summaries WHERE fixture = ANY ($1)";
    session.run(old, these()).await?;
    let new = format!(
        "INSERT INTO market_summaries (fixture, {COLUMNS}) {}",
        now()
    );
    session.run(&new, these()).await?;
    Ok(())
}
