//! What every handler gets: the engine, the options, and the counters of the front door.

use std::{
    ops::Deref,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::HeaderValue};
use engine::{Engine, EngineError, caching::Window};
use tokio::sync::Semaphore;

use crate::{
    LiveOptions, RateOptions, ReadAccess, SessionOptions, TakeOver,
    auth::{Sessions, Touches},
    kept::KeptReads,
    live::Live,
    metrics::{
        self, HttpFigures,
        server::{HealthFigures, ServerFigures},
    },
    rate::RateLimits,
    router,
};

/// Time between two looks at the cache.
pub const WATCH_EVERY: Duration = Duration::from_secs(Window::Hour.step_s() as u64);

/// How the API is guarded.
#[derive(Debug, Clone)]
pub struct ApiOptions {
    /// Who may read without a key.
    pub read_access: ReadAccess,
    /// Names the `Host` header may bear.
    pub hosts: Hosts,
    /// Origins beside the server's own whose pages may ask with a key and open sockets, such as
    /// `https://edge.example`.
    pub allowed_origins: Vec<String>,
    /// A request's body in bytes, at most.
    pub body_bytes_max: usize,
    /// How long a handler may take.
    pub handler_time_max: Duration,
    /// Requests at work at a time; one more is refused.
    pub concurrent_requests_max: usize,
    /// Makes request ids differ from those of other runs of the server.
    pub request_id_seed: u32,
    /// How many requests a caller may send.
    pub rates: RateOptions,
    /// How people sign in.
    pub sessions: SessionOptions,
    /// Bounds of what is followed.
    pub live: LiveOptions,
    /// Takes the socket out of a connection, so that readers are written to at once; without it they
    /// are woken to write themselves.
    pub take_over: Option<TakeOver>,
}

impl Default for ApiOptions {
    fn default() -> Self {
        Self {
            read_access: ReadAccess::Keyed,
            hosts: Hosts::Any,
            allowed_origins: Vec::new(),
            body_bytes_max: 1 << 20,
            handler_time_max: Duration::from_secs(10),
            concurrent_requests_max: 256,
            request_id_seed: 0,
            rates: RateOptions::default(),
            sessions: SessionOptions::default(),
            live: LiveOptions::default(),
            take_over: None,
        }
    }
}

impl ApiOptions {
    /// Whether nobody but the server's own machine reaches it.
    pub(crate) fn is_own_machine_only(&self) -> bool {
        matches!(&self.hosts, Hosts::LoopbackAnd(others) if others.is_empty())
    }
}

/// Names the `Host` header may bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// Any: the server listens on a public address.
    Any,
    /// Loopback names and these: the server listens on loopback.
    LoopbackAnd(Vec<String>),
}

/// What a server that requests can be sent to answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// Everything.
    Whole,
    /// Reads; writes are refused.
    Degraded,
}

/// What every handler gets. Each layer of a request holds one of its own, so that a clone is cheap.
#[derive(Clone)]
pub struct ApiState(Arc<Parts>);

/// What there is once of all that is served.
pub struct Parts {
    pub(crate) engine: Arc<Engine>,
    pub(crate) options: Arc<ApiOptions>,
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) figures: Arc<HttpFigures>,
    pub(crate) kept: Arc<KeptReads>,
    pub(crate) live: Arc<Live>,
    pub(crate) rates: Arc<RateLimits>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) touches: Arc<Touches>,
    reads: Arc<OnceLock<Router>>,
    request_count: AtomicU32,
    draining: AtomicBool,
    warming: AtomicBool,
}

impl Deref for ApiState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl ApiState {
    /// Joins an engine and options.
    pub fn new(engine: Arc<Engine>, options: ApiOptions) -> Self {
        let reads = Arc::default();
        let shared = engine.cache().shared();
        let sessions = Arc::new(Sessions::new(options.sessions.clone(), shared.cloned()));
        let kept = Arc::new(KeptReads::new(engine.cache()));
        Self(Arc::new(Parts {
            live: Arc::new(Live::new(
                &engine,
                (options.live.clone(), Arc::clone(&sessions)),
                (Arc::clone(&reads), Arc::clone(&kept)),
            )),
            kept,
            rates: Arc::new(RateLimits::new(options.rates, shared)),
            sessions,
            touches: Arc::default(),
            reads,
            engine,
            requests: Arc::new(Semaphore::new(options.concurrent_requests_max)),
            options: Arc::new(options),
            figures: Arc::default(),
            request_count: AtomicU32::default(),
            draining: AtomicBool::default(),
            warming: AtomicBool::default(),
        }))
    }

