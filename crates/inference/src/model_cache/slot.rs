//! The place of one version: where its file is, what is in memory for it, how far a load is.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio::{sync::watch, time::Instant};

use super::{flight::Outcome, lock};
use crate::{
    ContentHash, InferenceError, LoadState, ModelConfig, Signature,
    resident::{Lease, Resident},
};

/// What tells one content of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// When it was written.
    pub(crate) modified: SystemTime,
    /// Its length.
    pub(crate) bytes: u64,
    /// Its number in the filesystem.
    pub(crate) inode: u64,
}

/// Where a version comes from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Model.
    pub(crate) model: Arc<str>,
    /// Version.
    pub(crate) version: u64,
    /// Its file.
    pub(crate) path: PathBuf,
    /// The file's stamp.
    pub(crate) stamp: Stamp,
    /// Golden rows beside it, and their stamp.
    pub(crate) golden: Option<(PathBuf, Stamp)>,
    /// The model's settings.
    pub(crate) config: Arc<ModelConfig>,
}

impl Source {
    /// Whether loading it again would give something else.
    fn differs(&self, other: &Self) -> bool {
        (&self.path, self.stamp, &self.golden) != (&other.path, other.stamp, &other.golden)
            || self.config.signature != other.config.signature
    }
}

/// What loading found out; kept when the memory is given back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Facts {
    /// Its file.
    pub(crate) content: ContentHash,
    /// What runs it.
    pub(crate) platform: &'static str,
    /// What it takes and gives.
    pub(crate) signature: Signature,
    /// Memory it takes when loaded.
    pub(crate) size_bytes: u64,
    /// How long loading took.
    pub(crate) load_time: Duration,
    /// What one row takes.
    pub(crate) row_cost: Duration,
}

/// How far a version is, besides being in memory or not.
#[derive(Debug)]
pub(crate) enum Phase {
    /// Loads on first use.
    Idle,
    /// Being loaded; what comes of it arrives here.
    Loading(watch::Receiver<Option<Outcome>>),
    /// Did not load, and is not tried again before then.
    Failed {
        error: InferenceError,
        until: Instant,
    },
    /// Unloaded by hand.
    Unloaded,
    /// No longer in the repository.
    Gone,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// Counts loads and what overtakes them; a load that finds another number is superseded.
    pub(super) generation: u64,
    /// Failures since the last success.
    pub(super) failures: u32,
    pub(super) facts: Option<Arc<Facts>>,
}

/// The place of one version.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) model: Arc<str>,
    pub(crate) version: u64,
    pub(super) source: ArcSwap<Source>,
    pub(super) resident: ArcSwapOption<Resident>,
    pub(super) state: Mutex<State>,
    used_at: AtomicU64,
    uses: AtomicU64,
    pub(super) demand: Mutex<Demand>,
}

/// Uses lately: halved with every [`Demand::HALF_LIFE`] uses of the whole cache.
#[derive(Debug, Default)]
pub(super) struct Demand {
    value: f64,
    at: u64,
    counted: u64,
}

impl Demand {
    const HALF_LIFE: f64 = 4096.0;
}

impl Slot {
    pub(super) fn new(source: Source) -> Self {
        Self {
            model: Arc::clone(&source.model),
            version: source.version,
            source: ArcSwap::from_pointee(source),
            resident: ArcSwapOption::empty(),
            state: Mutex::new(State {
                phase: Phase::Idle,
                generation: 0,
                failures: 0,
                facts: None,
            }),
            used_at: AtomicU64::new(0),
            uses: AtomicU64::new(0),
            demand: Mutex::default(),
        }
    }

    /// A lease on what is in memory.
    pub(super) fn lease(&self) -> Option<Lease> {
        Lease::take(self.resident.load().as_ref()?)
    }

    /// Notes a use at a tick of the cache's count of uses.
    pub(super) fn touch(&self, tick: u64) {
        self.used_at.fetch_max(tick + 1, Ordering::Relaxed);
        self.uses.fetch_add(1, Ordering::Relaxed);
    }

    /// The tick of the last use.
    pub(super) fn used_at(&self) -> u64 {
        self.used_at.load(Ordering::Relaxed)
    }

    /// Uses lately, decayed up to a tick.
    pub(super) fn demand(&self, now: u64) -> f64 {
        let mut demand = lock(&self.demand);
        let uses = self.uses.load(Ordering::Relaxed);
        let age = now.saturating_sub(demand.at) as f64;
        let fresh = uses.saturating_sub(demand.counted) as f64;
        demand.value = demand.value * (-age / Demand::HALF_LIFE).exp2() + fresh;
        demand.at = now;
        demand.counted = uses;
        demand.value
    }

    /// Takes a new description; whether what is in memory, or being loaded, is now outdated.
    pub(super) fn renew(&self, source: Source) -> bool {
        let old = self.source.swap(Arc::new(source));
        let differs = old.differs(&self.source.load());
        let mut state = lock(&self.state);
        if !differs {
            return false;
        }
        state.facts = None;
        match state.phase {
            Phase::Failed { .. } => {
                state.phase = Phase::Idle;
                state.failures = 0;
                self.resident.load().is_some()
            }
            Phase::Loading(_) => true,
            Phase::Idle => self.resident.load().is_some(),
            Phase::Unloaded | Phase::Gone => false,
        }
    }

    /// Forgets failures and an unload by hand.
    pub(super) fn forgive(&self) {
        let mut state = lock(&self.state);
        if matches!(state.phase, Phase::Failed { .. } | Phase::Unloaded) {
            state.phase = Phase::Idle;
            state.failures = 0;
        }
    }

    pub(super) fn is_pinned(&self) -> bool {
        self.source.load().config.pin
    }

    /// Whether a use would load it, or waits for a load.
    pub(super) fn may_load(&self) -> bool {
        matches!(lock(&self.state).phase, Phase::Idle | Phase::Loading(_))
    }

    /// What loading found out, where it was loaded once.
    pub(crate) fn facts(&self) -> Option<Arc<Facts>> {
        lock(&self.state).facts.clone()
    }

    /// How far it is, and why not further.
    pub(crate) fn progress(&self) -> (LoadState, Option<String>) {
        let state = lock(&self.state);
        let ready = self.resident.load().is_some();
        match &state.phase {
            Phase::Failed { error, .. } => {
                let reason = match error {
                    InferenceError::NotLoaded { reason, .. } => reason.as_ref().to_owned(),
                    other => other.to_string(),
                };
                let state = if ready {
                    LoadState::Ready
                } else {
                    LoadState::Failed
                };
                (state, Some(reason))
            }
            _ if ready => (LoadState::Ready, None),
            Phase::Loading(_) => (LoadState::Loading, None),
            Phase::Unloaded => (LoadState::Unloaded, Some("unloaded by hand".to_owned())),
            Phase::Idle | Phase::Gone => (LoadState::Available, None),
        }
    }
}
