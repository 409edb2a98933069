//! A shard: who stays and who goes.
//!
//! A newcomer stands in a short queue, the cold ones; who is asked for there becomes hot, who is not
//! goes and leaves a ghost. A hand goes round the hot ones for the least wanted, and takes a mark
//! off those it passes (CLOCK-Pro with short marks, as in `quick_cache`). Who comes back as a ghost
//! may contest a hot one's place: how hard is learnt. Each that proves wanted afterwards makes the
//! next bolder, each hot one that went and is missed makes them shyer, so that a loop a little longer
//! than the room is mostly kept and popularity that moves is followed.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};

use hashbrown::HashTable;

use super::ghosts::{Ghosts, Went};
use super::{Gone, Piece};

/// The share of the bytes that hot ones may take, in percent.
const HOT_SHARE: u64 = 97;

/// Marks of a slot, below the part of the hash: how often it was asked for lately, at most twice.
const ASKED: u32 = 0b11;
const ASKED_MAX: u32 = 2;
const HOT: u32 = 0b100;
/// It won its place as a ghost and was not seen to be asked for since.
const RETURNED: u32 = 0b1000;
const PART_AT: u32 = 4;

/// How many marks a returning one may take off hot ones, by what was learnt: at first and between.
const BOLDNESS: f32 = 1.0;
const BOLDNESS_BOUNDS: [f32; 2] = [0.25, 4.0];
/// By what boldness is multiplied where one that returned was wanted, and where one that had to go
/// for it was.
const BOLDER: f32 = 1.02;
const SHYER: f32 = 0.96;
/// Boldness that is saved up, at most.
const CREDIT_MAX: f32 = 8.0;

/// Slots from which on it is worth while to close gaps.
const SLOTS_MIN: usize = if cfg!(test) { 16 } else { 1_024 };

pub(super) struct Shard<T> {
    /// Numbers of slots, by the part of the hash.
    index: HashTable<u32>,
    slots: Vec<Option<T>>,
    /// The part of the hash and the marks of each slot.
    marks: Vec<AtomicU32>,
    free: Vec<u32>,
    /// The cold ones, oldest first.
    cold: VecDeque<u32>,
    /// The slot that is looked at next where a hot one is to go.
    hand: usize,
    hot_bytes: u64,
    cold_bytes: u64,
    bytes_max: u64,
    ghosts: Ghosts,
    boldness: f32,
    credit: f32,
}

