//! Reads games: one pass over the fixtures, in the order they lie.
//!
//! Each row that leaves SQLite costs a hand-over between two threads, more than reading it does. So
//! packed games leave in bundles, joined end to end, and while one bundle is unpacked the next is
//! already being read.

use domain::Game;
use sqlx::sqlite::SqliteConnection;

use super::fixtures::among_competitions;
use super::sql::Filter;
use super::{SqliteStore, names};
use crate::code::{corrupt, json, micros_up};
use crate::games::Tables;
use crate::{GameQuery, StoreError};

/// Fixtures in a bundle at most; about 150 kB.
const BUNDLE: i64 = 512;

pub(super) async fn list(store: &SqliteStore, query: &GameQuery) -> Result<Vec<Game>, StoreError> {
    let mut tx = store.read().await?;
    let names = names::load(&mut tx).await?;
    let sports = sqlx::query_as("SELECT id, sport FROM competitions")
        .fetch_all(&mut *tx)
        .await?;
    let tables = Tables::new(names, sports)?;
    let mut games = Vec::new();
    let mut read = Vec::new();
    for part in parts(&mut tx, query).await? {
        let (next, unpacked) =
            tokio::join!(bundle(&mut tx, part), tables.unpack(&read, &mut games));
        unpacked?;
        read = next?;
    }
    tables.unpack(&read, &mut games).await?;
    games.sort_unstable_by_key(|it| (it.kickoff, it.fixture));
    Ok(games)
}

/// Splits what matches into bundles, each a condition.
async fn parts(
    connection: &mut SqliteConnection,
    query: &GameQuery,
) -> Result<Vec<Filter>, StoreError> {
    let narrow = !query.ids.is_empty()
        || query.from.is_some()
        || query.until.is_some()
        || query.changed_after.is_some();
    if narrow {
        return listed(connection, query).await;
    }
    let last: i64 = sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM fixtures")
        .fetch_one(connection)
        .await?;
    let bundles = last / BUNDLE + 1;
    let part = |first: i64| {
        let mut filter = Filter::default();
        let (first, end) = (filter.bind(first), filter.bind(first + BUNDLE));
        filter.and(format!("f.id >= {first} AND f.id < {end}"));
        if !query.competitions.is_empty() {
            among_competitions(&mut filter, &query.competitions);
        }
        filter
    };
    Ok((0..bundles).map(|it| part(it * BUNDLE)).collect())
}

/// Looks up which fixtures match first, for which there are indexes.
async fn listed(
    connection: &mut SqliteConnection,
    query: &GameQuery,
) -> Result<Vec<Filter>, StoreError> {
    let filter = conditions(query);
    let clause = filter.clause();
    let sql = format!("SELECT json_group_array(f.id) FROM fixtures AS f {clause}");
    let (ids,): (String,) = filter.fetch_one(sql, connection).await?;
    let ids: Vec<i64> = serde_json::from_str(&ids).map_err(|_| corrupt("fixtures.id", ids))?;
    let part = |ids: &[i64]| {
        let mut filter = Filter::default();
        filter.among("f.id", json(ids));
        filter
    };
    let size = usize::try_from(BUNDLE).expect("a bundle is small");
    Ok(ids.chunks(size).map(part).collect())
}

fn conditions(query: &GameQuery) -> Filter {
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
    filter
}

/// Reads the packed games that match, end to end.
async fn bundle(connection: &mut SqliteConnection, part: Filter) -> Result<Vec<u8>, StoreError> {
    let clause = part.clause();
    let sql = format!("SELECT CAST(group_concat(f.game, '') AS BLOB) FROM fixtures AS f {clause}");
    let (bytes,): (Option<Vec<u8>>,) = part.fetch_one(sql, connection).await?;
    Ok(bytes.unwrap_or_default())
}
