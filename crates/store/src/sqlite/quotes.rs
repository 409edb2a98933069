//! Reads quotes and what was corrected, with their traces.

use std::collections::HashMap;

use domain::FixtureId;
use sqlx::AssertSqlSafe;

use super::{SqliteStore, names};
use crate::code::json;
use crate::rows::{QuoteRow, RevisionRow, quotes_by_fixture, recorded_quote, revision};
use crate::{RecordedQuote, Revision, StoreError};

const LIST: &str = "SELECT taken_at, bookmaker, kind, line, stage, price_1, price_2, price_3,
            r.source, r.at, NULL, recording, fixture
     FROM quotes JOIN recordings AS r ON r.id = recording WHERE fixture {of}
     UNION ALL
     SELECT taken_at, bookmaker, kind, line, stage, price_1, price_2, price_3,
            r.source, r.at, s.at, recording, fixture
     FROM superseded_quotes JOIN recordings AS r ON r.id = recording
     JOIN recordings AS s ON s.id = superseded_by WHERE fixture {of}
     ORDER BY 1, 2, 3, 4, 5, 12";

pub(super) async fn list(
    store: &SqliteStore,
    id: FixtureId,
) -> Result<Vec<RecordedQuote>, StoreError> {
    let mut tx = store.read().await?;
    let names = names::load(&mut tx).await?;
    let sql = LIST.replace("{of}", "= $1");
    let rows: Vec<QuoteRow> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(id.0)
        .fetch_all(&mut *tx)
        .await?;
    rows.iter().map(|row| recorded_quote(row, &names)).collect()
}

pub(super) async fn of(
    store: &SqliteStore,
    ids: &[FixtureId],
) -> Result<HashMap<FixtureId, Vec<RecordedQuote>>, StoreError> {
    let mut tx = store.read().await?;
    let names = names::load(&mut tx).await?;
    let sql = LIST.replace("{of}", "IN (SELECT value FROM json_each($1))");
    let ids: Vec<i64> = ids.iter().map(|it| it.0).collect();
    let rows: Vec<QuoteRow> = sqlx::query_as(AssertSqlSafe(sql))
        .bind(json(ids))
        .fetch_all(&mut *tx)
        .await?;
    quotes_by_fixture(&rows, &names)
}

pub(super) async fn revisions(
    store: &SqliteStore,
    id: FixtureId,
) -> Result<Vec<Revision>, StoreError> {
    let rows: Vec<RevisionRow> = sqlx::query_as(
        "SELECT v.field, v.old, v.new, s.key, r.at
         FROM revisions AS v JOIN recordings AS r ON r.id = v.recording
         JOIN sources AS s ON s.id = r.source WHERE v.fixture = $1 ORDER BY v.id",
    )
    .bind(id.0)
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter().map(revision).collect()
}
