//! Settings of the shared tier, and where its server is.

use std::time::Duration;

use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

use super::trial;
use super::types::SharedError;

/// Settings of the shared tier.
#[derive(Debug, Clone)]
pub struct SharedOptions {
    /// Where the server is: `redis://[user:password@]host[:port][/database]`,
    /// `redis-sentinel://[user:password@]host[:port],host[:port]/service[/database]` (sentinels that
    /// want a password are given the same) or
    /// `redis-cluster://[user:password@]host[:port],host[:port]`. TLS as `rediss`,
    /// `rediss-sentinel` and `rediss-cluster`; `valkey` may stand for `redis`.
    pub url: String,
    /// What every key of this cache begins with; replicas with the same one share it.
    pub namespace: String,
    /// What stands behind the namespace where several caches have the same and share nothing, such
    /// as those of different databases; empty is nothing.
    pub part: String,
    /// 128 random bits that no other process has.
    pub identity: [u8; 16],
    /// How many slots there are, the same for all replicas.
    pub slots: u32,
    /// The root certificates to trust instead of the system's, in PEM.
    pub root_certificates: Option<Vec<u8>>,
    /// How long making a connection ready may take, by any call's time: none waits for it.
    pub connect_timeout: Duration,
    /// How long a call waits for the server's answer.
    pub command_timeout: Duration,
    /// Looks that may wait at a time; one more is refused.
    pub waiting_max: usize,
    /// A value, at most.
    pub value_bytes_max: usize,
    /// The size from which values are compressed.
    pub compress_bytes_min: usize,
    /// Slots of changes that may wait for an absent server; more become one change of everything.
    pub queued_slots_max: usize,
    /// How many changes the log keeps for replicas that missed some; about, it is cut by blocks.
    pub log_length: usize,
}

impl SharedOptions {
    /// The defaults for a server at `url`.
    pub fn new(url: impl Into<String>, identity: [u8; 16]) -> Self {
        Self {
            url: url.into(),
            namespace: "sports-edge".to_owned(),
            part: String::new(),
            identity,
            slots: 1 << 18,
            root_certificates: None,
            connect_timeout: Duration::from_millis(500),
            command_timeout: Duration::from_millis(100),
            waiting_max: 8192,
            value_bytes_max: 8 << 20,
            compress_bytes_min: 1024,
            queued_slots_max: 1 << 16,
            log_length: 4096,
        }
    }

    /// Checks the address and the namespace.
    ///
    /// # Errors
    /// Where one of them cannot be read; the password is not in its text.
    pub fn check(&self) -> Result<(), SharedError> {
        self.place().map(|_| ())
    }

    /// Does once with the server what the tier does, under the namespace, and leaves nothing there.
    ///
    /// # Errors
    /// Where it cannot be reached, lets nobody in with these settings, or refuses a part of it.
    pub async fn try_out(&self) -> Result<(), SharedError> {
        trial::try_out(self).await
    }

    /// Checks what cannot be told by types, and reads the address.
    pub(crate) fn place(&self) -> Result<Place, SharedError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        let named = |it: &str| {
            Err(SharedError::Address(format!(
                "needs a namespace of letters, digits and -_.: and not {it:?}"
            )))
        };
        if self.namespace.is_empty() || !self.namespace.chars().all(fits) {
            return named(&self.namespace);
        }
        if !self.part.chars().all(fits) {
            return named(&self.part);
        }
        Place::read(&self.url)
    }
}

/// Where the server is, or who can tell.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) route: Route,
    /// The server, or those who know which it is.
    pub(crate) doors: Vec<ConnectionInfo>,
    tls: bool,
    credentials: String,
    database: String,
}

/// How the server is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// It is the only door.
    Direct,
    /// Sentinels say who the primary of this service is.
    Sentinel(String),
    /// Any node says who holds the namespace.
    Cluster,
}

impl Place {
    fn read(url: &str) -> Result<Self, SharedError> {
        let wrong = |text: &str| SharedError::Address(text.to_owned());
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| wrong("has no scheme, such as redis://"))?;
        let scheme = scheme.replacen("valkey", "redis", 1);
        let (tls, kind) = match scheme.strip_prefix("rediss") {
            Some(kind) => (true, kind.to_owned()),
            None => (
                false,
                scheme.strip_prefix("redis").unwrap_or("?").to_owned(),
            ),
        };
        let (credentials, rest) = match rest.rsplit_once('@') {
            Some((credentials, rest)) => (format!("{credentials}@"), rest),
            None => (String::new(), rest),
        };
        let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (route, database) = match kind.as_str() {
            "" => (Route::Direct, path),
            "-cluster" => (Route::Cluster, path),
            "-sentinel" => {
                let (service, database) = path.split_once('/').unwrap_or((path, ""));
                if service.is_empty() {
                    return Err(wrong("names no service after the sentinels"));
                }
                (Route::Sentinel(service.to_owned()), database)
            }
            _ => return Err(wrong("has a scheme that is not known; redis:// is")),
        };
        let mut place = Self {
            route,
            doors: Vec::new(),
            tls,
            credentials,
            database: database.to_owned(),
        };
        let hosts: Vec<&str> = hosts.split(',').collect();
        if place.route == Route::Direct && hosts.len() > 1 {
            return Err(wrong(
                "names several hosts; redis-cluster:// or redis-sentinel:// may",
            ));
        }
        for host in hosts {
            let door = match &place.route {
                Route::Sentinel(_) => place.connection("", host, "", 26379)?,
                _ => place.server(host)?,
            };
            place.doors.push(door);
        }
        Ok(place)
    }

    /// How to connect to the server at `host`, which may end in a port.
    pub(crate) fn server(&self, host: &str) -> Result<ConnectionInfo, SharedError> {
        self.connection(&self.credentials, host, &self.database, 6379)
    }

    pub(crate) fn has_credentials(&self) -> bool {
        !self.credentials.is_empty()
    }

    /// The same door, for whom the credentials are that the servers want.
    pub(crate) fn with_credentials(&self, door: &ConnectionInfo) -> ConnectionInfo {
        let mut settings = door.redis_settings().clone();
        // A place has been connected to by them before there is a door.
        if let Ok(server) = self.server("localhost") {
            let known = server.redis_settings();
            if let Some(name) = known.username() {
                settings = settings.set_username(name);
            }
            if let Some(password) = known.password() {
                settings = settings.set_password(password);
            }
        }
        door.clone().set_redis_settings(settings)
    }

    fn connection(
        &self,
        credentials: &str,
        host: &str,
        database: &str,
        port: u16,
    ) -> Result<ConnectionInfo, SharedError> {
        let scheme = if self.tls { "rediss" } else { "redis" };
        let has_port = host.rsplit_once(':').is_some_and(|(_, end)| {
            !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_digit())
        });
        let port = if has_port {
            String::new()
        } else {
            format!(":{port}")
        };
        let info = format!("{scheme}://{credentials}{host}{port}/{database}")
            .into_connection_info()
            .map_err(|error| SharedError::Address(format!("cannot be read: {error}")))?;
        let settings = info
            .redis_settings()
            .clone()
            .set_protocol(ProtocolVersion::RESP3);
        Ok(info.set_redis_settings(settings))
    }
}
