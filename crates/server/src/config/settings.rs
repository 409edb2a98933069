//! The settings, with values that can only be right.

use std::{
    fmt,
    net::{Ipv6Addr, SocketAddr, ToSocketAddrs},
    num::{NonZeroU32, NonZeroU64, NonZeroUsize},
    path::PathBuf,
};

use engine::{caching::shared::SharedOptions, serving::Eviction};
use serde::{Deserialize, Deserializer, de::Error as _};
use store::Place;
use url::Url;

use crate::network::Network;

/// Every setting; `config.default.toml` explains each.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Address and port of the server.
    #[serde(deserialize_with = "address")]
    pub listen: SocketAddr,
    /// Address and port of the gRPC service, where there is one.
    #[serde(deserialize_with = "address_or_off")]
    pub grpc_listen: Option<SocketAddr>,
    /// Address and port of the metrics, where they are served.
    #[serde(deserialize_with = "address_or_off")]
    pub metrics_listen: Option<SocketAddr>,
    /// Folder of the database.
    pub data_dir: PathBuf,
    /// Whether reads from outside need no key.
    pub reads_public: bool,
    /// Hosts besides loopback's own, names or addresses without a port.
    #[serde(deserialize_with = "hosts")]
    pub allowed_hosts: Vec<String>,
    /// Origins beside the server's own whose pages may ask and open sockets, as browsers write them.
    #[serde(deserialize_with = "origins")]
    pub allowed_origins: Vec<String>,
    /// Bounds of requests.
    pub limits: Limits,
    /// Where events go.
    pub log: LogSettings,
    /// Where everything is remembered.
    pub database: DatabaseSettings,
    /// How forecasts are made and used.
    pub forecast: ForecastSettings,
    /// What is kept to answer sooner.
    pub cache: CacheSettings,
    /// What several servers share.
    pub redis: RedisSettings,
    /// How games under way are followed.
    pub live: LiveSettings,
    /// How what fired is told.
    pub alerts: AlertSettings,
    /// How models beside the sports models are served.
    pub models: ModelSettings,
}

/// Bounds of requests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// A body in bytes.
    pub body_bytes_max: NonZeroUsize,
    /// How long a request may take.
    pub handler_seconds_max: NonZeroU64,
    /// Requests at work at a time.
    pub concurrent_requests_max: NonZeroUsize,
    /// Requests of an API key in a minute; 0 is any number.
    pub requests_per_minute_per_key: u32,
    /// Requests of an address without a key in a minute; 0 is any number.
    pub requests_per_minute_per_address: u32,
    /// Networks of proxies that are believed about where a request came from.
    pub trusted_proxies: Vec<Network>,
    /// How long a session of a browser lasts.
    pub session_minutes_max: NonZeroU32,
    /// How long everything is still served once the server is told to stop.
    pub drain_delay_seconds: u64,
    /// How long stopping may take.
    pub drain_seconds_max: NonZeroU64,
}

/// Where everything is remembered.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// The database; `None` is a file in `data_dir`.
    #[serde(deserialize_with = "place_or_default")]
    pub url: Option<Place>,
    /// Servers that follow the database and answer reads for it.
    #[serde(deserialize_with = "servers")]
    pub replicas: Vec<Place>,
    /// Connections to each server.
    pub connections_max: NonZeroU32,
    /// How long a statement may take.
    pub statement_seconds_max: NonZeroU64,
    /// What stands before the servers.
    pub pooler: PoolerSetting,
}

/// What stands before a server of databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolerSetting {
    /// Nothing, or what gives each client a connection.
    None,
    /// What gives a connection for a transaction.
    Transaction,
}

/// Where events go.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// For whom they are written.
    pub format: LogFormat,
    /// Which ones.
    pub level: String,
}

/// For whom events are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// People.
    Human,
    /// Machines.
    Json,
    /// Machines where a server has no terminal, people otherwise.
    Auto,
}

/// How forecasts are made and used.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ForecastSettings {
    /// The share of full Kelly that is staked.
    #[serde(deserialize_with = "share")]
    pub kelly_share: f64,
    /// Threads for training and backtests; 0 means all.
    pub threads: usize,
}

/// What is kept to answer sooner.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheSettings {
    /// Memory for kept answers; 0 keeps none.
    pub memory_bytes_max: u64,
    /// Answers that are remembered as the hottest, and made before the server is ready.
    pub warm_answers_max: u32,
    /// How long that may take.
    pub warm_seconds_max: u64,
}

/// What several servers share.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// The server, its sentinels or its cluster; `None` is off.
    #[serde(deserialize_with = "redis_or_off")]
    pub url: Option<RedisUrl>,
    /// What every key begins with.
    pub prefix: String,
    /// Root certificates to trust instead of the usual ones, in PEM; empty is the usual ones.
    pub root_certificates: PathBuf,
    /// How long making a connection may take.
    pub connect_ms_max: NonZeroU64,
    /// How long the server may take to answer.
    pub command_ms_max: NonZeroU64,
}

/// Where Redis is. Its password is never shown.
#[derive(Clone, PartialEq)]
pub struct RedisUrl(String);

impl RedisUrl {
    /// The whole of it, for connecting.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("", &self.0));
        match rest.rsplit_once('@') {
            Some((_, place)) => write!(f, "{scheme}://…@{place}"),
            None => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedisUrl({self})")
    }
}

