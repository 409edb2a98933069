//! Teams and the names they go by.

use domain::{Sport, Team, TeamId};

use super::sql::{Args, Filter};
use super::{PostgresStore, names as interned, outbox};
use crate::outbox::{ChangeKind, Outgoing};
use crate::rows::{NameRow, TeamRow, team, team_name};
use crate::{NewTeam, StoreError, TeamName, TeamQuery};

/// Stands for every source in `team_aliases`.
const EVERY_SOURCE: i64 = 0;

pub(super) async fn put(
    store: &PostgresStore,
    teams: &[NewTeam],
) -> Result<Vec<TeamId>, StoreError> {
    let sports: Vec<&str> = teams.iter().map(|it| it.sport.as_str()).collect();
    let names: Vec<&str> = teams.iter().map(|it| it.name.as_str()).collect();
    let countries: Vec<&str> = teams.iter().map(|it| it.country.as_str()).collect();
    let folded: Vec<String> = teams.iter().map(|it| it.name.to_lowercase()).collect();
    let mut session = store.write().await?;
    // In the order given, so that two writes of the same teams cannot wait for each other.
    let added: Vec<(i64,)> = session
        .rows(
            "INSERT INTO teams (sport, name, country, folded)
             SELECT n.sport, n.name, n.country, n.folded
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
                 AS n (sport, name, country, folded, place)
             WHERE NOT EXISTS (SELECT 1 FROM teams AS t WHERE t.sport = n.sport AND t.name = n.name)
             ORDER BY n.place
             ON CONFLICT DO NOTHING RETURNING id",
            Args::default()
                .with(&sports)
                .with(&names)
                .with(&countries)
                .with(&folded),
        )
        .await?;
    let ids: Vec<(i64,)> = session
        .rows(
            "SELECT t.id FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS n (sport, name, place)
             JOIN teams AS t ON t.sport = n.sport AND t.name = n.name ORDER BY n.place",
            Args::default().with(&sports).with(&names),
        )
        .await?;
    let mut outgoing = Outgoing::default();
    for (id,) in added {
        outgoing.add(ChangeKind::Team, id);
    }
    if outgoing.is_empty() {
        session.commit().await?;
    } else {
        outbox::tell(store, session, &outgoing).await?;
    }
    Ok(ids.into_iter().map(|(id,)| TeamId(id)).collect())
}

pub(super) async fn put_aliases(
    store: &PostgresStore,
    names: &[TeamName],
) -> Result<(), StoreError> {
    let mut session = store.write().await?;
    let mut known = interned::load(&mut session).await?;
    let sources: Vec<i64> = names
        .iter()
        .map(|it| match &it.source {
            Some(source) => known.sources.number(source, source.as_str()),
            None => EVERY_SOURCE,
        })
        .collect();
    interned::save(&mut session, &mut known).await?;
    for (it, source) in names.iter().zip(sources) {
        let args = Args::default()
            .with(source)
            .with(&it.name)
            .with(it.team.0)
            .with(it.sport.as_str());
        let written = session
            .run(
                "INSERT INTO team_aliases (sport, source, name, team)
                 SELECT sport, $1, $2, id FROM teams WHERE id = $3 AND sport = $4
                 ON CONFLICT (sport, source, name) DO UPDATE SET team = excluded.team",
                args,
            )
            .await?;
        if written == 0 {
            return Err(StoreError::Unknown {
                what: "team",
                key: it.team.to_string(),
            });
        }
    }
    session.commit().await
}

pub(super) async fn names(
    store: &PostgresStore,
    sport: Sport,
) -> Result<Vec<TeamName>, StoreError> {
    let rows: Vec<NameRow> = store
        .read()
        .await?
        .rows(
            "SELECT id, name, NULL::text COLLATE \"C\" AS source FROM teams WHERE sport = $1
             UNION
             SELECT a.team, a.name, s.key FROM team_aliases AS a
             LEFT JOIN sources AS s ON s.id = a.source WHERE a.sport = $1
             ORDER BY 1, 3 NULLS FIRST, 2",
            Args::default().with(sport.as_str()),
        )
        .await?;
    rows.into_iter().map(|it| team_name(it, sport)).collect()
}

pub(super) async fn list(
    store: &PostgresStore,
    query: &TeamQuery,
) -> Result<Vec<Team>, StoreError> {
    let mut filter = Filter::default();
    if !query.ids.is_empty() {
        filter.among("t.id", query.ids.iter().map(|it| it.0).collect());
    }
    if let Some(sport) = query.sport {
        let sport = filter.bind(sport.as_str());
        filter.and(format!("t.sport = {sport}"));
    }
    if let Some(competition) = &query.competition {
        let key = filter.bind(competition.as_str());
        filter.and(format!(
            "t.id IN (SELECT f.home FROM fixtures AS f
                      WHERE f.competition = (SELECT id FROM competitions WHERE key = {key})
                      UNION
                      SELECT f.away FROM fixtures AS f
                      WHERE f.competition = (SELECT id FROM competitions WHERE key = {key}))"
        ));
    }
    if let Some(search) = &query.search {
        let part = filter.bind(search.to_lowercase());
        filter.and(format!("strpos(t.folded, {part}) > 0"));
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
    let rows: Vec<TeamRow> = store.read().await?.rows(&sql, filter.args()).await?;
    rows.into_iter().map(team).collect()
}
