//! The memory of the process: entries by key, within a budget of bytes.

use std::any::Any;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use quick_cache::sync::Cache as Quick;
use quick_cache::{Lifecycle, OptionsBuilder, Weighter};

use crate::entry::{Entry, Held};
use crate::key::Key;
use crate::versions::{Verdict, Versions};

/// The typical entry, by which the first tables are sized.
const ENTRY_BYTES_GUESS: u64 = 512;

type Table = Quick<u64, Arc<dyn Held>, ByWeight, AsIs, CountEvictions>;

/// Entries by the hash of their key. Of two keys with one hash the later one is kept; the whole
/// key is compared when reading.
pub(crate) struct Memory {
    table: Table,
    bytes_max: u64,
}

impl Memory {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let parallel = std::thread::available_parallelism().map_or(1, usize::from);
        let options = OptionsBuilder::new()
            .estimated_items_capacity(usize::try_from(bytes_max / ENTRY_BYTES_GUESS).unwrap_or(1))
            .weight_capacity(bytes_max)
            // A shard must have room for the largest values that make sense.
            .shards((parallel * 4).min(usize::try_from(bytes_max >> 20).unwrap_or(1).max(1)))
            .build()
            .expect("both capacities are given");
        Self {
            table: Quick::with_options(options, ByWeight, AsIs, CountEvictions),
            bytes_max,
        }
    }

    pub(crate) fn get<V: Send + Sync + 'static>(&self, key: &Key) -> Option<Arc<Entry<V>>> {
        let held = self.table.get(&key.hash)?;
        if held.meta().key() != key.as_bytes() {
            return None;
        }
        let any: Arc<dyn Any + Send + Sync> = held;
        any.downcast().ok()
    }

    /// Looks without making the entry more likely to stay.
    pub(crate) fn peek(&self, key: &Key) -> Option<Arc<dyn Held>> {
        let held = self.table.peek(&key.hash)?;
        (held.meta().key() == key.as_bytes()).then_some(held)
    }

    /// Makes an entry more likely to stay, as one that is asked for elsewhere.
    pub(crate) fn touch(&self, key: &Key) {
        self.table.get(&key.hash);
    }

    pub(crate) fn insert(&self, key: &Key, entry: Arc<dyn Held>) {
        self.table.insert(key.hash, entry);
    }

    /// Drops this very entry, where it is still there.
    pub(crate) fn drop_entry(&self, key: &Key, entry: &dyn Held) {
        let it = std::ptr::from_ref(entry).cast::<()>();
        let dropped = self.table.remove_if(&key.hash, |held| {
            std::ptr::eq(Arc::as_ptr(held).cast::<()>(), it)
        });
        if let Some((_, held)) = dropped {
            held.meta().leave();
        }
    }

    pub(crate) fn clear(&self) {
        self.table.clear();
    }

    /// Drops what was invalidated. What was put in since is kept.
    pub(crate) fn drop_removed(&self, versions: &Versions) {
        self.table
            .retain(|_, held| held.meta().judge(versions) != Verdict::Removed);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Arc<dyn Held>> + '_ {
        self.table.iter().map(|(_, held)| held)
    }

    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.table.weight()
    }
}

/// Entries know what they weigh.
#[derive(Clone)]
struct ByWeight;

impl Weighter<u64, Arc<dyn Held>> for ByWeight {
    fn weight(&self, _: &u64, held: &Arc<dyn Held>) -> u64 {
        u64::from(held.meta().weight)
    }
}

/// Counts what goes for want of room or for a newer value, says so to it, and lets go of it outside
/// the table's lock.
#[derive(Clone)]
struct CountEvictions;

impl Lifecycle<u64, Arc<dyn Held>> for CountEvictions {
    type RequestState = Vec<Arc<dyn Held>>;

    fn on_evict(&self, gone: &mut Self::RequestState, _: u64, held: Arc<dyn Held>) {
        held.meta().leave();
        held.meta().tally.evictions.add(1);
        gone.push(held);
    }
}

/// The key of the table is a hash with a secret seed already.
#[derive(Clone, Default)]
pub(crate) struct AsIs;

impl BuildHasher for AsIs {
    type Hasher = Same;

    fn build_hasher(&self) -> Same {
        Same(0)
    }
}

#[derive(Default)]
pub(crate) struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}
