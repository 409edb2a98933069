//! A value in memory, with what is needed to tell whether it is still good.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

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
    /// The key's bytes; then the slots: the key's, the kind's and those of all tags, four bytes each.
    tail: Box<[u8]>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) hits: AtomicU32,
    pub(crate) weight: u32,
    /// What its load took, in microseconds.
    pub(crate) cost_us: u32,
    key_length: u16,
    pub(crate) kind: u16,
    pub(crate) negative: bool,
    /// Memory has let go of it, or has another in its place.
    left: AtomicBool,
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

    /// The canonical bytes of its key.
    #[inline]
    pub(crate) fn key(&self) -> &[u8] {
        &self.tail[..usize::from(self.key_length)]
    }

    /// Places in the table of versions that it depends on.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        let (slots, _) = self.tail[usize::from(self.key_length)..].as_chunks();
        slots.iter().map(|it| Slot::from_le_bytes(*it))
    }

    /// Notes that memory has let go of it.
    pub(crate) fn leave(&self) {
        self.left.store(true, Ordering::Release);
    }

    /// Whether memory has let go of it.
    #[inline]
    pub(crate) fn has_left(&self) -> bool {
        self.left.load(Ordering::Acquire)
    }

    /// Whether it was invalidated; remembers that it was not.
    pub(crate) fn judge(&self, versions: &Versions) -> Verdict {
        let now = versions.now();
        let verified = self.verified();
        if verified == now {
            return Verdict::Fresh;
        }
        let verdict = versions.judge(self.slots(), verified);
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
        let key = birth.key.as_bytes();
        let mut tail = Vec::with_capacity(key.len() + birth.slots.len() * size_of::<Slot>());
        tail.extend_from_slice(key);
        for slot in &birth.slots {
            tail.extend_from_slice(&slot.to_le_bytes());
        }
        let weight = OVERHEAD_BYTES
            .saturating_add(tail.len())
            .saturating_add(birth.value_bytes);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        birth.tally.entries.add(1);
        birth.tally.bytes.add(u64::from(weight));
        Self {
            meta: Meta {
                verified: AtomicU64::new(birth.began),
                born_ms: birth.born_ms,
                ages: birth.ages,
                key_length: u16::try_from(key.len())
                    .expect("keys are checked before they are used"),
                tail: tail.into_boxed_slice(),
                tally: birth.tally,
                hits: AtomicU32::new(0),
                weight,
                cost_us: birth.cost_us,
                kind: birth.key.kind,
                negative: birth.negative,
                left: AtomicBool::new(false),
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
