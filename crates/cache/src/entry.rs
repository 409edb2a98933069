//! A value in memory, with what is needed to tell whether it is still good.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use crate::key::Key;
use crate::rules::Ages;
use crate::statistics::Tally;
use crate::versions::{Slot, Verdict, Versions};

/// Everything about a value but the value.
#[derive(Debug)]
pub(crate) struct Meta {
    /// The latest time at which none of the slots had changed since the load began.
    verified: AtomicU64,
    pub(crate) born_ms: u64,
    pub(crate) ages: Ages,
    pub(crate) key: Key,
    /// The key's, the kind's and those of all tags.
    pub(crate) slots: Box<[Slot]>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) hits: AtomicU32,
    pub(crate) weight: u32,
    /// What its load took, in microseconds.
    pub(crate) cost_us: u32,
    pub(crate) negative: bool,
}

/// How old a value is, by its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Fresh.
    Young,
    /// Fresh, and to be made again behind.
    Eager,
    /// Stale, and served at once while it is made again.
    Revalidate,
    /// Stale, and served only where it cannot be made again.
    Fallback,
    /// Not to be believed now; it may be again.
    Unproven,
    /// Never served.
    Gone,
}

impl Meta {
    /// The time up to which nothing it was made from has changed.
    pub(crate) fn verified(&self) -> u64 {
        self.verified.load(Ordering::Acquire)
    }

    /// Whether it was invalidated; remembers that it was not.
    pub(crate) fn judge(&self, versions: &Versions) -> Verdict {
        let now = versions.now();
        let verified = self.verified();
        if verified == now {
            return Verdict::Fresh;
        }
        let verdict = versions.judge(self.slots.iter().copied(), verified);
        if verdict == Verdict::Fresh {
            // Another thread may write an earlier time, which only costs another look.
            self.verified.store(now, Ordering::Release);
        }
        verdict
    }

    /// What may be done with it at `now_ms`.
    pub(crate) fn stage(&self, versions: &Versions, now_ms: u64) -> Stage {
        let age = now_ms.saturating_sub(self.born_ms);
        if age >= u64::from(self.ages.hard) {
            return Stage::Gone;
        }
        match self.judge(versions) {
            Verdict::Removed => Stage::Gone,
            Verdict::Expired => Stage::Fallback,
            Verdict::Fresh if age < u64::from(self.ages.eager) => Stage::Young,
            Verdict::Fresh if age < u64::from(self.ages.soft) => Stage::Eager,
            Verdict::Fresh if age < u64::from(self.ages.revalidate) => Stage::Revalidate,
            Verdict::Fresh => Stage::Fallback,
        }
    }

    /// Counts a hit; says how many there were before.
    pub(crate) fn touch(&self) -> u32 {
        self.hits.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Meta {
    fn drop(&mut self) {
        self.tally.entries.subtract(1);
        self.tally.bytes.subtract(u64::from(self.weight));
    }
}

/// What a new entry is made of.
pub(crate) struct Birth {
    pub(crate) began: u64,
    pub(crate) born_ms: u64,
    pub(crate) ages: Ages,
    pub(crate) key: Key,
    pub(crate) slots: Vec<Slot>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) value_bytes: usize,
    pub(crate) cost_us: u32,
    pub(crate) negative: bool,
}

/// A value and everything about it.
#[derive(Debug)]
pub(crate) struct Entry<V> {
    pub(crate) meta: Meta,
    pub(crate) value: V,
}

/// What an entry takes beyond key, slots and value: itself, its places in the table of the memory.
const OVERHEAD_BYTES: usize = size_of::<Meta>() + 3 * 16 + 60;

impl<V> Entry<V> {
    pub(crate) fn new(birth: Birth, value: V) -> Self {
        let slots = birth.slots.into_boxed_slice();
        let weight = OVERHEAD_BYTES
            .saturating_add(birth.key.bytes.len())
            .saturating_add(size_of_val(&*slots))
            .saturating_add(birth.value_bytes);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        birth.tally.entries.add(1);
        birth.tally.bytes.add(u64::from(weight));
        Self {
            meta: Meta {
                verified: AtomicU64::new(birth.began),
                born_ms: birth.born_ms,
                ages: birth.ages,
                key: birth.key,
                slots,
                tally: birth.tally,
                hits: AtomicU32::new(0),
                weight,
                cost_us: birth.cost_us,
                negative: birth.negative,
            },
            value,
        }
    }
}

/// An entry whose value's type is not known.
pub(crate) trait Held: Any + Send + Sync {
    fn meta(&self) -> &Meta;
}

impl<V: Send + Sync + 'static> Held for Entry<V> {
    fn meta(&self) -> &Meta {
        &self.meta
    }
}
