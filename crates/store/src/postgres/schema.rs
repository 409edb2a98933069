//! Brings a database to the schema this release knows, and refuses those it must not touch.

use super::PostgresStore;
use super::session::Session;
use super::sql::Args;
use crate::StoreError;

/// Every migration, oldest first; the n-th makes schema n of schema n − 1. Never edited once
/// released.
const MIGRATIONS: [&str; 13] = [
    include_str!("../../migrations/postgres/0001_fixtures.sql"),
    include_str!("../../migrations/postgres/0002_events.sql"),
    include_str!("../../migrations/postgres/0003_no_events_known.sql"),
    include_str!("../../migrations/postgres/0004_views.sql"),
    include_str!("../../migrations/postgres/0005_events_by_game.sql"),
    include_str!("../../migrations/postgres/0006_alerts.sql"),
    include_str!("../../migrations/postgres/0007_market_summaries.sql"),
    include_str!("../../migrations/postgres/0008_fixtures_without_keys.sql"),
    include_str!("../../migrations/postgres/0009_since_when_asked.sql"),
    include_str!("../../migrations/postgres/0010_who_asked_for_an_alert.sql"),
    include_str!("../../migrations/postgres/0011_identity.sql"),
    include_str!("../../migrations/postgres/0012_season_type.sql"),
    include_str!("../../migrations/postgres/0013_history.sql"),
];

pub(crate) const KNOWN: i64 = MIGRATIONS.len().cast_signed() as i64;

/// Held while the schema changes, by whoever changes it.
const LOCK: &str = "SELECT pg_advisory_xact_lock(6001, 1)";

/// Whoever waits for another's migration waits as long as it takes, which grows with the tables.
const UNBOUNDED: &str = "SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0; \
     SET LOCAL idle_in_transaction_session_timeout = 0";

/// Runs the migrations that are missing, all in one transaction, while other processes wait.
pub(super) async fn migrate(store: &PostgresStore) -> Result<(), StoreError> {
    // Mostly there is nothing to do, and nothing to wait for.
    let mut looked = store.snapshot().await?;
    looked.script(UNBOUNDED).await?;
    if version(&mut looked).await? == Some(KNOWN) {
        return Ok(());
    }
    drop(looked);
    let mut session = store.write().await?;
    session.script(UNBOUNDED).await?;
    session.run(LOCK, Args::default()).await?;
    let found = version(&mut session).await?;
    let done = found.unwrap_or(0);
    if done > KNOWN {
        return Err(StoreError::SchemaTooNew {
            found: done,
            known: KNOWN,
        });
    }
    for (version, sql) in (1..).zip(MIGRATIONS).filter(|(it, _)| *it > done) {
        session.script(sql).await?;
        let mark = "UPDATE sports_edge SET schema = $1";
        session.run(mark, Args::default().with(version)).await?;
        tracing::info!(version, "schema migrated");
    }
    session.commit().await
}

/// The schema in the database; `None` where there is nothing.
pub(super) async fn found(store: &PostgresStore) -> Result<Option<i64>, StoreError> {
    version(&mut store.snapshot().await?).await
}

async fn version(session: &mut Session) -> Result<Option<i64>, StoreError> {
    let (ours, objects, name): (bool, i64, String) = session
        .one(
            "SELECT to_regclass('sports_edge') IS NOT NULL,
                    (SELECT count(*) FROM pg_class
                     WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm')),
                    current_database()::text",
            Args::default(),
        )
        .await?;
    if !ours {
        return match objects {
            0 => Ok(None),
            _ => Err(StoreError::NotOurs(format!("database {name}"))),
        };
    }
    let sql = "SELECT schema FROM sports_edge";
    let (version,): (i64,) = session.one(sql, Args::default()).await?;
    Ok(Some(version))
}

/// What tells the database from every other.
pub(super) async fn identity(store: &PostgresStore) -> Result<String, StoreError> {
    let sql = "SELECT replace(identity::text, '-', '') FROM sports_edge";
    let (identity,): (String,) = store.read().await?.one(sql, Args::default()).await?;
    Ok(identity)
}

/// By how much the numbers of changes go ahead where a new history begins: more than could be told of the
/// one before and be lost to it, so that no number means two things and whoever followed that one finds
/// that it missed something.
const LOST_MAX: i64 = 1_000_000;

/// Which history the database has; where another server leads than before, a new one begins. A server
/// that follows another has the one it was given.
pub(super) async fn history(store: &PostgresStore) -> Result<String, StoreError> {
    // The first digits of a segment's name are the timeline, which every promotion counts up.
    const LED: &str = "CASE WHEN pg_is_in_recovery() THEN timeline ELSE
        ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END";
    let look = format!("SELECT replace(history::text, '-', ''), timeline = {LED} FROM sports_edge");
    let (history, goes_on): (String, bool) =
        store.read().await?.one(&look, Args::default()).await?;
    if goes_on {
        return Ok(history);
    }
    // What has not been asked before has lost nothing.
    let ahead = format!("CASE timeline WHEN 0 THEN 0 ELSE {LOST_MAX} END");
    let begin = format!(
        "UPDATE sports_edge SET timeline = {LED}, history = gen_random_uuid(),
             revision = revision + {ahead}, outbox = outbox + {ahead}
         WHERE timeline <> {LED}"
    );
    store.run(&begin, Args::default()).await?;
    let (history, _): (String, bool) = store.read().await?.one(&look, Args::default()).await?;
    Ok(history)
}

/// What is wrong: rows that refer to nothing where no foreign key watches, at most 20 of each.
pub(super) async fn faults(store: &PostgresStore) -> Result<Vec<String>, StoreError> {
    let checks = [
        ("quotes", "fixture", "fixtures"),
        ("quotes", "bookmaker", "bookmakers"),
        ("quotes", "recording", "recordings"),
        ("fixtures", "competition", "competitions"),
        ("fixtures", "season", "seasons"),
        ("fixtures", "home", "teams"),
        ("fixtures", "away", "teams"),
        ("fixtures", "recording", "recordings"),
        ("fixtures", "touched", "recordings"),
        ("superseded_quotes", "superseded_by", "recordings"),
        ("revisions", "recording", "recordings"),
    ];
    let mut session = store.snapshot().await?;
    let mut faults = Vec::new();
    for (table, column, parent) in checks {
        let sql = format!(
            "SELECT 'a row of {table} refers to no {parent}' FROM {table} AS child
             WHERE NOT EXISTS (SELECT 1 FROM {parent} WHERE id = child.{column}) LIMIT 20"
        );
        let rows: Vec<(String,)> = session.rows(&sql, Args::default()).await?;
        faults.extend(rows.into_iter().map(|(it,)| it));
    }
    Ok(faults)
}
