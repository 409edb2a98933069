//! Fans states out to many readers: a snapshot, then what changed, to each at its own pace.
//!
//! Per key there is one state with revisions. A reader holds a revision of each key it follows and
//! is owed no more than the way from there to the newest: one pending frame per key, however slow
//! it is, and nobody waits for it. Frames are encoded once, framed for a WebSocket, too, and shared.
//! A revision names what it says, so that a reader goes on at another feed that knows an equal
//! state: that of a server started again, or of another one. What flows through is JSON; what it
//! stands for is the caller's business.

mod diff;
mod digest;
mod error;
mod frame;
mod key;
mod mail;
mod reader;
mod revision;
mod sweep;
pub mod websocket;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use serde_json::Value;

pub use diff::{Change, apply, changes};
pub use error::FeedError;
pub use frame::Frame;
pub use key::Holds;
use key::KeyState;
pub use mail::Outlet;
pub use reader::{Mode, Reader};
pub use revision::Revision;
pub use sweep::Sweep;

/// Bounds of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedOptions {
    /// Keys at a time.
    pub keys_max: usize,
    /// Bytes of changes kept of one key, for readers that come back. Default 256 KiB: a whole game.
    pub history_bytes_max: usize,
    /// Readers at a time.
    pub readers_max: usize,
    /// Keys one reader may follow.
    pub keys_per_reader_max: usize,
    /// Members whose texts say only when a state was made: states that differ in nothing else are
    /// alike, and a reader that comes with one is not sent the other. Default none.
    pub passing: &'static [&'static str],
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self {
            keys_max: 10_000,
            history_bytes_max: 256 << 10,
            readers_max: 10_000,
            keys_per_reader_max: 500,
            passing: &[],
        }
    }
}

/// What a feed has done since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FeedFigures {
    /// Keys there are.
    pub keys: u64,
    /// Readers there are.
    pub readers: u64,
    /// New revisions.
    pub published: u64,
    /// Frames encoded; the rest of those sent were shared.
    pub encoded: u64,
    /// Frames taken by readers.
    pub sent: u64,
    /// Bytes of them.
    pub sent_bytes: u64,
    /// Revisions that reached a reader within a later one.
    pub folded: u64,
    /// Times a reader could not go on from what it held.
    pub gaps: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) published: AtomicU64,
    pub(crate) encoded: AtomicU64,
    pub(crate) sent: AtomicU64,
    pub(crate) sent_bytes: AtomicU64,
    pub(crate) folded: AtomicU64,
    pub(crate) gaps: AtomicU64,
}

/// States by key, and those who read them.
#[derive(Debug, Clone)]
pub struct Feed(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    options: FeedOptions,
    keys: Mutex<HashMap<Arc<str>, Arc<Mutex<KeyState>>>>,
    readers: AtomicUsize,
    pub(crate) counters: Counters,
}

impl Feed {
    /// An empty feed.
    pub fn new(options: FeedOptions) -> Self {
        Self(Arc::new(Inner {
            options,
            keys: Mutex::default(),
            readers: AtomicUsize::new(0),
            counters: Counters::default(),
        }))
    }

    /// Makes `state` the newest of a key, at `ts` in milliseconds since 1970; a state that does not
    /// differ makes no revision. Returns the revision in force.
    pub fn publish(&self, key: &str, state: Value, ts: i64) -> Result<Revision, FeedError> {
        let mut sweep = self.publish_of(key, state, (ts, u64::try_from(ts).unwrap_or(0)))?;
        while sweep.go_on() {}
        Ok(sweep.revision())
    }

    /// The same with a state that is of another moment than it is told, by which its revision is
    /// called where none called later was there before. The first readers are told at once, the
    /// others by and by.
    pub fn publish_of(
        &self,
        key: &str,
        state: Value,
        (ts, moment): (i64, u64),
    ) -> Result<Sweep, FeedError> {
        let entry = self.entry(key)?;
        let mut state_of_key = lock(&entry);
        let bytes_max = self.0.options.history_bytes_max;
        let number = state_of_key.publish(state, (ts, moment), bytes_max);
        let revision = state_of_key.revision();
        drop(state_of_key);
        if number.is_some() {
            add(&self.0.counters.published, 1);
        }
        let mut sweep = Sweep::new((Arc::clone(&self.0), entry), (number, revision));
        sweep.go_on();
        Ok(sweep)
    }

