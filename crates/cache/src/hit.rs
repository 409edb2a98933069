//! An answer: the value, and where it came from.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::between;
use crate::entry::{Entry, Held, value};
use crate::front::Lent;
use crate::statistics::Tier;
use crate::versions::Slot;

/// A value that was asked for; cheap to clone. It stays as it is while it is held.
pub struct Hit<V> {
    held: By<V>,
    tier: Tier,
    age: Duration,
    stale: bool,
}

/// By what a value is held.
enum By<V> {
    Entry(Entry<V>),
    /// One of the front's, which other threads do not count.
    Lent(Arc<Lent>),
}

impl<V> Clone for By<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Entry(it) => Self::Entry(it.clone()),
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

impl<V: 'static> Deref for Hit<V> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        value(self.held())
    }
}

impl<V: fmt::Debug + 'static> fmt::Debug for Hit<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hit")
            .field("value", &**self)
            .field("tier", &self.tier)
            .field("age", &self.age)
            .field("stale", &self.stale)
            .finish()
    }
}

impl<V> Hit<V> {
    pub(crate) fn new(entry: Entry<V>, tier: Tier, now_ms: u64, stale: bool) -> Self {
        let age = between(entry.held().born_ms(), now_ms);
        Self {
            held: By::Entry(entry),
            tier,
            age,
            stale,
        }
    }

    /// A fresh answer of the front.
    pub(crate) fn of_front(lent: Arc<Lent>, now_ms: u64) -> Self {
        let age = between(lent.held.born_ms(), now_ms);
        Self {
            held: By::Lent(lent),
            tier: Tier::Front,
            age,
            stale: false,
        }
    }

    #[inline]
    fn held(&self) -> &dyn Held {
        match &self.held {
            By::Entry(entry) => &**entry.held(),
            By::Lent(lent) => &*lent.held,
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
        self.held().is_negative()
    }

    /// How long the value is still fresh; zero where it is stale.
    pub fn fresh_for(&self) -> Duration {
        if self.stale {
            return Duration::ZERO;
        }
        Duration::from_millis(u64::from(self.held().ages().soft)).saturating_sub(self.age)
    }

    /// How long after it is no longer fresh the value may still stand in.
    pub fn stale_for(&self) -> Duration {
        let ages = self.held().ages();
        Duration::from_millis(u64::from(ages.hard - ages.soft))
    }

    /// How often the value was answered from memory.
    pub fn hits(&self) -> u32 {
        self.held()
            .meta()
            .hits
            .load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        self.held().slots()
    }
}

/// A look at a value in memory, for as long as it is lent.
#[derive(Debug)]
pub struct Glance<'a, V> {
    pub(crate) value: &'a V,
    pub(crate) born_ms: u64,
    pub(crate) tier: Tier,
    pub(crate) now_ms: u64,
}

impl<V> Deref for Glance<'_, V> {
    type Target = V;

    fn deref(&self) -> &V {
        self.value
    }
}

impl<V> Glance<'_, V> {
    /// Which tier answered.
    pub const fn tier(&self) -> Tier {
        self.tier
    }

    /// The time since the value's load began.
    pub fn age(&self) -> Duration {
        between(self.born_ms, self.now_ms)
    }
}
