//! How many requests a caller may send in a minute: each API key, and each address that sends none.
//!
//! Replicas count together in the shared tier; without one, and while it is away, each by itself.
//! A key counts once it is proven, so that nobody uses up another's share, or takes a new one, by
//! making keys up; where the store does not say, nothing is counted. Opening a stream of what is
//! followed counts, by whichever transport, and so does each key that is asked for over a socket;
//! what comes over them does not. Never counts inference, health and files of the pages.

mod proofs;

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::Arc,
    time::Duration,
};

use axum::{
    http::{HeaderName, HeaderValue, header, request::Parts},
    response::Response,
};
use engine::caching::shared::{Allowance, Rate, RateLimit, Shared};

use self::proofs::{Holder, Proofs};
use crate::{ApiState, guard, live};

/// What is followed: by a stream, or by requests that wait.
const LIVE: &str = "/v1/live";
const MINUTE: Duration = Duration::from_secs(60);
/// `draft-ietf-httpapi-ratelimit-headers`.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Requests a minute; `None` counts nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateOptions {
    /// Of an API key.
    pub per_key: Option<NonZeroU32>,
    /// Of an address, without a key.
    pub per_address: Option<NonZeroU32>,
}

/// The address that a request came from: that of its connection, or what a proxy says that is
/// believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

impl Peer {
    /// That of a request; nothing where it is not known.
    pub(crate) fn of(request: &Parts) -> Option<IpAddr> {
        request.extensions.get().map(|Self(it)| *it)
    }
}

/// The limits of a server.
pub(crate) struct RateLimits {
    key: Option<Limit>,
    address: Option<Limit>,
    proofs: Proofs,
}

/// One limit, over all who are held to it.
struct Limit {
    name: &'static str,
    requests: NonZeroU32,
    counter: RateLimit,
}

/// What is asked for over a stream that is open, counted as whoever opened it.
pub(crate) struct Meter {
    rates: Arc<RateLimits>,
    /// The public prefix of its key, or its address.
    caller: Result<String, Option<IpAddr>>,
}

/// What a limit says of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    name: &'static str,
    /// Requests a minute.
    pub(crate) requests: u32,
    allowance: Allowance,
}

impl RateLimits {
    /// Limits that are counted in `shared` where there is one.
    pub(crate) fn new(options: RateOptions, shared: Option<&Shared>) -> Self {
        let limit = |name, requests: Option<NonZeroU32>| {
            requests.map(|requests| Limit {
                name,
                requests,
                counter: counter(name, requests, shared),
            })
        };
        Self {
            key: limit("key", options.per_key),
            address: limit("address", options.per_address),
            proofs: Proofs::new(options),
        }
    }

    /// Counts a request; `None` where nothing limits it.
    pub(crate) async fn judge(&self, state: &ApiState, request: &Parts) -> Option<Verdict> {
        if self.is_off() || is_never_counted(request.uri.path()) {
            return None;
        }
        guard::check_host(state, &request.headers).ok()?; // It is refused anyway.
        let cost = cost(request);
        match self.proofs.holder(state, request).await {
            Holder::Key(prefix) => Some(self.key.as_ref()?.take(&prefix, cost).await),
            Holder::Nobody => {
                let network = network_of(Peer::of(request)?);
                Some(self.address.as_ref()?.take(&network, cost).await)
            }
            Holder::Unknown => None,
        }
    }

    /// What counts whatever is asked for over a stream; nothing where no limit is set.
    pub(crate) fn meter(
        self: &Arc<Self>,
        principal: Option<&str>,
        address: Option<IpAddr>,
    ) -> Option<Meter> {
        (!self.is_off()).then(|| Meter {
            rates: Arc::clone(self),
            caller: principal.map(str::to_owned).ok_or(address),
        })
    }

    /// Notes that the key of this hash counts.
    pub(crate) fn proven(&self, hash: [u8; 32]) {
        if !self.is_off() {
            self.proofs.note(hash);
        }
    }

    fn is_off(&self) -> bool {
        self.key.is_none() && self.address.is_none()
    }
}

impl Meter {
    /// Counts one more; refuses one too many.
    pub(crate) async fn count(&self) -> Result<(), Verdict> {
        let verdict = match (&self.caller, &self.rates.key, &self.rates.address) {
            (Ok(prefix), Some(limit), _) => limit.take(prefix, 1).await,
            (Err(Some(address)), _, Some(limit)) => limit.take(&network_of(*address), 1).await,
            _ => return Ok(()),
        };
        if verdict.is_refusal() {
            Err(verdict)
        } else {
            Ok(())
        }
    }
}

fn counter(name: &'static str, requests: NonZeroU32, shared: Option<&Shared>) -> RateLimit {
    let rate = Rate {
        requests: requests.get(),
        per: MINUTE,
    };
    RateLimit::new(shared.cloned(), name, rate)
}

impl Limit {
    /// Counts a request that costs as much as `cost` others, at most all of them.
    async fn take(&self, client: &str, cost: u32) -> Verdict {
        let cost = cost.min(self.requests.get());
        Verdict {
            name: self.name,
            requests: self.requests.get(),
            allowance: self.counter.take(client, cost).await,
        }
    }
}

