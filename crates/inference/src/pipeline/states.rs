//! What is kept for each model and version between requests.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize},
    },
};

use arc_swap::ArcSwap;
use tokio::time::Instant;

use super::breaker::BreakerState;
use crate::{batcher::Queue, statistics::Statistics};

/// What is kept for a model.
#[derive(Debug, Default)]
pub(crate) struct ModelState {
    /// Requests at work or waiting.
    pub(super) at_work: AtomicUsize,
    /// Whether its canary failed too often.
    pub(super) canary_stopped: AtomicBool,
    versions: ArcSwap<Vec<Arc<VersionState>>>,
}

/// What is kept for a version.
#[derive(Debug)]
pub(crate) struct VersionState {
    pub(crate) version: u64,
    pub(crate) statistics: Arc<Statistics>,
    pub(crate) breaker: BreakerState,
    pub(crate) queue: Arc<Queue>,
}

/// All of them; only versions that exist get one.
#[derive(Debug, Default)]
pub(crate) struct States {
    models: ArcSwap<HashMap<Arc<str>, Arc<ModelState>>>,
    writer: Mutex<()>,
}

impl States {
    pub(super) fn model(&self, name: &Arc<str>) -> Arc<ModelState> {
        if let Some(state) = self.models.load().get(name) {
            return Arc::clone(state);
        }
        let _one = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let mut models = HashMap::clone(&self.models.load());
        let state = Arc::clone(models.entry(Arc::clone(name)).or_default());
        self.models.store(Arc::new(models));
        state
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
        let state = Arc::new(VersionState {
            version,
            statistics: Arc::default(),
            breaker: BreakerState::new(Instant::now()),
            queue: Arc::default(),
        });
        versions.push(Arc::clone(&state));
        versions.sort_by_key(|it| it.version);
        model.versions.store(Arc::new(versions));
        state
    }

    /// A version that was asked before.
    pub(crate) fn find(&self, model: &str, version: u64) -> Option<Arc<VersionState>> {
        let models = self.models.load();
        let versions = models.get(model)?.versions.load();
        versions.iter().find(|it| it.version == version).cloned()
    }
}
