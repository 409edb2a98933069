//! Reads quotes and what was corrected, with their traces.

use domain::FixtureId;

use super::{SqliteStore, names};
use crate::rows::{QuoteRow, RevisionRow, recorded_quote, revision};
use crate::{RecordedQuote, Revision, StoreError};

pub(super) async fn list(
    store: &SqliteStore,
    id: FixtureId,
) -> Result<Vec<RecordedQuote>, StoreError> {
    let mut tx = store.read().await?;
    let names = names::load(&mut tx).await?;
    let rows: Vec<QuoteRow> = sqlx::query_as(
        "SELECT taken_at, bookmaker, kind, line, stage, price_1, price_2, price_3,
                r.source, r.at, NULL, recording
         FROM quotes JOIN recordings AS r ON r.id = recording WHERE fixture = $1
         UNION ALL
         SELECT taken_at, bookmaker, kind, line, stage, price_1, price_2, price_3,
                r.source, r.at, s.at, recording
         FROM superseded_quotes JOIN recordings AS r ON r.id = recording
         JOIN recordings AS s ON s.id = superseded_by WHERE fixture = $1
         ORDER BY 1, 2, 3, 4, 5, 12",
    )
    .bind(id.0)
    .fetch_all(&mut *tx)
    .await?;
    rows.iter().map(|row| recorded_quote(row, &names)).collect()
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
