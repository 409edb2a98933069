//! One key: its newest state, how it came to it, and who waits for the next.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Weak},
};

use serde_json::Value;

use crate::{
    Change, Frame, Revision, add, changes,
    diff::folded,
    reader::{Mail, Mode},
};

/// Frames from different bases to the newest revision that are kept at a time.
const MERGED_MAX: usize = 64;

#[derive(Debug)]
pub(crate) struct KeyState {
    key: Arc<str>,
    epoch: u64,
    /// Zero before the first state.
    rev: u64,
    ts: i64,
    state: Value,
    /// The steps to the newest revision, oldest first.
    history: VecDeque<Step>,
    history_bytes: usize,
    snapshot: Option<Frame>,
    /// Frames from a base to the newest revision.
    merged: HashMap<u64, Frame>,
    stale: Option<Frame>,
    readers: Vec<(Weak<Mail>, usize)>,
}

#[derive(Debug)]
struct Step {
    changes: Vec<Change>,
    frame: Frame,
}

/// What a reader holds of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// Nothing.
    Nothing,
    /// What it says it holds from an earlier connection.
    Claimed(Revision),
    /// What was sent to it.
    Sent(u64),
}

/// What a reader gets next of a key.
pub(crate) struct Owed {
    pub(crate) frames: Vec<Frame>,
    /// What it holds then.
    pub(crate) held: u64,
    /// Whether there is more at once.
    pub(crate) more: bool,
}

impl KeyState {
    pub(crate) fn new(key: Arc<str>, epoch: u64) -> Self {
        Self {
            key,
            epoch,
            rev: 0,
            ts: 0,
            state: Value::Null,
            history: VecDeque::new(),
            history_bytes: 0,
            snapshot: None,
            merged: HashMap::new(),
            stale: None,
            readers: Vec::new(),
        }
    }

    pub(crate) fn is_there(&self) -> bool {
        self.rev > 0
    }

    pub(crate) fn is_read(&mut self) -> bool {
        self.readers.retain(|it| it.0.strong_count() > 0);
        !self.readers.is_empty()
    }

    pub(crate) fn key(&self) -> Arc<str> {
        Arc::clone(&self.key)
    }

    pub(crate) fn revision(&self) -> Revision {
        Revision {
            epoch: self.epoch,
            rev: self.rev,
        }
    }

    /// The newest state, as which revision it is told and since when.
    pub(crate) fn newest(&self) -> (Value, Revision, i64) {
        (self.state.clone(), self.revision(), self.ts)
    }

    /// Takes a new state; whether it differs from the one before.
    pub(crate) fn publish(&mut self, state: Value, ts: i64, history_bytes_max: usize) -> bool {
        let steps = changes(&self.state, &state);
        if self.is_there() && steps.is_empty() {
            return false;
        }
        self.rev += 1;
        self.ts = ts;
        self.state = state;
        self.snapshot = None;
        self.merged.clear();
        self.stale = None;
        if self.rev > 1 {
            let frame = Frame::delta(&self.key, self.rev - 1, (self.revision(), ts), &steps);
            self.history_bytes += 2 * frame.bytes.len();
            let changes = steps;
            self.history.push_back(Step { changes, frame });
        }
        while self.history_bytes > history_bytes_max {
            let Some(oldest) = self.history.pop_front() else {
                break;
            };
            self.history_bytes -= 2 * oldest.frame.bytes.len();
        }
        self.wake();
        true
    }

    pub(crate) fn grow_stale(&mut self, age_ms: u64) {
        if self.stale.is_none() && self.is_there() {
            self.stale = Some(Frame::stale(&self.key, age_ms));
            self.wake();
        }
    }

    fn wake(&mut self) {
        self.readers.retain(|(mail, slot)| match mail.upgrade() {
            Some(mail) => {
                mail.put(*slot);
                true
            }
            None => false,
        });
    }

    pub(crate) fn enter(&mut self, mail: &Arc<Mail>, slot: usize) {
        self.leave(mail, slot);
        self.readers.push((Arc::downgrade(mail), slot));
        mail.put(slot);
    }

    pub(crate) fn leave(&mut self, mail: &Arc<Mail>, slot: usize) {
        let own = Arc::as_ptr(mail);
        self.readers
            .retain(|it| it.0.as_ptr() != own || it.1 != slot);
    }

    /// What a reader is owed that holds `held`.
    pub(crate) fn owed(&mut self, held: Held, mode: Mode, counters: &crate::Counters) -> Owed {
        let mut frames = Vec::with_capacity(1);
        let base = match held {
            Held::Nothing => None,
            Held::Claimed(claimed) if claimed.epoch != self.epoch || claimed.rev > self.rev => {
                frames.push(Frame::gap(&self.key, "epoch"));
                None
            }
            Held::Claimed(claimed) => Some(claimed.rev),
            Held::Sent(rev) => Some(rev),
        };
        let reached = base.filter(|it| *it + self.history.len() as u64 >= self.rev);
        if base.is_some() && reached.is_none() {
            frames.push(Frame::gap(&self.key, "expired"));
        }
        add(&counters.gaps, frames.len() as u64);
        let mut now = self.rev;
        match reached {
            None => frames.push(self.snapshot(counters)),
            Some(base) if base == self.rev => {
                if matches!(held, Held::Claimed(_)) {
                    frames.push(Frame::same(&self.key, self.revision(), self.ts));
                }
            }
            Some(base) if mode == Mode::All => {
                now = base + 1;
                frames.push(self.step(now).frame.clone());
            }
            Some(base) => {
                add(&counters.folded, self.rev - base - 1);
                frames.push(self.way_from(base, counters));
            }
        }
        if now == self.rev {
            frames.extend(self.stale.clone());
        }
        Owed {
            frames,
            held: now,
            more: now < self.rev,
        }
    }

    fn snapshot(&mut self, counters: &crate::Counters) -> Frame {
        let (key, id, ts) = (&self.key, self.revision(), self.ts);
        let state = &self.state;
        let made = self.snapshot.get_or_insert_with(|| {
            add(&counters.encoded, 1);
            Frame::snapshot(key, id, ts, state)
        });
        made.clone()
    }

    /// The step to a revision that the history holds.
    fn step(&self, rev: u64) -> &Step {
        let back = usize::try_from(self.rev - rev).expect("a history fits in memory");
        &self.history[self.history.len() - 1 - back]
    }

    /// One frame from `base` to the newest revision; the state itself where that is shorter.
    fn way_from(&mut self, base: u64, counters: &crate::Counters) -> Frame {
        if base + 1 == self.rev {
            let frame = self.step(self.rev).frame.clone();
            let whole = self.snapshot(counters);
            return if frame.bytes.len() < whole.bytes.len() {
                frame
            } else {
                whole
            };
        }
        if let Some(frame) = self.merged.get(&base) {
            return frame.clone();
        }
        let steps = (base + 1..=self.rev).flat_map(|it| self.step(it).changes.iter().cloned());
        let steps = folded(steps.collect());
        let id = (self.revision(), self.ts);
        let frame = Frame::delta(&self.key, base, id, &steps);
        add(&counters.encoded, 1);
        let whole = self.snapshot(counters);
        let frame = if frame.bytes.len() < whole.bytes.len() {
            frame
        } else {
            whole
        };
        if self.merged.len() < MERGED_MAX {
            self.merged.insert(base, frame.clone());
        }
        frame
    }
}
