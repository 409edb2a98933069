//! Versions in memory: loaded on first use, once for all who wait, within a budget of bytes.
//!
//! A lease is taken in the same step in which a version is found, so that nothing in use is ever
//! evicted. Knows nothing of labels or policies: which versions there are, the repository says.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    InferenceError, ServerOptions,
    models::STOP_TIME_MAX,
    resident::{Held, Lease, Resident},
};

mod figures;
mod flight;
mod room;
mod slot;

pub use figures::CacheFigures;
pub(crate) use flight::Loaded;
pub(crate) use slot::{Facts, Phase, Slot, Source, Stamp};

use figures::Counts;
use flight::Outcome;

/// Reads a version's file into something that runs; the text says why it cannot.
pub(crate) type Reader = fn(&Source) -> Result<Loaded, String>;

type Slots = HashMap<Arc<str>, Vec<Arc<Slot>>>;

/// Versions in memory.
#[derive(Debug, Clone)]
pub(crate) struct ModelCache {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    options: ServerOptions,
    read: Reader,
    slots: ArcSwap<Slots>,
    residents: Mutex<Vec<Arc<Slot>>>,
    bytes: Arc<AtomicU64>,
    permits: Semaphore,
    counts: Counts,
    tasks: Mutex<JoinSet<()>>,
    stopping: AtomicBool,
}

