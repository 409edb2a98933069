//! A kind: a registered class of values with one type, one set of rules and one loader's error.

use std::sync::atomic::Ordering;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use crate::cache::{Aim, Core};
use crate::entry::{Birth, Entry, Held, Stage, value};
use crate::error::CacheError;
use crate::flight::{Began, Fit, Flights, Joined, Ticket};
use crate::front::{self, Moment};
use crate::hit::{Glance, Hit};
use crate::key::{KEY_BYTES_MAX, Key, KeyBuilder, Prefix, Scope};
use crate::loading::{Draft, Loading, TAGS_MAX};
use crate::packing::Packing;
use crate::rules::Rules;
use crate::statistics::{Tally, Tier};
use crate::terms::TermsBook;
use crate::versions::{Force, Mark, Slot, Verdict};

mod load;
mod options;
mod share;

pub use options::KindOptions;

use options::Weigh;

/// A class of values; clones are the same one.
pub struct Kind<V, E: std::error::Error + 'static> {
    inner: Arc<Inner<V, E>>,
}

impl<V, E: std::error::Error> Clone for Kind<V, E> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
        }
    }
}

pub(crate) struct Inner<V, E: std::error::Error + 'static> {
    id: u16,
    name: Arc<str>,
    /// What every key of it begins with.
    prefix: Prefix,
    slot: Slot,
    rules: Arc<RwLock<Rules>>,
    weigh: Weigh<V>,
    packing: Option<Packing<V>>,
    tally: Arc<Tally>,
    terms: TermsBook,
    flights: Arc<Flights<Landed<V>, CacheError<E>>>,
    core: Arc<Core>,
}

/// What a registered kind shares with the cache.
pub(crate) struct Registered {
    pub(crate) id: u16,
    pub(crate) rules: Arc<RwLock<Rules>>,
    pub(crate) tally: Arc<Tally>,
}