impl<T: Piece> Shard<T> {
    pub(super) fn new(bytes_max: u64) -> Self {
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            marks: Vec::new(),
            free: Vec::new(),
            cold: VecDeque::new(),
            hand: 0,
            hot_bytes: 0,
            cold_bytes: 0,
            bytes_max,
            ghosts: Ghosts::default(),
            boldness: BOLDNESS,
            credit: 0.0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn weight(&self) -> u64 {
        self.hot_bytes + self.cold_bytes
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.slots.iter().flatten()
    }

    #[inline]
    fn find(&self, part: u32, is_it: impl Fn(&T) -> bool) -> Option<u32> {
        let here = |at: &u32| self.slots[*at as usize].as_ref().is_some_and(&is_it);
        self.index.find(spread(part), here).copied()
    }

    pub(super) fn peek(&self, part: u32, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        self.slots[self.find(part, is_it)? as usize].as_ref()
    }

    #[inline]
    pub(super) fn get(&self, part: u32, is_it: impl Fn(&T) -> bool) -> Option<&T> {
        let at = self.find(part, is_it)? as usize;
        let marks = self.marks[at].load(Ordering::Relaxed);
        if marks & ASKED < ASKED_MAX {
            // Where another thread notes it right now, once is enough.
            let relaxed = Ordering::Relaxed;
            let _ = self.marks[at].compare_exchange(marks, marks + 1, relaxed, relaxed);
        }
        self.slots[at].as_ref()
    }

    pub(super) fn insert(&mut self, part: u32, is_it: impl Fn(&T) -> bool, piece: T) -> Gone<T> {
        let weight = piece.weight();
        let mut gone = Gone {
            evicted: Vec::new(),
            replaced: None,
        };
        if weight > self.hot_bytes_max() {
            gone.replaced = self.remove(part, is_it);
            gone.evicted.push(piece);
            return gone;
        }
        match self.find(part, &is_it) {
            Some(at) if weight > self.cold_bytes_max() && self.is_cold(at) => {
                // It was there, and somebody made it anew: that is as good as having come back.
                gone.replaced = self.remove(part, &is_it);
                self.ghosts.add(part, Went::Cold, self.index.len());
                self.add(part, piece, &mut gone);
            }
            Some(at) => self.replace(at, piece, &mut gone),
            None => self.add(part, piece, &mut gone),
        }
        while self.weight() > self.bytes_max {
            self.make_room(&mut gone);
        }
        self.close_gaps();
        gone
    }

    /// Puts a newer one where the older one is.
    fn replace(&mut self, at: u32, piece: T, gone: &mut Gone<T>) {
        let weight = piece.weight();
        let before = self.slots[at as usize].replace(piece);
        let bytes = self.bytes_of(at);
        *bytes += weight;
        if let Some(before) = before {
            *bytes -= before.weight();
            gone.replaced = Some(before);
        }
    }

    fn add(&mut self, part: u32, piece: T, gone: &mut Gone<T>) {
        let weight = piece.weight();
        let returns = match self.ghosts.take(part) {
            None => false,
            Some(Went::Cold) => true,
            Some(Went::Hot) => {
                self.boldness = (self.boldness * SHYER).max(BOLDNESS_BOUNDS[0]);
                false
            }
        };
        let mut marks = part << PART_AT;
        if self.hot_bytes + weight <= self.hot_bytes_max() {
            marks |= HOT;
        } else if weight > self.cold_bytes_max() {
            // Among the cold ones it would push all of them out, and hot ones too, before anybody
            // asked for it twice. One that did come back takes what it needs.
            if !returns {
                self.ghosts.add(part, Went::Cold, self.index.len());
                return gone.evicted.push(piece);
            }
            while self.hot_bytes + weight > self.hot_bytes_max() {
                self.drop_hot(gone);
            }
            marks |= HOT;
        } else if returns && self.win_place(weight, gone) {
            marks |= HOT | RETURNED;
        }
        while self.weight() + weight > self.bytes_max {
            self.make_room(gone);
        }
        let at = self.slot(piece, marks);
        *self.bytes_of(at) += weight;
        if marks & HOT == 0 {
            self.cold.push_back(at);
        }
        let marks = &self.marks;
        let again = |at: &u32| spread(marks[*at as usize].load(Ordering::Relaxed) >> PART_AT);
        self.index.insert_unique(spread(part), at, again);
    }

    fn slot(&mut self, piece: T, marks: u32) -> u32 {
        if let Some(at) = self.free.pop() {
            self.slots[at as usize] = Some(piece);
            *self.marks[at as usize].get_mut() = marks;
            return at;
        }
        if self.slots.len() == self.slots.capacity() {
            // An eighth more instead of twice as many: what is not used is memory too.
            let more = self.slots.len() / 8 + 16;
            self.slots.reserve_exact(more);
            self.marks.reserve_exact(more);
        }
        self.slots.push(Some(piece));
        self.marks.push(AtomicU32::new(marks));
        u32::try_from(self.slots.len() - 1).expect("entries take more than a byte of memory each")
    }

    fn hot_bytes_max(&self) -> u64 {
        self.bytes_max / 100 * HOT_SHARE + self.bytes_max % 100 * HOT_SHARE / 100
    }

    fn cold_bytes_max(&self) -> u64 {
        self.bytes_max - self.hot_bytes_max()
    }

    fn is_cold(&mut self, at: u32) -> bool {
        *self.marks[at as usize].get_mut() & HOT == 0
    }

    fn bytes_of(&mut self, at: u32) -> &mut u64 {
        match *self.marks[at as usize].get_mut() & HOT {
            0 => &mut self.cold_bytes,
            _ => &mut self.hot_bytes,
        }
    }

    /// Lets the oldest cold one go, or become hot where it was asked for; a hot one where there is
    /// none.
    fn make_room(&mut self, gone: &mut Gone<T>) {
        let Some(at) = self.cold.pop_front() else {
            return self.drop_hot(gone);
        };
        let marks = self.marks[at as usize].get_mut();
        if *marks & ASKED == 0 {
            let part = *marks >> PART_AT;
            self.ghosts.add(part, Went::Cold, self.index.len());
            gone.evicted.extend(self.vacate(at));
            return;
        }
        // One mark is left: the hand may be just before it.
        *marks = *marks & !ASKED | HOT | 1;
        let weight = self.slots[at as usize].as_ref().map_or(0, Piece::weight);
        self.cold_bytes -= weight;
        self.hot_bytes += weight;
        while self.hot_bytes > self.hot_bytes_max() {
            self.drop_hot(gone);
        }
    }

    /// The next hot one that the hand comes to.
    fn next_hot(&mut self) -> Option<usize> {
        let is_hot = |it: &mut AtomicU32| *it.get_mut() & HOT != 0;
        let (before, after) = self.marks.split_at_mut(self.hand);
        let at = match after.iter_mut().position(is_hot) {
            Some(at) => self.hand + at,
            None => before.iter_mut().position(is_hot)?,
        };
        self.hand = at;
        Some(at)
    }

    /// Takes a mark off one that the hand is at and goes on; says whether it had one.
    fn pass(&mut self, at: usize) -> bool {
        let marks = self.marks[at].get_mut();
        if *marks & ASKED == 0 {
            return false;
        }
        *marks -= 1;
        if *marks & RETURNED != 0 {
            *marks &= !RETURNED;
            self.boldness = (self.boldness * BOLDER).min(BOLDNESS_BOUNDS[1]);
        }
        self.hand = at + 1;
        true
    }

    fn drop_hot(&mut self, gone: &mut Gone<T>) {
        while let Some(at) = self.next_hot() {
            if !self.pass(at) {
                let part = *self.marks[at].get_mut() >> PART_AT;
                self.ghosts.add(part, Went::Hot, self.index.len());
                gone.evicted.extend(self.vacate(at as u32));
                // Who takes the slot is not to be the next to go.
                self.hand = at + 1;
                return;
            }
        }
    }

    /// Contests hot ones' places for one that comes back; says whether there is room for it now.
    fn win_place(&mut self, weight: u64, gone: &mut Gone<T>) -> bool {
        self.credit = (self.credit + self.boldness).min(CREDIT_MAX);
        while self.hot_bytes + weight > self.hot_bytes_max() {
            let Some(at) = self.next_hot() else {
                return true;
            };
            if self.credit < 1.0 {
                return false;
            }
            match self.pass(at) {
                true => self.credit -= 1.0,
                false => self.drop_hot(gone),
            }
        }
        true
    }

    /// Empties a slot; that the queue of cold ones does not name it is the caller's to see to.
    fn vacate(&mut self, at: u32) -> Option<T> {
        let piece = self.slots[at as usize].take()?;
        *self.bytes_of(at) -= piece.weight();
        let marks = std::mem::take(self.marks[at as usize].get_mut());
        let named = self
            .index
            .find_entry(spread(marks >> PART_AT), |it| *it == at);
        named.expect("what has a slot is in the index").remove();
        self.free.push(at);
        Some(piece)
    }

    pub(super) fn remove(&mut self, part: u32, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.find(part, is_it)?;
        if self.is_cold(at) {
            self.cold.retain(|it| *it != at);
        } else {
            // Should it come back, as a newer value, it is as wanted as this one.
            self.ghosts.add(part, Went::Cold, self.index.len());
        }
        let gone = self.vacate(at);
        self.close_gaps();
        gone
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&T) -> bool) -> Vec<T> {
        let mut gone = Vec::new();
        for at in 0..self.slots.len() {
            if self.slots[at].as_ref().is_some_and(|it| !keep(it)) {
                gone.extend(self.vacate(at as u32));
            }
        }
        let slots = &self.slots;
        self.cold.retain(|at| slots[*at as usize].is_some());
        self.close_gaps();
        gone
    }

