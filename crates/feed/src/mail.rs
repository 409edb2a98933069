//! Where keys say that there is something new for a reader, and the way by which it goes out at once.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use crate::{Frame, key::Held, lock};

/// Where the messages of one reader go while nothing else is on its way there.
pub trait Outlet: fmt::Debug + Send + Sync {
    /// Writes what is taken of a message at once, without waiting; how many bytes that was. Nothing
    /// where it is full, or shut for good: the reader is then told to look for itself.
    fn offer(&self, message: &[u8]) -> usize;
}

/// What is new for a reader, and what it holds. Each key is in it once at most.
#[derive(Debug, Default)]
pub(crate) struct Mail(Mutex<Ready>);

#[derive(Debug, Default)]
struct Ready {
    slots: VecDeque<u32>,
    /// Whom to wake: the one task that reads, where it waits.
    waiting: Option<Waker>,
    /// What the reader holds of each key it follows.
    held: Vec<(u32, Held)>,
    outlet: Option<Arc<dyn Outlet>>,
    /// Whether nothing is on its way but what went by the outlet.
    is_open: bool,
    /// What an outlet did not take of a message it began.
    rest: Option<Box<Frame>>,
}

/// What a reader finds.
pub(crate) enum Taken {
    /// The rest of a message that was begun.
    Rest(Frame),
    /// A key with something new, and what is held of it.
    Slot(u32, Held),
}

impl Mail {
    /// Leaves word that a key has something new.
    pub(crate) fn put(&self, slot: u32) {
        let ready = lock(&self.0);
        Ready::put(ready, slot);
    }

    /// Gives a reader the frame that leads from the state before the one of `number` to that one: by
    /// its outlet where that is open, or else by leaving word. Whether it went out at once.
    pub(crate) fn give(&self, slot: u32, (frame, number): (&Frame, u64)) -> bool {
        let mut ready = lock(&self.0);
        let it = &mut *ready;
        let Some((_, held)) = it.held.iter_mut().find(|it| it.0 == slot) else {
            return false; // It is not followed any more.
        };
        if matches!(held, Held::Sent(known) if *known >= number) {
            return false; // It has looked for itself.
        }
        let outlet = it.outlet.as_ref().filter(|_| it.is_open);
        let count = match outlet {
            Some(outlet) if *held == Held::Sent(number - 1) => outlet.offer(&frame.message),
            _ => 0,
        };
        if count == 0 {
            Ready::put(ready, slot);
            return false;
        }
        *held = Held::Sent(number);
        if count < frame.message.len() {
            let message = frame.message.slice(count..);
            it.rest = Some(Box::new(Frame {
                message,
                ..frame.clone()
            }));
            Ready::wake(ready);
        }
        true
    }

    /// What is to be looked at next. The outlet is shut from then on.
    pub(crate) fn take(&self) -> Option<Taken> {
        let mut ready = lock(&self.0);
        ready.is_open = false;
        if let Some(rest) = ready.rest.take() {
            return Some(Taken::Rest(*rest));
        }
        let slot = ready.slots.pop_front()?;
        let held = ready.held.iter().find(|it| it.0 == slot);
        let held = held.map_or(Held::Nothing, |it| it.1);
        Some(Taken::Slot(slot, held))
    }

    /// Notes what the reader holds of a key.
    pub(crate) fn note(&self, slot: u32, held: Held) {
        let mut ready = lock(&self.0);
        match ready.held.iter_mut().find(|it| it.0 == slot) {
            Some(known) => known.1 = held,
            None => ready.held.push((slot, held)),
        }
    }

    /// Forgets a key that is not followed any more.
    pub(crate) fn forget(&self, slot: u32) {
        lock(&self.0).held.retain(|it| it.0 != slot);
    }

    pub(crate) fn let_out(&self, outlet: Arc<dyn Outlet>) {
        lock(&self.0).outlet = Some(outlet);
    }

    /// Shuts the outlet until the reader waits again; what is left of a message that was begun.
    pub(crate) fn hold(&self) -> Option<Bytes> {
        let mut ready = lock(&self.0);
        ready.is_open = false;
        ready.rest.take().map(|it| it.message)
    }

    /// Takes the outlet away.
    pub(crate) fn shut(&self) {
        lock(&self.0).outlet = None;
    }

    /// Whether there is something; where there is not, the caller is woken once there is, and the
    /// outlet is open.
    pub(crate) fn poll_ready(&self, context: &Context<'_>) -> Poll<()> {
        let mut ready = lock(&self.0);
        if !ready.slots.is_empty() || ready.rest.is_some() {
            return Poll::Ready(());
        }
        let caller = context.waker();
        if !ready
            .waiting
            .as_ref()
            .is_some_and(|it| it.will_wake(caller))
        {
            ready.waiting = Some(caller.clone());
        }
        ready.is_open = ready.outlet.is_some();
        Poll::Pending
    }
}

impl Ready {
    fn put(mut ready: MutexGuard<'_, Self>, slot: u32) {
        if !ready.slots.contains(&slot) {
            ready.slots.push_back(slot);
            Self::wake(ready);
        }
    }

    /// Has the reader look for itself; until it waits again nothing goes by the outlet.
    fn wake(mut ready: MutexGuard<'_, Self>) {
        ready.is_open = false;
        let waiting = ready.waiting.take();
        drop(ready);
        if let Some(waiting) = waiting {
            waiting.wake();
        }
    }
}
