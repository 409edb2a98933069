//! Settings that are right each by itself, and not beside others.

use std::net::SocketAddr;

use engine::caching::shared::SharedOptions;
use store::Place;

use super::Settings;

/// A setting that cannot be as it is, and why.
pub(super) type Fault = (&'static str, String);

/// Says what does not go together.
pub(super) fn check(settings: &Settings) -> Result<(), Fault> {
    if !settings.database.replicas.is_empty() && matches!(settings.database(), Place::File(_)) {
        let reason = "replicas are of a PostgreSQL database, and database.url names none";
        return Err(("database.replicas", reason.to_owned()));
    }
    let mut taken = vec![(settings.listen, "listen")];
    for (address, setting) in [
        (settings.grpc_listen, "grpc_listen"),
        (settings.metrics_listen, "metrics_listen"),
    ] {
        let Some(address) = address else {
            continue;
        };
        if let Some((it, other)) = taken.iter().find(|(it, _)| clash(*it, address)) {
            let reason = format!("{address} cannot be listened on beside {other}, which is {it}");
            return Err((setting, reason));
        }
        taken.push((address, setting));
    }
    let of_prefix = SharedOptions {
        namespace: settings.redis.prefix.clone(),
        ..SharedOptions::new("redis://localhost", [1; 16])
    };
    of_prefix
        .check()
        .map_err(|error| ("redis.prefix", error.to_string()))
}

/// Whether no two sockets can listen there at once.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    // On Linux the unspecified address of IPv6 is that of IPv4, too.
    let covers = |it: SocketAddr, other: SocketAddr| {
        it.ip().is_unspecified() && (it.is_ipv6() || other.is_ipv4())
    };
    let overlaps = one.ip() == other.ip() || covers(one, other) || covers(other, one);
    one.port() != 0 && one.port() == other.port() && overlaps
}
