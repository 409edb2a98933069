//! Entries by hash within a budget of bytes, in shards with a lock each. A look takes a lock that
//! others may share, and notes that the entry is wanted beside it.

use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

mod ghosts;
mod shard;

use shard::Shard;

/// Bits of a hash by which a shard tells entries apart; the whole key is compared when reading.
const PART_BITS: u32 = 28;

/// What a table takes of an entry beside the entry itself, about: its place, its marks, its number in
/// the index, and what is remembered of one that went.
pub(crate) const PLACE_BYTES: usize = 32;

/// Something that is kept.
pub(crate) trait Piece: Clone {
    /// Bytes that it takes.
    fn weight(&self) -> u64;
}

/// What had to go for what came.
#[derive(Debug)]
pub(crate) struct Gone<T> {
    /// For want of room.
    pub(crate) evicted: Vec<T>,
    /// The one before it, of the same key.
    pub(crate) replaced: Option<T>,
}

/// Entries in shards.
pub(crate) struct Table<T> {
    shards: Box<[RwLock<Shard<T>>]>,
}

impl<T: Piece> Table<T> {
    /// `shards` is rounded up to a power of two.
    pub(crate) fn new(bytes_max: u64, shards: usize) -> Self {
        let count = shards.next_power_of_two();
        let shard = |_| RwLock::new(Shard::new(bytes_max / count as u64));
        Self {
            shards: (0..count).map(shard).collect(),
        }
    }

    fn shard(&self, hash: u64) -> &RwLock<Shard<T>> {
        &self.shards[hash as usize & (self.shards.len() - 1)]
    }

    fn read(&self, hash: u64) -> RwLockReadGuard<'_, Shard<T>> {
        reading(self.shard(hash))
    }

    fn write(&self, hash: u64) -> RwLockWriteGuard<'_, Shard<T>> {
        writing(self.shard(hash))
    }

    /// Gives an entry, which is the likelier to stay for it.
    pub(crate) fn get(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<T> {
        self.read(hash).get(part(hash), is_it).cloned()
    }

    /// Gives an entry, and no more than that.
    pub(crate) fn peek(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<T> {
        self.read(hash).peek(part(hash), is_it).cloned()
    }

    /// Makes an entry likelier to stay.
    pub(crate) fn touch(&self, hash: u64, is_it: impl Fn(&T) -> bool) {
        self.read(hash).get(part(hash), is_it);
    }

    /// Puts one in. One that is too large for a shard goes at once.
    pub(crate) fn insert(&self, hash: u64, is_it: impl Fn(&T) -> bool, piece: T) -> Gone<T> {
        self.write(hash).insert(part(hash), is_it, piece)
    }

    /// Takes one out where it is the one that is meant.
    pub(crate) fn remove(&self, hash: u64, is_it: impl Fn(&T) -> bool) -> Option<T> {
        self.write(hash).remove(part(hash), is_it)
    }

    /// Takes out what is not to be kept.
    pub(crate) fn retain(&self, keep: impl Fn(&T) -> bool) {
        for shard in &self.shards {
            let gone = writing(shard).retain(&keep);
            drop(gone);
        }
    }

    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let gone = writing(shard).clear();
            drop(gone);
        }
    }

    /// All that are there, those of one shard at a time.
    pub(crate) fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.shards.iter().flat_map(|shard| {
            let shard = reading(shard);
            shard.iter().cloned().collect::<Vec<_>>()
        })
    }

    /// How many are there.
    pub(crate) fn len(&self) -> usize {
        self.shards.iter().map(|it| reading(it).len()).sum()
    }

    pub(crate) fn weight(&self) -> u64 {
        self.shards.iter().map(|it| reading(it).weight()).sum()
    }
}

fn reading<T>(shard: &RwLock<Shard<T>>) -> RwLockReadGuard<'_, Shard<T>> {
    shard.read().expect("nothing panics with a shard")
}

fn writing<T>(shard: &RwLock<Shard<T>>) -> RwLockWriteGuard<'_, Shard<T>> {
    shard.write().expect("nothing panics with a shard")
}

/// The bits of a hash that a shard goes by; the lowest ones chose it.
fn part(hash: u64) -> u32 {
    (hash >> (u64::BITS - PART_BITS)) as u32
}
