//! The memory of the process: entries by key, within a budget of bytes.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use crate::entry::Holder;
use crate::key::Key;
use crate::table::{Piece, Table};
use crate::versions::{Verdict, Versions};

/// Shards for each processor, so that those who put something in rarely wait for each other.
const SHARDS_EACH: usize = 4;

/// Room of a shard, at least: for the largest values that make sense, and for as many of large ones
/// that it matters little how hashes spread them.
const SHARD_BYTES_MIN: u64 = 8 << 20;

/// Into how many turns the time is divided in which as many entries go as there are.
const TURNS: usize = 64;

/// Entries by key.
pub(crate) struct Memory {
    table: Table<Holder>,
    bytes_max: u64,
    turn: AtomicU32,
    /// Entries that are yet to go until the next turn.
    left: AtomicUsize,
}

impl Piece for Holder {
    fn weight(&self) -> u64 {
        u64::from(self.meta().weight)
    }
}

impl Memory {
    pub(crate) fn new(bytes_max: u64) -> Self {
        let parallel = std::thread::available_parallelism().map_or(1, usize::from);
        let room = usize::try_from(bytes_max / SHARD_BYTES_MIN).unwrap_or(usize::MAX);
        // The table rounds up, and a shard is to have its room nevertheless.
        let shards = 1 << (parallel * SHARDS_EACH).min(room).max(1).ilog2();
        Self {
            table: Table::new(bytes_max, shards),
            bytes_max,
            turn: AtomicU32::new(0),
            left: AtomicUsize::new(0),
        }
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Holder> {
        self.table.get(key.hash, |it| it.is_of(key))
    }

    /// Looks without making the entry more likely to stay.
    pub(crate) fn peek(&self, key: &Key) -> Option<Holder> {
        self.table.peek(key.hash, |it| it.is_of(key))
    }

    /// Makes an entry more likely to stay, as one that is asked for elsewhere.
    pub(crate) fn touch(&self, key: &Key) {
        self.table.touch(key.hash, |it| it.is_of(key));
    }

    /// Puts an entry in; what goes for it is told so, and let go of outside the table's lock.
    pub(crate) fn insert(&self, key: &Key, entry: Holder) {
        let gone = self.table.insert(key.hash, |it| it.is_of(key), entry);
        if !gone.evicted.is_empty() {
            self.turn_after(gone.evicted.len());
        }
        for held in &gone.evicted {
            held.meta().leave();
            held.meta().terms.tally.evictions.add(1);
        }
        if let Some(held) = gone.replaced {
            held.meta().leave();
        }
    }

    /// Moves on as entries go, by one turn at most however many go at once: while none do, nobody
    /// need say what is wanted.
    #[inline]
    pub(crate) fn turn(&self) -> u32 {
        self.turn.load(Ordering::Relaxed)
    }

    fn turn_after(&self, gone: usize) {
        let fewer = |left: usize| left.checked_sub(gone);
        let relaxed = Ordering::Relaxed;
        if self.left.fetch_update(relaxed, relaxed, fewer).is_err() {
            self.left.store(self.table.len() / TURNS, relaxed);
            self.turn.fetch_add(1, relaxed);
        }
    }

    /// Drops this very entry, where it is still there.
    pub(crate) fn drop_entry(&self, key: &Key, entry: &Holder) {
        let same = |it: &Holder| std::ptr::addr_eq(Holder::as_ptr(it), Holder::as_ptr(entry));
        if let Some(held) = self.table.remove(key.hash, same) {
            held.meta().leave();
        }
    }

    /// Takes out the entry of a key, whichever it is.
    pub(crate) fn remove(&self, key: &Key) {
        if let Some(held) = self.table.remove(key.hash, |it| it.is_of(key)) {
            held.meta().leave();
        }
    }

    pub(crate) fn clear(&self) {
        self.table.clear();
    }

    /// Drops what was invalidated. What was put in since is kept.
    pub(crate) fn drop_removed(&self, versions: &Versions) {
        self.table
            .retain(|held| held.judge(versions) != Verdict::Removed);
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = Holder> + '_ {
        self.table.iter()
    }

    pub(crate) fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.table.weight()
    }
}
