//! Reads the materialized views where they are up to date, and fixtures where they are not.
//!
//! Marks have the number of the change that last touched a season or a team, written with the change
//! itself; the views have the number up to which they were refreshed. What was marked later is
//! worked out from its fixtures, in the same state of the database. So a refresh makes answers
//! cheaper and never others.

use domain::{CompetitionKey, SeasonKey, TeamId};

use super::PostgresStore;
use super::session::Session;
use super::sql::Args;
use crate::views::{self, PairRow, SEASON, TEAM, TeamRow, pair_record, seasons, team_record};
use crate::{Behind, Made, PairRecord, Refreshed, SeasonTable, StoreError};

const SEASON_ASKED: &str = "SELECT m.thing, m.part, s.key, m.change
     FROM competitions AS c JOIN view_marks AS m ON m.thing = c.id JOIN seasons AS s ON s.id = m.part
     WHERE c.key = $1 AND m.kind = $2 AND s.key = $3";

/// The season of the last game played; before any, of the first to come.
const SEASON_UNDER_WAY: &str = "SELECT m.thing, m.part, s.key, m.change
     FROM competitions AS c JOIN view_marks AS m ON m.thing = c.id JOIN seasons AS s ON s.id = m.part
     WHERE c.key = $1 AND m.kind = $2 AND m.part = coalesce(
         (SELECT f.season FROM fixtures AS f WHERE f.competition = c.id AND f.status = 1
          ORDER BY f.kickoff DESC, f.id DESC LIMIT 1),
         (SELECT f.season FROM fixtures AS f WHERE f.competition = c.id
          ORDER BY f.kickoff, f.id LIMIT 1))";

const SEASONS: &str = "SELECT s.key FROM view_marks AS m JOIN seasons AS s ON s.id = m.part
     WHERE m.kind = $1 AND m.thing = $2 ORDER BY s.key";

const TEAMS: &str = "t.team, t.home_won, t.home_drawn, t.home_lost, t.home_scored, t.home_conceded,
     t.away_won, t.away_drawn, t.away_lost, t.away_scored, t.away_conceded";

const PAIRS: &str = "p.home, p.away, p.won, p.drawn, p.lost, p.scored, p.conceded";

pub(super) async fn standings(
    store: &PostgresStore,
    competition: &CompetitionKey,
    season: Option<&SeasonKey>,
) -> Result<Option<SeasonTable>, StoreError> {
    let mut session = store.snapshot().await?;
    let args = Args::default().with(competition.as_str()).with(SEASON);
    let (sql, args) = match season {
        Some(season) => (SEASON_ASKED, args.with(season.as_str())),
        None => (SEASON_UNDER_WAY, args),
    };
    let found: Option<(i64, i64, String, i64)> = session.optional(sql, args).await?;
    let Some((competition, number, key, change)) = found else {
        return Ok(None);
    };
    let args = Args::default().with(SEASON).with(competition);
    let all = session.rows(SEASONS, args).await?;
    let (from, made) = match change <= refreshed(&mut session).await? {
        true => ("standings", Made::Ready),
        false => ("standings_now", Made::Anew),
    };
    let sql = format!(
        "SELECT {TEAMS} FROM {from} AS t WHERE t.competition = $1 AND t.season = $2 ORDER BY t.team"
    );
    let args = Args::default().with(competition).with(number);
    let rows: Vec<TeamRow> = session.rows(&sql, args).await?;
    Ok(Some(SeasonTable {
        season: seasons(vec![(key,)])?.remove(0),
        seasons: seasons(all)?,
        teams: rows.iter().map(team_record).collect::<Result<_, _>>()?,
        made,
        change: change.unsigned_abs(),
    }))
}

