//! Where a replica is, for people.

use crate::postgres::sql::Args;
use crate::{PostgresOptions, PostgresStore, StoreError};

/// Where a replica is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicaStatus {
    /// What tells the database it has from every other.
    pub identity: String,
    /// Which of the histories that followed from that database it has.
    pub history: String,
    /// Number of the last change it has applied.
    pub position: u64,
    /// Log it has received and not applied, in bytes.
    pub unapplied_bytes: u64,
    /// Whether it follows another server.
    pub follows: bool,
    /// Whether somebody told it to apply nothing for now.
    pub paused: bool,
}

/// Asks a replica where it is.
pub async fn replica_status(
    url: &str,
    options: &PostgresOptions,
) -> Result<ReplicaStatus, StoreError> {
    let store = PostgresStore::reached(url, options).await?;
    let mut session = store.read().await?;
    let sql = "SELECT replace(identity::text, '-', ''), replace(history::text, '-', ''), outbox,
                   coalesce(pg_wal_lsn_diff(
                   pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint,
                   pg_is_in_recovery(),
                   CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END
               FROM sports_edge";
    type Row = (String, String, i64, i64, bool, bool);
    let (identity, history, position, unapplied, follows, paused): Row =
        session.one(sql, Args::default()).await?;
    session.commit().await?;
    crate::Store::close(&store).await;
    Ok(ReplicaStatus {
        identity,
        history,
        position: position.unsigned_abs(),
        unapplied_bytes: u64::try_from(unapplied).unwrap_or(0),
        follows,
        paused,
    })
}
