//! Reads summaries of markets where they are up to date, and quotes where they are not; makes them
//! new a batch of fixtures at a time.

use domain::FixtureId;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::SqliteStore;
use super::sql::Bulk;
use crate::code::json;
use crate::markets::{BATCH, COLUMNS, SummaryRow, worked_out};
use crate::{Made, Markets, StoreError};

const QUOTES: &str = "fixtures AS f CROSS JOIN competitions AS c CROSS JOIN quotes AS q
     CROSS JOIN bookmakers AS b
     WHERE f.id IN (SELECT value FROM json_each($1)) AND c.id = f.competition
         AND q.fixture = f.id AND b.id = q.bookmaker";

fn now() -> String {
    worked_out(|it| format!("CAST({it} + 0.5 AS INTEGER)"), QUOTES)
}

/// Notes, in the transaction at hand, that the change of this number touched quotes of these.
pub(super) async fn mark(
    connection: &mut SqliteConnection,
    fixtures: &[i64],
    change: i64,
) -> Result<(), StoreError> {
    let bulk = Bulk {
        head: "INSERT INTO market_marks (fixture, change, ready)",
        columns: 3,
        tail: "ON CONFLICT (fixture) DO UPDATE SET change = excluded.change",
    };
    bulk.insert(connection, fixtures, |query, fixture| {
        query.bind(*fixture).bind(change).bind(-1_i64)
    })
    .await
}

pub(super) async fn read(
    store: &SqliteStore,
    id: FixtureId,
) -> Result<Option<Markets>, StoreError> {
    let mut tx = store.read().await?;
    let found: Option<(String, Option<i64>, Option<i64>)> = sqlx::query_as(
        "SELECT c.sport, m.change, m.ready
         FROM fixtures AS f JOIN competitions AS c ON c.id = f.competition
         LEFT JOIN market_marks AS m ON m.fixture = f.id WHERE f.id = $1",
    )
    .bind(id.0)
    .fetch_optional(&mut *tx)
    .await?;
    let Some((played, change, ready)) = found else {
        return Ok(None);
    };
    let (sql, made) = if ready < change {
        let sql = format!(
            "WITH p (fixture, {COLUMNS}) AS ({}) SELECT {COLUMNS} FROM p ORDER BY kind, line",
            now()
        );
        (sql, Made::Anew)
    } else {
        let sql = format!(
            "SELECT {COLUMNS} FROM market_summaries
             WHERE fixture IN (SELECT value FROM json_each($1)) ORDER BY kind, line"
        );
        (sql, Made::Ready)
    };
    let rows: Vec<SummaryRow> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(json([id.0]))
        .fetch_all(&mut *tx)
        .await?;
    Markets::of(&rows, &played, (made, change)).map(Some)
}

/// Makes summaries new that are behind; returns the change up to which they then are, `None` where
/// there was nothing to do.
pub(super) async fn refresh(store: &SqliteStore) -> Result<Option<u64>, StoreError> {
    let newest = "SELECT max(change) FROM market_marks WHERE ready < change";
    let newest: Option<i64> = sqlx::query_scalar(newest).fetch_one(&store.reader).await?;
    let Some(newest) = newest else {
        return Ok(None);
    };
    // What is marked again meanwhile has a higher number, and is left for the next time.
    while batch(store, newest).await? {}
    Ok(Some(newest.unsigned_abs()))
}

async fn batch(store: &SqliteStore, newest: i64) -> Result<bool, StoreError> {
    let mut tx = store.write().await?;
    let due: Vec<(i64,)> = sqlx::query_as(
        "SELECT fixture FROM market_marks
         WHERE ready < change AND change <= $1 ORDER BY change, fixture LIMIT $2",
    )
    .bind(newest)
    .bind(BATCH)
    .fetch_all(&mut *tx)
    .await?;
    if due.is_empty() {
        return Ok(false);
    }
    let fixtures = json(due.into_iter().map(|(it,)| it));
    let these = "fixture IN (SELECT value FROM json_each($1))";
    let steps = [
        format!("DELETE FROM market_summaries WHERE {these}"),
        format!(
            "INSERT INTO market_summaries (fixture, {COLUMNS}) {}",
            now()
        ),
        format!("UPDATE market_marks SET ready = change WHERE {these}"),
    ];
    for sql in steps {
        let step = sqlx::query(AssertSqlSafe(sql)).bind(&fixtures);
        step.execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(true)
}
