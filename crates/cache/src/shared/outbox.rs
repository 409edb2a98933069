//! Changes of this process on their way to the server: collected while one is sent, kept while the
//! server is away, bounded by collapsing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

use tokio::sync::{Notify, oneshot};

use super::types::{Acknowledged, Change, Touched};

/// Slots that one run of the script raises, at most: it keeps the server busy for a few
/// milliseconds.
const SLOTS_A_RUN_MAX: usize = 4096;

/// How far the changes of a batch have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All that live have applied it.
    Settled { replicas: usize, lapsed: usize },
    /// The server has not got it.
    Queued,
}

impl Outcome {
    /// The same, for whoever called at `began`.
    pub(crate) fn acknowledged(self, began: Instant) -> Acknowledged {
        let (replicas, lapsed, queued) = match self {
            Self::Settled { replicas, lapsed } => (replicas, lapsed, false),
            Self::Queued => (1, 0, true),
        };
        Acknowledged {
            replicas,
            lapsed,
            queued,
            took: began.elapsed(),
        }
    }
}

/// Who waits for a batch.
pub(crate) type Waiter = oneshot::Sender<Outcome>;

/// Changes that the server has not got.
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    slots_max: usize,
    /// There is something to send.
    pub(crate) wake: Notify,
}

#[derive(Default)]
struct Waiting {
    /// By slot, whether it is touched gently.
    slots: BTreeMap<u32, bool>,
    everything: bool,
    position: Option<u64>,
    waiters: Vec<Waiter>,
}

/// Changes sent as one, with those who wait for them.
pub(crate) struct Batch {
    pub(crate) change: Change,
    pub(crate) waiters: Vec<Waiter>,
}

impl Outbox {
    pub(crate) fn new(slots_max: usize) -> Self {
        Self {
            waiting: Mutex::new(Waiting::default()),
            slots_max,
            wake: Notify::new(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("nothing in it panics")
    }

    /// Puts a change in. Where `up` says that the server is there, its outcome can be waited for.
    pub(crate) fn push(
        &self,
        change: &Change,
        up: impl Fn() -> bool,
    ) -> Option<oneshot::Receiver<Outcome>> {
        let mut waiting = self.waiting();
        waiting.add(change, self.slots_max);
        // Asked under the lock, as `publish` is: a change that nobody waits for lies here before
        // the server counts as there again, and is sent before anything is read from it.
        let ticket = up().then(|| {
            let (waiter, ticket) = oneshot::channel();
            waiting.waiters.push(waiter);
            ticket
        });
        self.wake.notify_one();
        ticket
    }

    /// The next changes to send.
    pub(crate) fn take(&self) -> Option<Batch> {
        let mut waiting = self.waiting();
        let mut gently = Vec::new();
        let touched = if waiting.everything {
            waiting.everything = false;
            waiting.slots.clear();
            Touched::Everything
        } else if waiting.slots.is_empty()
            && waiting.waiters.is_empty()
            && waiting.position.is_none()
        {
            return None;
        } else {
            let rest = waiting.slots.keys().nth(SLOTS_A_RUN_MAX).copied();
            let rest = rest.map(|first| waiting.slots.split_off(&first));
            let run = std::mem::replace(&mut waiting.slots, rest.unwrap_or_default());
            let mut slots = Vec::with_capacity(run.len());
            for (slot, is_gentle) in run {
                match is_gentle {
                    true => gently.push(slot),
                    false => slots.push(slot),
                }
            }
            Touched::Slots(slots)
        };
        // Who waits, waits for the last part: the parts before it have lower numbers.
        let last = waiting.slots.is_empty();
        Some(Batch {
            change: Change {
                touched,
                gently,
                position: waiting.position.take(),
            },
            waiters: if last {
                std::mem::take(&mut waiting.waiters)
            } else {
                Vec::new()
            },
        })
    }

    /// Takes back what could not be sent; nobody waits for it any more.
    pub(crate) fn put_back(&self, change: &Change) {
        let waiters = {
            let mut waiting = self.waiting();
            waiting.add(change, self.slots_max);
            std::mem::take(&mut waiting.waiters)
        };
        for waiter in waiters {
            let _ = waiter.send(Outcome::Queued);
        }
    }

    /// Runs `publish` where nothing waits to be sent, and says whether it did.
    pub(crate) fn publish(&self, publish: impl FnOnce()) -> bool {
        let waiting = self.waiting();
        let empty = waiting.is_empty();
        if empty {
            publish();
        }
        empty
    }

    /// How many slots wait.
    pub(crate) fn len(&self) -> usize {
        let waiting = self.waiting();
        waiting.slots.len() + usize::from(waiting.everything)
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.slots.is_empty() && !self.everything && self.position.is_none()
    }

    fn add(&mut self, change: &Change, slots_max: usize) {
        self.position = self.position.max(change.position);
        match &change.touched {
            Touched::Slots(slots) if !self.everything => {
                for slot in &change.gently {
                    self.slots.entry(*slot).or_insert(true);
                }
                self.slots.extend(slots.iter().map(|slot| (*slot, false)));
                self.everything = self.slots.len() > slots_max;
            }
            Touched::Slots(_) => {}
            Touched::Everything => self.everything = true,
        }
        if self.everything {
            self.slots.clear();
        }
    }
}

/// Tells those who wait.
pub(crate) fn tell(waiters: Vec<Waiter>, outcome: Outcome) {
    for waiter in waiters {
        // Who does not wait any more need not hear it.
        let _ = waiter.send(outcome);
    }
}
