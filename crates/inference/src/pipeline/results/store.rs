//! Where kept answers lie, within a bound of bytes.

use std::sync::Arc;

use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter, sync::Cache};

use super::{Kept, Key};

/// Keeps answers; what makes room for what is its own affair.
pub(crate) trait ResultStore: Send + Sync + std::fmt::Debug {
    /// What is kept under a key.
    fn get(&self, key: &Key) -> Option<Arc<Kept>>;

    /// Keeps an answer, unless it is too large to be.
    fn put(&self, key: Key, kept: Arc<Kept>);

    /// Lets go of everything else.
    fn retain(&self, keep: &dyn Fn(&Kept) -> bool);

    /// Bytes kept.
    fn bytes(&self) -> u64;

    /// Answers kept.
    fn entries(&self) -> u64;
}

/// Answers in this process: what was asked for lately, more than once first.
#[derive(Debug)]
pub(crate) struct MemoryStore {
    cache: Cache<Key, Arc<Kept>, Bytes>,
}

#[derive(Debug, Clone)]
struct Bytes;

impl Weighter<Key, Arc<Kept>> for Bytes {
    fn weight(&self, _: &Key, kept: &Arc<Kept>) -> u64 {
        kept.bytes
    }
}

impl MemoryStore {
    pub(crate) fn new(bytes_max: u64) -> Self {
        const TYPICAL_BYTES: u64 = 512;
        const SHARD_BYTES: u64 = 16 << 20;
        const SHARDS_MAX: u64 = 16;
        let options = OptionsBuilder::new()
            .estimated_items_capacity((bytes_max / TYPICAL_BYTES) as usize)
            .weight_capacity(bytes_max)
            .shards((bytes_max / SHARD_BYTES).clamp(1, SHARDS_MAX) as usize)
            .build()
            .expect("both capacities are given");
        let hasher = DefaultHashBuilder::default();
        Self {
            cache: Cache::with_options(options, Bytes, hasher, Default::default()),
        }
    }
}

impl ResultStore for MemoryStore {
    fn get(&self, key: &Key) -> Option<Arc<Kept>> {
        self.cache.get(key)
    }

    fn put(&self, key: Key, kept: Arc<Kept>) {
        self.cache.insert(key, kept);
    }

    fn retain(&self, keep: &dyn Fn(&Kept) -> bool) {
        self.cache.retain(|_, kept| keep(kept));
    }

    fn bytes(&self) -> u64 {
        self.cache.weight()
    }

    fn entries(&self) -> u64 {
        self.cache.len() as u64
    }
}
