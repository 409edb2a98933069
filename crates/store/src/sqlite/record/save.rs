//! Writes what changed.

use sqlx::sqlite::SqliteConnection;

use crate::changes::{Changes, FixtureRow, unknown};
use crate::code::{micros, precision_code, season_type_code, status_code};
use crate::draft::{Offer, PriceRow, QuoteKey};
use crate::names::Names;
use crate::pack::{pack_game, pack_stats};
use crate::sqlite::names;
use crate::sqlite::sql::{Bound, Bulk};
use crate::{Recording, StoreError};

const FIXTURES: Bulk = Bulk {
    head: "INSERT INTO fixtures (id, competition, season, kickoff, precision, home, away, neutral,
               status, home_score, away_score, recording, touched, price_count, stats, game,
               season_type)",
    columns: 17,
    tail: "ON CONFLICT (id) DO UPDATE SET competition = excluded.competition,
               season = excluded.season, kickoff = excluded.kickoff,
               precision = excluded.precision, home = excluded.home, away = excluded.away,
               neutral = excluded.neutral, status = excluded.status,
               home_score = excluded.home_score, away_score = excluded.away_score,
               recording = excluded.recording, touched = excluded.touched,
               price_count = excluded.price_count, stats = excluded.stats, game = excluded.game,
               season_type = excluded.season_type",
};

const QUOTES: Bulk = Bulk {
    head: "INSERT INTO quotes (fixture, taken_at, bookmaker, kind, line, stage,
               price_1, price_2, price_3, recording)",
    columns: 10,
    tail: "ON CONFLICT (fixture, taken_at, bookmaker, kind, line, stage) DO UPDATE SET
               price_1 = excluded.price_1, price_2 = excluded.price_2,
               price_3 = excluded.price_3, recording = excluded.recording",
};

const SUPERSEDED: Bulk = Bulk {
    head: "INSERT INTO superseded_quotes (fixture, taken_at, bookmaker, kind, line, stage,
               price_1, price_2, price_3, recording, superseded_by)",
    columns: 11,
    tail: "",
};

const REVISIONS: Bulk = Bulk {
    head: "INSERT INTO revisions (fixture, field, old, new, recording)",
    columns: 5,
    tail: "",
};

pub(super) async fn write(
    connection: &mut SqliteConnection,
    recording: &Recording,
    changes: &Changes,
    keys: &mut Names,
) -> Result<(), StoreError> {
    let source = keys
        .sources
        .number(&recording.source, recording.source.as_str());
    names::save(connection, keys).await?;
    if let Some(import) = recording.import {
        sqlx::query("SELECT 1 FROM imports WHERE id = $1")
            .bind(import)
            .fetch_optional(&mut *connection)
            .await?
            .ok_or_else(|| unknown("import", import))?;
    }
    let write: i64 = sqlx::query_scalar(
        "INSERT INTO recordings (source, import, at, revision)
         SELECT $1, $2, $3, revision + 1 FROM meta RETURNING id",
    )
    .bind(source)
    .bind(recording.import)
    .bind(micros(recording.at))
    .fetch_one(&mut *connection)
    .await?;
    FIXTURES
        .insert(connection, &changes.fixtures, |query, row| {
            bind_fixture(query, row, write)
        })
        .await?;
    let superseded: Vec<_> = changes
        .quotes
        .iter()
        .filter_map(|(fixture, key, Offer { before, .. })| {
            before.map(|(prices, recording)| (*fixture, *key, prices, recording))
        })
        .collect();
    SUPERSEDED
        .insert(connection, &superseded, |query, row| {
            let (fixture, key, prices, recording) = row;
            bind_quote(query, *fixture, key, prices)
                .bind(*recording)
                .bind(write)
        })
        .await?;
    QUOTES
        .insert(connection, &changes.quotes, |query, row| {
            let (fixture, key, offer) = row;
            bind_quote(query, *fixture, key, &offer.now).bind(write)
        })
        .await?;
    REVISIONS
        .insert(connection, &changes.revisions, |query, row| {
            let (fixture, field, old, new) = row;
            let query = query.bind(*fixture).bind((*field).to_owned());
            query.bind(old.clone()).bind(new.clone()).bind(write)
        })
        .await
}

fn bind_fixture<'q>(query: Bound<'q>, row: &FixtureRow, write: i64) -> Bound<'q> {
    let facts = &row.facts;
    query
        .bind(row.id)
        .bind(facts.competition)
        .bind(facts.season)
        .bind(facts.kickoff)
        .bind(precision_code(facts.precision))
        .bind(facts.home)
        .bind(facts.away)
        .bind(i64::from(facts.neutral))
        .bind(status_code(facts.status))
        .bind(facts.score.map(|it| it.home))
        .bind(facts.score.map(|it| it.away))
        .bind(row.recording.unwrap_or(write))
        .bind(write)
        .bind(row.price_count)
        .bind(pack_stats(&facts.stats))
        .bind(pack_game(row.id, facts, &row.prices))
        .bind(season_type_code(facts.season_type))
}

fn bind_quote<'q>(query: Bound<'q>, fixture: i64, key: &QuoteKey, prices: &PriceRow) -> Bound<'q> {
    query
        .bind(fixture)
        .bind(key.taken_at)
        .bind(key.bookmaker)
        .bind(key.kind)
        .bind(key.line)
        .bind(key.stage)
        .bind(prices[0])
        .bind(prices[1])
        .bind(prices[2])
}
