//! A reader: what it follows, what it holds, and what it is owed.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use bytes::Bytes;

use crate::{
    FeedError, Frame, Inner, Outlet, Revision, add,
    key::{Held, KeyState},
    lock,
    mail::{Mail, Taken},
};

/// Which revisions a reader gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// The newest, those on the way folded into it.
    #[default]
    Latest,
    /// Each, one after the other, for as long as the history reaches.
    All,
}

#[derive(Debug)]
struct Slot {
    number: u32,
    key: Arc<str>,
    state: Arc<Mutex<KeyState>>,
    mode: Mode,
}

/// Reads keys of a feed, at its own pace.
#[derive(Debug)]
pub struct Reader {
    feed: Arc<Inner>,
    mail: Arc<Mail>,
    /// In order of number; a list, as a reader is one of many thousand and follows a few keys.
    slots: Vec<Slot>,
    next_slot: u32,
    /// What is owed before anything else.
    out: Vec<Frame>,
}

impl Reader {
    pub(crate) fn new(feed: Arc<Inner>) -> Self {
        Self {
            feed,
            mail: Arc::default(),
            slots: Vec::new(),
            next_slot: 0,
            out: Vec::new(),
        }
    }

    /// Lets frames go by an outlet at once, as long as somebody waits for [`Reader::next`] or has not
    /// come back from it: whoever publishes a state writes it there.
    pub fn let_out(&mut self, outlet: Arc<dyn Outlet>) {
        self.mail.let_out(outlet);
    }

    /// Keeps the outlet shut until [`Reader::next`] is waited for again. To be called before anything
    /// else is written to where it leads, for which it may not be waited until all of that is; what
    /// is left of a message that was begun goes before it.
    pub fn hold(&self) -> Option<Bytes> {
        self.mail.hold()
    }

    /// Does without the outlet from here on; what is left of a message that was begun.
    pub fn shut(&self) -> Option<Bytes> {
        let rest = self.mail.hold();
        self.mail.shut();
        rest
    }

    /// Follows a key, from the state it holds where it says one; anew where it does already. The
    /// first frame, and every later one, is taken under the key's lock: nothing falls between.
    pub fn follow(
        &mut self,
        key: &str,
        since: Option<Revision>,
        mode: Mode,
    ) -> Result<(), FeedError> {
        let found = self.feed.find(key).filter(|it| lock(it).is_there());
        let state = found.ok_or_else(|| FeedError::UnknownKey(key.to_owned()))?;
        self.unfollow(key);
        let max = self.feed.keys_per_reader_max();
        if self.slots.len() >= max {
            return Err(FeedError::TooManyKeysOfReader(max));
        }
        let number = self.next_slot;
        self.next_slot += 1;
        let held = since.map_or(Held::Nothing, Held::Claimed);
        self.mail.note(number, held);
        let key = {
            let mut state = lock(&state);
            state.enter(&self.mail, number);
            state.key()
        };
        // Where it was forgotten meanwhile, nobody would tell of it.
        let found = self.feed.find(&key);
        if !found.is_some_and(|it| Arc::ptr_eq(&it, &state)) {
            lock(&state).leave(&self.mail, number, self.feed.next_turn());
            self.mail.forget(number);
            return Err(FeedError::UnknownKey(key.to_string()));
        }
        self.slots.push(Slot {
            number,
            key,
            state,
            mode,
        });
        Ok(())
    }

    /// Does not follow a key any more; whether it did.
    pub fn unfollow(&mut self, key: &str) -> bool {
        let Some(at) = self.slots.iter().position(|it| *it.key == *key) else {
            return false;
        };
        let slot = self.slots.remove(at);
        lock(&slot.state).leave(&self.mail, slot.number, self.feed.next_turn());
        self.mail.forget(slot.number);
        self.out.retain(|it| *it.key != *key);
        true
    }

    /// Whether it follows a key.
    pub fn follows(&self, key: &str) -> bool {
        self.slots.iter().any(|it| *it.key == *key)
    }

    /// Keys followed.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether it follows nothing.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The next frame, once there is one. May be dropped and called again.
    pub async fn next(&mut self) -> Frame {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The next frame; where there is none yet, the caller is woken once there is.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Frame> {
        loop {
            if let Some(frame) = self.try_next() {
                return Poll::Ready(frame);
            }
            ready!(self.mail.poll_ready(context));
        }
    }

    /// The next frame, where there is one.
    pub fn try_next(&mut self) -> Option<Frame> {
        let frame = if self.out.is_empty() {
            match self.take()? {
                Told::Frame(frame) => frame,
                Told::Rest(rest) => return Some(rest), // It was counted when it began.
            }
        } else {
            self.out.remove(0) // There are hardly ever more than two.
        };
        // Most readers wait most of the time, and are owed one frame at a time.
        if self.out.is_empty() && self.out.capacity() > 0 {
            self.out = Vec::new();
        }
        add(&self.feed.counters.sent, 1);
        add(&self.feed.counters.sent_bytes, frame.bytes.len() as u64);
        Some(frame)
    }

    /// The first frame of what a key owes that has something new; the rest is put aside.
    fn take(&mut self) -> Option<Told> {
        loop {
            let (number, held) = match self.mail.take()? {
                Taken::Rest(rest) => return Some(Told::Rest(rest)),
                Taken::Slot(number, held) => (number, held),
            };
            let Ok(at) = self.slots.binary_search_by_key(&number, |it| it.number) else {
                continue; // It is not followed any more.
            };
            let slot = &self.slots[at];
            let owed = lock(&slot.state).owed(held, slot.mode, &self.feed.counters);
            self.feed.make_room(&slot.key);
            self.mail.note(number, owed.held);
            if owed.more {
                self.mail.put(number);
            }
            let mut frames = owed.frames.into_iter();
            if let Some(first) = frames.next() {
                self.out.extend(frames);
                return Some(Told::Frame(first));
            }
        }
    }
}

/// What a reader is told next.
enum Told {
    Frame(Frame),
    /// What an outlet did not take of one.
    Rest(Frame),
}

impl Drop for Reader {
    fn drop(&mut self) {
        for slot in &self.slots {
            lock(&slot.state).leave(&self.mail, slot.number, self.feed.next_turn());
        }
        self.feed.leave();
    }
}