    pub(super) fn clear(&mut self) -> Vec<T> {
        let empty = Self::new(self.bytes_max);
        let before = std::mem::replace(self, empty);
        before.slots.into_iter().flatten().collect()
    }

    /// Moves entries together where most slots are free, as after large ones took the place of small
    /// ones: the hand has less to look at then, and the memory goes back.
    fn close_gaps(&mut self) {
        if self.slots.len() < SLOTS_MIN || self.free.len() / 3 < self.index.len() {
            return;
        }
        let mut order: Vec<usize> = (self.hand..self.slots.len()).chain(0..self.hand).collect();
        order.retain(|at| self.slots[*at].is_some());
        let mut moved = vec![0; self.slots.len()];
        let (mut slots, mut marks) = (Vec::new(), Vec::new());
        slots.reserve_exact(order.len());
        marks.reserve_exact(order.len());
        let mut index = HashTable::with_capacity(order.len());
        for (to, from) in order.into_iter().enumerate() {
            let mark = std::mem::take(self.marks[from].get_mut());
            slots.push(self.slots[from].take());
            marks.push(AtomicU32::new(mark));
            moved[from] = to as u32;
            let again = |_: &u32| unreachable!("there is room for all");
            index.insert_unique(spread(mark >> PART_AT), to as u32, again);
        }
        self.cold
            .iter_mut()
            .for_each(|at| *at = moved[*at as usize]);
        (self.slots, self.marks, self.index) = (slots, marks, index);
        (self.free, self.hand) = (Vec::new(), 0);
    }
}

/// A hash for the index, whose upper bits tell its buckets' places apart.
fn spread(part: u32) -> u64 {
    u64::from(part).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests;