pub(super) async fn pair(
    store: &PostgresStore,
    [team, other]: [TeamId; 2],
) -> Result<PairRecord, StoreError> {
    let mut session = store.snapshot().await?;
    let teams = || Args::default().with(vec![team.0, other.0]);
    let sql = "SELECT coalesce(max(change), 0) FROM view_marks
               WHERE thing = ANY ($1) AND kind = $2 AND part = 0";
    let (change,): (i64,) = session.one(sql, teams().with(TEAM)).await?;
    let (from, made) = match change <= refreshed(&mut session).await? {
        true => ("pair_records", Made::Ready),
        false => ("pair_records_now", Made::Anew),
    };
    let sql =
        format!("SELECT {PAIRS} FROM {from} AS p WHERE p.home = ANY ($1) AND p.away = ANY ($1)");
    let rows: Vec<PairRow> = session.rows(&sql, teams()).await?;
    pair_record(team, &rows, made, change.unsigned_abs())
}

/// The change up to which the views are.
async fn refreshed(session: &mut Session) -> Result<i64, StoreError> {
    let sql = "SELECT change FROM view_refreshes";
    let (change,): (i64,) = session.one(sql, Args::default()).await?;
    Ok(change)
}

/// Makes the views new where something was changed since they were; others go on reading.
pub(super) async fn refresh(store: &PostgresStore) -> Result<Refreshed, StoreError> {
    // Mostly there is nothing to do, and no need of a transaction that writes.
    let [newest, refreshed] = gap(&mut store.snapshot().await?).await?;
    if newest == refreshed {
        return Ok(Refreshed::Already(newest.max(0).unsigned_abs()));
    }
    let mut session = store.write().await?;
    let lock = "SELECT pg_try_advisory_xact_lock(6001, 3)";
    let (ours,): (bool,) = session.one(lock, Args::default()).await?;
    if !ours {
        return Ok(Refreshed::Elsewhere);
    }
    // Read before the views are: what is changed meanwhile makes them new again.
    let [newest, refreshed] = gap(&mut session).await?;
    if newest == refreshed {
        return Ok(Refreshed::Already(newest.max(0).unsigned_abs()));
    }
    let script = "SET LOCAL statement_timeout = 0;
                  REFRESH MATERIALIZED VIEW CONCURRENTLY standings;
                  REFRESH MATERIALIZED VIEW CONCURRENTLY pair_records";
    session.script(script).await?;
    let done = "UPDATE view_refreshes SET change = $1,
                    refreshed_at = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
    session.run(done, Args::default().with(newest)).await?;
    session.commit().await?;
    Ok(Refreshed::UpTo(newest.unsigned_abs()))
}

/// The last change that views depend on, and the one up to which they are.
async fn gap(session: &mut Session) -> Result<[i64; 2], StoreError> {
    let sql = "SELECT coalesce((SELECT max(change) FROM view_marks), -1),
                      (SELECT change FROM view_refreshes)";
    let (newest, refreshed): (i64, i64) = session.one(sql, Args::default()).await?;
    Ok([newest, refreshed])
}

/// The change that a mark names is told of in `outbox`, with its moment by the same clock.
const BEHIND: &str = "SELECT m.stale, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint - (
         SELECT at FROM outbox WHERE seq >= m.oldest ORDER BY seq LIMIT 1)
     FROM (
         SELECT 0, count(*), min(change) FROM view_marks
         WHERE kind = $1 AND change > (SELECT change FROM view_refreshes)
         UNION ALL
         SELECT 1, count(*), min(change) FROM view_marks
         WHERE kind = $2 AND change > (SELECT change FROM view_refreshes)
         UNION ALL
         SELECT 2, count(*), min(change) FROM market_marks WHERE ready < change
     ) AS m (place, stale, oldest) ORDER BY m.place";

pub(super) async fn behind(store: &PostgresStore) -> Result<Vec<Behind>, StoreError> {
    let args = Args::default().with(SEASON).with(TEAM);
    let rows = store.snapshot().await?.rows(BEHIND, args).await?;
    Ok(views::behind(&rows))
}
