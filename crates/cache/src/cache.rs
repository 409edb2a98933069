//! The cache: memory, order and kinds in one place.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, RwLock};

use crate::clock::Clock;
use crate::error::KindError;
use crate::key::Target;
use crate::kind::{Kind, KindOptions, Registered};
use crate::memory::Memory;
use crate::rules::Rules;
use crate::shared::{Acknowledged, Shared};
use crate::statistics::KindStatistics;
use crate::trust::Trust;
use crate::versions::{Changes, Force, Slot, Versions};

/// Kinds, at most.
const KINDS_MAX: usize = 1_024;

/// How a cache is set up; the defaults suit a server with some gigabytes.
#[derive(Debug, Clone)]
pub struct CacheOptions {
    /// Bytes that entries in memory may take, their keys and overhead included.
    pub memory_bytes_max: u64,
    /// Places in the table of versions, rounded up to a power of two; 16 bytes each. The same for
    /// all replicas.
    pub slots: u32,
    /// Loads under way at a time.
    pub loads_max: usize,
    /// Tells ages by the runtime's clock, which tests can stop, instead of the kernel's coarse one.
    pub runtime_clock: bool,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            memory_bytes_max: 64 << 20,
            slots: 1 << 18,
            loads_max: 4_096,
            runtime_clock: false,
        }
    }
}

/// A cache; clones are the same one.
#[derive(Clone)]
pub struct Cache {
    core: Arc<Core>,
}

pub(crate) struct Core {
    pub(crate) versions: Arc<Versions>,
    pub(crate) memory: Memory,
    pub(crate) shared: OnceLock<Shared>,
    pub(crate) trust: Trust,
    pub(crate) clock: Clock,
    /// Of the hashes of keys.
    pub(crate) seed: u64,
    pub(crate) loads: AtomicUsize,
    pub(crate) loads_max: usize,
    /// How many loads were begun.
    pub(crate) flights: Arc<AtomicU64>,
    position: AtomicU64,
    kinds: RwLock<BTreeMap<String, Arc<Registered>>>,
}

/// Where an invalidation is aimed.
pub(crate) enum Aim {
    Slots(Vec<Slot>),
    Everything,
}

impl Core {
    /// The highest database position that an invalidation named, 0 where none did.
    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    pub(crate) fn see(&self, position: u64) {
        self.position.fetch_max(position, Ordering::AcqRel);
    }
}

impl Cache {
    /// An empty cache.
    pub fn new(options: &CacheOptions) -> Self {
        let clock = match options.runtime_clock {
            true => Clock::runtime(),
            false => Clock::coarse(),
        };
        let core = Core {
            versions: Arc::new(Versions::new(options.slots)),
            memory: Memory::new(options.memory_bytes_max),
            shared: OnceLock::new(),
            trust: Trust::alone(),
            clock,
            seed: RandomState::new().hash_one(0_u8),
            loads: AtomicUsize::new(0),
            loads_max: options.loads_max,
            flights: Arc::default(),
            position: AtomicU64::new(0),
            kinds: RwLock::default(),
        };
        Self {
            core: Arc::new(core),
        }
    }

