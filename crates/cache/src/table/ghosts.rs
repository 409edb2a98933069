//! What is remembered of entries that went: a few bits of the hash of each, four bytes in all.
//!
//! They stand in buckets by hash, the newest of a bucket first, so that nothing has to link them. Of
//! two with the same bits either may be meant, which costs a better place and nothing else.

use super::PART_BITS;

/// Ghosts of a bucket: half a line of the processor's cache.
const WAYS: usize = 8;

/// Marks a place that is taken, above the bits of the hash and of how it went.
const TAKEN: u32 = 1 << (PART_BITS + 1);

/// How an entry went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Went {
    /// From among those that are yet to show that they are wanted.
    Cold,
    /// From among those that were wanted, for another one's sake.
    Hot,
}

/// The entries that went: at least as many as three quarters of those that are there, at most twice
/// that.
#[derive(Debug, Default)]
pub(super) struct Ghosts {
    buckets: Vec<[u32; WAYS]>,
}

impl Ghosts {
    /// Remembers one, where `live` entries are there.
    pub(super) fn add(&mut self, part: u32, went: Went, live: usize) {
        let wanted = (live * 3 / 4).div_ceil(WAYS).max(1);
        if self.buckets.len() < wanted || self.buckets.len() / 2 > wanted {
            self.resize(wanted + wanted / 4);
        }
        self.push(TAKEN | part << 1 | u32::from(went == Went::Hot));
    }

    /// Takes one out; says how it went.
    pub(super) fn take(&mut self, part: u32) -> Option<Went> {
        let at = self.place(part);
        let bucket = self.buckets.get_mut(at)?;
        let way = bucket
            .iter()
            .position(|it| it & TAKEN != 0 && (it & !TAKEN) >> 1 == part)?;
        let ghost = bucket[way];
        bucket.copy_within(way + 1.., way);
        bucket[WAYS - 1] = 0;
        Some(match ghost & 1 {
            0 => Went::Cold,
            _ => Went::Hot,
        })
    }

    fn push(&mut self, ghost: u32) {
        let at = self.place((ghost & !TAKEN) >> 1);
        let bucket = &mut self.buckets[at];
        bucket.copy_within(..WAYS - 1, 1);
        bucket[0] = ghost;
    }

    /// By the upper bits: those of a bucket stay together when there are more or fewer of them.
    fn place(&self, part: u32) -> usize {
        ((u64::from(part) * self.buckets.len() as u64) >> PART_BITS) as usize
    }

    fn resize(&mut self, count: usize) {
        let before = std::mem::replace(&mut self.buckets, vec![[0; WAYS]; count]);
        for bucket in before {
            let ghosts = bucket.into_iter().filter(|it| it & TAKEN != 0);
            ghosts.rev().for_each(|it| self.push(it));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hash's part for a number.
    fn part(number: u32) -> u32 {
        number.wrapping_mul(0x9e37_79b1) >> (32 - PART_BITS)
    }

    #[test]
    fn as_many_are_remembered_as_three_quarters_of_those_there_and_the_newest_of_them() {
        let mut ghosts = Ghosts::default();
        let remembered = |ghosts: &mut Ghosts, numbers: std::ops::Range<u32>| {
            let taken = numbers.filter(|it| ghosts.take(part(*it)).is_some());
            taken.count()
        };
        (0..10_000).for_each(|it| ghosts.add(part(it), Went::Cold, 1_000));
        assert!(remembered(&mut ghosts, 9_600..10_000) > 350);
        assert!(remembered(&mut ghosts, 0..8_000) < 40);
        // They move along when there are more or fewer entries.
        (0..200).for_each(|it| ghosts.add(part(it), Went::Cold, 1_000));
        ghosts.add(part(1 << 20), Went::Cold, 4_000);
        assert_eq!(remembered(&mut ghosts, 0..200), 200);
        (0..3_000).for_each(|it| ghosts.add(part(it), Went::Cold, 4_000));
        ghosts.add(part(1 << 20), Went::Cold, 400);
        let left = remembered(&mut ghosts, 0..3_000);
        assert!((200..500).contains(&left), "{left}");
    }

    #[test]
    fn one_is_taken_once_and_says_how_it_went() {
        let mut ghosts = Ghosts::default();
        assert_eq!(ghosts.take(0), None);
        ghosts.add(0, Went::Cold, 8);
        ghosts.add(part(1), Went::Hot, 8);
        assert_eq!(ghosts.take(0), Some(Went::Cold));
        assert_eq!(ghosts.take(0), None);
        assert_eq!(ghosts.take(part(1)), Some(Went::Hot));
    }
}
