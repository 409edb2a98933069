//! Reads the tables that triggers keep up with fixtures; nothing here is ever out of date.

use domain::{CompetitionKey, SeasonKey, TeamId};
use sqlx::sqlite::SqliteConnection;

use super::sql::Bulk;
use super::{SqliteStore, markets};
use crate::views::{
    self, Marks, PairRow, SEASON, TEAM, TeamRow, pair_record, seasons, team_record,
};
use crate::{Behind, Made, PairRecord, Refreshed, SeasonTable, StoreError};

/// Notes, in the transaction at hand, that the change of this number touched these.
pub(super) async fn mark(
    connection: &mut SqliteConnection,
    marks: &Marks,
    change: i64,
) -> Result<(), StoreError> {
    let bulk = Bulk {
        head: "INSERT INTO view_marks (kind, thing, part, change)",
        columns: 4,
        tail: "ON CONFLICT (kind, thing, part) DO UPDATE SET change = excluded.change",
    };
    let (rows, priced) = marks.rows();
    bulk.insert(connection, &rows, |query, [kind, thing, part]| {
        query.bind(*kind).bind(*thing).bind(*part).bind(change)
    })
    .await?;
    markets::mark(connection, &priced, change).await
}

pub(super) async fn standings(
    store: &SqliteStore,
    competition: &CompetitionKey,
    season: Option<&SeasonKey>,
) -> Result<Option<SeasonTable>, StoreError> {
    let mut tx = store.read().await?;
    let found: Option<(i64, i64, String, i64)> = sqlx::query_as(
        "SELECT m.thing, m.part, s.key, m.change
         FROM competitions AS c CROSS JOIN view_marks AS m
         CROSS JOIN seasons AS s ON s.id = m.part
         WHERE c.key = $1 AND m.kind = $2 AND m.thing = c.id AND m.part = CASE
             WHEN $3 IS NOT NULL THEN (SELECT id FROM seasons WHERE key = $3)
             ELSE coalesce(
                 (SELECT f.season FROM fixtures AS f WHERE f.competition = c.id AND f.status = 1
                  ORDER BY f.kickoff DESC, f.id DESC LIMIT 1),
                 (SELECT f.season FROM fixtures AS f WHERE f.competition = c.id
                  ORDER BY f.kickoff, f.id LIMIT 1)) END",
    )
    .bind(competition.as_str())
    .bind(SEASON)
    .bind(season.map(SeasonKey::as_str))
    .fetch_optional(&mut *tx)
    .await?;
    let Some((competition, number, key, change)) = found else {
        return Ok(None);
    };
    let all: Vec<(String,)> = sqlx::query_as(
        "SELECT s.key FROM view_marks AS m CROSS JOIN seasons AS s ON s.id = m.part
         WHERE m.kind = $1 AND m.thing = $2 ORDER BY s.key",
    )
    .bind(SEASON)
    .bind(competition)
    .fetch_all(&mut *tx)
    .await?;
    let rows: Vec<TeamRow> = sqlx::query_as(
        "SELECT team, home_won, home_drawn, home_lost, home_scored, home_conceded,
                away_won, away_drawn, away_lost, away_scored, away_conceded
         FROM standings WHERE competition = $1 AND season = $2 ORDER BY team",
    )
    .bind(competition)
    .bind(number)
    .fetch_all(&mut *tx)
    .await?;
    Ok(Some(SeasonTable {
        season: seasons(vec![(key,)])?.remove(0),
        seasons: seasons(all)?,
        teams: rows.iter().map(team_record).collect::<Result<_, _>>()?,
        made: Made::Ready,
        change: change.unsigned_abs(),
    }))
}

pub(super) async fn pair(
    store: &SqliteStore,
    [team, other]: [TeamId; 2],
) -> Result<PairRecord, StoreError> {
    let mut tx = store.read().await?;
    let change: i64 = sqlx::query_scalar(
        "SELECT coalesce(max(change), 0) FROM view_marks
         WHERE kind = $1 AND thing IN ($2, $3) AND part = 0",
    )
    .bind(TEAM)
    .bind(team.0)
    .bind(other.0)
    .fetch_one(&mut *tx)
    .await?;
    let rows: Vec<PairRow> = sqlx::query_as(
        "SELECT home, away, won, drawn, lost, scored, conceded FROM pair_records
         WHERE home IN ($1, $2) AND away IN ($1, $2)",
    )
    .bind(team.0)
    .bind(other.0)
    .fetch_all(&mut *tx)
    .await?;
    pair_record(team, &rows, Made::Ready, change.unsigned_abs())
}

/// There is nothing to do: says up to which change the tables are.
pub(super) async fn refresh(store: &SqliteStore) -> Result<Refreshed, StoreError> {
    let change: i64 = sqlx::query_scalar("SELECT coalesce(max(change), 0) FROM view_marks")
        .fetch_one(&store.reader)
        .await?;
    Ok(Refreshed::Already(change.unsigned_abs()))
}

/// Tables never are. The change that a mark names is told of in `outbox`, with its moment.
pub(super) async fn behind(store: &SqliteStore) -> Result<Vec<Behind>, StoreError> {
    let markets = sqlx::query_as(
        "SELECT m.stale, CAST(unixepoch('subsec') * 1000000 AS INTEGER) - (
             SELECT at FROM outbox WHERE seq >= m.oldest ORDER BY seq LIMIT 1)
         FROM (SELECT count(*) AS stale, min(change) AS oldest FROM market_marks
               WHERE ready < change) AS m",
    );
    let markets = markets.fetch_one(&store.reader).await?;
    Ok(views::behind(&[(0, None), (0, None), markets]))
}
