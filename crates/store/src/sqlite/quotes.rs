//! Reads quotes and what was corrected, with their traces.

use domain::{FixtureId, SourceKey};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::{SqliteStore, names};
use crate::code::{corrupt, moment};
use crate::draft::{PriceRow, QuoteKey, quote};
use crate::names::Names;
use crate::{RecordedQuote, Revision, StoreError};

pub(super) async fn list(
    store: &SqliteStore,
    id: FixtureId,
) -> Result<Vec<RecordedQuote>, StoreError> {
    let mut tx = store.read().await?;
    let names = names::load(&mut tx).await?;
    let rows = sqlx::query(
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
    rows.iter().map(|row| recorded(row, &names)).collect()
}

fn recorded(row: &SqliteRow, names: &Names) -> Result<RecordedQuote, StoreError> {
    let (key, prices) = stored(row, 0)?;
    let superseded: Option<i64> = row.try_get(10)?;
    Ok(RecordedQuote {
        quote: quote(&key, &prices, &names.bookmakers)?,
        source: names.sources.key(row.try_get(8)?)?.clone(),
        recorded_at: moment("recordings.at", row.try_get(9)?)?,
        superseded_at: superseded
            .map(|at| moment("recordings.at", at))
            .transpose()?,
    })
}

/// Reads key and prices from eight columns beginning with `first`.
pub(super) fn stored(row: &SqliteRow, first: usize) -> Result<(QuoteKey, PriceRow), StoreError> {
    let key = QuoteKey {
        taken_at: row.try_get(first)?,
        bookmaker: row.try_get(first + 1)?,
        kind: row.try_get(first + 2)?,
        line: row.try_get(first + 3)?,
        stage: row.try_get(first + 4)?,
    };
    let prices = [
        row.try_get(first + 5)?,
        row.try_get(first + 6)?,
        row.try_get(first + 7)?,
    ];
    Ok((key, prices))
}

pub(super) async fn revisions(
    store: &SqliteStore,
    id: FixtureId,
) -> Result<Vec<Revision>, StoreError> {
    let rows: Vec<(String, String, String, String, i64)> = sqlx::query_as(
        "SELECT v.field, v.old, v.new, s.key, r.at
         FROM revisions AS v JOIN recordings AS r ON r.id = v.recording
         JOIN sources AS s ON s.id = r.source WHERE v.fixture = $1 ORDER BY v.id",
    )
    .bind(id.0)
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter()
        .map(|(field, old, new, source, at)| {
            let source = SourceKey::new(source);
            Ok(Revision {
                field,
                old,
                new,
                source: source.map_err(|invalid| corrupt("sources.key", invalid.text))?,
                at: moment("recordings.at", at)?,
            })
        })
        .collect()
}
