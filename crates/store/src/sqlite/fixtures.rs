//! Reads fixtures.

use domain::{CompetitionKey, Fixture, FixtureId, MatchStats, Score, SeasonKey, TeamId};
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::sql::{Filter, json};
use crate::code::{corrupt, micros, micros_up, moment, precision, status, status_code};
use crate::pack::unpack_stats;
use crate::{FixtureQuery, SortOrder, StoreError};

/// The most fixtures one list holds.
const FIXTURES_MAX: u32 = 1_000;

const COLUMNS: &str = "f.id, c.key, s.key, f.kickoff, f.precision, f.home, f.away, f.neutral,
     f.status, f.home_score, f.away_score, f.stats
     FROM fixtures AS f
     CROSS JOIN competitions AS c ON c.id = f.competition
     CROSS JOIN seasons AS s ON s.id = f.season";

pub(super) async fn one(store: &SqliteStore, id: FixtureId) -> Result<Option<Fixture>, StoreError> {
    let mut filter = Filter::default();
    let id = filter.bind(id.0);
    let sql = format!("SELECT {COLUMNS} WHERE f.id = {id}");
    let row = filter.query(sql).fetch_optional(&store.reader).await?;
    row.as_ref().map(fixture).transpose()
}

pub(super) async fn list(
    store: &SqliteStore,
    query: &FixtureQuery,
) -> Result<Vec<Fixture>, StoreError> {
    let filter = conditions(query);
    let order = match query.order {
        SortOrder::Ascending => "f.kickoff, f.id",
        SortOrder::Descending => "f.kickoff DESC, f.id DESC",
    };
    let limit = query.limit.min(FIXTURES_MAX);
    let clause = filter.clause();
    let sql = format!("SELECT {COLUMNS} {clause} ORDER BY {order} LIMIT {limit}");
    let rows = filter.query(sql).fetch_all(&store.reader).await?;
    rows.iter().map(fixture).collect()
}

fn conditions(query: &FixtureQuery) -> Filter {
    let mut filter = Filter::default();
    if !query.ids.is_empty() {
        filter.among("f.id", json(&query.ids));
    }
    if !query.competitions.is_empty() {
        among_competitions(&mut filter, &query.competitions);
    }
    if let Some(season) = &query.season {
        let key = filter.bind(season.as_str().to_owned());
        filter.and(format!(
            "f.season = (SELECT id FROM seasons WHERE key = {key})"
        ));
    }
    for side in [query.team, query.opponent].into_iter().flatten() {
        let side = filter.bind(side.0);
        filter.and(format!("(f.home = {side} OR f.away = {side})"));
    }
    if let Some(status) = query.status {
        let status = filter.bind(status_code(status));
        filter.and(format!("f.status = {status}"));
    }
    if let Some(from) = query.from {
        let from = filter.bind(micros_up(from));
        filter.and(format!("f.kickoff >= {from}"));
    }
    if let Some(until) = query.until {
        let until = filter.bind(micros_up(until));
        filter.and(format!("f.kickoff < {until}"));
    }
    if let Some((kickoff, id)) = query.after {
        let kickoff = filter.bind(micros(kickoff));
        let id = filter.bind(id.0);
        let beyond = match query.order {
            SortOrder::Ascending => ">",
            SortOrder::Descending => "<",
        };
        filter.and(format!("(f.kickoff, f.id) {beyond} ({kickoff}, {id})"));
    }
    filter
}

/// Narrows `f` down to fixtures of these competitions.
pub(super) fn among_competitions(filter: &mut Filter, competitions: &[CompetitionKey]) {
    let keys = filter.bind(json(competitions));
    filter.and(format!(
        "f.competition IN (SELECT id FROM competitions
                           WHERE key IN (SELECT value FROM json_each({keys})))"
    ));
}

fn fixture(row: &SqliteRow) -> Result<Fixture, StoreError> {
    let competition = CompetitionKey::new(row.try_get::<String, _>(1)?);
    let season = SeasonKey::new(row.try_get::<String, _>(2)?);
    Ok(Fixture {
        id: FixtureId(row.try_get(0)?),
        competition: competition.map_err(|it| corrupt("competitions.key", it.text))?,
        season: season.map_err(|it| corrupt("seasons.key", it.text))?,
        kickoff: moment("fixtures.kickoff", row.try_get(3)?)?,
        kickoff_precision: precision(row.try_get(4)?)?,
        home: TeamId(row.try_get(5)?),
        away: TeamId(row.try_get(6)?),
        neutral: row.try_get::<i64, _>(7)? != 0,
        status: status(row.try_get(8)?)?,
        score: score(row, 9)?,
        stats: stats(row, 11)?,
    })
}

/// Reads a score from two columns beginning with `first`.
pub(super) fn score(row: &SqliteRow, first: usize) -> Result<Option<Score>, StoreError> {
    let home: Option<i64> = row.try_get(first)?;
    let away: Option<i64> = row.try_get(first + 1)?;
    let side = |it: i64| u16::try_from(it).map_err(|_| corrupt("fixtures.score", it));
    Ok(match (home, away) {
        (Some(home), Some(away)) => Some(Score {
            home: side(home)?,
            away: side(away)?,
        }),
        _ => None,
    })
}

/// Reads packed statistics.
pub(super) fn stats(row: &SqliteRow, column: usize) -> Result<MatchStats, StoreError> {
    unpack_stats(row.try_get(column)?)
}
