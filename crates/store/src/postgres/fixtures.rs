//! Reads fixtures.

use domain::{CompetitionKey, Fixture, FixtureId};

use super::PostgresStore;
use super::sql::{Args, Filter};
use crate::code::{micros, micros_up, status_code};
use crate::query::FIXTURES_MAX;
use crate::rows::{FixtureRow, fixture};
use crate::{FixtureQuery, SortOrder, StoreError};

/// The names are read behind the limit, so that the order comes from an index of fixtures alone.
const COLUMNS: &str = "f.id, c.key, s.key, f.kickoff, f.precision, f.home, f.away, f.neutral,
     f.status, f.home_score, f.away_score, f.stats, f.season_type";

pub(super) async fn one(
    store: &PostgresStore,
    id: FixtureId,
) -> Result<Option<Fixture>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM fixtures AS f JOIN competitions AS c ON c.id = f.competition
         JOIN seasons AS s ON s.id = f.season WHERE f.id = $1"
    );
    let mut session = store.read().await?;
    let row: Option<FixtureRow> = session.optional(&sql, Args::default().with(id.0)).await?;
    row.map(fixture).transpose()
}

pub(super) async fn list(
    store: &PostgresStore,
    query: &FixtureQuery,
) -> Result<Vec<Fixture>, StoreError> {
    let (sql, args) = listing(query);
    let rows: Vec<FixtureRow> = store.read().await?.rows(&sql, args).await?;
    rows.into_iter().map(fixture).collect()
}

pub(super) fn listing(query: &FixtureQuery) -> (String, Args) {
    let filter = conditions(query);
    let order = match query.order {
        SortOrder::Ascending => "f.kickoff, f.id",
        SortOrder::Descending => "f.kickoff DESC, f.id DESC",
    };
    let limit = query.limit.min(FIXTURES_MAX);
    let clause = filter.clause();
    let sql = format!(
        "SELECT {COLUMNS} FROM (SELECT * FROM fixtures AS f {clause} ORDER BY {order} LIMIT {limit}) AS f
         JOIN competitions AS c ON c.id = f.competition JOIN seasons AS s ON s.id = f.season
         ORDER BY {order}"
    );
    (sql, filter.args())
}

fn conditions(query: &FixtureQuery) -> Filter {
    let mut filter = Filter::default();
    if !query.ids.is_empty() {
        filter.among("f.id", query.ids.iter().map(|it| it.0).collect());
    }
    if !query.competitions.is_empty() {
        among_competitions(&mut filter, &query.competitions);
    }
    if let Some(season) = &query.season {
        let key = filter.bind(season.as_str());
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
    let keys: Vec<&str> = competitions.iter().map(CompetitionKey::as_str).collect();
    let keys = filter.bind(keys);
    filter.and(format!(
        "f.competition = ANY (ARRAY(SELECT id FROM competitions WHERE key = ANY ({keys})))"
    ));
}
