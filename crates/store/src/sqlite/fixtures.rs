//! Reads fixtures.

use domain::{CompetitionKey, Fixture, FixtureId};

use super::SqliteStore;
use super::sql::Filter;
use crate::code::{json, micros, micros_up, status_code};
use crate::query::FIXTURES_MAX;
use crate::rows::fixture;
use crate::{FixtureQuery, SortOrder, StoreError};

const COLUMNS: &str = "f.id, c.key, s.key, f.kickoff, f.precision, f.home, f.away, f.neutral,
     f.status, f.home_score, f.away_score, f.stats, f.season_type
     FROM fixtures AS f
     CROSS JOIN competitions AS c ON c.id = f.competition
     CROSS JOIN seasons AS s ON s.id = f.season";

pub(super) async fn one(store: &SqliteStore, id: FixtureId) -> Result<Option<Fixture>, StoreError> {
    let mut filter = Filter::default();
    let id = filter.bind(id.0);
    let sql = format!("SELECT {COLUMNS} WHERE f.id = {id}");
    let row = filter.rows(sql, &store.reader).await?.pop();
    row.map(fixture).transpose()
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
    let rows = filter.rows(sql, &store.reader).await?;
    rows.into_iter().map(fixture).collect()
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
    if query.priced {
        filter.and("f.price_count > 0".to_owned());
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
