//! Answers of reads, followed: what a `GET` of an address says, and then what changes of it.
//!
//! A key is the address without `/v1/`. The first who follows one has it made by the same handler
//! that answers a `GET`; from then on it is made anew whenever it was forgotten, once for
//! all who follow it, and what differs goes out through the feed (`keep`). What nobody follows any
//! more is let go. Who comes with what another server sent, or this one before it was started anew,
//! goes on from there (`resume`).

mod ask;
mod follow;
mod index;
mod keep;
mod keys;
mod latency;
mod line;
mod options;
mod place;
mod resume;
mod socket;
mod stream;
mod talk;
mod ticket;
mod turns;
mod upgrade;
mod welcome;

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use engine::{
    Engine,
    feeding::{Feed, FeedError, FeedFigures, FeedOptions, Mode, Reader as FeedReader, Revision},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, watch};

use crate::{
    auth::{Reader, Sessions},
    error::ApiError,
    kept::{self, KeptReads},
    rate::network_of,
    router::{ask, ask_back},
};

pub(crate) use follow::{FollowQuery, Holding, follow};
use index::Index;
pub(crate) use latency::{BOUNDS_MS, Latencies, LatencyFigures};
pub use line::{Line, TakeOver};
pub use options::LiveOptions;
pub(crate) use place::Place;
use place::{Tallies, Whose};
use resume::{Arrivals, Recalls};
pub(crate) use stream::Events;
pub(crate) use ticket::TICKET_MS;
use ticket::{Secret, Ticket, Tickets};
use turns::{Cost, Turns};
pub(crate) use upgrade::{is_asked, ticket_in, upgraded};

/// How long making an answer may take.
const MAKING_TIME_MAX: Duration = Duration::from_secs(10);

/// Everything that is followed.
pub(crate) struct Live {
    feed: Feed,
    options: LiveOptions,
    engine: Arc<Engine>,
    sessions: Arc<Sessions>,
    tickets: Tickets,
    /// What answers reads; there once the routes are joined.
    reads: Arc<OnceLock<Router>>,
    /// Answers that are kept already.
    kept: Arc<KeptReads>,
    known: Mutex<HashMap<Arc<str>, Arc<Followed>>>,
    /// By what changes of answers that are followed are found.
    index: Mutex<Index>,
    /// Which of them are to be made anew.
    turns: Arc<Turns>,
    /// How long changes take to the screens, as clients tell it.
    pub(crate) latencies: Latencies,
    /// Streams and subscriptions by API key.
    tallies: Arc<Tallies>,
    /// Turns at making states of the past.
    recalls: Recalls,
    stopping: watch::Sender<bool>,
    refused: AtomicUsize,
    /// How many of them since their address had as many as it may.
    refused_of_address: AtomicUsize,
}

/// An answer that is followed.
#[derive(Debug, Default)]
struct Followed {
    known: AsyncMutex<Known>,
    /// What making it cost the last time.
    cost: Mutex<Cost>,
    /// Where the answer is kept; `None` where it is kept nowhere.
    place: OnceLock<Option<kept::Place>>,
    arrivals: Arrivals,
}

impl Followed {
    /// Where the answer to an address is kept, where it is.
    fn place(&self, kept: &KeptReads, key: &str) -> Option<&kept::Place> {
        let place = || kept.place(&address(key)).ok();
        self.place.get_or_init(place).as_ref()
    }

    fn cost(&self) -> Cost {
        *self.cost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how long it took to make it.
    fn took(&self, time: Duration) {
        *self.cost.lock().unwrap_or_else(PoisonError::into_inner) = Cost::of(time);
    }
}

/// What is known of an answer that is followed.
#[derive(Debug, Default)]
struct Known {
    etag: Option<HeaderValue>,
    idle_ticks: u32,
}

/// A state of an address with what it takes to go on from it; the program of a page reads it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Held {
    pub(crate) key: String,
    pub(crate) rev: String,
    /// The moment of the state, in milliseconds since 1970.
    pub(crate) at: i64,
    pub(crate) data: Value,
}

