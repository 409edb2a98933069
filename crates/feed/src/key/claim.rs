//! Readers that hold what another feed sent them: of a server that is no more, or of another one.

use serde_json::Value;

use super::{Held, KeyState, MERGED_MAX, Owed, Recalled};
use crate::{
    Frame, Revision, add, changes,
    diff::folded,
    digest::{digest, passing_texts},
    weight::bytes_of,
};

/// States kept of a key that others sent and that are not in its history.
const RECALLED_MAX: usize = 8;

/// What a feed knows of a revision that a reader says it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// It gave it itself, and the way from there is known.
    Exactly,
    /// It knows a state that says the same.
    Alike,
    /// Nothing.
    Not,
}

/// Where a state stands that says what a claimed one does.
#[derive(Clone, Copy)]
enum Place {
    Number(u64),
    Recalled(usize),
}

impl KeyState {
    pub(crate) fn holds(&self, claimed: Revision) -> Holds {
        if self.number_of(claimed).is_some() {
            Holds::Exactly
        } else if self.place_of(claimed.digest).is_some() {
            Holds::Alike
        } else {
            Holds::Not
        }
    }

    /// The number of a revision that was given here, from which the way is known.
    pub(super) fn number_of(&self, claimed: Revision) -> Option<u64> {
        if claimed == self.id {
            return self.is_there().then_some(self.number);
        }
        // Revisions are in the order of their moments.
        let found = self
            .history
            .binary_search_by_key(&claimed.moment, |it| it.from.moment);
        let at = found.ok().filter(|it| self.history[*it].from == claimed)?;
        Some(self.number_at(at))
    }

    /// The number of the state that a step of the history leads on from.
    fn number_at(&self, at: usize) -> u64 {
        self.number - (self.history.len() - at) as u64
    }

    /// The newest state of a digest.
    fn place_of(&self, digest: u64) -> Option<Place> {
        if self.is_there() && self.id.digest == digest {
            return Some(Place::Number(self.number));
        }
        let mut steps = self.history.iter();
        if let Some(at) = steps.rposition(|it| it.from.digest == digest) {
            return Some(Place::Number(self.number_at(at)));
        }
        let recalled = self.recalled.iter().position(|it| it.digest == digest);
        recalled.map(Place::Recalled)
    }

    /// Keeps a state from which readers may come, where it is the one of `wanted`.
    pub(crate) fn recall(&mut self, state: Value, wanted: u64) {
        if digest(&state, self.passing) != wanted || self.place_of(wanted).is_some() {
            return;
        }
        if self.recalled.len() >= RECALLED_MAX {
            self.recalled.pop_front();
        }
        self.recalled.push_back(Recalled {
            digest: wanted,
            bytes: bytes_of(&state),
            state,
        });
        self.weigh();
    }

    /// What a reader is owed that holds a revision of another feed; the first time it is told that
    /// this still holds, where it does.
    pub(super) fn owed_elsewhere(
        &mut self,
        claimed: Revision,
        is_first: bool,
        counters: &crate::Counters,
    ) -> Owed {
        if claimed == Revision::NOWHERE {
            return self.lost("ahead", counters);
        }
        let id = self.id_after(claimed);
        let Some(place) = self.place_of(claimed.digest) else {
            let oldest = self.history.front().map_or(self.id, |it| it.from);
            let is_old = oldest.follows(claimed);
            add(&counters.gaps, 1);
            let gap = Frame::gap(&self.key, if is_old { "expired" } else { "unknown" });
            let frames = vec![gap, self.snapshot_as(id, counters)];
            return self.told(frames, id);
        };
        if claimed.digest == self.id.digest {
            let same = is_first.then(|| Frame::same(&self.key, claimed, self.ts));
            return Owed {
                frames: same.into_iter().chain(self.stale.clone()).collect(),
                held: Held::Alike(claimed),
                more: false,
            };
        }
        let frames = vec![self.resumed_from((claimed, place), id, counters)];
        self.told(frames, id)
    }

    /// As which revision a reader that holds `claimed` is told the newest state: as one that it takes
    /// for newer. Where the clock of who gave it that was ahead, it is not the one others are told,
    /// and they notice nothing.
    fn id_after(&self, claimed: Revision) -> Revision {
        if self.id.follows(claimed) {
            return self.id;
        }
        Revision {
            moment: claimed.moment.saturating_add(1),
            ..self.id
        }
    }

    /// `frames` and what is said of silence, for a reader that then holds the newest state as `id`.
    fn told(&self, mut frames: Vec<Frame>, id: Revision) -> Owed {
        frames.extend(self.stale.clone());
        let is_own = id == self.id;
        Owed {
            frames,
            held: if is_own {
                Held::Sent(self.number)
            } else {
                Held::Alike(id)
            },
            more: false,
        }
    }

    fn snapshot_as(&mut self, id: Revision, counters: &crate::Counters) -> Frame {
        if id == self.id {
            return self.snapshot(counters);
        }
        add(&counters.encoded, 1);
        Frame::snapshot(&self.key, id, self.ts, &self.state)
    }

    /// One frame from a revision of another feed to the newest. What says only when a state was made
    /// is told whole, as it may differ between states that are alike.
    fn resumed_from(
        &mut self,
        (claimed, place): (Revision, Place),
        id: Revision,
        counters: &crate::Counters,
    ) -> Frame {
        let is_own = id == self.id;
        if let (true, Some(frame)) = (is_own, self.resumed.get(&claimed)) {
            return frame.clone();
        }
        let mut steps = match place {
            Place::Number(number) => self.changes_from(number),
            Place::Recalled(at) => changes(&self.recalled[at].state, &self.state),
        };
        steps.extend(passing_texts(&self.state, self.passing));
        let steps = folded(steps);
        let mut frame = Frame::delta(&self.key, (claimed, 0), (id, self.ts), &steps);
        add(&counters.encoded, 1);
        if self.snapshot(counters).bytes.len() <= frame.bytes.len() {
            frame = self.snapshot_as(id, counters);
        }
        if is_own && self.resumed.len() < MERGED_MAX {
            self.resumed.insert(claimed, frame.clone());
        }
        frame
    }
}
