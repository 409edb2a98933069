//! Reads games: packed, joined end to end, a bundle at a time.

use domain::Game;

use super::fixtures::among_competitions;
use super::session::Session;
use super::sql::{Args, Filter};
use super::{PostgresStore, names};
use crate::code::micros_up;
use crate::games::Tables;
use crate::{GameQuery, StoreError};

/// Fixtures in a bundle at most; about a megabyte.
const BUNDLE: i64 = 4_096;

pub(super) async fn list(
    store: &PostgresStore,
    query: &GameQuery,
) -> Result<Vec<Game>, StoreError> {
    let mut session = store.snapshot().await?;
    let names = names::load(&mut session).await?;
    let sports = "SELECT id, sport FROM competitions";
    let sports = session.rows(sports, Args::default()).await?;
    let tables = Tables::new(names, sports)?;
    let mut games = Vec::new();
    let mut read = Vec::new();
    for part in parts(&mut session, query).await? {
        let (next, unpacked) =
            tokio::join!(bundle(&mut session, part), tables.unpack(&read, &mut games));
        unpacked?;
        read = next?;
    }
    tables.unpack(&read, &mut games).await?;
    games.sort_unstable_by_key(|it| (it.kickoff, it.fixture));
    Ok(games)
}

/// Splits what matches into bundles, each a condition.
async fn parts(session: &mut Session, query: &GameQuery) -> Result<Vec<Filter>, StoreError> {
    let narrow = !query.ids.is_empty()
        || query.from.is_some()
        || query.until.is_some()
        || query.changed_after.is_some();
    if narrow {
        return listed(session, query).await;
    }
    let sql = "SELECT coalesce(max(id), 0) FROM fixtures";
    let (last,): (i64,) = session.one(sql, Args::default()).await?;
    let part = |first: i64| {
        let mut filter = Filter::default();
        let (first, end) = (filter.bind(first), filter.bind(first + BUNDLE));
        filter.and(format!("f.id >= {first} AND f.id < {end}"));
        if !query.competitions.is_empty() {
            among_competitions(&mut filter, &query.competitions);
        }
        filter
    };
    Ok((0..=last / BUNDLE).map(|it| part(it * BUNDLE)).collect())
}

/// Looks up which fixtures match first, for which there are indexes.
async fn listed(session: &mut Session, query: &GameQuery) -> Result<Vec<Filter>, StoreError> {
    let (sql, args) = listing(query);
    let ids: Vec<(i64,)> = session.rows(&sql, args).await?;
    let ids: Vec<i64> = ids.into_iter().map(|(id,)| id).collect();
    let part = |ids: &[i64]| {
        let mut filter = Filter::default();
        filter.among("f.id", ids.to_vec());
        filter
    };
    let size = usize::try_from(BUNDLE).expect("a bundle is small");
    Ok(ids.chunks(size).map(part).collect())
}

pub(super) fn listing(query: &GameQuery) -> (String, Args) {
    let mut filter = Filter::default();
    if !query.ids.is_empty() {
        filter.among("f.id", query.ids.iter().map(|it| it.0).collect());
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
            "f.touched = ANY (ARRAY(SELECT id FROM recordings WHERE revision > {revision}))"
        ));
    }
    let clause = filter.clause();
    let sql = format!("SELECT f.id FROM fixtures AS f {clause}");
    (sql, filter.args())
}

/// Reads the packed games that match, end to end.
async fn bundle(session: &mut Session, part: Filter) -> Result<Vec<u8>, StoreError> {
    let clause = part.clause();
    let sql = format!("SELECT string_agg(f.game, ''::bytea) FROM fixtures AS f {clause}");
    let (bytes,): (Option<Vec<u8>>,) = session.one(&sql, part.args()).await?;
    Ok(bytes.unwrap_or_default())
}
