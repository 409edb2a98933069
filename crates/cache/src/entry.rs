//! A value in memory, with what is needed to tell whether it is still good: one piece of memory for
//! all of it. What entries have in common stands elsewhere, once.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use triomphe::Arc;
use unsize::{CoerceUnsize, Coercion};

use crate::key::{Key, PUBLIC};
use crate::rules::Ages;
use crate::table::PLACE_BYTES;
use crate::terms::Terms;
use crate::versions::{Slot, Verdict, Versions};

mod lead;

use lead::{Cost, Lead};

/// Marks that memory has let go of an entry, beside the time when it was verified.
const LEFT: u64 = 1 << 63;

/// What most looks at an entry need; the rest stands packed before the rest of its key.
#[derive(Debug)]
pub(crate) struct Meta {
    /// The latest time at which none of the slots had changed since the load began, and [`LEFT`].
    verified: AtomicU64,
    pub(crate) terms: Arc<Terms>,
    pub(crate) hits: AtomicU32,
    pub(crate) weight: u32,
    /// The lower bits of the time of its birth.
    born_low: u32,
    soft: u32,
}

/// Every entry has one: with the count of those who hold it, not a line of the processor's cache.
const _: () = assert!(size_of::<Meta>() == 32);

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
        self.verified.load(Ordering::Acquire) & !LEFT
    }

    /// Notes that memory has let go of it, or has another in its place.
    pub(crate) fn leave(&self) {
        self.verified.fetch_or(LEFT, Ordering::Release);
    }

    /// Whether memory has let go of it.
    #[inline]
    pub(crate) fn has_left(&self) -> bool {
        self.verified.load(Ordering::Acquire) & LEFT != 0
    }

    /// Counts a hit; says how many there were before.
    pub(crate) fn touch(&self) -> u32 {
        self.hits.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Meta {
    fn drop(&mut self) {
        let tally = &self.terms.tally;
        tally.entries.subtract(1);
        tally.bytes.subtract(u64::from(self.weight));
    }
}

/// A value with its meta. The order is the one in which a look reads: what it compares lies in one
/// or two lines of the processor's cache, however large the value is.
#[repr(C)]
struct Body<V, T> {
    meta: Meta,
    /// What is packed; what the key has after the kind's prefix; the slots of the key and of all
    /// tags. The kind's is in its terms.
    tail: T,
    value: V,
}

/// An entry whose value's type is not known.
pub(crate) trait Held: Send + Sync {
    fn meta(&self) -> &Meta;

    /// The meta, and what follows it.
    fn parts(&self) -> (&Meta, &[u8]);

    fn value(&self) -> &(dyn Any + Send + Sync);
}

/// Holds an entry: counted in the entry itself, and by nobody who looks on.
pub(crate) type Holder = Arc<dyn Held>;

impl<V, T> Held for Body<V, T>
where
    V: Send + Sync + 'static,
    T: AsRef<[u8]> + Send + Sync,
{
    #[inline]
    fn meta(&self) -> &Meta {
        &self.meta
    }

    #[inline]
    fn parts(&self) -> (&Meta, &[u8]) {
        (&self.meta, self.tail.as_ref())
    }

    #[inline]
    fn value(&self) -> &(dyn Any + Send + Sync) {
        &self.value
    }
}

impl dyn Held + '_ {
    /// Whether it is the entry of a key.
    #[inline]
    pub(crate) fn is_of(&self, key: &Key) -> bool {
        let (meta, tail) = self.parts();
        is_of(meta, tail, key)
    }

    /// Whether it is the entry of a key, and memory has not let go of it.
    #[inline]
    pub(crate) fn is_present(&self, key: &Key) -> bool {
        let (meta, tail) = self.parts();
        !meta.has_left() && is_of(meta, tail, key)
    }

    fn lead(&self) -> Lead {
        Lead::read(self.parts().1)
    }

    /// When its load began.
    pub(crate) fn born_ms(&self) -> u64 {
        born_ms(self.meta(), self.lead())
    }

    pub(crate) fn ages(&self) -> Ages {
        ages(self.meta(), self.lead())
    }

    /// What its load took, in microseconds, about.
    pub(crate) fn cost_us(&self) -> u32 {
        self.lead().cost.us()
    }

    /// Whether its loader said that there is nothing.
    pub(crate) fn is_negative(&self) -> bool {
        self.lead().negative
    }

    /// The canonical bytes of its key.
    pub(crate) fn key(&self) -> Box<[u8]> {
        let (meta, tail) = self.parts();
        let lead = Lead::read(tail);
        [meta.terms.prefix(lead.public), lead.rest(tail)]
            .concat()
            .into()
    }

    /// Places in the table of versions that it depends on.
    pub(crate) fn slots(&self) -> impl Iterator<Item = Slot> + '_ {
        let (meta, tail) = self.parts();
        Lead::read(tail).slots(tail).chain([meta.terms.slot])
    }

    /// Whether it was invalidated; remembers that it was not.
    pub(crate) fn judge(&self, versions: &Versions) -> Verdict {
        let meta = self.meta();
        let now = versions.now();
        let verified = meta.verified();
        if verified == now {
            return Verdict::Fresh;
        }
        let verdict = versions.judge(self.slots(), verified);
        if verdict == Verdict::Fresh {
            // One that has left stays marked, and is asked again each time.
            meta.verified.fetch_max(now, Ordering::AcqRel);
        }
        verdict
    }

    /// Whether it may not be served at `now_ms`, even where nothing better is to be had.
    pub(crate) fn is_over(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.born_ms()) >= u64::from(self.ages().hard)
    }

    /// What may be done with it at `now_ms`.
    pub(crate) fn stage(&self, versions: &Versions, now_ms: u64) -> Stage {
        let (meta, lead) = (self.meta(), self.lead());
        let age = now_ms.saturating_sub(born_ms(meta, lead));
        let ages = ages(meta, lead);
        if age >= u64::from(ages.hard) {
            return Stage::Gone;
        }
        match self.judge(versions) {
            Verdict::Removed => Stage::Gone,
            Verdict::Expired => Stage::Fallback,
            Verdict::Fresh if age < u64::from(ages.eager) => Stage::Young,
            Verdict::Fresh if age < u64::from(ages.soft) => Stage::Eager,
            Verdict::Fresh if age < u64::from(ages.revalidate) => Stage::Revalidate,
            Verdict::Fresh => Stage::Fallback,
        }
    }
}

