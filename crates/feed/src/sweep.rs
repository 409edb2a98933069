//! Telling the readers of a key of its newest state, some at a time.

use std::sync::{Arc, Mutex};

use crate::{Inner, Revision, add, key::KeyState, lock};

/// Readers that are told before others may have their turn: each may cost a system call.
const READERS_AT_ONCE: usize = 32;

/// The way through the readers of a key, from the first to the last. Those who are not reached
/// before it is dropped are left word and look for themselves; so are they where a newer state
/// comes meanwhile.
#[derive(Debug)]
pub struct Sweep {
    feed: Arc<Inner>,
    state: Arc<Mutex<KeyState>>,
    /// Of the state that is told, while somebody may be left.
    number: Option<u64>,
    revision: Revision,
}

impl Sweep {
    pub(crate) fn new(
        (feed, state): (Arc<Inner>, Arc<Mutex<KeyState>>),
        (number, revision): (Option<u64>, Revision),
    ) -> Self {
        Self {
            feed,
            state,
            number,
            revision,
        }
    }

    /// The revision in force.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Tells some more; whether there are others.
    pub fn go_on(&mut self) -> bool {
        let Some(number) = self.number else {
            return false;
        };
        let mut state = lock(&self.state);
        let is_newest = state.number() == number;
        let batch = is_newest.then(|| state.sweep(READERS_AT_ONCE, &self.feed.counters));
        // Nobody who asks for the key waits for what is written here.
        drop(state);
        let Some(batch) = batch.flatten() else {
            self.number = None;
            return false;
        };
        let mut given = 0;
        for (mail, slot) in &batch.readers {
            given += u64::from(mail.give(*slot, (&batch.frame, number)));
        }
        let counters = &self.feed.counters;
        add(&counters.sent, given);
        add(&counters.sent_bytes, given * batch.frame.bytes.len() as u64);
        if batch.is_last {
            self.number = None;
        }
        self.number.is_some()
    }
}

impl Drop for Sweep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let mut state = lock(&self.state);
            if state.number() == number {
                state.leave_word();
            }
        }
    }
}
