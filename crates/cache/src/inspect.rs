//! A look inside, for whoever manages the cache: one key, the hottest, the heaviest, and what an
//! invalidation would drop. Each walks memory once and changes nothing, not even what stays longer.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::cache::{Aim, Cache};
use crate::clock::between;
use crate::entry::{Held, Stage};
use crate::key::{Key, Target, public_texts};

/// Entries that one list may hold.
pub const LIST_MAX: usize = 1_000;

/// One entry of memory, seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glimpse {
    /// The key's canonical bytes.
    pub key: Box<[u8]>,
    /// Its kind.
    pub kind: String,
    /// The time since its load began.
    pub age: Duration,
    /// Whether it would be served, and as what.
    pub state: State,
    /// Bytes it takes.
    pub bytes: u32,
    /// How often it was answered.
    pub hits: u32,
    /// What its load took.
    pub cost: Duration,
    /// Places in the table of versions that it depends on: its key's, its kind's, its tags'.
    pub slots: Vec<u32>,
}

impl Glimpse {
    /// The texts among the parts of its key; `None` where not everybody may see the value.
    pub fn public_texts(&self) -> Option<Vec<&str>> {
        public_texts(&self.key)
    }
}

/// What would become of an entry that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is served.
    Fresh,
    /// It stands in where its rules allow that.
    Stale,
    /// It was invalidated or is too old, and is never served again.
    Gone,
}

/// What an invalidation would drop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preview {
    /// Entries that are not gone by now.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their number by kind.
    pub by_kind: BTreeMap<String, u64>,
}

impl Cache {
    /// What memory has of a key.
    pub fn look_at(&self, key: &Key) -> Option<Glimpse> {
        let held = self.core().memory.peek(key)?;
        let names = self.names();
        Some(self.glimpse(&*held, &names))
    }

    /// The entries that were answered most often, first the most, at most [`LIST_MAX`].
    pub fn hottest(&self, count: usize) -> Vec<Glimpse> {
        self.top(count, |held| {
            u64::from(held.meta().hits.load(Ordering::Relaxed))
        })
    }

    /// The entries that take the most bytes, first the most, at most [`LIST_MAX`].
    pub fn heaviest(&self, count: usize) -> Vec<Glimpse> {
        self.top(count, |held| u64::from(held.meta().weight))
    }

    /// What removing `targets` now would drop from memory, those included that only share a place
    /// in the table of versions with one of them.
    pub fn preview(&self, targets: &[Target]) -> Preview {
        let aim = self.aim(targets);
        let names = self.names();
        let mut preview = Preview::default();
        for held in self.core().memory.entries() {
            let meta = held.meta();
            let hit = match &aim {
                Aim::Everything => true,
                Aim::Slots(slots) => held.slots().any(|slot| slots.contains(&slot)),
            };
            if hit && self.state(&*held) != State::Gone {
                preview.entries += 1;
                preview.bytes += u64::from(meta.weight);
                *preview
                    .by_kind
                    .entry(name(&names, meta.terms.kind))
                    .or_default() += 1;
            }
        }
        preview
    }

    fn top(&self, count: usize, rank: impl Fn(&dyn Held) -> u64) -> Vec<Glimpse> {
        let count = count.min(LIST_MAX);
        let names = self.names();
        // The least of those kept lies on top; keys make the order one.
        let mut best = BinaryHeap::new();
        for held in self.core().memory.entries() {
            if self.state(&*held) == State::Gone {
                continue;
            }
            let glimpse = self.glimpse(&*held, &names);
            best.push(Reverse((
                rank(&*held),
                Reverse(glimpse.key.clone()),
                Whole(glimpse),
            )));
            if best.len() > count {
                best.pop();
            }
        }
        let sorted = best.into_sorted_vec();
        sorted.into_iter().map(|Reverse((_, _, it))| it.0).collect()
    }

    fn state(&self, held: &dyn Held) -> State {
        let core = self.core();
        match held.stage(&core.versions, core.clock.now_ms()) {
            Stage::Young | Stage::Eager => State::Fresh,
            Stage::Revalidate | Stage::Fallback | Stage::Unproven => State::Stale,
            Stage::Gone => State::Gone,
        }
    }

    fn glimpse(&self, held: &dyn Held, names: &BTreeMap<u16, String>) -> Glimpse {
        let meta = held.meta();
        Glimpse {
            key: held.key(),
            kind: name(names, meta.terms.kind),
            age: between(held.born_ms(), self.core().clock.now_ms()),
            state: self.state(held),
            bytes: meta.weight,
            hits: meta.hits.load(Ordering::Relaxed),
            cost: Duration::from_micros(u64::from(held.cost_us())),
            slots: held.slots().collect(),
        }
    }
}

fn name(names: &BTreeMap<u16, String>, kind: u16) -> String {
    names.get(&kind).cloned().unwrap_or_default()
}

/// Takes no part in the order.
struct Whole(Glimpse);

impl PartialEq for Whole {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Whole {}

impl PartialOrd for Whole {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Whole {
    fn cmp(&self, _: &Self) -> std::cmp::Ordering {
        std::cmp::Ordering::Equal
    }
}