    /// Registers a kind of values of type `V` whose loaders fail with `E`.
    ///
    /// # Errors
    /// Where a kind of that name is there already, or there are too many.
    pub fn kind<V, E>(&self, options: KindOptions<V>) -> Result<Kind<V, E>, KindError>
    where
        V: Send + Sync + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let mut kinds = self
            .core
            .kinds
            .write()
            .expect("nothing panics with the kinds");
        if kinds.contains_key(&options.name) {
            return Err(KindError::Taken(options.name));
        }
        if kinds.len() >= KINDS_MAX {
            return Err(KindError::TooMany(KINDS_MAX));
        }
        let registered = || Registered {
            id: kinds.len() as u16,
            rules: Arc::new(RwLock::new(options.rules)),
            tally: Arc::default(),
        };
        let ours = registered();
        let theirs = Registered {
            id: ours.id,
            rules: ours.rules.clone(),
            tally: ours.tally.clone(),
        };
        kinds.insert(options.name.clone(), Arc::new(ours));
        drop(kinds);
        Ok(Kind::new(self.core.clone(), theirs, options))
    }

    /// Sets the rules of a kind for values made from now on; says whether there is such a kind.
    pub fn set_rules(&self, kind: &str, rules: Rules) -> bool {
        let kinds = self
            .core
            .kinds
            .read()
            .expect("nothing panics with the kinds");
        let Some(kind) = kinds.get(kind) else {
            return false;
        };
        *kind.rules.write().expect("nothing panics with the rules") = rules;
        true
    }

    /// Marks what `targets` name as expired: it is loaded anew before it is served, and stands in
    /// only where that fails or takes too long.
    ///
    /// Returns who has taken note; see [`Self::remove`].
    pub async fn expire(&self, targets: &[Target]) -> Acknowledged {
        self.core
            .change(self.aim(targets), Force::Expire, None)
            .await
    }

    /// Removes what `targets` name: whoever asks after this returned never gets what was there, nor
    /// what a load that began before will come to.
    ///
    /// Returns when every replica has taken note or trusts its memory no more, and says which; with
    /// the shared tier away it returns at once, and says that the change is queued.
    pub async fn remove(&self, targets: &[Target]) -> Acknowledged {
        self.core
            .change(self.aim(targets), Force::Remove, None)
            .await
    }

    /// Removes what `targets` name because of the part of a feed after `span.start` up to `span.end`,
    /// which every replica reads: one of them makes it known to all.
    pub async fn remove_followed(&self, targets: &[Target], span: Range<u64>) -> Acknowledged {
        let aim = self.aim(targets);
        self.core.change(aim, Force::Remove, Some(span)).await
    }

    /// What was invalidated here since `seen`, the [`Changes::until`] of an earlier call, 0 at
    /// first. Whoever keeps something made from values ([`Kind::marks`]) learns from it which of
    /// that to look at.
    pub fn changed_since(&self, seen: u64) -> Changes {
        self.core.versions.changed_since(seen)
    }

    /// Forgets what this process holds, for want of knowing what changed; others keep theirs.
    pub fn forget(&self) {
        self.core.forget_all();
    }

    /// Makes loads from now on see at least `position` of the database; see
    /// [`crate::Loading::must_see`]. Called before the invalidation that it belongs to.
    pub fn must_see(&self, position: u64) {
        self.core.see(position);
    }

    /// The places in the table of versions that targets have: the same few steps for every number of
    /// entries.
    pub(crate) fn aim(&self, targets: &[Target]) -> Aim {
        let versions = &self.core.versions;
        let mut slots: Vec<Slot> = Vec::with_capacity(targets.len());
        for target in targets {
            slots.push(match target {
                Target::Key(key) => versions.of_key(key),
                Target::Tag(tag) => versions.of_tag(tag),
                Target::Kind(name) => versions.of_kind(name),
                Target::Everything => return Aim::Everything,
            });
        }
        Aim::Slots(slots)
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    pub(crate) fn core_arc(&self) -> &Arc<Core> {
        &self.core
    }

    /// The names of kinds, by number.
    pub(crate) fn names(&self) -> BTreeMap<u16, String> {
        let kinds = self
            .core
            .kinds
            .read()
            .expect("nothing panics with the kinds");
        kinds
            .iter()
            .map(|(name, kind)| (kind.id, name.clone()))
            .collect()
    }

    /// What every kind has done, by name.
    pub fn statistics(&self) -> Vec<KindStatistics> {
        let kinds = self
            .core
            .kinds
            .read()
            .expect("nothing panics with the kinds");
        let read = |(name, kind): (&String, &Arc<Registered>)| kind.tally.read(name);
        kinds.iter().map(read).collect()
    }

    /// Bytes that entries in memory may take.
    pub fn memory_bytes_max(&self) -> u64 {
        self.core.memory.bytes_max()
    }

    /// Bytes that entries in memory take, and loads under way.
    pub fn load(&self) -> (u64, usize) {
        let loads = self.core.loads.load(Ordering::Relaxed);
        (self.core.memory.bytes(), loads)
    }
}
