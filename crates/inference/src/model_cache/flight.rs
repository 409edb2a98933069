//! One load for all who wait for it. Who leaves does not cancel it.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::{
    sync::watch,
    time::{Instant, sleep},
};

use super::{Facts, Inner, Phase, Slot, Source, lock};
use crate::{
    ContentHash, InferenceError,
    backend::Backend,
    resident::{ExplainCost, Held, Lease, Resident},
};

/// A version read, checked and warm, but not published.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// What runs it.
    pub(crate) backend: Box<dyn Backend>,
    /// What one row takes.
    pub(crate) row_cost: Duration,
    /// Its file.
    pub(crate) content: ContentHash,
    /// How long reading, checking and warming took.
    pub(crate) load_time: Duration,
}

/// What comes of a load.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// In memory, and held there until all who waited have their own lease.
    Ready(Lease),
    /// It does not load.
    Failed(InferenceError),
    /// Something overtook it: a newer file, an unload.
    Superseded,
}

/// What a caller gets when it joins.
pub(super) enum Joined {
    /// It was there already.
    Lease(Lease),
    /// It is on its way.
    Flight(watch::Receiver<Option<Outcome>>),
}

/// What its answers depend on besides the request.
fn identity(loaded: &Loaded, source: &Source) -> [u8; 32] {
    let signature = serde_json::to_vec(&source.config.signature);
    Sha256::new()
        .chain_update(loaded.content.0)
        .chain_update(signature.expect("names and numbers"))
        .finalize()
        .into()
}

impl Inner {
    /// Joins the load of a version, or begins it.
    pub(super) fn join(self: &Arc<Self>, slot: &Arc<Slot>) -> Result<Joined, InferenceError> {
        if self.stopping.load(Ordering::Acquire) {
            return Err(InferenceError::Stopping);
        }
        let mut state = lock(&slot.state);
        if let Some(lease) = slot.lease() {
            return Ok(Joined::Lease(lease));
        }
        match &state.phase {
            Phase::Loading(flight) => return Ok(Joined::Flight(flight.clone())),
            Phase::Unloaded => return Err(InferenceError::Unloaded(Arc::clone(&slot.model))),
            Phase::Gone => {
                return Err(InferenceError::UnknownVersion {
                    model: slot.model.as_ref().to_owned(),
                    version: slot.version.to_string(),
                });
            }
            Phase::Failed { error, until } if Instant::now() < *until => {
                let mut error = error.clone();
                if let InferenceError::NotLoaded { retry_after, .. } = &mut error {
                    *retry_after = Some(until.saturating_duration_since(Instant::now()));
                }
                return Err(error);
            }
            Phase::Failed { .. } | Phase::Idle => {}
        }
        Ok(Joined::Flight(self.begin(slot, &mut state)))
    }

    /// Loads what replaced a version's file, beside what is in memory.
    pub(super) fn reload(self: &Arc<Self>, slot: &Arc<Slot>) {
        if !self.stopping.load(Ordering::Acquire) {
            let mut state = lock(&slot.state);
            if !matches!(state.phase, Phase::Unloaded | Phase::Gone) {
                self.begin(slot, &mut state);
            }
        }
    }

