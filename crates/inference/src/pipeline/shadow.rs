//! Runs copies of requests on the shadow version, behind the answers: what waits is bounded, and what
//! finds no place is dropped and counted.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

use super::{
    Ask, Pair, Pipeline, Target,
    attempt::wanted,
    route,
    trial::{Content, Trial},
};
use crate::{
    Canary, ContentHash, InferReply, InferRequest, InferenceError, Tensor, VersionRef,
    batcher::{Failure, run_request},
    repository::ModelEntry,
};

use super::states::ModelState;

/// Copies that wait, at most.
const COPIES_MAX: usize = 256;
/// Memory of copies that wait, at most.
const BYTES_MAX: u64 = 32 << 20;

/// A request that was answered, for the shadow.
#[derive(Debug)]
pub(super) struct Copied {
    /// The shadow's version.
    target: Target,
    /// What answered.
    serving: Content,
    request: Arc<InferRequest>,
    answered: Vec<Tensor>,
    bytes: u64,
}

/// Where copies wait, and who takes them.
#[derive(Debug)]
pub(super) struct Lane {
    sender: Mutex<Option<mpsc::Sender<Copied>>>,
    receiver: Mutex<Option<mpsc::Receiver<Copied>>>,
    task: Mutex<Option<JoinHandle<()>>>,
    bytes: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) promotions: AtomicU64,
}

impl Lane {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(COPIES_MAX);
        Self {
            sender: Mutex::new(Some(sender)),
            receiver: Mutex::new(Some(receiver)),
            task: Mutex::default(),
            bytes: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            promotions: AtomicU64::new(0),
        }
    }

    /// Whether a copy found a place.
    fn offer(&self, copied: Copied) -> bool {
        let bytes = copied.bytes;
        if self.bytes.fetch_add(bytes, Ordering::AcqRel) + bytes <= BYTES_MAX {
            let sender = lock(&self.sender);
            if sender
                .as_ref()
                .is_some_and(|it| it.try_send(copied).is_ok())
            {
                return true;
            }
        }
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.dropped.fetch_add(1, Ordering::Relaxed);
        false
    }

    /// Takes no more copies, and waits for the one that runs.
    pub(super) async fn close(&self) {
        lock(&self.sender).take();
        let task = lock(&self.task).take();
        if let Some(task) = task {
            // One that panicked has nothing left to stop.
            let _ = task.await;
        }
    }
}

impl Pipeline {
    /// Hands a copy of a request that was answered to the shadow, where there is one.
    pub(super) fn copy(self: &Arc<Self>, target: &Target, ask: &Ask, reply: &InferReply) {
        let entry = &target.entry;
        let Some(shadow) = &entry.shadow else {
            return;
        };
        let wanted = ask.request.version == VersionRef::Serving
            && !reply.cached
            && reply.version == entry.serving
            && reply.version != shadow.version
            && route::shadow_position(&ask.request) < shadow.share;
        if !wanted {
            return;
        }
        let tensors = ask.request.inputs.iter().chain(&reply.outputs);
        let copied = Copied {
            bytes: tensors.map(Tensor::held_bytes).sum(),
            target: Target {
                version: shadow.version,
                ..target.clone()
            },
            serving: (reply.version, Some(reply.content)),
            request: Arc::clone(&ask.request),
            answered: reply.outputs.clone(),
        };
        self.begin_shadows();
        if !self.lane.offer(copied) {
            let pair = self.models.pair(entry, shadow.version);
            target.state.shadow().of(pair).dropped += 1;
        }
    }

    /// Starts who takes copies, with the first.
    fn begin_shadows(self: &Arc<Self>) {
        let Some(mut receiver) = lock(&self.lane.receiver).take() else {
            return;
        };
        let pipeline = Arc::downgrade(self);
        let task = tokio::spawn(async move {
            while let Some(copied) = receiver.recv().await {
                let Some(pipeline) = pipeline.upgrade() else {
                    return;
                };
                pipeline
                    .lane
                    .bytes
                    .fetch_sub(copied.bytes, Ordering::AcqRel);
                if lock(&pipeline.lane.sender).is_some() {
                    pipeline.shadow(copied).await;
                }
            }
        });
        *lock(&self.lane.task) = Some(task);
    }

    async fn shadow(self: &Arc<Self>, copied: Copied) {
        let target = &copied.target;
        let ran = self.run_shadow(&copied).await;
        let (name, version) = (&target.entry.name, target.version);
        let content = match &ran {
            Ok((content, _)) => Some(*content),
            Err(_) => self.models.content(name, version),
        };
        let pair = Pair {
            own: (version, content),
            serving: copied.serving,
        };
        {
            let mut trial = target.state.shadow();
            let trial = trial.of(pair);
            match ran {
                Ok((content, outputs)) => {
                    let rows = copied.request.inputs.first().map_or(0, Tensor::rows);
                    trial.compare(&copied.answered, &outputs, rows);
                    let key = copied.request.key.as_deref();
                    self.foretold(name, key, (version, content), &outputs);
                }
                Err(reason) => {
                    tracing::debug!(model = %name, version, reason, "shadow_failed");
                    trial.failed += 1;
                }
            }
        }
        self.judge_shadow(&target.entry, &target.state);
    }

