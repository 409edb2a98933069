//! Reads what a batch of records may touch.

use std::collections::{BTreeSet, HashMap, HashSet};

use sqlx::sqlite::SqliteConnection;

use crate::StoreError;
use crate::changes::{Said, unknown};
use crate::code::json;
use crate::draft::{Draft, StandingRow};
use crate::matching::{Rules, Wanted};
use crate::rows::{DraftRow, RulesRow, draft, rules as rules_of};

/// How each competition tells its fixtures apart.
pub(super) async fn rules(
    connection: &mut SqliteConnection,
) -> Result<HashMap<i64, Rules>, StoreError> {
    let rows: Vec<RulesRow> =
        sqlx::query_as("SELECT id, sport, time_zone, single_round FROM competitions")
            .fetch_all(connection)
            .await?;
    rows.into_iter().map(rules_of).collect()
}

/// Refuses records of teams that are not there.
pub(super) async fn check_teams(
    connection: &mut SqliteConnection,
    records: &[Said<'_>],
) -> Result<(), StoreError> {
    let named: BTreeSet<i64> = records
        .iter()
        .filter_map(Said::told)
        .flat_map(|it| [it.home.0, it.away.0])
        .collect();
    if named.is_empty() {
        return Ok(());
    }
    let missing: Option<i64> = sqlx::query_scalar(
        "SELECT value FROM json_each($1) WHERE value NOT IN (SELECT id FROM teams) LIMIT 1",
    )
    .bind(json(named))
    .fetch_optional(connection)
    .await?;
    missing.map_or(Ok(()), |id| Err(unknown("team", id)))
}

/// Reads the fixtures records name, and every fixture of the pairings of the others.
pub(super) async fn drafts(
    connection: &mut SqliteConnection,
    wanted: &[Wanted],
) -> Result<Vec<Draft>, StoreError> {
    let ids: BTreeSet<i64> = wanted.iter().filter_map(|it| it.about.id()).collect();
    let pairings: BTreeSet<[i64; 4]> = wanted
        .iter()
        .filter_map(|it| it.about.described())
        .map(|it| [it.competition, it.season, it.home, it.away])
        .collect();
    let rows: Vec<DraftRow> = sqlx::query_as(
        "SELECT f.id, f.competition, f.season, f.kickoff, f.precision, f.home, f.away, f.neutral,
                f.status, f.home_score, f.away_score, f.stats, f.recording, r.import,
                f.game, f.price_count, f.season_type
         FROM (SELECT value AS id FROM json_each($1)
               UNION
               SELECT p.id FROM json_each($2) AS j CROSS JOIN fixtures AS p
                   ON p.competition = j.value ->> 0 AND p.season = j.value ->> 1
                  AND p.home = j.value ->> 2 AND p.away = j.value ->> 3) AS found
         CROSS JOIN fixtures AS f ON f.id = found.id
         CROSS JOIN recordings AS r ON r.id = f.recording
         ORDER BY f.id",
    )
    .bind(json(ids))
    .bind(json(pairings))
    .fetch_all(connection)
    .await?;
    rows.iter().map(draft).collect()
}

/// Reads the standing quotes of the drafts at `places`.
pub(super) async fn quotes(
    connection: &mut SqliteConnection,
    drafts: &mut [Draft],
    places: &HashSet<usize>,
) -> Result<(), StoreError> {
    if places.is_empty() {
        return Ok(());
    }
    let by_id: HashMap<i64, usize> = places.iter().map(|it| (drafts[*it].id, *it)).collect();
    let rows: Vec<StandingRow> = sqlx::query_as(
        "SELECT fixture, taken_at, bookmaker, kind, line, stage, price_1, price_2, price_3,
                recording
         FROM json_each($1) AS j CROSS JOIN quotes ON fixture = j.value",
    )
    .bind(json(by_id.keys()))
    .fetch_all(connection)
    .await?;
    for row in &rows {
        drafts[by_id[&row.0]].stood(row);
    }
    Ok(())
}

/// Numbers the drafts that are new; nobody else can write meanwhile.
pub(super) async fn number_new(
    connection: &mut SqliteConnection,
    drafts: &mut [Draft],
) -> Result<(), StoreError> {
    let last: i64 = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM fixtures")
        .fetch_one(connection)
        .await?;
    let new = drafts.iter_mut().filter(|it| it.before.is_none());
    for (id, draft) in (last + 1..).zip(new) {
        draft.id = id;
    }
    Ok(())
}
