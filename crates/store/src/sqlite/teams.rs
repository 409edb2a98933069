//! Teams and the names they go by.

use domain::{Sport, Team, TeamId};

use super::sql::Filter;
use super::{SqliteStore, names as interned, outbox};
use crate::code::json;
use crate::outbox::{ChangeKind, Outgoing};
use crate::rows::{NameRow, team, team_name};
use crate::{NewTeam, StoreError, TeamName, TeamQuery};

/// Stands for every source in `team_aliases`.
const EVERY_SOURCE: i64 = 0;

pub(super) async fn put(store: &SqliteStore, teams: &[NewTeam]) -> Result<Vec<TeamId>, StoreError> {
    let rows = json(teams.iter().map(|it| {
        let folded = it.name.to_lowercase();
        (it.sport.as_str(), &it.name, &it.country, folded)
    }));
    let mut tx = store.write().await?;
    let added: Vec<i64> = sqlx::query_scalar(
        "INSERT INTO teams (sport, name, country, folded)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3
         FROM json_each($1) WHERE true ON CONFLICT DO NOTHING RETURNING id",
    )
    .bind(&rows)
    .fetch_all(&mut *tx)
    .await?;
    let ids: Vec<i64> = sqlx::query_scalar(
        "SELECT t.id FROM json_each($1) AS wanted
         JOIN teams AS t ON t.sport = wanted.value ->> 0 AND t.name = wanted.value ->> 1
         ORDER BY wanted.key",
    )
    .bind(&rows)
    .fetch_all(&mut *tx)
    .await?;
    let mut outgoing = Outgoing::default();
    for id in added {
        outgoing.add(ChangeKind::Team, id);
    }
    if !outgoing.is_empty() {
        outbox::add(&mut tx, &outgoing).await?;
    }
    store.commit(tx).await?;
    Ok(ids.into_iter().map(TeamId).collect())
}

pub(super) async fn put_aliases(store: &SqliteStore, names: &[TeamName]) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    let mut known = interned::load(&mut tx).await?;
    let sources: Vec<i64> = names
        .iter()
        .map(|it| match &it.source {
            Some(source) => known.sources.number(source, source.as_str()),
            None => EVERY_SOURCE,
        })
        .collect();
    interned::save(&mut tx, &mut known).await?;
    for (it, source) in names.iter().zip(sources) {
        let written = sqlx::query(
            "INSERT INTO team_aliases (sport, source, name, team)
             SELECT sport, $1, $2, id FROM teams WHERE id = $3 AND sport = $4
             ON CONFLICT (sport, source, name) DO UPDATE SET team = excluded.team",
        )
        .bind(source)
        .bind(&it.name)
        .bind(it.team.0)
        .bind(it.sport.as_str())
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() == 0 {
            return Err(StoreError::Unknown {
                what: "team",
                key: it.team.to_string(),
            });
        }
    }
    tx.commit().await
}

pub(super) async fn names(store: &SqliteStore, sport: Sport) -> Result<Vec<TeamName>, StoreError> {
    let rows: Vec<NameRow> = sqlx::query_as(
        "SELECT id, name, NULL AS source FROM teams WHERE sport = $1
         UNION
         SELECT a.team, a.name, s.key FROM team_aliases AS a
         LEFT JOIN sources AS s ON s.id = a.source WHERE a.sport = $1
         ORDER BY 1, 3, 2",
    )
    .bind(sport.as_str())
    .fetch_all(&store.reader)
    .await?;
    rows.into_iter().map(|it| team_name(it, sport)).collect()
}

pub(super) async fn list(store: &SqliteStore, query: &TeamQuery) -> Result<Vec<Team>, StoreError> {
    let mut filter = Filter::default();
    if !query.ids.is_empty() {
        filter.among("t.id", json(&query.ids));
    }
    if let Some(sport) = query.sport {
        let sport = filter.bind(sport.as_str());
        filter.and(format!("t.sport = {sport}"));
    }
    if let Some(competition) = &query.competition {
        let key = filter.bind(competition.as_str().to_owned());
        filter.and(format!(
            "t.id IN (SELECT f.home FROM fixtures AS f JOIN competitions AS c
                          ON c.id = f.competition WHERE c.key = {key}
                      UNION
                      SELECT f.away FROM fixtures AS f JOIN competitions AS c
                          ON c.id = f.competition WHERE c.key = {key})"
        ));
    }
    if let Some(search) = &query.search {
        let part = filter.bind(search.to_lowercase());
        filter.and(format!("instr(t.folded, {part}) > 0"));
    }
    if let Some(after) = query.after {
        let after = filter.bind(after.0);
        filter.and(format!("t.id > {after}"));
    }
    let limit = match query.limit {
        0 => String::new(),
        most => format!("LIMIT {most}"),
    };
    let clause = filter.clause();
    let sql = format!(
        "SELECT t.id, t.sport, t.name, t.country FROM teams AS t {clause} ORDER BY t.id {limit}"
    );
    let rows = filter.rows(sql, &store.reader).await?;
    rows.into_iter().map(team).collect()
}
