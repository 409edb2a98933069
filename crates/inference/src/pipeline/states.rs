//! What is kept for each model and version between requests.

use std::{
    collections::HashMap,
    hash::BuildHasher,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::time::Instant;

use super::{breaker::BreakerState, scores::Scores, trial::Trial};
use crate::{Canary, batcher::Queue, statistics::Statistics};

/// What is kept for a model.
#[derive(Debug, Default)]
pub(crate) struct ModelState {
    /// Requests at work or waiting.
    pub(super) at_work: AtomicUsize,
    /// The canary that was found wanting last.
    stopped: ArcSwapOption<Canary>,
    canary: Mutex<Trial>,
    shadow: Mutex<Trial>,
    versions: ArcSwap<Vec<Arc<VersionState>>>,
}

/// What is kept for a version.
#[derive(Debug)]
pub(crate) struct VersionState {
    pub(crate) version: u64,
    /// How many versions were asked before it for the first time.
    asked_after: u64,
    pub(crate) statistics: Arc<Statistics>,
    pub(crate) breaker: BreakerState,
    pub(crate) queue: Arc<Queue>,
    scores: Mutex<Scores>,
}

impl ModelState {
    /// Whether this canary gets no more traffic.
    pub(super) fn is_stopped(&self, canary: &Canary) -> bool {
        self.stopped.load().as_deref() == Some(canary)
    }

    /// Gives this canary no more traffic; `false` where it got none before.
    pub(crate) fn stop(&self, canary: &Canary) -> bool {
        let before = self.stopped.swap(Some(Arc::new(canary.clone())));
        before.as_deref() != Some(canary)
    }

    /// Goes by what is set again, now that it says of this canary that it was stopped.
    pub(crate) fn kept(&self, canary: &Canary) {
        let before = self.stopped.load();
        if before.as_deref() == Some(canary) {
            self.stopped.compare_and_swap(&before, None);
        }
    }

    /// Gives whatever canary is set traffic again, and judges it anew.
    pub(super) fn allow_canary(&self) {
        *self.canary() = Trial::default();
        self.stopped.store(None);
    }

    /// What is known of the canary.
    pub(crate) fn canary(&self) -> MutexGuard<'_, Trial> {
        self.canary.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of the shadow.
    pub(crate) fn shadow(&self) -> MutexGuard<'_, Trial> {
        self.shadow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VersionState {
    /// How well it foretold what came true.
    pub(crate) fn scores(&self) -> MutexGuard<'_, Scores> {
        self.scores.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Shard = RwLock<HashMap<Arc<str>, Arc<ModelState>>>;

const SHARDS: usize = 64;

/// All of them; only versions that exist get one.
#[derive(Debug)]
pub(crate) struct States {
    shards: [Shard; SHARDS],
    hasher: std::hash::RandomState,
    asked: AtomicU64,
    writer: Mutex<()>,
}

impl Default for States {
    fn default() -> Self {
        Self {
            shards: std::array::from_fn(|_| Shard::default()),
            hasher: std::hash::RandomState::new(),
            asked: AtomicU64::new(0),
            writer: Mutex::default(),
        }
    }
}

impl States {
    fn shard(&self, name: &str) -> &Shard {
        &self.shards[self.hasher.hash_one(name) as usize % SHARDS]
    }

    pub(super) fn model(&self, name: &Arc<str>) -> Arc<ModelState> {
        if let Some(state) = self.known(name) {
            return state;
        }
        let shard = self.shard(name);
        let mut models = shard.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(models.entry(Arc::clone(name)).or_default())
    }

    pub(crate) fn known(&self, name: &str) -> Option<Arc<ModelState>> {
        let shard = self.shard(name);
        let models = shard.read().unwrap_or_else(PoisonError::into_inner);
        models.get(name).cloned()
    }

    pub(super) fn version(&self, model: &ModelState, version: u64) -> Arc<VersionState> {
        let find = |it: &[Arc<VersionState>]| it.iter().find(|it| it.version == version).cloned();
        if let Some(state) = find(&model.versions.load()) {
            return state;
        }
        let _one = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut versions = Vec::clone(&model.versions.load());
        if let Some(state) = find(&versions) {
            return state;
        }
        let now = Instant::now();
        let state = Arc::new(VersionState {
            version,
            asked_after: self.asked.fetch_add(1, Ordering::Relaxed),
            statistics: Arc::new(Statistics::new(now)),
            breaker: BreakerState::new(now),
            queue: Arc::default(),
            scores: Mutex::default(),
        });
        versions.push(Arc::clone(&state));
        versions.sort_by_key(|it| it.version);
        model.versions.store(Arc::new(versions));
        state
    }

    /// Forgets versions that are gone: those of a model that are not among its `versions`, and models
    /// that have none.
    pub(crate) fn retain<'a>(&self, versions: impl Fn(&str) -> Option<&'a [u64]>) {
        let _one = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for shard in &self.shards {
            let mut models = shard.write().unwrap_or_else(PoisonError::into_inner);
            models.retain(|name, model| {
                let Some(there) = versions(name) else {
                    return false;
                };
                let known = model.versions.load();
                let is_there = |it: &&Arc<VersionState>| there.binary_search(&it.version).is_ok();
                if !known.iter().all(|it| is_there(&it)) {
                    let left = known.iter().filter(is_there).cloned().collect();
                    model.versions.store(Arc::new(left));
                }
                true
            });
        }
    }

    /// A version that was asked before.
    pub(crate) fn find(&self, model: &str, version: u64) -> Option<Arc<VersionState>> {
        let model = self.known(model)?;
        let versions = model.versions.load();
        versions.iter().find(|it| it.version == version).cloned()
    }

    /// Versions that were asked, those first that were asked first.
    pub(crate) fn asked(&self) -> Vec<(Arc<str>, Arc<VersionState>)> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let models = shard.read().unwrap_or_else(PoisonError::into_inner);
            for (name, model) in models.iter() {
                let versions = model.versions.load();
                found.extend(versions.iter().map(|it| (Arc::clone(name), Arc::clone(it))));
            }
        }
        found.sort_by_key(|(_, it)| it.asked_after);
        found
    }
}