/// How games under way are followed.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiveSettings {
    /// Streams at a time.
    pub connections_max: NonZeroUsize,
    /// Streams at a time with the same API key.
    pub connections_per_key_max: NonZeroUsize,
    /// Streams at a time of an address without a key; 0 is any number.
    pub connections_per_address_max: usize,
    /// Subscriptions at a time with the same API key, or of one address without a key.
    pub subscriptions_per_key_max: NonZeroUsize,
    /// Addresses followed at a time.
    pub keys_max: NonZeroUsize,
    /// How long a source may be silent while a clock runs.
    pub silence_seconds_max: NonZeroU64,
}

/// How what fired is told.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertSettings {
    /// Networks that webhooks may reach although they are not public.
    pub allowed_networks: Vec<Network>,
}

/// How models beside the sports models are served.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSettings {
    /// Where they lie; empty is `models` in the folder of the database.
    pub folder: PathBuf,
    /// Memory for loaded ones.
    pub budget_bytes: NonZeroU64,
    /// What makes room when it is full.
    pub eviction: Eviction,
    /// Memory for kept results; 0 keeps none.
    pub results_bytes_max: u64,
    /// How often the folder is looked through; 0 is never.
    pub poll_seconds: u64,
    /// A model's file in bytes.
    pub upload_bytes_max: NonZeroU64,
    /// Requests at work at a time.
    pub requests_max: NonZeroUsize,
    /// Threads for models that take long; 0 means all.
    pub threads: usize,
}

fn address<'de, D: Deserializer<'de>>(input: D) -> Result<SocketAddr, D::Error> {
    resolved(&String::deserialize(input)?).map_err(D::Error::custom)
}

fn address_or_off<'de, D: Deserializer<'de>>(input: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(input)?;
    if text.is_empty() {
        return Ok(None);
    }
    resolved(&text).map(Some).map_err(D::Error::custom)
}

/// An address with its port, or what a name stands for; of several the first of IPv4, which is where
/// clients of `localhost` that know one only look.
fn resolved(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let is_named = text.rsplit_once(':').is_some_and(|(name, port)| {
        !name.is_empty() && !name.contains(':') && port.parse::<u16>().is_ok()
    });
    if !is_named {
        return Err(format!(
            "{text:?} is no address with a port, such as 127.0.0.1:8081"
        ));
    }
    let found = text.to_socket_addrs();
    let found: Vec<_> = found
        .map_err(|error| format!("the name in {text:?} stands for no address: {error}"))?
        .collect();
    let first = found.iter().find(|it| it.is_ipv4()).or(found.first());
    first
        .copied()
        .ok_or_else(|| format!("the name in {text:?} stands for no address"))
}

fn place_or_default<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Place>, D::Error> {
    let text = String::deserialize(input)?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    Place::parse(&text).map(Some).map_err(D::Error::custom)
}

fn redis_or_off<'de, D: Deserializer<'de>>(input: D) -> Result<Option<RedisUrl>, D::Error> {
    let text = String::deserialize(input)?;
    if text.is_empty() {
        return Ok(None);
    }
    let options = SharedOptions::new(&text, [1; 16]);
    options.check().map_err(D::Error::custom)?;
    Ok(Some(RedisUrl(text)))
}

fn hosts<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    texts
        .iter()
        .map(|it| host(it).map_err(D::Error::custom))
        .collect()
}

/// A host as requests name it: a name or an address alone, one of IPv6 in brackets.
fn host(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let bare = bare.unwrap_or(text);
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("[{bare}]"));
    }
    let is_label = |it: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !it.is_empty() && it.bytes().all(fits)
    };
    if text.split('.').all(is_label) {
        return Ok(text.to_owned());
    }
    Err(format!(
        "{text:?} is no host: write its name or address alone, without scheme, port, path, blanks \
         or *, such as odds.example"
    ))
}

fn origins<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<String>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    texts
        .iter()
        .map(|it| origin(it).map_err(D::Error::custom))
        .collect()
}

/// An origin as browsers write it: in small letters, without the port that goes without saying.
fn origin(text: &str) -> Result<String, String> {
    let known = Url::parse(text).ok().filter(|it| {
        let is_bare = it.path() == "/" && it.query().is_none() && it.fragment().is_none();
        let is_nobody = it.username().is_empty() && it.password().is_none();
        matches!(it.scheme(), "http" | "https") && is_bare && is_nobody
    });
    let known = known.ok_or_else(|| {
        format!(
            "{text:?} is not an origin: scheme, host and port where it is not the usual one, such \
             as https://edge.example; there is none for all pages"
        )
    })?;
    Ok(known.origin().ascii_serialization())
}

fn servers<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Place>, D::Error> {
    let texts = Vec::<String>::deserialize(input)?;
    let server = |text: &String| match Place::parse(text).map_err(D::Error::custom)? {
        Place::File(_) => Err(D::Error::custom(
            "a replica is a PostgreSQL server, such as postgres://user:password@host/name",
        )),
        server @ Place::Server(_) => Ok(server),
    };
    texts.iter().map(server).collect()
}

fn share<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(input)?;
    if (0.0..=1.0).contains(&share) {
        Ok(share)
    } else {
        Err(D::Error::custom(format!(
            "{share} does not lie between 0 and 1"
        )))
    }
}