impl Verdict {
    pub(crate) fn is_refusal(&self) -> bool {
        !self.allowance.allowed
    }

    /// Whole seconds until a request that was refused may be sent again, at least one.
    pub(crate) fn retry_seconds(&self) -> u64 {
        seconds(self.allowance.retry_after).max(1)
    }

    /// Whose requests these were, for people.
    pub(crate) fn whose(&self) -> &'static str {
        match self.name {
            "key" => "this API key",
            _ => "this address, without an API key,",
        }
    }

    /// Says on an answer what is left.
    pub(crate) fn tell(&self, answer: &mut Response) {
        let used = self.requests.saturating_sub(self.allowance.remaining);
        let whole = seconds(MINUTE / self.requests * used);
        let (name, left) = (self.name, self.allowance.remaining);
        let headers = answer.headers_mut();
        let value = |text: String| HeaderValue::try_from(text).expect("names and digits are ASCII");
        let policy = format!("\"{name}\";q={};w={}", self.requests, MINUTE.as_secs());
        headers.insert(POLICY, value(policy));
        headers.insert(LEFT, value(format!("\"{name}\";r={left};t={whole}")));
        if self.is_refusal() {
            headers.insert(header::RETRY_AFTER, value(self.retry_seconds().to_string()));
        }
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// What is not counted: what has bounds of its own, and what is asked for to look after the server.
pub(crate) fn is_never_counted(path: &str) -> bool {
    let under = |root: &str| {
        path.strip_prefix(root)
            .is_some_and(|it| it.is_empty() || it.starts_with('/'))
    };
    ["/health", "/v2", "/assets"].into_iter().any(under)
}

/// Requests that a request counts as: one that waits for news, and one that opens a stream of events,
/// brings the state of each of its keys. A socket is opened without any.
fn cost(request: &Parts) -> u32 {
    let uri = &request.uri;
    if uri.path() != LIVE || live::is_asked(&request.headers) {
        return 1;
    }
    let query = uri.query().unwrap_or_default();
    let keys = form_urlencoded::parse(query.as_bytes()).filter(|it| it.0 == "k");
    u32::try_from(keys.count()).unwrap_or(u32::MAX).max(1)
}

/// An address as far as it tells callers apart: of IPv6 the network, for whoever has one has all of it.
pub(crate) fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX));
            format!("{network}/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};

    use super::*;

    #[test]
    fn an_answer_says_what_is_left_and_a_refusal_when_to_come_again() {
        let verdict = |allowed, remaining, wait_ms| Verdict {
            name: "key",
            requests: 120,
            allowance: Allowance {
                allowed,
                remaining,
                retry_after: Duration::from_millis(wait_ms),
            },
        };
        let told = |verdict: Verdict| {
            let mut answer = Response::new(Body::empty());
            verdict.tell(&mut answer);
            let header = |name: &str| {
                let value = answer.headers().get(name);
                value.map_or("", |it| it.to_str().unwrap()).to_owned()
            };
            [
                header("ratelimit-policy"),
                header("ratelimit"),
                header("retry-after"),
            ]
        };
        let allowed = told(verdict(true, 117, 0));
        assert_eq!(allowed, ["\"key\";q=120;w=60", "\"key\";r=117;t=2", ""]);
        let refused = told(verdict(false, 0, 300));
        assert_eq!(refused, ["\"key\";q=120;w=60", "\"key\";r=0;t=60", "1"]);
    }

    #[test]
    fn whoever_has_a_network_is_one_caller() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(of("2001:db8:1:2::9"), "2001:db8:1:2::/64");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(of("192.0.2.8"), "192.0.2.8");
    }

    fn request(path: &str, header: (&'static str, &'static str)) -> Parts {
        let request = Request::get(path).header(header.0, header.1);
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn what_has_bounds_of_its_own_is_free() {
        for path in ["/health/live", "/v2/models/m/infer", "/v2", "/assets/a.js"] {
            assert!(is_never_counted(path), "{path}");
        }
        for path in ["/", "/v1/live", "/v1/live/tickets", "/healthy", "/v20"] {
            assert!(!is_never_counted(path), "{path}");
        }
    }

    #[test]
    fn whoever_follows_counts_as_one_for_each_key_whose_state_comes_at_once() {
        let json = ("accept", "application/json");
        let events = ("accept", "text/event-stream");
        let socket = ("upgrade", "websocket");
        let three = "/v1/live?k=board&since=-&%6B=edges&wait_ms=5&k=fixtures/8";
        for (path, header, requests) in [
            ("/v1/live", json, 1),
            ("/v1/live", socket, 1),
            ("/v1/live?k=board", json, 1),
            (three, json, 3),
            (three, events, 3),
            (three, socket, 1),
            ("/v1/fixtures?k=a&k=b", json, 1),
        ] {
            let counted = cost(&request(path, header));
            assert_eq!(counted, requests, "{path} {header:?}");
        }
    }
}