#[inline]
fn is_of(meta: &Meta, tail: &[u8], key: &Key) -> bool {
    let lead = Lead::read(tail);
    let prefix = meta.terms.prefix(lead.public);
    match key.as_bytes().split_at_checked(prefix.len()) {
        Some((start, end)) => end == lead.rest(tail) && start == prefix,
        None => false,
    }
}

fn born_ms(meta: &Meta, lead: Lead) -> u64 {
    u64::from(lead.born_high) << u32::BITS | u64::from(meta.born_low)
}

fn ages(meta: &Meta, lead: Lead) -> Ages {
    meta.terms
        .ages(meta.soft, lead.hard.unwrap_or(meta.terms.hard))
}

/// What a new entry is made of.
pub(crate) struct Birth<'a> {
    pub(crate) began: u64,
    pub(crate) born_ms: u64,
    pub(crate) ages: Ages,
    pub(crate) key: &'a Key,
    /// The kind's may be among them.
    pub(crate) slots: Vec<Slot>,
    /// Those that give these ages.
    pub(crate) terms: Arc<Terms>,
    pub(crate) value_bytes: usize,
    pub(crate) cost_us: u32,
    pub(crate) negative: bool,
}

/// An entry whose value is a `V`; clones are the same one.
pub(crate) struct Entry<V> {
    held: Holder,
    of: PhantomData<fn() -> V>,
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self::of(self.held.clone())
    }
}

/// What an entry takes beyond its meta, key, slots and value: its place in the table of the memory,
/// the count of those who hold it, and what the allocator adds.
const OVERHEAD_BYTES: usize = PLACE_BYTES + 8 + 16;