/// Why an address cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The protocol's word.
    pub(crate) code: &'static str,
    /// A sentence.
    pub(crate) detail: String,
}

impl Live {
    pub(crate) fn new(
        engine: &Arc<Engine>,
        (options, sessions): (LiveOptions, Arc<Sessions>),
        (reads, kept): (Arc<OnceLock<Router>>, Arc<KeptReads>),
    ) -> Self {
        let feed = FeedOptions {
            keys_max: options.keys_max,
            readers_max: options.connections_max,
            passing: &["as_of"],
            ..FeedOptions::default()
        };
        Self {
            feed: Feed::new(feed),
            tickets: Tickets::new(options.ticket_secret, engine.cache().shared().cloned()),
            options,
            engine: Arc::clone(engine),
            sessions,
            reads,
            kept,
            known: Mutex::default(),
            index: Mutex::default(),
            turns: Arc::default(),
            latencies: Latencies::default(),
            tallies: Arc::default(),
            recalls: Recalls::default(),
            stopping: watch::Sender::new(false),
            refused: AtomicUsize::new(0),
            refused_of_address: AtomicUsize::new(0),
        }
    }

    /// Ends every stream, and every one that begins from now on.
    pub(crate) fn stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until every stream has ended; they do once they are told to stop.
    pub(crate) async fn ended(&self) {
        self.stopping.closed().await;
    }

