//! One key: its newest state, how it came to it, and who waits for the next.

mod claim;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use serde_json::Value;

pub use self::claim::Holds;
use crate::{
    Change, Frame, Revision, Weight, add, changes, diff::folded, digest::digest, mail::Mail,
    reader::Mode, weight::bytes_of,
};

/// Frames from different bases to the newest revision that are kept at a time.
const MERGED_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct KeyState {
    key: Arc<str>,
    /// Members that say only when a state was made.
    passing: &'static [&'static str],
    /// Number of the newest state, counted from one; zero before the first.
    number: u64,
    /// As which revision it is told.
    id: Revision,
    ts: i64,
    state: Value,
    state_bytes: usize,
    /// The steps to the newest state, oldest first.
    history: VecDeque<Step>,
    history_bytes: usize,
    snapshot: Option<Frame>,
    /// Frames from the state of a number to the newest one.
    merged: HashMap<u64, Frame>,
    /// Frames from revisions that other feeds gave.
    resumed: HashMap<Revision, Frame>,
    /// States that are not in the history, from which a reader may come all the same.
    recalled: VecDeque<Recalled>,
    stale: Option<Frame>,
    readers: Vec<(Arc<Mail>, u32)>,
    /// So many of them, the first, have been told of the newest state.
    swept: usize,
    /// When it came, or its last reader left it.
    turn: u64,
    weight: Weight,
}

#[derive(Debug)]
struct Recalled {
    digest: u64,
    state: Value,
    bytes: usize,
}

#[derive(Debug)]
struct Step {
    from: Revision,
    changes: Vec<Change>,
    frame: Frame,
}

impl Step {
    fn bytes(&self) -> usize {
        2 * self.frame.bytes.len()
    }
}

/// What a reader holds of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing.
    Nothing,
    /// What it says it holds from an earlier connection.
    Claimed(Revision),
    /// A state alike to one that was the newest here, which it holds as this revision.
    Alike(Revision),
    /// What was sent to it, by number.
    Sent(u64),
}

/// Readers that are told of the newest state together.
pub(crate) struct Batch {
    pub(crate) readers: Vec<(Arc<Mail>, u32)>,
    pub(crate) frame: Frame,
    pub(crate) is_last: bool,
}

/// What a reader gets next of a key.
pub(crate) struct Owed {
    pub(crate) frames: Vec<Frame>,
    /// What it holds then.
    pub(crate) held: Held,
    /// Whether there is more at once.
    pub(crate) more: bool,
}