    /// Tells the readers of a key that its source has been silent for `age_ms`, until its next
    /// state; once per silence.
    pub fn stale(&self, key: &str, age_ms: u64) {
        if let Some(entry) = self.find(key) {
            lock(&entry).grow_stale(age_ms);
        }
    }

    /// The revision of a key's newest state, where there is one.
    pub fn revision(&self, key: &str) -> Option<Revision> {
        let entry = self.find(key)?;
        let entry = lock(&entry);
        entry.is_there().then(|| entry.revision())
    }

    /// What is known of a revision of a key that a reader says it holds.
    pub fn holds(&self, key: &str, revision: Revision) -> Holds {
        self.find(key)
            .map_or(Holds::Not, |it| lock(&it).holds(revision))
    }

    /// Keeps a state that a key once had, a few of each key, so that readers which hold it as `held`
    /// can go on from it. One that does not say what `held` names is not kept.
    pub fn recall(&self, key: &str, state: Value, held: Revision) {
        if let Some(entry) = self.find(key) {
            lock(&entry).recall(state, held.digest);
        }
    }

    /// A key's newest state, its revision and its moment in milliseconds since 1970, where there is
    /// one: what a page begins with.
    pub fn state(&self, key: &str) -> Option<(Value, Revision, i64)> {
        let entry = self.find(key)?;
        let entry = lock(&entry);
        entry.is_there().then(|| entry.newest())
    }

    /// Makes a reader that follows nothing yet.
    pub fn reader(&self) -> Result<Reader, FeedError> {
        let inner = &self.0;
        let taken = inner.readers.fetch_add(1, Ordering::Relaxed);
        if taken >= inner.options.readers_max {
            inner.readers.fetch_sub(1, Ordering::Relaxed);
            return Err(FeedError::TooManyReaders(inner.options.readers_max));
        }
        Ok(Reader::new(Arc::clone(inner)))
    }

    /// Every key there is.
    pub fn keys(&self) -> Vec<Arc<str>> {
        self.lock().keys().cloned().collect()
    }

    /// Whether somebody reads a key.
    pub fn is_read(&self, key: &str) -> bool {
        self.find(key).is_some_and(|it| lock(&it).is_read())
    }

    /// Forgets a key unless somebody reads it; whether it did.
    pub fn forget(&self, key: &str) -> bool {
        let mut keys = self.lock();
        let idle = keys.get(key).is_some_and(|it| !lock(it).is_read());
        idle && keys.remove(key).is_some()
    }

    /// What was done so far.
    pub fn figures(&self) -> FeedFigures {
        let counters = &self.0.counters;
        let read = |it: &AtomicU64| it.load(Ordering::Relaxed);
        FeedFigures {
            keys: self.lock().len() as u64,
            readers: self.0.readers.load(Ordering::Relaxed) as u64,
            published: read(&counters.published),
            encoded: read(&counters.encoded),
            sent: read(&counters.sent),
            sent_bytes: read(&counters.sent_bytes),
            folded: read(&counters.folded),
            gaps: read(&counters.gaps),
        }
    }

    fn entry(&self, key: &str) -> Result<Arc<Mutex<KeyState>>, FeedError> {
        let mut keys = self.lock();
        if let Some(entry) = keys.get(key) {
            return Ok(Arc::clone(entry));
        }
        if keys.len() >= self.0.options.keys_max {
            return Err(FeedError::TooManyKeys(self.0.options.keys_max));
        }
        let key: Arc<str> = key.into();
        let state = KeyState::new(Arc::clone(&key), self.0.options.passing);
        let entry = Arc::new(Mutex::new(state));
        keys.insert(key, Arc::clone(&entry));
        Ok(entry)
    }

    fn find(&self, key: &str) -> Option<Arc<Mutex<KeyState>>> {
        self.lock().get(key).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Mutex<KeyState>>>> {
        lock(&self.0.keys)
    }
}

impl Inner {
    pub(crate) fn find(&self, key: &str) -> Option<Arc<Mutex<KeyState>>> {
        lock(&self.keys).get(key).cloned()
    }

    pub(crate) fn keys_per_reader_max(&self) -> usize {
        self.options.keys_per_reader_max
    }

    pub(crate) fn leave(&self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn add(counter: &AtomicU64, count: u64) {
    counter.fetch_add(count, Ordering::Relaxed);
}
