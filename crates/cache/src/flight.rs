//! Loads under way: one per key, joined by everybody whom its outcome can serve.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

use crate::key::Key;

/// Failures remembered at a time, per kind.
const RESTING_MAX: usize = 10_000;

/// The loads of a kind; `T` is what a load comes to and `X` why one failed.
pub(crate) struct Flights<T, X> {
    table: Mutex<Table<T, X>>,
    /// How many loads of all kinds were begun: their order in time, which versions do not tell.
    begun: Arc<AtomicU64>,
}

type Table<T, X> = HashMap<ByHash, Place<T, X>, BuildHasherDefault<Same>>;

enum Place<T, X> {
    Flying {
        began: Began,
        outcome: watch::Receiver<Option<Result<T, X>>>,
    },
    /// A load failed a short while ago.
    Resting { began: u64, until_ms: u64, error: X },
}

/// When a load began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Began {
    /// The time by changes.
    pub(crate) clock: u64,
    /// Its number among all loads.
    pub(crate) number: u64,
}

/// What a load under way is to somebody who wants its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Its outcome will do.
    Join,
    /// Its outcome comes from too early; what is loaded after it will do.
    Await,
    /// Its outcome is known to be outdated.
    Replace,
}

/// What somebody finds who wants a value.
pub(crate) enum Joined<T, X> {
    /// A load is under way.
    Other {
        began: u64,
        outcome: watch::Receiver<Option<Result<T, X>>>,
    },
    /// A load is under way whose end is to be waited for, then it is asked again.
    Earlier(watch::Receiver<Option<Result<T, X>>>),
    /// A load failed a short while ago, with this error.
    Failed(X),
    /// It is up to the caller: whoever holds the ticket is the load.
    Own(Ticket<T, X>),
}

impl<T: Clone, X: Clone> Flights<T, X> {
    pub(crate) fn new(begun: Arc<AtomicU64>) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::new(HashMap::default()),
            begun,
        })
    }

    fn table(&self) -> MutexGuard<'_, Table<T, X>> {
        self.table.lock().expect("nothing panics with the table")
    }

    /// Joins the load of `key`, or becomes it. `fit` says what a load that began then is to the
    /// caller; a failure is of use where a load would be.
    pub(crate) fn join(
        self: &Arc<Self>,
        key: &Key,
        now: (u64, u64),
        fit: impl Fn(Began) -> Fit,
    ) -> Joined<T, X> {
        let (clock, now_ms) = now;
        let mut table = self.table();
        match table.get(&ByHash(key.clone())) {
            Some(Place::Flying { began, outcome }) => match fit(*began) {
                Fit::Join => {
                    return Joined::Other {
                        began: began.clock,
                        outcome: outcome.clone(),
                    };
                }
                Fit::Await => return Joined::Earlier(outcome.clone()),
                Fit::Replace => {}
            },
            Some(Place::Resting {
                began,
                until_ms,
                error,
            }) if now_ms < *until_ms => {
                // Nobody is given something outdated by it, so when it began does not matter.
                let failed = Began {
                    clock: *began,
                    number: u64::MAX,
                };
                if fit(failed) == Fit::Join {
                    return Joined::Failed(error.clone());
                }
            }
            _ => {}
        }
        let (send, outcome) = watch::channel(None);
        let began = Began {
            clock,
            number: self.begun.fetch_add(1, Ordering::AcqRel) + 1,
        };
        let place = Place::Flying {
            began,
            outcome: outcome.clone(),
        };
        table.insert(ByHash(key.clone()), place);
        Joined::Own(Ticket {
            flights: self.clone(),
            key: key.clone(),
            began: clock,
            send,
            outcome,
        })
    }

    fn sweep(table: &mut Table<T, X>, now_ms: u64) {
        table.retain(|_, place| match place {
            Place::Flying { .. } => true,
            Place::Resting { until_ms, .. } => now_ms < *until_ms,
        });
    }
}

/// The right and duty to end a load. Dropped without an outcome, it leaves no trace and those who
/// wait are told by their channel's end.
pub(crate) struct Ticket<T, X> {
    flights: Arc<Flights<T, X>>,
    key: Key,
    pub(crate) began: u64,
    send: watch::Sender<Option<Result<T, X>>>,
    pub(crate) outcome: watch::Receiver<Option<Result<T, X>>>,
}

impl<T, X> Ticket<T, X> {
    /// Whether the table still shows this load and not a later one.
    fn is_shown(&self, table: &Table<T, X>) -> bool {
        matches!(table.get(&ByHash(self.key.clone())), Some(Place::Flying { outcome, .. })
            if outcome.same_channel(&self.outcome))
    }
}

impl<T: Clone, X: Clone> Ticket<T, X> {
    /// Ends the load; a failure is remembered until `rest_ms`, by the clock of ages.
    pub(crate) fn land(self, outcome: Result<T, X>, now_ms: u64, rest_ms: u64) {
        if let Err(error) = &outcome
            && rest_ms > now_ms
        {
            let mut table = self.flights.table();
            if self.is_shown(&table) {
                if table.len() >= RESTING_MAX {
                    Flights::sweep(&mut table, now_ms);
                }
                if table.len() < RESTING_MAX {
                    let place = Place::Resting {
                        began: self.began,
                        until_ms: rest_ms,
                        error: error.clone(),
                    };
                    table.insert(ByHash(self.key.clone()), place);
                }
            }
        }
        self.send.send_replace(Some(outcome));
    }
}

impl<T, X> Drop for Ticket<T, X> {
    fn drop(&mut self) {
        let mut table = self
            .flights
            .table
            .lock()
            .expect("nothing panics with the table");
        if self.is_shown(&table) {
            table.remove(&ByHash(self.key.clone()));
        }
    }
}

/// A key in a table that trusts the key's own hash.
#[derive(PartialEq, Eq)]
struct ByHash(Key);

impl Hash for ByHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.hash);
    }
}

/// The hash of a key is one with a secret seed already.
#[derive(Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests;