impl KeyState {
    pub(crate) fn new(
        key: Arc<str>,
        (passing, turn): (&'static [&'static str], u64),
        weight: Weight,
    ) -> Self {
        Self {
            key,
            passing,
            number: 0,
            id: Revision::NOWHERE,
            ts: 0,
            state: Value::Null,
            state_bytes: 0,
            history: VecDeque::new(),
            history_bytes: 0,
            snapshot: None,
            merged: HashMap::new(),
            resumed: HashMap::new(),
            recalled: VecDeque::new(),
            stale: None,
            readers: Vec::new(),
            swept: 0,
            turn,
            weight,
        }
    }

    pub(crate) fn is_there(&self) -> bool {
        self.number > 0
    }

    pub(crate) fn is_read(&self) -> bool {
        !self.readers.is_empty()
    }

    /// When it came or was left, where nobody reads it.
    pub(crate) fn unread_since(&self) -> Option<u64> {
        (!self.is_read()).then_some(self.turn)
    }

    /// Notes what it takes in memory.
    fn weigh(&mut self) {
        let own = size_of::<Self>() + 2 * self.key.len() + self.state_bytes;
        self.weight.set(own + self.spare());
    }

    /// Bytes of what is kept for readers that come or are behind, and could be made again or done
    /// without.
    pub(crate) fn spare(&self) -> usize {
        let frames = self.merged.values().chain(self.resumed.values());
        let frames = frames.chain(&self.snapshot).map(|it| it.bytes.len());
        let frames: usize = frames.sum();
        let recalled: usize = self.recalled.iter().map(|it| it.bytes).sum();
        self.history_bytes + frames + recalled
    }

    /// Lets go of it, but for the step to the newest state.
    pub(crate) fn shrink(&mut self) {
        self.snapshot = None;
        self.merged.clear();
        self.resumed.clear();
        self.recalled.clear();
        while self.history.len() > 1 {
            self.pop_step();
        }
        self.weigh();
    }

    fn pop_step(&mut self) -> bool {
        let oldest = self.history.pop_front();
        let bytes = oldest.as_ref().map_or(0, Step::bytes);
        self.history_bytes -= bytes;
        oldest.is_some()
    }

    pub(crate) fn key(&self) -> Arc<str> {
        Arc::clone(&self.key)
    }

    pub(crate) fn revision(&self) -> Revision {
        self.id
    }

    /// The newest state, as which revision it is told and since when.
    pub(crate) fn newest(&self) -> (Value, Revision, i64) {
        (self.state.clone(), self.id, self.ts)
    }

    /// Takes a new state, of `moment` where that is later than the one before; its number where it
    /// differs from it. Readers are told by [`KeyState::sweep`].
    pub(crate) fn publish(
        &mut self,
        state: Value,
        (ts, moment): (i64, u64),
        history_bytes_max: usize,
    ) -> Option<u64> {
        let changes = changes(&self.state, &state);
        if self.is_there() && changes.is_empty() {
            return None;
        }
        self.leave_word();
        let from = self.id;
        self.id = Revision {
            moment: moment.max(from.moment + 1),
            digest: digest(&state, self.passing),
        };
        self.number += 1;
        self.ts = ts;
        self.state_bytes = bytes_of(&state);
        self.state = state;
        self.stale = None;
        self.snapshot = None;
        self.merged.clear();
        self.resumed.clear();
        if self.number > 1 {
            let frame = Frame::delta(&self.key, (from, 0), (self.id, ts), &changes);
            let step = Step {
                from,
                changes,
                frame,
            };
            self.history_bytes += step.bytes();
            self.history.push_back(step);
        }
        while self.history_bytes > history_bytes_max && self.pop_step() {}
        self.swept = 0;
        self.weigh();
        Some(self.number)
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// So many more readers that are to be told of the newest state, and the step to it; nothing
    /// where there are none, or have to look for themselves.
    pub(crate) fn sweep(&mut self, most: usize, counters: &crate::Counters) -> Option<Batch> {
        let end = self.readers.len().min(self.swept + most);
        if self.swept == end {
            return None;
        }
        if self.history.is_empty() {
            self.leave_word(); // The step is not kept.
            return None;
        }
        let readers = self.readers[self.swept..end].to_vec();
        self.swept = end;
        let frame = self.way_from(self.number - 1, counters);
        self.weigh();
        Some(Batch {
            readers,
            frame,
            is_last: end == self.readers.len(),
        })
    }

    /// Has those who were not told yet look for themselves.
    pub(crate) fn leave_word(&mut self) {
        for (mail, slot) in &self.readers[self.swept..] {
            mail.put(*slot);
        }
        self.swept = self.readers.len();
    }

    pub(crate) fn grow_stale(&mut self, age_ms: u64) {
        if self.stale.is_none() && self.is_there() {
            self.stale = Some(Frame::stale(&self.key, age_ms));
            for (mail, slot) in &self.readers {
                mail.put(*slot);
            }
        }
    }

    pub(crate) fn enter(&mut self, mail: &Arc<Mail>, slot: u32) {
        // What it is owed is worked out from here on, so that it counts as told.
        self.readers.push((Arc::clone(mail), slot));
        let last = self.readers.len() - 1;
        self.readers.swap(self.swept, last);
        self.swept += 1;
        mail.put(slot);
    }

    /// Lets a reader leave it, at a turn.
    pub(crate) fn leave(&mut self, mail: &Arc<Mail>, slot: u32, turn: u64) {
        self.turn = turn;
        let mut readers = self.readers.iter();
        let at = readers.position(|it| Arc::ptr_eq(&it.0, mail) && it.1 == slot);
        let Some(at) = at else {
            return;
        };
        // The last of those who were told takes its place, and the last of all the place of that.
        let mut free = at;
        if at < self.swept {
            self.swept -= 1;
            self.readers.swap(at, self.swept);
            free = self.swept;
        }
        self.readers.swap_remove(free);
    }

    /// What a reader is owed that holds `held`.
    pub(crate) fn owed(&mut self, held: Held, mode: Mode, counters: &crate::Counters) -> Owed {
        let owed = self.owed_from(held, mode, counters);
        self.weigh();
        owed
    }

    fn owed_from(&mut self, held: Held, mode: Mode, counters: &crate::Counters) -> Owed {
        let (number, is_claim) = match held {
            Held::Nothing => return self.whole(Vec::new(), counters),
            Held::Sent(number) => (number, false),
            Held::Claimed(claimed) => match self.number_of(claimed) {
                Some(number) => (number, true),
                None => return self.owed_elsewhere(claimed, true, counters),
            },
            Held::Alike(claimed) => return self.owed_elsewhere(claimed, false, counters),
        };
        if number + (self.history.len() as u64) < self.number {
            return self.lost("expired", counters);
        }
        let (mut frames, mut now) = (Vec::with_capacity(1), self.number);
        // Who comes back with the newest state is told of silence again, and it is no news.
        let comes_back = number == self.number && is_claim;
        if number == self.number {
            if comes_back {
                frames.push(Frame::same(&self.key, self.id, self.ts));
            }
        } else if mode == Mode::All && number + 1 < self.number {
            now = number + 1;
            frames.push(self.step(now).frame.clone());
        } else {
            add(&counters.folded, self.number - number - 1);
            frames.push(self.way_from(number, counters));
        }
        if now == self.number {
            frames.extend(self.stale.clone().map(|it| Frame {
                is_news: !comes_back,
                ..it
            }));
        }
        Owed {
            frames,
            held: Held::Sent(now),
            more: now < self.number,
        }
    }

    /// The whole state, after `frames`.
    fn whole(&mut self, mut frames: Vec<Frame>, counters: &crate::Counters) -> Owed {
        frames.push(self.snapshot(counters));
        frames.extend(self.stale.clone());
        Owed {
            frames,
            held: Held::Sent(self.number),
            more: false,
        }
    }

    /// The whole state, as there is no way from what is held.
    fn lost(&mut self, why: &str, counters: &crate::Counters) -> Owed {
        add(&counters.gaps, 1);
        self.whole(vec![Frame::gap(&self.key, why)], counters)
    }

    fn snapshot(&mut self, counters: &crate::Counters) -> Frame {
        let (key, id, ts) = (&self.key, self.id, self.ts);
        let state = &self.state;
        let made = self.snapshot.get_or_insert_with(|| {
            add(&counters.encoded, 1);
            Frame::snapshot(key, id, ts, state)
        });
        made.clone()
    }

    /// The step to the state of a number that the history holds.
    fn step(&self, number: u64) -> &Step {
        let back = usize::try_from(self.number - number).expect("a history fits in memory");
        &self.history[self.history.len() - 1 - back]
    }

    /// What leads from the state of a number to the newest one.
    fn changes_from(&self, number: u64) -> Vec<Change> {
        let steps = number + 1..=self.number;
        let steps = steps.flat_map(|it| self.step(it).changes.iter().cloned());
        folded(steps.collect())
    }

    /// One frame from the state of a number to the newest; the state itself where that is shorter.
    fn way_from(&mut self, number: u64, counters: &crate::Counters) -> Frame {
        if number + 1 == self.number {
            let frame = self.step(self.number).frame.clone();
            return self.shorter(frame, counters);
        }
        if let Some(frame) = self.merged.get(&number) {
            return frame.clone();
        }
        let steps = self.changes_from(number);
        let base = (self.step(number + 1).from, self.number - number - 1);
        let frame = Frame::delta(&self.key, base, (self.id, self.ts), &steps);
        add(&counters.encoded, 1);
        let frame = self.shorter(frame, counters);
        if self.merged.len() < MERGED_MAX {
            self.merged.insert(number, frame.clone());
        }
        frame
    }

    fn shorter(&mut self, frame: Frame, counters: &crate::Counters) -> Frame {
        let whole = self.snapshot(counters);
        if frame.bytes.len() < whole.bytes.len() {
            frame
        } else {
            whole
        }
    }
}
