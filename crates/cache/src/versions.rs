//! The order of invalidations: one clock, and for every slot the time of its last change.
//!
//! A key, a tag and a kind each have a slot, by hash. Two that share one are invalidated together,
//! which costs a load and never shows an old value. A value is as good as it was when its load
//! began, while none of its slots has changed since.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use xxhash_rust::xxh3::xxh3_64;

use crate::key::{Key, Tag};

/// The number of a slot.
pub(crate) type Slot = u32;

/// Changed slots that are remembered one by one.
const RECENT_MAX: usize = 1_024;

/// Something that values hang on, such as a tag: what is made from it is gone once it changes. Two
/// may have the same mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark(Slot);

/// What changed since a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The time by changes up to which they are told.
    pub until: u64,
    /// What changed, some of it more than once; `None` where that may be anything.
    pub marks: Option<Vec<Mark>>,
}

/// How hard an invalidation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// The value may still stand in where the rules allow a stale one.
    Expire,
    /// The value is never served again.
    Remove,
}

/// What became of a value since a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Fresh,
    Expired,
    Removed,
}

/// The clock and the slots.
#[derive(Debug)]
pub(crate) struct Versions {
    clock: AtomicU64,
    /// What is older than this is gone, whatever its slots say.
    floor: AtomicU64,
    removed: Box<[AtomicU64]>,
    expired: Box<[AtomicU64]>,
    /// One change at a time: the clock may show a change only when its slots do.
    changing: Mutex<Recent>,
}

/// What changed last.
#[derive(Debug, Default)]
struct Recent {
    /// Slots in the order in which they changed, with the time.
    changes: VecDeque<(u64, Slot)>,
    /// The time since which all are there.
    since: u64,
}

impl Versions {
    /// `slots` is rounded up to a power of two.
    pub(crate) fn new(slots: u32) -> Self {
        let count = slots.clamp(1, 1 << 26).next_power_of_two() as usize;
        let table = || (0..count).map(|_| AtomicU64::new(0)).collect();
        Self {
            clock: AtomicU64::new(1),
            floor: AtomicU64::new(0),
            removed: table(),
            expired: table(),
            changing: Mutex::default(),
        }
    }

    /// How many slots there are.
    pub(crate) fn slots(&self) -> u32 {
        u32::try_from(self.removed.len()).expect("at most 2^26")
    }

    /// The time by changes. Everything changed up to it can be seen in the slots.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        self.clock.load(Ordering::Acquire)
    }

    /// What is older than this is gone: it changes when everything is forgotten.
    #[inline]
    pub(crate) fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    /// Marks slots as changed; whoever asks for the time after this returned sees it.
    pub(crate) fn change(&self, slots: &[Slot], force: Force) -> u64 {
        let mut recent = self.recent();
        let now = self.clock.load(Ordering::Relaxed) + 1;
        let table = match force {
            Force::Expire => &self.expired,
            Force::Remove => &self.removed,
        };
        for &slot in slots {
            let place = self.place(slot);
            table[place].store(now, Ordering::Release);
            recent.note((now, place as Slot));
        }
        self.clock.store(now, Ordering::Release);
        now
    }

    /// Marks everything as removed.
    pub(crate) fn change_all(&self) -> u64 {
        let mut recent = self.recent();
        let now = self.clock.load(Ordering::Relaxed) + 1;
        recent.changes.clear();
        recent.since = now;
        self.floor.store(now, Ordering::Release);
        self.clock.store(now, Ordering::Release);
        now
    }

    /// What changed after `seen`, as far as it is remembered.
    pub(crate) fn changed_since(&self, seen: u64) -> Changes {
        let recent = self.recent();
        let until = self.clock.load(Ordering::Relaxed);
        let marks = (seen >= recent.since).then(|| {
            let first = recent.changes.partition_point(|it| it.0 <= seen);
            let later = recent.changes.range(first..);
            later.map(|it| Mark(it.1)).collect()
        });
        Changes { until, marks }
    }

    /// What something hangs on that is made from `slots`.
    pub(crate) fn marks(&self, slots: impl Iterator<Item = Slot>) -> Vec<Mark> {
        slots.map(|it| Mark(self.place(it) as Slot)).collect()
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.changing.lock().expect("no change panics")
    }

    /// What became of something made from `slots` at the time `since`.
    pub(crate) fn judge(&self, slots: impl Iterator<Item = Slot>, since: u64) -> Verdict {
        if since < self.floor.load(Ordering::Acquire) {
            return Verdict::Removed;
        }
        let mut verdict = Verdict::Fresh;
        for slot in slots {
            let place = self.place(slot);
            if self.removed[place].load(Ordering::Acquire) > since {
                return Verdict::Removed;
            }
            if self.expired[place].load(Ordering::Acquire) > since {
                verdict = Verdict::Expired;
            }
        }
        verdict
    }

    pub(crate) fn of_key(&self, key: &Key) -> Slot {
        self.of(key.as_bytes())
    }

    pub(crate) fn of_tag(&self, tag: &Tag) -> Slot {
        self.of(&tag.0)
    }

    /// The slot of a kind: all schemas of it have the same one.
    pub(crate) fn of_kind(&self, name: &str) -> Slot {
        self.of(name.as_bytes())
    }

    /// By a hash without a seed: replicas must agree.
    fn of(&self, bytes: &[u8]) -> Slot {
        self.place(xxh3_64(bytes) as u32) as Slot
    }

    fn place(&self, slot: Slot) -> usize {
        slot as usize & (self.removed.len() - 1)
    }
}

