//! What the pool of connections has, in the Prometheus text format; every name stands here once.

use std::fmt::Write;

use sqlx::postgres::PgPool;

const CONNECTIONS: &str = "sports_edge_database_connections";
const CONNECTIONS_MAX: &str = "sports_edge_database_connections_max";

/// Connections in use and at rest, and how many there may be.
pub(super) fn text(pool: &PgPool) -> String {
    let idle = pool.num_idle();
    let in_use = (pool.size() as usize).saturating_sub(idle);
    let max = pool.options().get_max_connections();
    let mut text = format!(
        "# HELP {CONNECTIONS} Connections to the server of the database\n\
         # TYPE {CONNECTIONS} gauge\n"
    );
    for (state, count) in [("in_use", in_use), ("idle", idle)] {
        let _ = writeln!(text, "{CONNECTIONS}{{state=\"{state}\"}} {count}");
    }
    let _ = writeln!(
        text,
        "# HELP {CONNECTIONS_MAX} Connections that may be open; more callers wait\n\
         # TYPE {CONNECTIONS_MAX} gauge\n{CONNECTIONS_MAX} {max}"
    );
    text
}
