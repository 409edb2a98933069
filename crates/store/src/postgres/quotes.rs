//! Reads quotes and what was corrected, with their traces.

use std::collections::HashMap;

use domain::FixtureId;

use super::sql::Args;
use super::{PostgresStore, names};
use crate::rows::{QuoteRow, RevisionRow, quotes_by_fixture, recorded_quote, revision};
use crate::{RecordedQuote, Revision, StoreError};

/// The moments of the first and last quote say which partitions to look into. `OFFSET 0` keeps the
/// planner from another order than by fixture, whatever it believes of their number.
const LIST: &str =
    "SELECT q.taken_at, q.bookmaker::bigint, q.kind::bigint, q.line::bigint, q.stage::bigint,
            q.price_1, q.price_2, q.price_3, r.source, r.at, NULL::bigint, q.recording, f.id
     FROM fixtures AS f CROSS JOIN LATERAL (
         SELECT * FROM quotes WHERE fixture = f.id
             AND taken_at BETWEEN f.quoted_from AND f.quoted_until OFFSET 0) AS q
     CROSS JOIN LATERAL (SELECT * FROM recordings WHERE id = q.recording OFFSET 0) AS r
     WHERE f.id {of}
     UNION ALL
     SELECT q.taken_at, q.bookmaker, q.kind, q.line, q.stage,
            q.price_1, q.price_2, q.price_3, r.source, r.at, s.at, q.recording, q.fixture
     FROM superseded_quotes AS q JOIN recordings AS r ON r.id = q.recording
     JOIN recordings AS s ON s.id = q.superseded_by WHERE q.fixture {of}
     ORDER BY 1, 2, 3, 4, 5, 12";

pub(super) const REVISIONS: &str = "SELECT v.field, v.old, v.new, s.key, r.at
     FROM revisions AS v JOIN recordings AS r ON r.id = v.recording
     JOIN sources AS s ON s.id = r.source WHERE v.fixture = $1 ORDER BY v.id";

pub(super) async fn list(
    store: &PostgresStore,
    id: FixtureId,
) -> Result<Vec<RecordedQuote>, StoreError> {
    let mut session = store.snapshot().await?;
    let names = names::load(&mut session).await?;
    let sql = LIST.replace("{of}", "= $1");
    let rows: Vec<QuoteRow> = session.rows(&sql, Args::default().with(id.0)).await?;
    rows.iter().map(|row| recorded_quote(row, &names)).collect()
}

pub(super) async fn of(
    store: &PostgresStore,
    ids: &[FixtureId],
) -> Result<HashMap<FixtureId, Vec<RecordedQuote>>, StoreError> {
    let mut session = store.snapshot().await?;
    let names = names::load(&mut session).await?;
    let sql = LIST.replace("{of}", "= ANY ($1)");
    let ids: Vec<i64> = ids.iter().map(|it| it.0).collect();
    let rows: Vec<QuoteRow> = session.rows(&sql, Args::default().with(ids)).await?;
    quotes_by_fixture(&rows, &names)
}

pub(super) async fn revisions(
    store: &PostgresStore,
    id: FixtureId,
) -> Result<Vec<Revision>, StoreError> {
    let mut session = store.read().await?;
    let rows: Vec<RevisionRow> = session.rows(REVISIONS, Args::default().with(id.0)).await?;
    rows.into_iter().map(revision).collect()
}