impl<V> Entry<V> {
    /// The value of `held` is known to be a `V`, as all of a kind are.
    pub(crate) fn of(held: Holder) -> Self {
        Self {
            held,
            of: PhantomData,
        }
    }

    pub(crate) fn held(&self) -> &Holder {
        &self.held
    }

    pub(crate) fn meta(&self) -> &Meta {
        self.held.meta()
    }
}

impl<V: 'static> Entry<V> {
    #[inline]
    pub(crate) fn value(&self) -> &V {
        value(&*self.held)
    }
}

/// The value of an entry that is known to be of a kind of `V`.
#[inline]
pub(crate) fn value<V: 'static>(held: &dyn Held) -> &V {
    let value = held.value().downcast_ref();
    value.expect("all values of a kind have one type")
}

impl<V: Send + Sync + 'static> Entry<V> {
    pub(crate) fn new(birth: Birth<'_>, value: V) -> Self {
        let terms = birth.terms;
        let Ages { soft, hard, .. } = birth.ages;
        let rest = &birth.key.as_bytes()[terms.prefix(false).len()..];
        let rest_if_public = rest.strip_prefix(&PUBLIC);
        let own = birth.slots.iter().copied().filter(|it| *it != terms.slot);
        // In 34 years, and so long before as entries can be old, no process is as old.
        let born_high = (birth.born_ms >> u32::BITS) as u8;
        let hard = (hard != terms.hard).then_some(hard);
        let mut lead = Lead::new(born_high, Cost::of(birth.cost_us), hard);
        lead.negative = birth.negative;
        lead.public = rest_if_public.is_some();
        let tail = lead.tail(rest_if_public.unwrap_or(rest), &own.collect::<Vec<_>>());
        let weight = (OVERHEAD_BYTES + size_of::<Meta>())
            .saturating_add(tail.len())
            .saturating_add(birth.value_bytes);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        terms.tally.entries.add(1);
        terms.tally.bytes.add(u64::from(weight));
        let meta = Meta {
            verified: AtomicU64::new(birth.began),
            hits: AtomicU32::new(0),
            weight,
            born_low: birth.born_ms as u32,
            soft,
            terms,
        };
        Self::of(with_tail(meta, value, tail))
    }
}

/// Puts everything into one piece of memory, whose size is a multiple of eight bytes; a long tail
/// gets its own.
fn with_tail<V: Send + Sync + 'static>(meta: Meta, value: V, tail: Vec<u8>) -> Holder {
    match tail.len() {
        0..=16 => short::<V, 16>(meta, value, &tail),
        17..=24 => short::<V, 24>(meta, value, &tail),
        25..=32 => short::<V, 32>(meta, value, &tail),
        33..=40 => short::<V, 40>(meta, value, &tail),
        41..=48 => short::<V, 48>(meta, value, &tail),
        49..=56 => short::<V, 56>(meta, value, &tail),
        57..=64 => short::<V, 64>(meta, value, &tail),
        65..=72 => short::<V, 72>(meta, value, &tail),
        73..=80 => short::<V, 80>(meta, value, &tail),
        81..=88 => short::<V, 88>(meta, value, &tail),
        89..=96 => short::<V, 96>(meta, value, &tail),
        97..=112 => short::<V, 112>(meta, value, &tail),
        113..=128 => short::<V, 128>(meta, value, &tail),
        129..=160 => short::<V, 160>(meta, value, &tail),
        161..=192 => short::<V, 192>(meta, value, &tail),
        _ => {
            let tail = tail.into_boxed_slice();
            let body = Body { meta, tail, value };
            Arc::new(body).unsize(Coercion!(to dyn Held))
        }
    }
}

fn short<V, const N: usize>(meta: Meta, value: V, from: &[u8]) -> Holder
where
    V: Send + Sync + 'static,
{
    let mut tail = [0; N];
    tail[..from.len()].copy_from_slice(from);
    let body = Body { meta, tail, value };
    Arc::new(body).unsize(Coercion!(to dyn Held))
}

impl<V: fmt::Debug + 'static> fmt::Debug for Entry<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut entry = f.debug_struct("Entry");
        entry.field("meta", self.meta());
        entry.field("value", self.value()).finish()
    }
}
