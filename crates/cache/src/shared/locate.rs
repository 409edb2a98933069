//! Finds the server: directly, by the sentinels, or by the nodes of a cluster.

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, TlsCertificates, Value,
};

use super::options::{Place, Route, SharedOptions};
use super::types::SharedError;

/// How to connect to the server that holds the namespace now.
pub(crate) async fn locate(
    place: &Place,
    options: &SharedOptions,
    namespace: &str,
) -> Result<ConnectionInfo, SharedError> {
    let mut last = SharedError::Away;
    if place.route == Route::Direct {
        return Ok(place.doors[0].clone());
    }
    // Whoever answers first is believed; one that does not must not use up the others' time.
    for door in &place.doors {
        let asked = asked(door, place, options, namespace);
        match tokio::time::timeout(options.command_timeout * 2, asked).await {
            Ok(Ok(host)) => return place.server(&host),
            Ok(Err(error)) => last = error,
            Err(_) => last = SharedError::TimedOut(options.command_timeout * 2),
        }
    }
    Err(last)
}

/// A client for one connection.
pub(crate) fn client(info: ConnectionInfo, options: &SharedOptions) -> Result<Client, SharedError> {
    let tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
    let client = if tls {
        // Where another part of the process has chosen already, that is fine too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificates = TlsCertificates {
            client_tls: None,
            root_cert: options.root_certificates.clone(),
        };
        Client::build_with_tls(info, certificates)
    } else {
        Client::open(info)
    };
    client.map_err(SharedError::Refused)
}

/// The same as [`ask`]; a sentinel that wants a password is given that of the servers.
async fn asked(
    door: &ConnectionInfo,
    place: &Place,
    options: &SharedOptions,
    namespace: &str,
) -> Result<String, SharedError> {
    let answer = ask(door, place, options, namespace).await;
    match (&answer, &place.route) {
        (Err(SharedError::Refused(error)), Route::Sentinel(_))
            if error.code() == Some("NOAUTH") && place.has_credentials() =>
        {
            let door = place.with_credentials(door);
            ask(&door, place, options, namespace).await
        }
        _ => answer,
    }
}

/// Asks one who should know for the server's `host:port`.
async fn ask(
    door: &ConnectionInfo,
    place: &Place,
    options: &SharedOptions,
    namespace: &str,
) -> Result<String, SharedError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(None)
        .set_response_timeout(None);
    let client = client(door.clone(), options)?;
    let connection = client.get_multiplexed_async_connection_with_config(&config);
    let mut connection = connection.await.map_err(SharedError::Refused)?;
    let mut ask = async |cmd: &redis::Cmd| {
        let value = connection.send_packed_command(cmd).await;
        value
            .and_then(Value::extract_error)
            .map_err(SharedError::Refused)
    };
    if let Route::Sentinel(service) = &place.route {
        let mut cmd = redis::cmd("SENTINEL");
        cmd.arg("get-master-addr-by-name").arg(service);
        return sentinels_word(&ask(&cmd).await?);
    }
    let mut cmd = redis::cmd("CLUSTER");
    cmd.arg("KEYSLOT").arg(namespace);
    let Value::Int(slot) = ask(&cmd).await? else {
        return Err(SharedError::Garbled("CLUSTER KEYSLOT"));
    };
    let mut cmd = redis::cmd("CLUSTER");
    cmd.arg("SLOTS");
    holder(&ask(&cmd).await?, slot, &host_of(door))
}

fn sentinels_word(value: &Value) -> Result<String, SharedError> {
    match value {
        Value::Array(parts) => match parts.as_slice() {
            [host, port] => Ok(format!("{}:{}", text(host)?, text(port)?)),
            _ => Err(SharedError::Garbled("SENTINEL")),
        },
        _ => Err(SharedError::Garbled("SENTINEL")),
    }
}

/// The primary of the range that holds `slot`; a node that names no host is the one asked.
fn holder(value: &Value, slot: i64, asked: &str) -> Result<String, SharedError> {
    let garbled = || SharedError::Garbled("CLUSTER SLOTS");
    let Value::Array(ranges) = value else {
        return Err(garbled());
    };
    for range in ranges {
        let Value::Array(parts) = range else {
            return Err(garbled());
        };
        let [
            Value::Int(first),
            Value::Int(last),
            Value::Array(primary),
            ..,
        ] = parts.as_slice()
        else {
            return Err(garbled());
        };
        if !(*first..=*last).contains(&slot) {
            continue;
        }
        let [host, Value::Int(port), ..] = primary.as_slice() else {
            return Err(garbled());
        };
        let host = match host {
            Value::Nil => asked.to_owned(),
            host => match text(host)? {
                "" | "?" => asked.to_owned(),
                host if host.contains(':') => format!("[{host}]"),
                host => host.to_owned(),
            },
        };
        return Ok(format!("{host}:{port}"));
    }
    // Nobody holds it: the cluster is not whole.
    Err(SharedError::Away)
}

fn host_of(door: &ConnectionInfo) -> String {
    match door.addr() {
        ConnectionAddr::Tcp(host, _) | ConnectionAddr::TcpTls { host, .. } => host.clone(),
        _ => String::new(),
    }
}

fn text(value: &Value) -> Result<&str, SharedError> {
    match value {
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text.as_str()),
        _ => None,
    }
    .ok_or(SharedError::Garbled("an address"))
}