impl<V, E> Kind<V, E>
where
    V: Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    pub(crate) fn new(core: Arc<Core>, it: Registered, options: KindOptions<V>) -> Self {
        let prefix = Prefix::new(&options.name, it.id, core.seed);
        let slot = core.versions.of_kind(&options.name);
        let inner = Inner {
            id: it.id,
            terms: TermsBook::new(it.tally.clone(), prefix.as_bytes(), slot, it.id),
            prefix,
            slot,
            name: options.name.into(),
            rules: it.rules,
            weigh: options.weigh,
            packing: options.packing,
            tally: it.tally,
            flights: Flights::new(core.flights.clone()),
            core,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Begins a key of this kind, for a value that `scope` may see.
    #[inline]
    pub fn key(&self, scope: Scope<'_>) -> KeyBuilder {
        self.inner.prefix.builder(scope)
    }

    /// The rules in force.
    pub fn rules(&self) -> Rules {
        self.inner.rules()
    }

    /// Answers with the fresh value of `key`, loading it where there is none.
    ///
    /// The load belongs to the cache: it goes on when the caller leaves, serves everybody who asks
    /// meanwhile, and keeps nothing that was invalidated while it ran. Where a stale value may
    /// stand in for one that cannot be loaded, the answer is that, marked as stale.
    ///
    /// # Errors
    /// Where the value cannot be loaded and nothing may stand in, or the key cannot be used.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn get_or_load<F, L>(&self, key: &Key, loader: F) -> Result<Hit<V>, CacheError<E>>
    where
        F: FnOnce(Loading) -> L + Send + 'static,
        L: Future<Output = Result<V, E>> + Send + 'static,
    {
        let inner = &self.inner;
        inner.check(key)?;
        let reader = inner.arrive();
        if let Some(hit) = inner.hit_at_front(key, reader) {
            return Ok(hit);
        }
        let found = inner.look(key, reader);
        let mut loader = Some(loader);
        match &found {
            Some((entry, Stage::Young)) => {
                inner.memory_answers(key, reader, entry);
                return Ok(Hit::new(entry.clone(), Tier::Memory, reader.now_ms, false));
            }
            Some((entry, Stage::Eager)) => {
                inner.load_behind(key, &mut loader);
                return Ok(inner.hit(entry, Tier::Memory));
            }
            Some((entry, Stage::Revalidate)) => {
                inner.load_behind(key, &mut loader);
                return Ok(inner.stale(entry));
            }
            _ => inner.tally.misses.add(1),
        }
        let fallback = found.and_then(|(entry, stage)| (stage == Stage::Fallback).then_some(entry));
        loop {
            match inner
                .attempt(key, reader, fallback.is_some(), &mut loader)
                .await
            {
                Attempt::Loaded(hit) => return Ok(hit),
                Attempt::Outdated => {}
                Attempt::Failed(error) => {
                    let fallback = fallback.or_else(|| inner.stale_by_now(key));
                    return inner.stand_in(fallback.as_ref()).ok_or(error);
                }
                Attempt::Slow => match inner.stand_in(fallback.as_ref()) {
                    Some(hit) => return Ok(hit),
                    // It was removed meanwhile: there is nothing left to stand in.
                    None => {
                        return inner.attempt_to_the_end(key, reader, &mut loader).await;
                    }
                },
            }
        }
    }

    /// Answers with the value of `key` from memory where there is a fresh one; loads nothing.
    pub fn get(&self, key: &Key) -> Option<Hit<V>> {
        let inner = &self.inner;
        let reader = inner.arrive();
        if let Some(hit) = inner.hit_at_front(key, reader) {
            return Some(hit);
        }
        match inner.look(key, reader) {
            Some((entry, Stage::Young)) => {
                inner.memory_answers(key, reader, &entry);
                Some(Hit::new(entry, Tier::Memory, reader.now_ms, false))
            }
            Some((entry, Stage::Eager)) => Some(inner.hit(&entry, Tier::Memory)),
            _ => {
                inner.tally.misses.add(1);
                None
            }
        }
    }

    /// Lends the value of `key` to `with` where memory has one that is fresh and not yet to be made
    /// anew; loads nothing, and counts nothing where there is none: what comes after does.
    ///
    /// It takes less than holding the value does, as nobody counts who holds it.
    pub fn read<R>(&self, key: &Key, with: impl FnOnce(&Glance<'_, V>) -> R) -> Option<R> {
        let inner = &self.inner;
        let reader = inner.arrive();
        let mut with = Some(with);
        let mut lend = |held: &dyn Held, tier| {
            let with = with.take()?;
            Some(with(&Glance {
                value: value(held),
                born_ms: held.born_ms(),
                tier,
                now_ms: reader.now_ms,
            }))
        };
        if let Some(moment) = reader.moment() {
            let kind = (inner.id, &inner.tally);
            let at_front = |it: &dyn Held| lend(it, Tier::Front);
            if let Some(done) = front::look(&inner.core, key, moment, kind, at_front) {
                return done;
            }
        }
        let (entry, stage) = inner.look(key, reader)?;
        if stage != Stage::Young {
            return None;
        }
        inner.memory_answers(key, reader, &entry);
        lend(&**entry.held(), Tier::Memory)
    }

    /// What the value of `key` hangs on, where memory has one that is fresh and the one that is meant:
    /// as long as none of it changes, only time does away with it.
    pub fn marks(&self, key: &Key, is_meant: impl FnOnce(&V) -> bool) -> Option<Vec<Mark>> {
        let inner = &self.inner;
        let (entry, stage) = inner.look(key, inner.arrive())?;
        let held = entry.held();
        let is_held = stage == Stage::Young && is_meant(value(&**held));
        is_held.then(|| inner.core.versions.marks(held.slots()))
    }

    /// Keeps a value that the caller made from `tags` after everything that is committed by now.
    ///
    /// What was kept before is gone, on every replica, and no load that began earlier can put it
    /// back. It is kept in this process: when it was made is not known to the shared tier.
    ///
    /// # Errors
    /// Where the key cannot be used or there are too many tags.
    pub async fn put(
        &self,
        key: &Key,
        value: V,
        describe: impl FnOnce(&Loading),
    ) -> Result<Hit<V>, CacheError<E>> {
        let inner = &self.inner;
        inner.check(key)?;
        let core = &inner.core;
        let before = core.versions.now();
        let now_ms = core.clock.now_ms();
        let loading = Loading::new(core.versions.clone(), inner.rules(), 0);
        describe(&loading);
        let draft = loading.finish();
        let aim = Aim::Slots(vec![core.versions.of_key(key)]);
        core.change(aim, Force::Remove, None).await;
        // Its own removal does not count against it, as long as nothing that it was made from has
        // changed meanwhile.
        let after = core.versions.now();
        let slots = draft.slots.iter().copied().chain([inner.slot]);
        let began = match core.versions.judge(slots, before) {
            Verdict::Fresh => after,
            _ => before,
        };
        let made = Made {
            key,
            began,
            born_ms: now_ms,
            cost: Duration::ZERO,
        };
        let entry = inner.keep(made, value, draft)?;
        Ok(Hit::new(entry, Tier::Memory, now_ms, false))
    }
}

/// What one attempt to get an outcome came to.
enum Attempt<V, E: std::error::Error + 'static> {
    Loaded(Hit<V>),
    /// The load that was waited for began too early for this caller.
    Outdated,
    Failed(CacheError<E>),
    /// It takes longer than the caller wants to wait.
    Slow,
}

/// When somebody asked.
#[derive(Debug, Clone, Copy)]
struct Arrival {
    now_ms: u64,
    /// Whether versions tell of everything that was acknowledged before.
    trusted: bool,
    /// The time by changes.
    clock: u64,
    /// How many loads had begun; counted only where versions may not be trusted.
    loads: u64,
}

impl Arrival {
    /// By what the front is asked; nothing where versions may not be trusted.
    fn moment(self) -> Option<Moment> {
        self.trusted.then_some(Moment {
            now_ms: self.now_ms,
            clock: self.clock,
        })
    }
}

/// What a load came to.
struct Landed<V> {
    entry: Entry<V>,
    tier: Tier,
}

impl<V> Clone for Landed<V> {
    fn clone(&self) -> Self {
        Self {
            entry: self.entry.clone(),
            tier: self.tier,
        }
    }
}

/// When and at what cost a value was made.
struct Made<'a> {
    key: &'a Key,
    began: u64,
    born_ms: u64,
    cost: Duration,
}