    fn stopped(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Figures of the feed, streams refused, those of them at the bound of an address, and states of
    /// the past made.
    pub(crate) fn figures(&self) -> (FeedFigures, [usize; 3]) {
        let counts = [&self.refused, &self.refused_of_address, &self.recalls.begun];
        (
            self.feed.figures(),
            counts.map(|it| it.load(Ordering::Relaxed)),
        )
    }

    /// The present in milliseconds since 1970.
    pub(crate) fn now_ms(&self) -> i64 {
        self.engine.now().as_millisecond()
    }

    /// A reader and its place, where the bounds leave one.
    pub(crate) fn enter(
        &self,
        who: Reader,
        address: Option<IpAddr>,
    ) -> Result<(FeedReader, Place), ApiError> {
        let mut place = self.place(who.principal.as_deref(), address)?;
        if let Some(session) = who.session {
            place.came_by(session);
        }
        let reader = self.feed.reader().map_err(|_| {
            add(&self.refused);
            ApiError::Overloaded(self.options.connections_max)
        })?;
        Ok((reader, place))
    }

    /// A place among the streams of a key, or of an address without one.
    fn place(&self, principal: Option<&str>, address: Option<IpAddr>) -> Result<Place, ApiError> {
        if let Some(prefix) = principal {
            let max = self.options.connections_per_key_max;
            let place = self.tallies.enter(Whose::Key(prefix), max);
            return place.ok_or_else(|| {
                add(&self.refused);
                ApiError::TooManyStreams(max)
            });
        }
        // A proxy on this machine whose word is not taken stands for everybody.
        let address = address.filter(|it| !it.to_canonical().is_loopback());
        let network = address.map(network_of);
        let (whose, max) = match (&network, self.options.connections_per_address_max) {
            (Some(network), Some(max)) => (Whose::Network(network), max.get()),
            _ => (Whose::Anybody, 0),
        };
        self.tallies.enter(whose, max).ok_or_else(|| {
            add(&self.refused);
            add(&self.refused_of_address);
            ApiError::TooManyStreamsOfAddress(max)
        })
    }

    /// A ticket for a principal, where its streams leave a place for it.
    pub(crate) async fn issue(&self, principal: Option<String>) -> Result<String, ApiError> {
        let max = self.options.connections_per_key_max;
        let streams = principal
            .as_deref()
            .map_or(0, |it| self.tallies.streams(it));
        if principal.is_some() && streams >= max {
            return Err(ApiError::TooManyStreams(max));
        }
        let secret = self.secret_of(principal.as_deref()).await?;
        Ok(self.tickets.issue((principal, &secret), self.now_ms()))
    }

    /// Takes a ticket, whichever server gave it; returns the principal it was given to. One that is
    /// nobody's, of a server whose reads are open, counts only where `is_open`.
    pub(crate) async fn redeem(
        &self,
        ticket: &str,
        is_open: bool,
    ) -> Result<Option<String>, ApiError> {
        let ticket = Ticket::read(ticket).filter(|it| is_open || it.principal.is_some());
        let ticket = ticket.ok_or(ApiError::TicketRefused)?;
        let secret = self.secret_of(ticket.principal.as_deref()).await?;
        self.tickets.redeem(&ticket, &secret, self.now_ms()).await?;
        Ok(ticket.principal)
    }

    /// What seals tickets of a key that counts: its hash, which every server knows. Who needs no key
    /// needs no secret.
    async fn secret_of(&self, principal: Option<&str>) -> Result<Secret, ApiError> {
        let Some(prefix) = principal else {
            return Ok(Secret::default());
        };
        let key = self.engine.key(prefix).await?;
        let key = key.filter(|it| it.revoked_at.is_none());
        key.map(|it| it.hash).ok_or(ApiError::TicketRefused)
    }

    /// Lets a reader follow an address that has a state, within the bounds of its principal.
    fn subscribe(
        &self,
        (reader, place): (&mut FeedReader, &mut Place),
        key: &str,
        (since, mode): (Option<Revision>, Mode),
    ) -> Result<(), Refusal> {
        if reader.follows(key) {
            return reader.follow(key, since, mode).map_err(Refusal::from);
        }
        let max = self.options.subscriptions_per_key_max;
        if !place.subscribe(max) {
            return Err(Refusal {
                code: "too-many",
                detail: format!(
                    "no more than {max} subscriptions with one API key, or of one address"
                ),
            });
        }
        let followed = reader.follow(key, since, mode);
        followed.map_err(|error| {
            place.unsubscribe();
            error.into()
        })
    }

    /// Sees to it that an address has a state in the feed.
    async fn ensure(&self, key: &str) -> Result<(), Refusal> {
        if !keys::can_be_followed(key) {
            return Err(Refusal {
                code: "not-live",
                detail: format!("{key} cannot be followed"),
            });
        }
        if self.feed.revision(key).is_some() {
            return Ok(());
        }
        self.make(key).await
    }

    /// What an address answers now and as which revision that is told, so that a page that begins
    /// with it can go on from there.
    pub(crate) async fn held(&self, key: &str) -> Result<Held, Refusal> {
        self.make(key).await?;
        let state = self.feed.state(key);
        let (state, revision, at) = state.ok_or_else(|| refusal("it is let go of just now"))?;
        Ok(Held {
            key: key.to_owned(),
            rev: revision.to_string(),
            at,
            data: state,
        })
    }

    /// Makes an answer anew, unless it is what it was.
    async fn make(&self, key: &str) -> Result<(), Refusal> {
        let known = self.known(key);
        let made = self.renew(key, &known).await;
        let mut all = self.lock_known();
        // Nothing is kept of an address that cannot be followed, unless somebody else tries it now.
        let is_alone = Arc::strong_count(&known) == 2;
        if made.is_err() && is_alone && self.feed.revision(key).is_none() {
            all.remove(key);
        }
        drop(all);
        made
    }

    fn lock_known(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Followed>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, key: &str) -> Arc<Followed> {
        let mut all = self.lock_known();
        match all.get(key) {
            Some(it) => Arc::clone(it),
            None => Arc::clone(all.entry(key.into()).or_default()),
        }
    }

    /// Makes an answer and puts it into the feed; one at a time for each address, so that no older
    /// answer follows a newer one.
    async fn renew(&self, key: &str, followed: &Followed) -> Result<(), Refusal> {
        let mut known = followed.known.lock().await;
        if self.feed.revision(key).is_none() {
            known.etag = None; // What was told of it made room for others.
        }
        let began = Instant::now();
        let made = tokio::time::timeout(MAKING_TIME_MAX, self.made(key, known.etag.as_ref())).await;
        followed.took(began.elapsed());
        let made = made.map_err(|_| refusal("it takes too long to make"))?;
        let Some((state, etag)) = made? else {
            self.note(key, followed, known.etag.as_ref());
            return Ok(()); // It is what it was.
        };
        let stale = keys::stale_since(&state);
        let now = self.now_ms();
        let moment = keys::moment_of(&state).unwrap_or(now.unsigned_abs());
        let published = self.feed.publish_of(key, state, (now, moment));
        let mut sweep = published.map_err(|error| Refusal {
            code: "too-many",
            detail: error.to_string(),
        })?;
        known.etag = etag;
        self.note(key, followed, known.etag.as_ref());
        if let Some(since) = stale {
            let age = self.now_ms().saturating_sub(since);
            self.feed.stale(key, u64::try_from(age).unwrap_or(0));
        }
        if sweep.go_on() {
            // Others have their turn, and the next state need not wait for the last reader.
            tokio::spawn(async move {
                while sweep.go_on() {
                    tokio::task::yield_now().await;
                }
            });
        }
        Ok(())
    }

    /// Notes what an answer hangs on, so that it is looked at where that changes. Of one that is gone
    /// already it is not known, and it is looked at next time.
    fn note(&self, key: &str, followed: &Followed, etag: Option<&HeaderValue>) {
        let place = followed.place(&self.kept, key);
        let marks = place
            .zip(etag)
            .and_then(|(place, etag)| self.kept.marks(place, etag));
        self.lock_index().note(key, marks);
    }

    fn lock_index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a `GET` of the address answers; `None` where that is what the tag names.
    async fn made(
        &self,
        key: &str,
        etag: Option<&HeaderValue>,
    ) -> Result<Option<(Value, Option<HeaderValue>)>, Refusal> {
        let reads = self
            .reads
            .get()
            .ok_or_else(|| refusal("the server is starting"))?;
        let response = ask(reads.clone(), &address(key), etag).await;
        Self::state_in(response.map_err(|_| refusal("it is no address"))?).await
    }

    /// What a `GET` of the address answered at a moment, as far as that can still be told.
    async fn made_back(&self, key: &str, moment: Timestamp) -> Option<Value> {
        let reads = self.reads.get()?.clone();
        let response = ask_back(reads, &address(key), moment).await.ok()?;
        Some(Self::state_in(response).await.ok()??.0)
    }

    /// The state that an answer is, and its tag; `None` where the asker has it.
    async fn state_in(response: Response) -> Result<Option<(Value, Option<HeaderValue>)>, Refusal> {
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED => return Ok(None),
            status => return Err(refusal(&format!("a GET of it answers {}", status.as_u16()))),
        }
        let etag = response.headers().get(header::ETAG).cloned();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
        let body = body.map_err(|_| refusal("its answer broke off"))?;
        let state = serde_json::from_slice(&body).map_err(|_| refusal("it is not JSON"))?;
        Ok(Some((state, etag)))
    }
}

/// Counts one more.
fn add(count: &AtomicUsize) {
    count.fetch_add(1, Ordering::Relaxed);
}

/// What a key names.
fn address(key: &str) -> String {
    format!("/v1/{key}")
}

fn refusal(detail: &str) -> Refusal {
    Refusal {
        code: "not-live",
        detail: detail.to_owned(),
    }
}

impl From<FeedError> for Refusal {
    fn from(error: FeedError) -> Self {
        let code = match error {
            FeedError::UnknownKey(_) => "not-live",
            _ => "too-many",
        };
        Self {
            code,
            detail: error.to_string(),
        }
    }
}
