//! Answers kept for those who ask the same again: within bytes and time, one execution for all who
//! ask at once.
//!
//! A failure goes to all who wait for it, and is never kept.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, time::Instant};

use crate::{ContentHash, InferReply, InferenceError, StageTimes, Tensor};

mod key;
mod store;

pub(crate) use key::Key;

use store::{MemoryStore, ResultStore};

/// An answer that is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    model: Arc<str>,
    version: u64,
    pub(super) content: ContentHash,
    pub(super) outputs: Vec<Tensor>,
    pub(super) times: StageTimes,
    until: Instant,
    /// Whether it may outlive its version.
    stale: bool,
    bytes: u64,
}

/// What an execution came to.
pub(super) type Outcome = Result<Arc<Kept>, InferenceError>;

type Flight = Arc<watch::Sender<Option<Outcome>>>;

/// What comes of asking.
pub(super) enum Joined {
    /// It was kept.
    Kept(Arc<Kept>),
    /// Somebody is on it.
    Wait(watch::Receiver<Option<Outcome>>),
    /// Nobody is: the caller has to be.
    Lead(Lead),
}

/// Answers kept and executions under way.
#[derive(Debug, Clone)]
pub(crate) struct Results {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Option<Box<dyn ResultStore>>,
    flights: Mutex<HashMap<Key, Flight>>,
    hits: AtomicU64,
    misses: AtomicU64,
    stale: AtomicU64,
}

/// What was kept and found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ResultFigures {
    /// Requests answered without an execution of their own.
    pub(crate) hits: u64,
    /// Requests that had to be executed.
    pub(crate) misses: u64,
    /// Answers given although stale, because all else failed.
    pub(crate) stale: u64,
    /// Bytes kept.
    pub(crate) bytes: u64,
    /// Answers kept.
    pub(crate) entries: u64,
}

/// The duty to execute; who lets go of it without landing leaves it to the next.
pub(super) struct Lead {
    inner: Arc<Inner>,
    key: Key,
    flight: Flight,
}

impl Results {
    /// Keeps so many bytes; zero keeps none, but equal requests still share an execution.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let store = (bytes_max > 0).then(|| Box::new(MemoryStore::new(bytes_max)) as Box<_>);
        Self {
            inner: Arc::new(Inner {
                store,
                flights: Mutex::default(),
                hits: AtomicU64::new(0),
                misses: AtomicU64::new(0),
                stale: AtomicU64::new(0),
            }),
        }
    }

    /// What is kept, or under way, or the duty to make it.
    pub(super) fn join(&self, key: Key) -> Joined {
        let inner = &self.inner;
        if let Some(kept) = inner.fresh(&key) {
            inner.hits.fetch_add(1, Ordering::Relaxed);
            return Joined::Kept(kept);
        }
        let mut flights = inner.flights();
        if let Some(flight) = flights.get(&key) {
            inner.hits.fetch_add(1, Ordering::Relaxed);
            return Joined::Wait(flight.subscribe());
        }
        // Between the first look and the lock somebody may have landed.
        if let Some(kept) = inner.fresh(&key) {
            inner.hits.fetch_add(1, Ordering::Relaxed);
            return Joined::Kept(kept);
        }
        inner.misses.fetch_add(1, Ordering::Relaxed);
        let flight = Flight::new(watch::channel(None).0);
        flights.insert(key, Arc::clone(&flight));
        Joined::Lead(Lead {
            inner: Arc::clone(inner),
            key,
            flight,
        })
    }

    /// Keeps an answer for when all else fails.
    pub(super) fn remember(&self, key: Key, reply: &InferReply, time: Duration) {
        if let Some(store) = &self.inner.store {
            store.put(key, Arc::new(Kept::new(reply, time, true)));
        }
    }

    /// The last good answer, where it is not too old.
    pub(super) fn last_good(&self, key: &Key) -> Option<Arc<Kept>> {
        let kept = self.inner.fresh(key)?;
        self.inner.stale.fetch_add(1, Ordering::Relaxed);
        Some(kept)
    }

    /// Lets go of answers of versions that are gone.
    pub(crate) fn retain(&self, serves: impl Fn(&str, u64) -> bool) {
        if let Some(store) = &self.inner.store {
            store.retain(&|it| it.stale || serves(&it.model, it.version));
        }
    }

    pub(crate) fn figures(&self) -> ResultFigures {
        let get = |it: &AtomicU64| it.load(Ordering::Relaxed);
        let store = self.inner.store.as_deref();
        ResultFigures {
            hits: get(&self.inner.hits),
            misses: get(&self.inner.misses),
            stale: get(&self.inner.stale),
            bytes: store.map_or(0, ResultStore::bytes),
            entries: store.map_or(0, ResultStore::entries),
        }
    }
}

impl Inner {
    fn fresh(&self, key: &Key) -> Option<Arc<Kept>> {
        let kept = self.store.as_ref()?.get(key)?;
        (Instant::now() < kept.until).then_some(kept)
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<Key, Flight>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lead {
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Outcome>> {
        self.flight.subscribe()
    }

    /// Ends when nobody waits any more; from then on the next who asks leads.
    pub(super) async fn deserted(&self) {
        loop {
            self.flight.closed().await;
            let mut flights = self.inner.flights();
            if self.flight.receiver_count() == 0 {
                flights.remove(&self.key);
                return;
            }
        }
    }

    /// Hands an answer to all who wait, and keeps it where it is what its key says.
    pub(super) fn land(self, reply: &InferReply, keep: Option<Duration>) {
        let kept = Arc::new(Kept::new(reply, keep.unwrap_or_default(), false));
        if let (Some(store), Some(_)) = (&self.inner.store, keep) {
            store.put(self.key, Arc::clone(&kept));
        }
        self.end(Ok(kept));
    }

    /// Hands a failure to all who wait.
    pub(super) fn fail(self, error: InferenceError) {
        self.end(Err(error));
    }

    fn end(self, outcome: Outcome) {
        // Before it is told, so that who heard of a failure and asks again is not told the same.
        self.forget();
        self.flight.send_replace(Some(outcome));
    }

    fn forget(&self) {
        let mut flights = self.inner.flights();
        let own = flights.get(&self.key);
        if own.is_some_and(|it| Arc::ptr_eq(it, &self.flight)) {
            flights.remove(&self.key);
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Kept {
    fn new(reply: &InferReply, time: Duration, stale: bool) -> Self {
        // Key, table and list of the store, and what is shared around an answer.
        const AROUND_BYTES: u64 = 200;
        let outputs = reply.outputs.clone();
        Self {
            model: Arc::clone(&reply.model),
            version: reply.version,
            content: reply.content,
            bytes: AROUND_BYTES + outputs.iter().map(Tensor::held_bytes).sum::<u64>(),
            outputs,
            times: reply.times,
            until: Instant::now() + time,
            stale,
        }
    }

    /// Who gave it.
    pub(super) fn by(&self) -> (&Arc<str>, u64) {
        (&self.model, self.version)
    }
}
