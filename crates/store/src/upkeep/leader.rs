//! What the server that should lead says of itself, for people.

use crate::postgres::sql::Args;
use crate::{PostgresOptions, PostgresStore, StoreError};

/// What a server says that should lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaderStatus {
    /// Which of the histories that followed from its database it has, to be compared with replicas;
    /// `None` where it does not say.
    pub history: Option<String>,
    /// Whether it follows another server, so that nothing can be written.
    pub follows: bool,
    /// How many connections it lets this user have.
    pub connections_max: u64,
}

/// Asks a server whose database has this release's schema.
pub async fn leader_status(
    url: &str,
    options: &PostgresOptions,
) -> Result<LeaderStatus, StoreError> {
    let store = PostgresStore::reached(url, options).await?;
    let history = store.history().await.ok();
    let mut session = store.read().await?;
    // Bounds of a role and a database are not for those who may do everything; -1 is none.
    let sql = "SELECT pg_is_in_recovery(), least(
                   current_setting('max_connections')::bigint
                       - current_setting('superuser_reserved_connections')::bigint,
                   (SELECT min(it) FROM unnest(ARRAY[r.rolconnlimit, d.datconnlimit]) AS it
                    WHERE it >= 0 AND NOT r.rolsuper))
               FROM pg_roles AS r, pg_database AS d
               WHERE r.rolname = current_user AND d.datname = current_database()";
    let (follows, connections): (bool, i64) = session.one(sql, Args::default()).await?;
    session.commit().await?;
    crate::Store::close(&store).await;
    Ok(LeaderStatus {
        history,
        follows,
        connections_max: connections.unsigned_abs(),
    })
}
