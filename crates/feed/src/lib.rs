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
mod weight;

use std::{
    cmp::Reverse,
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
use weight::Weight;

/// Bounds of a feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedOptions {
    /// Keys at a time.
    pub keys_max: usize,
    /// About how many bytes states, the ways to them and their frames take in memory, of all keys
    /// together. Default 256 MiB.
    pub bytes_max: usize,
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
            bytes_max: 256 << 20,
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
    /// About how many bytes they take.
    pub bytes: u64,
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
    /// What all keys take.
    bytes: Arc<AtomicUsize>,
    /// Counts when keys came and were left, to tell which are unread longest.
    turn: AtomicU64,
    pub(crate) counters: Counters,
}

impl Feed {
    /// An empty feed.
    pub fn new(options: FeedOptions) -> Self {
        Self(Arc::new(Inner {
            options,
            keys: Mutex::default(),
            readers: AtomicUsize::new(0),
            bytes: Arc::default(),
            turn: AtomicU64::new(0),
            counters: Counters::default(),
        }))
    }

    /// Makes `state` the newest of a key, at `ts` in milliseconds since 1970; a state that does not
    /// differ makes no revision. Returns the revision in force. Where there are too many keys or bytes,
    /// those that nobody reads make room, then what is kept for readers that come back; a new key for
    /// which that is not enough is refused.
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
        let is_new = !state_of_key.is_there();
        let bytes_max = self.0.options.history_bytes_max;
        let number = state_of_key.publish(state, (ts, moment), bytes_max);
        let revision = state_of_key.revision();
        drop(state_of_key);
        self.0.make_room(key);
        if is_new && self.0.is_full() && self.forget(key) {
            return Err(FeedError::TooManyBytes(self.0.options.bytes_max));
        }
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
            self.0.make_room(key);
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
        self.0.forget(key)
    }

    /// What was done so far.
    pub fn figures(&self) -> FeedFigures {
        let counters = &self.0.counters;
        let read = |it: &AtomicU64| it.load(Ordering::Relaxed);
        FeedFigures {
            keys: self.lock().len() as u64,
            bytes: self.0.bytes.load(Ordering::Relaxed) as u64,
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
        let keys_max = self.0.options.keys_max;
        loop {
            let mut keys = self.lock();
            if let Some(entry) = keys.get(key) {
                return Ok(Arc::clone(entry));
            }
            if keys.len() < keys_max {
                let key: Arc<str> = key.into();
                let state = self.0.new_key(&key);
                let entry = Arc::new(Mutex::new(state));
                keys.insert(key, Arc::clone(&entry));
                return Ok(entry);
            }
            drop(keys);
            // The one that nobody has read for longest.
            if !self.0.unread().iter().any(|it| self.forget(it)) {
                return Err(FeedError::TooManyKeys(keys_max));
            }
        }
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

    fn new_key(&self, key: &Arc<str>) -> KeyState {
        let weight = Weight::new(Arc::clone(&self.bytes));
        let rules = (self.options.passing, self.next_turn());
        KeyState::new(Arc::clone(key), rules, weight)
    }

    /// The number of a key that comes, or is left by a reader.
    pub(crate) fn next_turn(&self) -> u64 {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    fn forget(&self, key: &str) -> bool {
        let gone = {
            let mut keys = lock(&self.keys);
            let idle = keys.get(key).is_some_and(|it| !lock(it).is_read());
            if idle { keys.remove(key) } else { None }
        };
        // What it takes is given back while nobody waits for the keys.
        gone.is_some()
    }

    /// Keys that nobody reads, first those that came or were left longest ago.
    fn unread(&self) -> Vec<Arc<str>> {
        let mut unread: Vec<(u64, Arc<str>)> = lock(&self.keys)
            .iter()
            .filter_map(|(key, it)| Some((lock(it).unread_since()?, Arc::clone(key))))
            .collect();
        unread.sort_unstable();
        unread.into_iter().map(|it| it.1).collect()
    }

    fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) > self.options.bytes_max
    }

    /// Lets go of keys that nobody reads but `spared`, and then of what others keep for readers that
    /// come or are behind, the most first, as far as there are too many bytes.
    pub(crate) fn make_room(&self, spared: &str) {
        if !self.is_full() {
            return;
        }
        for key in self.unread().iter().filter(|it| ***it != *spared) {
            self.forget(key);
            if !self.is_full() {
                return;
            }
        }
        let all: Vec<_> = lock(&self.keys).values().cloned().collect();
        let spare = |it: Arc<Mutex<KeyState>>| {
            let bytes = lock(&it).spare();
            (bytes, it)
        };
        let mut all: Vec<_> = all.into_iter().map(spare).collect();
        all.sort_unstable_by_key(|it| Reverse(it.0));
        for (spare, it) in all {
            if spare == 0 || !self.is_full() {
                return;
            }
            lock(&it).shrink();
        }
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
