//! Reads games: one pass over the fixtures, in the order they lie.

use std::collections::HashMap;

use domain::{Game, Sport};
use sqlx::Row;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use super::fixtures::{among_competitions, score, stats};
use super::sql::{Filter, json};
use super::{SqliteStore, names};
use crate::code::{corrupt, micros_up, moment, precision, sport};
use crate::names::Names;
use crate::pack::unpack_prices;
use crate::{GameQuery, StoreError};

pub(super) async fn list(store: &SqliteStore, query: &GameQuery) -> Result<Vec<Game>, StoreError> {
    let mut filter = Filter::default();
    if !query.ids.is_empty() {
        filter.among("f.id", json(&query.ids));
    }
    if !query.competitions.is_empty() {
        among_competitions(&mut filter, &query.competitions);
    }
    if let Some(from) = query.from {
        let from = filter.bind(micros_up(from));
        filter.and(format!("f.kickoff >= {from}"));
    }
    if let Some(until) = query.until {
        let until = filter.bind(micros_up(until));
        filter.and(format!("f.kickoff < {until}"));
    }
    if let Some(revision) = query.changed_after {
        let revision = filter.bind(i64::try_from(revision).unwrap_or(i64::MAX));
        filter.and(format!(
            "f.touched IN (SELECT id FROM recordings WHERE revision > {revision})"
        ));
    }
    let clause = filter.clause();
    let sql = format!(
        "SELECT f.id, f.competition, f.season, f.kickoff, f.precision, f.home, f.away, f.neutral,
                f.home_score, f.away_score, f.stats, f.prices
         FROM fixtures AS f {clause}"
    );
    let mut tx = store.read().await?;
    let tables = Tables {
        names: names::load(&mut tx).await?,
        sports: sports(&mut tx).await?,
    };
    let games = filter
        .query(sql)
        .map(|row: SqliteRow| tables.game(&row))
        .fetch_all(&mut *tx)
        .await?;
    let mut games = games.into_iter().collect::<Result<Vec<Game>, _>>()?;
    games.sort_unstable_by_key(|it| (it.kickoff, it.fixture));
    Ok(games)
}

async fn sports(connection: &mut SqliteConnection) -> Result<HashMap<i64, Sport>, StoreError> {
    let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, sport FROM competitions")
        .fetch_all(connection)
        .await?;
    rows.into_iter()
        .map(|(id, text)| Ok((id, sport(&text)?)))
        .collect()
}

/// What the numbers in a row of fixtures stand for.
struct Tables {
    names: Names,
    sports: HashMap<i64, Sport>,
}

impl Tables {
    fn game(&self, row: &SqliteRow) -> Result<Game, StoreError> {
        let competition: i64 = row.try_get(1)?;
        let sport = self.sports.get(&competition);
        let sport = *sport.ok_or_else(|| corrupt("fixtures.competition", competition))?;
        let kickoff = moment("fixtures.kickoff", row.try_get(3)?)?;
        let known_at = precision(row.try_get(4)?)?.result_known_at(kickoff, sport);
        let [pregame, closing] = unpack_prices(row.try_get(11)?, &self.names.bookmakers)?;
        Ok(Game {
            fixture: domain::FixtureId(row.try_get(0)?),
            competition: self.names.competitions.key(competition)?.clone(),
            season: self.names.seasons.key(row.try_get(2)?)?.clone(),
            sport,
            kickoff,
            known_at,
            home: domain::TeamId(row.try_get(5)?),
            away: domain::TeamId(row.try_get(6)?),
            neutral: row.try_get::<i64, _>(7)? != 0,
            score: score(row, 8)?,
            stats: stats(row, 10)?,
            pregame,
            closing,
        })
    }
}
