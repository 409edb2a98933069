//! Takes what fired to its receivers: to public addresses alone, each checked just before it is
//! connected to, so that a name that leads elsewhere a moment later leads nowhere.

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use async_trait::async_trait;
use engine::{Courier, Parcel};
use ureq::{
    Agent,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use crate::network::{self, Network};

/// An address in bytes, at most.
const URL_BYTES_MAX: usize = 2_048;
/// How long a name may take to be looked up.
const LOOKUP_MAX: Duration = Duration::from_secs(5);
/// Addresses of a name that are tried, at most.
const ADDRESSES_MAX: usize = 8;

/// The addresses of a host and port.
type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
/// Looks a host up.
type Lookup = Arc<dyn Fn(String, u16) -> Found + Send + Sync>;

/// Bounds of what is sent.
#[derive(Debug, Clone)]
pub struct WebhookOptions {
    /// Networks that may be reached although they are not public.
    pub allowed: Vec<Network>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long all of it may take.
    pub total_timeout: Duration,
}

impl Default for WebhookOptions {
    fn default() -> Self {
        Self {
            allowed: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(10),
        }
    }
}

/// Sends webhooks.
#[derive(Clone)]
pub struct Webhooks {
    options: WebhookOptions,
    lookup: Lookup,
}

/// A place that may be connected to.
#[derive(Debug)]
struct Checked {
    uri: Uri,
    addresses: Vec<SocketAddr>,
}

/// Leads every name to addresses that were checked.
#[derive(Debug)]
struct Fixed(Vec<SocketAddr>);

impl Webhooks {
    /// Looks names up as the system does.
    pub fn new(options: WebhookOptions) -> Self {
        let lookup = |host: String, port: u16| -> Found {
            Box::pin(async move {
                let found = tokio::net::lookup_host((host, port)).await?;
                Ok(found.take(ADDRESSES_MAX).collect())
            })
        };
        Self::with_lookup(options, Arc::new(lookup))
    }

    fn with_lookup(options: WebhookOptions, lookup: Lookup) -> Self {
        Self { options, lookup }
    }

    /// Reads an address, looks its name up and refuses it unless all it leads to is public.
    async fn checked(&self, url: &str) -> Result<Checked, String> {
        let uri = read(url)?;
        let host = uri.host().unwrap_or_default();
        let bare = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        let secure = uri.scheme_str() == Some("https");
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let found = tokio::time::timeout(LOOKUP_MAX, (self.lookup)(bare, port)).await;
        let addresses = match found {
            Err(_) => return Err(format!("{host} takes too long to be found")),
            Ok(Err(_)) => return Err(format!("{host} cannot be found")),
            Ok(Ok(found)) if found.is_empty() => return Err(format!("{host} cannot be found")),
            Ok(Ok(found)) => found,
        };
        let allowed = &self.options.allowed;
        let refused = addresses.iter().find(|it| {
            let ip = it.ip();
            !network::is_public(ip) && !allowed.iter().any(|network| network.holds(ip))
        });
        if refused.is_some() {
            // Which address it is, is nobody's business.
            return Err(format!("{host} leads to an address that is not public"));
        }
        Ok(Checked { uri, addresses })
    }

    fn config(&self) -> Config {
        Agent::config_builder()
            .timeout_connect(Some(self.options.connect_timeout))
            .timeout_global(Some(self.options.total_timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            // A proxy would look names up itself.
            .proxy(None)
            .user_agent(concat!("sports-edge/", env!("CARGO_PKG_VERSION")))
            .build()
    }
}

/// Reads an address that something may be sent to.
fn read(url: &str) -> Result<Uri, String> {
    let no = |detail: &str| Err(detail.to_owned());
    if url.len() > URL_BYTES_MAX {
        return no("is longer than 2,048 bytes");
    }
    if !url.bytes().all(|it| it.is_ascii_graphic()) || url.contains(['#', '\\']) {
        return no("is no http or https address");
    }
    let uri: Uri = match url.parse() {
        Ok(uri) => uri,
        Err(_) => return no("is no http or https address"),
    };
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return no("is no http or https address");
    }
    match uri.authority() {
        Some(it) if it.as_str().contains('@') => no("names a user; send secrets in the path"),
        Some(it) if it.host().is_empty() => no("names no host"),
        Some(_) => Ok(uri),
        None => no("names no host"),
    }
}

impl Resolver for Fixed {
    fn resolve(
        &self,
        _uri: &Uri,
        _config: &Config,
        _timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut found = self.empty();
        for address in self.0.iter().take(ADDRESSES_MAX) {
            found.push(*address);
        }
        if found.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        Ok(found)
    }
}

#[async_trait]
impl Courier for Webhooks {
    async fn check(&self, url: &str) -> Result<(), String> {
        self.checked(url).await.map(drop)
    }

    async fn carry(&self, parcel: Parcel) -> Result<u16, String> {
        let Checked { uri, addresses } = self.checked(&parcel.url).await?;
        let config = self.config();
        // A new agent each time: nothing is connected to but what was checked just now.
        let send = move || {
            let agent = Agent::with_parts(config, DefaultConnector::default(), Fixed(addresses));
            let mut request = agent.post(uri).header("content-type", "application/json");
            for (name, value) in parcel.headers {
                request = request.header(name, value);
            }
            request.send(parcel.body)
        };
        let sent = tokio::task::spawn_blocking(send).await;
        match sent.map_err(|_| "the attempt broke off".to_owned())? {
            Ok(answer) => Ok(answer.status().as_u16()),
            Err(error) => Err(told(&error)),
        }
    }

    fn chance(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .expect("the system gives random numbers, as it did at the start");
        bytes
    }
}

/// What went wrong, for people.
fn told(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "it took too long".to_owned(),
        ureq::Error::Io(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => "the connection was refused".to_owned(),
            io::ErrorKind::TimedOut => "it took too long".to_owned(),
            _ => "the connection failed".to_owned(),
        },
        ureq::Error::ConnectionFailed => "no connection could be made".to_owned(),
        ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
            "no secure connection could be made".to_owned()
        }
        _ => "the answer could not be read".to_owned(),
    }
}

#[cfg(test)]
mod tests;