impl<V, E> Inner<V, E>
where
    V: Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    fn rules(&self) -> Rules {
        *self.rules.read().expect("nothing panics with the rules")
    }

    fn check(&self, key: &Key) -> Result<(), CacheError<E>> {
        if key.kind != self.id || !key.as_bytes().starts_with(self.prefix.as_bytes()) {
            return Err(CacheError::WrongKind(self.name.clone()));
        }
        if key.as_bytes().len() > KEY_BYTES_MAX {
            return Err(CacheError::KeyTooLong {
                size: key.as_bytes().len(),
                max: KEY_BYTES_MAX,
            });
        }
        Ok(())
    }

    /// What there is to know of the moment, in this order: whether versions may be trusted, and then
    /// what they tell.
    #[inline]
    fn arrive(&self) -> Arrival {
        let core = &self.core;
        let now_ms = core.clock.now_ms();
        let trusted = core.trust.holds(|| core.clock.exact_ms());
        let loads = match trusted {
            true => 0,
            false => core.flights.load(Ordering::Acquire),
        };
        Arrival {
            now_ms,
            trusted,
            clock: core.versions.now(),
            loads,
        }
    }

    /// What the calling thread has of a key and may serve.
    #[inline]
    fn hit_at_front(&self, key: &Key, asked: Arrival) -> Option<Hit<V>> {
        let moment = asked.moment()?;
        let lent = front::take(&self.core, key, moment, (self.id, &self.tally))?;
        Some(Hit::of_front(lent, asked.now_ms))
    }

    /// Counts an answer by a young entry, which the calling thread keeps at hand from now on.
    fn memory_answers(&self, key: &Key, asked: Arrival, entry: &Entry<V>) {
        entry.meta().touch();
        let kind = (self.id, &self.tally);
        if !front::admit(&self.core, key, asked.moment(), kind, entry) {
            self.tally.hit(Tier::Memory, entry.held().cost_us());
        }
    }

    /// What memory has of a key, and what may be done with it; what is gone is dropped.
    fn look(&self, key: &Key, asked: Arrival) -> Option<(Entry<V>, Stage)> {
        let held = self.core.memory.get(key)?;
        if held.meta().terms.kind != self.id {
            return None;
        }
        let stage = held.stage(&self.core.versions, asked.now_ms);
        if stage == Stage::Gone {
            self.tally.invalidations.add(1);
            self.core.memory.drop_entry(key, &held);
            return None;
        }
        let entry = Entry::of(held);
        match asked.trusted {
            true => Some((entry, stage)),
            false => Some((entry, Stage::Unproven)),
        }
    }

    /// A stale value that came with the load that failed.
    fn stale_by_now(&self, key: &Key) -> Option<Entry<V>> {
        let (entry, stage) = self.look(key, self.arrive())?;
        matches!(stage, Stage::Revalidate | Stage::Fallback).then_some(entry)
    }

    fn hit(&self, entry: &Entry<V>, tier: Tier) -> Hit<V> {
        entry.meta().touch();
        let cost_us = entry.held().cost_us();
        let counted = tier == Tier::Memory
            && front::count_memory_hit(&self.core, (self.id, &self.tally), cost_us);
        if !counted {
            self.tally.hit(tier, cost_us);
        }
        Hit::new(entry.clone(), tier, self.core.clock.now_ms(), false)
    }

    /// Answers somebody who waited for another's load.
    fn joined(&self, entry: &Entry<V>, tier: Tier) -> Hit<V> {
        entry.meta().touch();
        self.tally.hit(Tier::Loader, entry.held().cost_us());
        Hit::new(entry.clone(), tier, self.core.clock.now_ms(), false)
    }

    fn stale(&self, entry: &Entry<V>) -> Hit<V> {
        entry.meta().touch();
        self.tally.stale.add(1);
        Hit::new(entry.clone(), Tier::Memory, self.core.clock.now_ms(), true)
    }

    /// The stale value, where it may still be served.
    fn stand_in(&self, fallback: Option<&Entry<V>>) -> Option<Hit<V>> {
        let entry = fallback?;
        let now_ms = self.core.clock.now_ms();
        let gone = entry.held().stage(&self.core.versions, now_ms) == Stage::Gone;
        (!gone).then(|| self.stale(entry))
    }

    /// Makes an entry of a value and keeps it, unless something it was made from has changed.
    fn keep(&self, made: Made<'_>, value: V, draft: Draft) -> Result<Entry<V>, CacheError<E>> {
        let Draft {
            mut slots,
            rules,
            negative,
            stale,
        } = draft;
        if slots.len() > TAGS_MAX {
            return Err(CacheError::TooManyTags {
                count: slots.len(),
                max: TAGS_MAX,
            });
        }
        slots.push(self.core.versions.of_key(made.key));
        slots.push(self.slot);
        let mut ages = rules.ages(negative, chance(made.key.hash ^ made.began));
        if stale {
            ages.eager = 0;
            ages.soft = 0;
        }
        let birth = Birth {
            began: made.began,
            born_ms: made.born_ms,
            ages,
            key: made.key,
            slots,
            terms: self.terms.of(ages, &rules),
            value_bytes: (self.weigh)(&value),
            cost_us: u32::try_from(made.cost.as_micros()).unwrap_or(u32::MAX),
            negative,
        };
        let entry = Entry::new(birth, value);
        self.insert(made.key, &entry);
        Ok(entry)
    }

    /// Puts an entry into memory, unless something it was made from has changed, or its time is over
    /// already: then whatever stood there goes, and nobody else has to make room.
    fn insert(&self, key: &Key, entry: &Entry<V>) {
        if entry.held().is_over(self.core.clock.now_ms()) {
            self.core.memory.remove(key);
        } else if entry.held().judge(&self.core.versions) == Verdict::Fresh {
            // Should it change right now, the next reader's look finds that.
            self.core.memory.insert(key, entry.held().clone());
        } else {
            self.tally.outdated.add(1);
        }
    }
}

/// A number in 0..1 drawn from `seed` (the finalizer of `SplitMix64`).
fn chance(seed: u64) -> f64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}
