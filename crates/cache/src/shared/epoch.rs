//! What this process knows of the versions of one incarnation of the server.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sha1_smol::Sha1;
use tokio::sync::watch;

use super::codec::Decoded;
use super::types::{Change, Incarnation, Touched};

/// Members that are kept in mind; a fleet has some dozens.
const MEMBERS_MAX: usize = 4096;

/// The server's versions, as far as this process heard of them.
pub(crate) struct Epoch {
    pub(crate) incarnation: Incarnation,
    /// What a message of this incarnation begins with.
    pub(crate) mark: String,
    /// Changes up to this one were never heard of, so nothing older can be judged here.
    floor: u64,
    /// When this process first learned of the incarnation.
    pub(crate) learned: Instant,
    slots: Box<[AtomicU64]>,
    /// The last change of everything.
    everything: AtomicU64,
    /// Until when it is proven that no change is missing here, nanoseconds after `learned`.
    proven: AtomicU64,
    /// How far every other member is known to have come.
    pub(crate) acknowledged: watch::Sender<HashMap<String, u64>>,
}

/// What can be said of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judged {
    /// Nothing that it depends on has changed.
    Fresh,
    /// Something has.
    Outdated,
    /// Only the server can tell.
    Unknown,
}

impl Epoch {
    pub(crate) fn new(incarnation: Incarnation, slots: u32, floor: u64) -> Self {
        Self {
            incarnation,
            mark: Sha1::from(incarnation).digest().to_string(),
            floor,
            learned: Instant::now(),
            slots: (0..slots).map(|_| AtomicU64::new(0)).collect(),
            everything: AtomicU64::new(0),
            proven: AtomicU64::new(0),
            acknowledged: watch::Sender::new(HashMap::new()),
        }
    }

    /// The same incarnation, of which changes up to `floor` were missed.
    pub(crate) fn raised(&self, floor: u64) -> Self {
        let slots = u32::try_from(self.slots.len()).expect("made from a u32");
        Self {
            learned: self.learned,
            ..Self::new(self.incarnation, slots, floor)
        }
    }

    /// Takes change number `clock` in.
    pub(crate) fn apply(&self, change: &Change, clock: u64) {
        let slots = match &change.touched {
            Touched::Everything => {
                self.everything.fetch_max(clock, Ordering::AcqRel);
                return;
            }
            Touched::Slots(slots) => slots.iter().chain(&change.gently),
        };
        for slot in slots {
            let at = usize::try_from(*slot).ok();
            if let Some(slot) = at.and_then(|at| self.slots.get(at)) {
                slot.fetch_max(clock, Ordering::AcqRel);
            }
        }
    }

    /// No change is missing here, until then.
    pub(crate) fn prove(&self, until: Instant) {
        let after = until.saturating_duration_since(self.learned).as_nanos();
        let after = u64::try_from(after).unwrap_or(u64::MAX);
        self.proven.store(after, Ordering::Release);
    }

    /// A change may be missing here.
    pub(crate) fn disprove(&self) {
        self.proven.store(0, Ordering::Release);
    }

    /// Whether no change is missing here now.
    pub(crate) fn proven(&self) -> bool {
        let until = Duration::from_nanos(self.proven.load(Ordering::Acquire));
        self.learned.elapsed() < until
    }

    /// Notes that a member has applied changes up to `clock`.
    pub(crate) fn acknowledge(&self, member: &str, clock: u64) {
        self.acknowledged.send_if_modified(|all| {
            let known = all.get(member).copied();
            if known.is_none() && all.len() >= MEMBERS_MAX {
                return false;
            }
            let newer = known.is_none_or(|known| known < clock);
            if newer {
                all.insert(member.to_owned(), clock);
            }
            newer
        });
    }

    /// Judges an entry by the changes heard of: by all that were acknowledged up to a moment at
    /// which the epoch was proven, where it was **before** this is called.
    pub(crate) fn judge(&self, entry: &Decoded) -> Judged {
        if entry.incarnation != self.incarnation {
            return Judged::Outdated;
        }
        let newer = |slot: &u32| {
            let slot = usize::try_from(*slot)
                .ok()
                .and_then(|at| self.slots.get(at));
            // A slot that does not exist was made under other settings.
            slot.is_none_or(|slot| slot.load(Ordering::Acquire) > entry.built)
        };
        if self.everything.load(Ordering::Acquire) > entry.built
            || entry.frame.slots.iter().any(newer)
        {
            return Judged::Outdated;
        }
        if entry.built < self.floor {
            Judged::Unknown
        } else {
            Judged::Fresh
        }
    }
}
