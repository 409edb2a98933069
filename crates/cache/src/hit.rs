//! An answer: the value, and where it came from.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::between;
use crate::entry::Entry;
use crate::front::Lent;
use crate::statistics::Tier;
use crate::versions::Slot;

/// A value that was asked for; cheap to clone. It stays as it is while it is held.
#[derive(Debug)]
pub struct Hit<V> {
    held: By<V>,
    tier: Tier,
    age: Duration,
    stale: bool,
}

/// By what a value is held.
#[derive(Debug)]
enum By<V> {
    Entry(Arc<Entry<V>>),
    /// One of the front's, which other threads do not count.
    Lent(Arc<Lent<V>>),
}

impl<V> Clone for By<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Entry(it) => Self::Entry(Arc::clone(it)),
            Self::Lent(it) => Self::Lent(Arc::clone(it)),
        }
    }
}

impl<V> Clone for Hit<V> {
    fn clone(&self) -> Self {
        Self {
            held: self.held.clone(),
            ..*self
        }
    }
}

impl<V> Deref for Hit<V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.entry().value
    }
}

impl<V> Hit<V> {
    pub(crate) fn new(entry: Arc<Entry<V>>, tier: Tier, now_ms: u64, stale: bool) -> Self {
        let age = between(entry.meta.born_ms, now_ms);
        Self {
            held: By::Entry(entry),
            tier,
            age,
            stale,
        }
    }

    /// A fresh answer of the front.
    pub(crate) fn of_front(lent: Arc<Lent<V>>, now_ms: u64) -> Self {
        let age = between(lent.entry.meta.born_ms, now_ms);
        Self {
            held: By::Lent(lent),
            tier: Tier::Front,
            age,
            stale: false,
        }
    }

    fn entry(&self) -> &Entry<V> {
        match &self.held {
            By::Entry(entry) => entry,
            By::Lent(lent) => &lent.entry,
        }
    }

    /// Which tier answered.
    pub const fn tier(&self) -> Tier {
        self.tier
    }

    /// The time since the value's load began.
    pub const fn age(&self) -> Duration {
        self.age
    }

    /// Whether the value is older than its rules call fresh, or was marked as expired.
    pub const fn is_stale(&self) -> bool {
        self.stale
    }

    /// Whether the loader said that there is nothing.
    pub fn is_negative(&self) -> bool {
        self.entry().meta.negative
    }

    /// How long the value is still fresh; zero where it is stale.
    pub fn fresh_for(&self) -> Duration {
        if self.stale {
            return Duration::ZERO;
        }
        Duration::from_millis(u64::from(self.entry().meta.ages.soft)).saturating_sub(self.age)
    }

    /// How long after it is no longer fresh the value may still stand in.
    pub fn stale_for(&self) -> Duration {
        let ages = self.entry().meta.ages;
        Duration::from_millis(u64::from(ages.hard - ages.soft))
    }

    /// How often the value was answered from memory.
    pub fn hits(&self) -> u32 {
        self.entry()
            .meta
            .hits
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.entry().meta.slots()
    }
}

/// A look at a value in memory, for as long as it is lent.
#[derive(Debug)]
pub struct Glance<'a, V> {
    pub(crate) entry: &'a Entry<V>,
    pub(crate) tier: Tier,
    pub(crate) now_ms: u64,
}

impl<V> Deref for Glance<'_, V> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.entry.value
    }
}

impl<V> Glance<'_, V> {
    /// Which tier answered.
    pub const fn tier(&self) -> Tier {
        self.tier
    }

    /// The time since the value's load began.
    pub fn age(&self) -> Duration {
        between(self.entry.meta.born_ms, self.now_ms)
    }
}