    fn begin(
        self: &Arc<Self>,
        slot: &Arc<Slot>,
        state: &mut super::slot::State,
    ) -> watch::Receiver<Option<Outcome>> {
        state.generation += 1;
        let generation = state.generation;
        let (sender, receiver) = watch::channel(None);
        state.phase = Phase::Loading(receiver.clone());
        let (inner, slot) = (Arc::clone(self), Arc::clone(slot));
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let outcome = inner.fly(&slot, generation).await;
            sender.send_replace(Some(outcome));
        });
        receiver
    }

    async fn fly(self: &Arc<Self>, slot: &Arc<Slot>, generation: u64) -> Outcome {
        let _permit = self
            .permits
            .acquire()
            .await
            .expect("the semaphore is never closed");
        if self.stopping.load(Ordering::Acquire) {
            return Outcome::Failed(InferenceError::Stopping);
        }
        let source = slot.source.load_full();
        let read = self.read;
        let started = Instant::now();
        let loaded = tokio::task::spawn_blocking(move || read(&source))
            .await
            .unwrap_or_else(|_| Err("reading it broke off".to_owned()));
        let took = started.elapsed().as_nanos() as u64;
        self.counts.load_ns.fetch_add(took, Ordering::Relaxed);
        let landed = match loaded {
            Ok(loaded) => match self.wait_for_room(&slot.model, Some(slot), &loaded).await {
                Ok(held) => Ok((loaded, held)),
                Err(error) => Err(error),
            },
            Err(reason) => Err(InferenceError::NotLoaded {
                model: Arc::clone(&slot.model),
                version: slot.version,
                reason: reason.into(),
                retry_after: None,
            }),
        };
        match landed {
            Ok((loaded, held)) => self.publish(slot, generation, loaded, held),
            Err(error) => self.fail(slot, generation, error),
        }
    }

    /// Bytes set aside for what was loaded, for a slot or before it has one.
    pub(super) async fn wait_for_room(
        &self,
        model: &Arc<str>,
        slot: Option<&Arc<Slot>>,
        loaded: &Loaded,
    ) -> Result<Held, InferenceError> {
        const LOOK_EVERY: Duration = Duration::from_millis(1);
        let wanted_bytes = loaded.backend.size_bytes();
        let deadline = Instant::now() + self.options.load_wait_max;
        loop {
            if let Some(held) = self.reserve(slot, wanted_bytes) {
                return Ok(held);
            }
            let budget_bytes = self.options.budget_bytes;
            if wanted_bytes > budget_bytes || Instant::now() >= deadline {
                return Err(InferenceError::NoRoom {
                    model: Arc::clone(model),
                    wanted_bytes,
                    budget_bytes,
                });
            }
            sleep(LOOK_EVERY).await;
        }
    }

    fn publish(&self, slot: &Arc<Slot>, generation: u64, loaded: Loaded, held: Held) -> Outcome {
        let mut state = lock(&slot.state);
        if state.generation != generation {
            return Outcome::Superseded;
        }
        let source = slot.source.load();
        let size_bytes = loaded.backend.size_bytes();
        let identity = identity(&loaded, &source);
        state.facts = Some(Arc::new(Facts {
            content: loaded.content,
            platform: loaded.backend.platform(),
            signature: loaded.backend.signature().clone(),
            size_bytes,
            load_time: loaded.load_time,
            row_cost: loaded.row_cost,
        }));
        let resident = Arc::new(Resident {
            model: Arc::clone(&slot.model),
            version: slot.version,
            identity,
            content: loaded.content,
            backend: loaded.backend,
            explained: ExplainCost::default(),
            row_cost: loaded.row_cost,
            load_time: loaded.load_time,
            leases: AtomicU64::new(0),
            held,
        });
        let lease = Lease::new(Arc::clone(&resident));
        slot.resident.store(Some(resident));
        state.phase = Phase::Idle;
        state.failures = 0;
        self.enlist(slot);
        self.counts.loads.fetch_add(1, Ordering::Relaxed);
        Outcome::Ready(lease)
    }

    fn fail(&self, slot: &Arc<Slot>, generation: u64, mut error: InferenceError) -> Outcome {
        let mut state = lock(&slot.state);
        if state.generation != generation {
            return Outcome::Superseded;
        }
        self.counts.load_failures.fetch_add(1, Ordering::Relaxed);
        let doubled = self
            .options
            .load_backoff
            .saturating_mul(1 << state.failures.min(20));
        let wait = doubled.min(self.options.load_backoff_max);
        state.failures += 1;
        if let InferenceError::NotLoaded { retry_after, .. } = &mut error {
            *retry_after = Some(wait);
        }
        tracing::warn!(model = %slot.model, version = slot.version, error = %error, "model_load_failed");
        state.phase = Phase::Failed {
            error: error.clone(),
            until: Instant::now() + wait,
        };
        Outcome::Failed(error)
    }

    /// Publishes what was loaded elsewhere.
    pub(super) fn adopt(&self, slot: &Arc<Slot>, loaded: Loaded, held: Held) {
        let generation = {
            let mut state = lock(&slot.state);
            state.generation += 1;
            state.generation
        };
        self.publish(slot, generation, loaded, held);
    }

    /// Takes a version away from new requests; a load on its way is superseded.
    pub(super) fn take_away(&self, slot: &Arc<Slot>, phase: Phase) {
        let mut state = lock(&slot.state);
        state.generation += 1;
        state.phase = phase;
        slot.resident.store(None);
        self.strike(slot);
    }
}