impl Recent {
    fn note(&mut self, change: (u64, Slot)) {
        if self.changes.len() == RECENT_MAX
            && let Some((at, _)) = self.changes.pop_front()
        {
            self.since = at;
        }
        self.changes.push_back(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_later_counts() {
        let versions = Versions::new(8);
        let before = versions.now();
        versions.change(&[3], Force::Remove);
        let after = versions.now();
        let judge = |slot, since| versions.judge([slot].into_iter(), since);
        assert_eq!(judge(3, before), Verdict::Removed);
        assert_eq!(judge(3, after), Verdict::Fresh);
        assert_eq!(judge(4, before), Verdict::Fresh);
        versions.change(&[4], Force::Expire);
        assert_eq!(judge(4, after), Verdict::Expired);
        versions.change_all();
        assert_eq!(judge(5, after), Verdict::Removed);
        assert_eq!(judge(5, versions.now()), Verdict::Fresh);
    }

    #[test]
    fn removal_outweighs_expiry() {
        let versions = Versions::new(8);
        let before = versions.now();
        versions.change(&[1], Force::Expire);
        versions.change(&[2], Force::Remove);
        assert_eq!(versions.judge([1, 2].into_iter(), before), Verdict::Removed);
    }

    #[test]
    fn what_changed_is_told_for_as_long_as_it_is_remembered() {
        let versions = Versions::new(8);
        let since = |seen| versions.changed_since(seen).marks;
        let marks = |slots: &[Slot]| Some(slots.iter().map(|it| Mark(*it)).collect::<Vec<_>>());
        let begun = versions.now();
        assert_eq!(since(begun), marks(&[]));
        let first = versions.change(&[1, 9], Force::Remove);
        let second = versions.change(&[2], Force::Expire);
        assert_eq!(since(begun), marks(&[1, 1, 2]), "by their places");
        assert_eq!(since(first), marks(&[2]));
        assert_eq!(versions.changed_since(second).until, second);
        let all = versions.change_all();
        assert_eq!((since(second), since(all)), (None, marks(&[])));
        for _ in 0..RECENT_MAX {
            versions.change(&[3], Force::Remove);
        }
        assert_eq!(since(all).map(|it| it.len()), Some(RECENT_MAX));
        versions.change(&[3], Force::Remove);
        assert_eq!(since(all), None, "the first of them is forgotten");
        assert_eq!(since(all + 1).map(|it| it.len()), Some(RECENT_MAX));
    }
}