    /// What the shadow says to a copy, and the content that said it.
    async fn run_shadow(
        self: &Arc<Self>,
        copied: &Copied,
    ) -> Result<(ContentHash, Vec<Tensor>), String> {
        let ask = Ask {
            request: Arc::clone(&copied.request),
            since: Instant::now(),
            deadline: None,
        };
        let ready = self.ready(&copied.target, &ask).await;
        let (lease, rows) = ready.map_err(|it| it.to_string())?;
        let content = lease.content;
        let (name, version) = (&copied.target.entry.name, copied.target.version);
        let statistics = self.states.version(&self.states.model(name), version);
        statistics.statistics.ran(rows);
        let outputs = if self.is_direct(&copied.target, &lease, &ask.request, rows) {
            run_request(&lease, &ask.request, || true)
        } else {
            let (pipeline, request) = (Arc::clone(self), Arc::clone(&copied.request));
            let is_open = move || lock(&pipeline.lane.sender).is_some();
            let run = move || run_request(&lease, &request, is_open);
            let ran = tokio::task::spawn_blocking(run).await;
            ran.unwrap_or_else(|cut| Err(Failure::Panic(cut.to_string())))
        };
        match outputs {
            Ok(outputs) => Ok((content, wanted(outputs, &ask.request))),
            Err(failure) => Err(format!("{failure:?}")),
        }
    }

    /// Promotes a shadow that may promote itself, once its gate holds.
    pub(super) fn judge_shadow(self: &Arc<Self>, entry: &ModelEntry, state: &Arc<ModelState>) {
        let Some(shadow) = entry.shadow.clone().filter(|it| it.promote) else {
            return;
        };
        let Ok(entry) = self.models.repository.entry(&entry.name) else {
            return;
        };
        if entry.shadow.as_ref() != Some(&shadow) {
            return;
        }
        let open = {
            let pair = self.models.pair(&entry, shadow.version);
            let trial = state.shadow();
            trial.is_of(pair) && trial.gate(&shadow, &entry.config.guard).is_ok()
        };
        if !open {
            return;
        }
        // What is promoted is no shadow any more; one that is not is compared anew.
        *state.shadow() = Trial::default();
        let (pipeline, name) = (Arc::clone(self), Arc::clone(&entry.name));
        self.spawn(async move {
            match pipeline.models.promote(&name, shadow.version, false).await {
                Ok(()) => {
                    pipeline.lane.promotions.fetch_add(1, Ordering::Relaxed);
                    tracing::info!(model = %name, version = shadow.version, "shadow_promoted");
                }
                Err(error) => {
                    tracing::warn!(model = %name, version = shadow.version, error = %error, "shadow_not_promoted");
                }
            }
        });
    }

    /// Stops a canary that fails or foretells worse than its guard allows.
    pub(super) fn judge_canary(self: &Arc<Self>, entry: &ModelEntry, state: &Arc<ModelState>) {
        let Some(canary) = &entry.canary else {
            return;
        };
        let verdict = {
            let pair = self.models.pair(entry, canary.version);
            let trial = state.canary();
            let same = trial.is_of(pair);
            same.then(|| trial.verdict(&entry.config.guard)).flatten()
        };
        if let Some(reason) = verdict {
            self.stop_canary(entry, state, reason);
        }
    }

    /// Counts how a request to the canary went: it was answered, or failed where another version
    /// did not.
    pub(super) fn canary_answered(
        self: &Arc<Self>,
        target: &Target,
        failure: Option<&InferenceError>,
    ) {
        let (entry, state) = (&target.entry, &target.state);
        let own = entry.canary.as_ref();
        let Some(canary) = own.filter(|it| it.version == target.version) else {
            return;
        };
        let guard = &entry.config.guard;
        let is_watched = guard.error_rate_max.is_some() || canary.failures_max.is_some();
        if target.version == entry.serving || !is_watched {
            return;
        }
        let in_a_row = {
            let pair = self.models.pair(entry, target.version);
            state.canary().of(pair).answered(failure, guard)
        };
        if failure.is_none() {
            return;
        }
        let bound = canary.failures_max.map(|it| it.max(1));
        if bound.is_some_and(|it| in_a_row >= it) {
            let reason = format!("it failed {in_a_row} times in a row");
            self.stop_canary(entry, state, reason);
        } else {
            self.judge_canary(entry, state);
        }
    }

    /// Gives a canary no more traffic, at once here and for good in the model's state.
    pub(super) fn stop_canary(
        self: &Arc<Self>,
        entry: &ModelEntry,
        state: &Arc<ModelState>,
        reason: String,
    ) {
        // One that was stopped may still be asked for by its number.
        let Some(canary) = entry.canary.clone().filter(|it| it.share > 0.0) else {
            return;
        };
        // A late failure of one that was replaced says nothing of the one that is there now.
        let current = self.models.repository.entry(&entry.name);
        if !current.is_ok_and(|it| it.canary.as_ref() == Some(&canary)) || !state.stop(&canary) {
            return;
        }
        self.canary_stops.fetch_add(1, Ordering::Relaxed);
        let (version, name) = (canary.version, Arc::clone(&entry.name));
        tracing::warn!(model = %name, version, reason, "canary_stopped");
        let (pipeline, state, stopped) = (Arc::clone(self), Arc::clone(state), canary.clone());
        self.spawn(async move {
            let kept = pipeline.models.change(&name, move |entry, state| {
                if entry.canary.as_ref() == Some(&canary) {
                    let none = Canary {
                        share: 0.0,
                        ..canary
                    };
                    state.canary = Some(Some(none).into());
                    state.stopped = Some((version, reason));
                }
                Ok::<_, InferenceError>(())
            });
            match kept.await {
                // The same canary may be set again, at any server of the folder.
                Ok(_) => state.kept(&stopped),
                Err(error) => {
                    tracing::warn!(model = %name, version, error = %error, "canary_stop_not_kept");
                }
            }
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