/// Locks; what a panic left behind is whole, since no code here panics half way through a change.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ModelCache {
    pub(crate) fn new(options: ServerOptions, read: Reader) -> Self {
        let permits = Semaphore::new(options.loads_max.max(1));
        Self {
            inner: Arc::new(Inner {
                options,
                read,
                slots: ArcSwap::default(),
                residents: Mutex::default(),
                bytes: Arc::default(),
                permits,
                counts: Counts::default(),
                tasks: Mutex::default(),
                stopping: AtomicBool::new(false),
            }),
        }
    }

    /// A lease on a version that is in memory; neither waits nor allocates.
    pub(crate) fn try_lease(&self, model: &str, version: u64) -> Option<Lease> {
        let slots = self.inner.slots.load();
        let slot = slots.get(model)?.iter().find(|it| it.version == version)?;
        let lease = slot.lease()?;
        slot.touch(self.inner.counts.uses.fetch_add(1, Ordering::Relaxed));
        Some(lease)
    }

    /// A lease on a version, loading it where it is not in memory.
    pub(crate) async fn lease(&self, model: &str, version: u64) -> Result<Lease, InferenceError> {
        if let Some(lease) = self.try_lease(model, version) {
            return Ok(lease);
        }
        self.inner.counts.misses.fetch_add(1, Ordering::Relaxed);
        let wait = self.inner.options.load_wait_max;
        self.lease_within(model, version, wait).await
    }

    async fn lease_within(
        &self,
        model: &str,
        version: u64,
        wait: Duration,
    ) -> Result<Lease, InferenceError> {
        let deadline = Instant::now() + wait;
        loop {
            let slot = self.slot(model, version)?;
            let mut flight = match self.inner.join(&slot)? {
                flight::Joined::Lease(lease) => {
                    self.inner.used_after_wait(&slot);
                    return Ok(lease);
                }
                flight::Joined::Flight(flight) => flight,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            let landed = timeout(left, flight.wait_for(Option::is_some)).await;
            let outcome = match landed {
                Err(_) => {
                    return Err(InferenceError::Loading {
                        model: Arc::clone(&slot.model),
                        version,
                    });
                }
                Ok(Err(_)) => return Err(InferenceError::Stopping),
                Ok(Ok(outcome)) => outcome.clone(),
            };
            match outcome.expect("waited for it to be there") {
                Outcome::Ready(lease) => {
                    self.inner.used_after_wait(&slot);
                    return Ok(lease);
                }
                Outcome::Failed(error) => return Err(error),
                Outcome::Superseded => {}
            }
        }
    }

    /// Loads a version, however often it failed or was unloaded by hand, and waits until it is
    /// there.
    pub(crate) async fn load(&self, model: &str, version: u64) -> Result<(), InferenceError> {
        self.slot(model, version)?.forgive();
        const FOR_EVER: Duration = Duration::from_secs(60 * 60);
        self.lease_within(model, version, FOR_EVER).await.map(drop)
    }

    /// Lets versions of a model that were unloaded by hand load on first use again.
    pub(crate) fn allow(&self, model: &str) {
        for slot in self.inner.slots.load().get(model).into_iter().flatten() {
            slot.forgive();
        }
    }

    /// Takes a model's versions away from new requests; memory goes with the last lease.
    pub(crate) fn unload(&self, model: &str) {
        for slot in self.inner.slots.load().get(model).into_iter().flatten() {
            self.inner.take_away(slot, Phase::Unloaded);
        }
    }

    /// Bytes set aside for a version of a model that was loaded before it has a place.
    pub(crate) async fn room(&self, model: &str, loaded: &Loaded) -> Result<Held, InferenceError> {
        self.inner.wait_for_room(&model.into(), None, loaded).await
    }

    /// Publishes a version that was loaded before it had a place, in the bytes set aside for it.
    pub(crate) fn adopt(&self, model: &str, version: u64, loaded: Loaded, held: Held) {
        if let Ok(slot) = self.slot(model, version) {
            self.inner.adopt(&slot, loaded, held);
        }
    }

    /// The versions there are from now on. New ones wait for their first use unless pinned, gone
    /// ones stop, changed ones are loaded beside the old and then take its place. Says whether any
    /// is gone.
    pub(crate) fn sync(&self, sources: Vec<Source>) -> bool {
        let old = self.inner.slots.load_full();
        let mut new = Slots::new();
        let mut changed = Vec::new();
        for source in sources {
            let known = old
                .get(&source.model)
                .and_then(|it| it.iter().find(|slot| slot.version == source.version));
            let slot = match known {
                Some(slot) => {
                    if slot.renew(source) {
                        changed.push(Arc::clone(slot));
                    }
                    Arc::clone(slot)
                }
                None => Arc::new(Slot::new(source)),
            };
            new.entry(Arc::clone(&slot.model)).or_default().push(slot);
        }
        let new = Arc::new(new);
        self.inner.slots.store(Arc::clone(&new));
        let mut gone = false;
        for slot in old.values().flatten() {
            let kept = new
                .get(&slot.model)
                .is_some_and(|it| it.iter().any(|new| Arc::ptr_eq(new, slot)));
            if !kept {
                gone = true;
                self.inner.take_away(slot, Phase::Gone);
            }
        }
        for slot in changed {
            self.inner.reload(&slot);
        }
        for slot in new.values().flatten().filter(|it| it.is_pinned()) {
            // What is loaded, loading or failed stays as it is.
            let _ = self.inner.join(slot);
        }
        gone
    }

    /// A version's slot.
    pub(crate) fn slot(&self, model: &str, version: u64) -> Result<Arc<Slot>, InferenceError> {
        self.inner
            .slots
            .load()
            .get(model)
            .and_then(|it| it.iter().find(|slot| slot.version == version))
            .cloned()
            .ok_or_else(|| InferenceError::UnknownVersion {
                model: model.to_owned(),
                version: version.to_string(),
            })
    }

    /// Whether every pinned version is in memory, or cannot be.
    pub(crate) fn is_warm(&self) -> bool {
        self.inner
            .slots
            .load()
            .values()
            .flatten()
            .filter(|it| it.is_pinned())
            .all(|it| it.resident().is_some() || !it.may_load())
    }

    /// What was counted so far.
    pub(crate) fn figures(&self) -> CacheFigures {
        self.inner.figures()
    }

    /// Gives no more loads, and waits for those on their way, for as long as is worth it.
    pub(crate) async fn close(&self) {
        self.inner.stopping.store(true, Ordering::Release);
        let mut tasks = std::mem::take(&mut *lock(&self.inner.tasks));
        let ended = async { while tasks.join_next().await.is_some() {} };
        if timeout(STOP_TIME_MAX, ended).await.is_err() {
            tracing::warn!("model_loads_abandoned");
        }
    }
}

impl Slot {
    /// What is in memory for it.
    pub(crate) fn resident(&self) -> Option<Arc<Resident>> {
        self.resident.load_full()
    }
}

#[cfg(test)]
mod tests;