    /// Makes `/health/ready` say no from now on, so that no new work is sent here; what comes all the
    /// same is served.
    pub fn announce_stop(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Ends the streams of those who follow answers, too: they come again, to another server.
    pub fn start_draining(&self) {
        self.announce_stop();
        self.live.stop();
    }

    /// Waits until nobody follows answers any more; they are told to end by draining.
    pub async fn live_ended(&self) {
        self.live.ended().await;
    }

    /// Keeps what is followed up to date for as long as it is polled, until draining starts.
    pub async fn keep_live(&self) {
        Arc::clone(&self.live).keep().await;
    }

    /// Makes `/health/ready` say no until [`Self::end_warming`].
    pub fn start_warming(&self) {
        self.warming.store(true, Ordering::Release);
    }

    /// Leaves readiness to the rest.
    pub fn end_warming(&self) {
        self.warming.store(false, Ordering::Release);
    }

    pub(crate) fn is_warming(&self) -> bool {
        self.warming.load(Ordering::Acquire)
    }

    /// Notes what the cache has done since the last time, and which answers are asked for; to be
    /// called every [`WATCH_EVERY`].
    pub async fn watch_cache(&self) {
        self.kept.watch.look(&self.engine).await;
    }

    /// Addresses of the answers that were asked for most lately, first the most.
    pub fn hottest_answers(&self, count: usize) -> Vec<String> {
        self.kept.watch.hottest(count)
    }

    /// The endpoints past the front door, for clients that came through it and for the server
    /// itself; built once.
    pub(crate) fn reads(&self) -> Router {
        self.reads.get_or_init(|| router::kept_routes(self)).clone()
    }

    /// The engine behind the API.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// What the front door and the shared cache counted, in the Prometheus text format.
    pub fn metrics(&self) -> String {
        let shared = self.engine.cache().shared();
        let shared = shared.map(|it| metrics::shared::text(&it.health()));
        let live = metrics::live_text(self.live.figures(), &self.engine.sources());
        let latency = metrics::latency_text(&self.live.latencies.figures());
        let alerts = metrics::alerts_text(&self.engine.alert_figures());
        let views = metrics::views_text(&self.engine.views_behind());
        let server = metrics::server::text(&self.server_figures());
        let age = metrics::server::age_text(self.engine.age());
        self.figures.text()
            + &server
            + &age
            + &views
            + &live
            + &latency
            + &alerts
            + &shared.unwrap_or_default()
    }

    /// Whether it can answer, and whether the database does, in the Prometheus text format; asks the
    /// database.
    pub async fn health_metrics(&self) -> String {
        let reached = self.engine.ping().await;
        let readiness = self.readiness(&reached);
        metrics::server::health_text(&HealthFigures {
            is_ready: readiness.is_ok(),
            is_degraded: readiness == Ok(Readiness::Degraded),
            is_database_up: reached.is_ok(),
        })
    }

    fn server_figures(&self) -> ServerFigures {
        let (cache, requests_max) = (self.engine.cache(), self.options.concurrent_requests_max);
        let at_work = requests_max.saturating_sub(self.requests.available_permits());
        ServerFigures {
            requests: [at_work, requests_max],
            cache_bytes: [cache.load().0, cache.memory_bytes_max()],
            kinds: cache.statistics(),
        }
    }

    /// What can be answered, by what the database said when it was asked; why nothing can.
    pub(crate) fn readiness(
        &self,
        reached: &Result<(), EngineError>,
    ) -> Result<Readiness, &'static str> {
        if let Some(reason) = self.unready() {
            return Err(reason);
        }
        match reached {
            Ok(()) => Ok(Readiness::Whole),
            Err(error) if error.is_database_replaced() => {
                Err("the database was deleted or replaced while it was open")
            }
            Err(_) if self.engine.reads_on() => Ok(Readiness::Degraded),
            Err(_) => Err("the database does not answer"),
        }
    }

    /// Why no request is to be sent here, whatever the database says.
    pub(crate) fn unready(&self) -> Option<&'static str> {
        if self.is_draining() {
            Some("the server is stopping")
        } else if !self.engine.is_ready() {
            Some("the server is loading games and model")
        } else if self.is_warming() {
            Some("the server is warming its cache")
        } else {
            None
        }
    }

    /// Waits until no request is at work, those among them whose clients have left; with none let in
    /// any more, for ever less.
    pub async fn finished(&self) {
        let all = u32::try_from(self.options.concurrent_requests_max).unwrap_or(u32::MAX);
        let _all = self.requests.acquire_many(all).await;
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The next request's id.
    pub(crate) fn next_request_id(&self) -> HeaderValue {
        let count = self.request_count.fetch_add(1, Ordering::Relaxed);
        let seed = u64::from(self.options.request_id_seed);
        let number = (seed << 32) | u64::from(count);
        let mut id = *b"req_0000000000000000";
        for (at, digit) in id[4..].iter_mut().enumerate() {
            let nibble = (number >> (60 - 4 * at)) & 0xf;
            *digit = b"0123456789abcdef"[nibble as usize];
        }
        HeaderValue::from_bytes(&id).expect("digits are visible ASCII")
    }
}
