//! Competitions, what they hold, and the revision of everything.

use domain::{Competition, CompetitionKey};

use super::sql::Args;
use super::{PostgresStore, outbox};
use crate::StoreError;
use crate::changes::check_zones;
use crate::outbox::{ChangeKind, Outgoing};
use crate::rows::{CompetitionRow, CountRow, competition, count};

pub(super) async fn put(
    store: &PostgresStore,
    competitions: &[Competition],
) -> Result<(), StoreError> {
    check_zones(competitions)?;
    let mut session = store.write().await?;
    let mut outgoing = Outgoing::default();
    for it in competitions {
        let args = Args::default()
            .with(it.key.as_str())
            .with(&it.name)
            .with(it.sport.as_str())
            .with(&it.country)
            .with(&it.pool)
            .with(&it.time_zone)
            .with(i64::from(it.single_round));
        let written = session
            .run(
                "INSERT INTO competitions AS c
                     (key, name, sport, country, pool, time_zone, single_round)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)
                 ON CONFLICT (key) DO UPDATE SET name = excluded.name, sport = excluded.sport,
                     country = excluded.country, pool = excluded.pool,
                     time_zone = excluded.time_zone, single_round = excluded.single_round
                 WHERE (c.name, c.sport, c.country, c.pool, c.time_zone, c.single_round)
                     <> (excluded.name, excluded.sport, excluded.country, excluded.pool,
                         excluded.time_zone, excluded.single_round)",
                args,
            )
            .await?;
        if written > 0 {
            outgoing.add(ChangeKind::Competition, &it.key);
        }
    }
    if outgoing.is_empty() {
        return session.commit().await;
    }
    outbox::seal(store, session, &outgoing).await
}

pub(super) async fn list(store: &PostgresStore) -> Result<Vec<Competition>, StoreError> {
    let rows: Vec<CompetitionRow> = store
        .read()
        .await?
        .rows(
            "SELECT key, name, sport, country, pool, time_zone, single_round
             FROM competitions ORDER BY key",
            Args::default(),
        )
        .await?;
    rows.into_iter().map(competition).collect()
}

pub(super) async fn counts(
    store: &PostgresStore,
) -> Result<Vec<(CompetitionKey, [u64; 3])>, StoreError> {
    let rows: Vec<CountRow> = store
        .read()
        .await?
        .rows(
            "SELECT c.key, coalesce(f.fixtures, 0), coalesce(f.finished, 0), coalesce(f.prices, 0)
             FROM competitions AS c LEFT JOIN LATERAL (
                 SELECT count(*) AS fixtures, count(*) FILTER (WHERE status = 1) AS finished,
                        sum(price_count)::bigint AS prices
                 FROM fixtures WHERE competition = c.id) AS f ON true
             ORDER BY c.key",
            Args::default(),
        )
        .await?;
    rows.into_iter().map(count).collect()
}

/// The data revision and the number of the last change.
pub(super) async fn head(store: &PostgresStore) -> Result<[u64; 2], StoreError> {
    let mut session = store.read().await?;
    let sql = "SELECT revision, outbox FROM sports_edge";
    let (revision, outbox): (i64, i64) = session.one(sql, Args::default()).await?;
    Ok([revision, outbox].map(i64::unsigned_abs))
}

/// The same of a server that follows another; `None` where it follows none.
pub(super) async fn followed_head(store: &PostgresStore) -> Result<Option<[u64; 2]>, StoreError> {
    let mut session = store.read().await?;
    // In one statement: what it sees was there before it is looked who leads.
    let sql = "SELECT revision, outbox FROM sports_edge WHERE pg_is_in_recovery()";
    let head: Option<(i64, i64)> = session.optional(sql, Args::default()).await?;
    Ok(head.map(|(revision, outbox)| [revision, outbox].map(i64::unsigned_abs)))
}
