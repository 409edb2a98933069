//! The way of a request: let in, routed, held against the signature, run, tried again or answered
//! by somebody else where its version fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    BatchMode, Fallback, InferReply, InferRequest, InferenceError, ServerOptions, StageTimes,
    backend::RunError,
    batcher::{Failure, Full, Ran, Waiting, Workers, run_once},
    model_cache::ModelCache,
    repository::{ModelEntry, Repository},
    resident::Lease,
};

mod breaker;
mod route;
mod states;
mod validate;

pub(crate) use states::{States, VersionState};

use states::ModelState;

/// When to come again after a bound was hit.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Where models come from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) cache: &'a ModelCache,
}

/// What requests go through.
#[derive(Debug)]
pub(crate) struct Pipeline {
    requests_max: usize,
    direct_max: Duration,
    at_work: AtomicUsize,
    retries: AtomicU64,
    pub(crate) workers: Workers,
    pub(crate) states: States,
}

/// A request on its way.
#[derive(Debug, Clone)]
struct Ask {
    request: Arc<InferRequest>,
    since: Instant,
    deadline: Option<Instant>,
}

/// A model and what is kept for it.
#[derive(Debug, Clone, Copy)]
struct Target<'a> {
    entry: &'a ModelEntry,
    state: &'a ModelState,
    version: u64,
}

/// Counts one for as long as it lives.
struct Inside<'a>(&'a AtomicUsize);

impl<'a> Inside<'a> {
    fn enter(count: &'a AtomicUsize, bound: usize) -> Option<Self> {
        let inside = Self(count);
        (count.fetch_add(1, Ordering::AcqRel) < bound).then_some(inside)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Pipeline {
    pub(crate) fn new(options: &ServerOptions) -> Self {
        Self {
            requests_max: options.requests_max,
            direct_max: options.direct_max,
            at_work: AtomicUsize::new(0),
            retries: AtomicU64::new(0),
            workers: Workers::new(options.threads),
            states: States::default(),
        }
    }

    /// Whether a version is left alone after failures.
    pub(crate) fn is_open(&self, entry: &ModelEntry, version: u64) -> bool {
        let state = self.states.find(&entry.name, version);
        state.is_some_and(|it| it.breaker.is_open(&entry.config.breaker))
    }

    /// Requests inside.
    pub(crate) fn at_work(&self) -> usize {
        self.at_work.load(Ordering::Acquire)
    }

    /// Answers a request.
    pub(crate) async fn infer(
        &self,
        sources: Sources<'_>,
        request: InferRequest,
    ) -> Result<InferReply, InferenceError> {
        let since = Instant::now();
        let bound = self.requests_max;
        let _inside = Inside::enter(&self.at_work, bound).ok_or(InferenceError::ServerBusy {
            bound,
            retry_after: RETRY_AFTER,
        })?;
        let Some(entry) = sources.repository.route(&request.model) else {
            return Err(InferenceError::UnknownModel(request.model));
        };
        let state = self.states.model(&entry.name);
        let stopped = state.canary_stopped.load(Ordering::Relaxed);
        let version = route::version(&entry, &request, stopped)?;
        let target = Target {
            entry: &entry,
            state: &state,
            version,
        };
        let limits = &entry.config.limits;
        let default =
            (limits.deadline_ms > 0).then(|| since + Duration::from_millis(limits.deadline_ms));
        let ask = Ask {
            deadline: request.deadline.or(default),
            request: Arc::new(request),
            since,
        };
        let bound = limits.requests_max as usize;
        let Some(_inside) = Inside::enter(&state.at_work, bound) else {
            let version = self.states.version(&state, version);
            version.statistics.refused.fetch_add(1, Ordering::Relaxed);
            return Err(busy(&entry.name, bound));
        };
        match self.ask(sources, target, &ask).await {
            Err(error) if falls_back(&error) => self.fall_back(sources, target, &ask, error).await,
            answer => answer,
        }
    }

    /// Asks those who may answer instead, in their order; the first error stays where none does.
    async fn fall_back(
        &self,
        sources: Sources<'_>,
        target: Target<'_>,
        ask: &Ask,
        error: InferenceError,
    ) -> Result<InferReply, InferenceError> {
        let entry = target.entry;
        let asked = self.states.version(target.state, target.version);
        let mut before = 0;
        for version in [Some(entry.serving), entry.previous].into_iter().flatten() {
            if version == target.version || version == before || version == 0 {
                continue;
            }
            before = version;
            let other = Target { version, ..target };
            if let Ok(mut reply) = self.ask(sources, other, ask).await {
                asked.statistics.fallbacks.fetch_add(1, Ordering::Relaxed);
                reply.fallback = Some(Fallback::PreviousVersion);
                return Ok(reply);
            }
        }
        let other = entry.config.fallback.as_deref();
        if let Some(other) = other.and_then(|it| sources.repository.route(it)) {
            let state = self.states.model(&other.name);
            let target = Target {
                entry: &other,
                state: &state,
                version: other.serving,
            };
            if let Ok(mut reply) = self.ask(sources, target, ask).await {
                asked.statistics.fallbacks.fetch_add(1, Ordering::Relaxed);
                reply.fallback = Some(Fallback::OtherModel);
                return Ok(reply);
            }
        }
        Err(error)
    }

    /// Asks a version, again where a failure may pass.
    async fn ask(
        &self,
        sources: Sources<'_>,
        target: Target<'_>,
        ask: &Ask,
    ) -> Result<InferReply, InferenceError> {
        let state = self.states.version(target.state, target.version);
        let settings = &target.entry.config.retry;
        let mut attempt = 0;
        loop {
            let error = match self.once(sources, target, &state, ask).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let passing = matches!(
                error,
                InferenceError::Failed {
                    transient: true,
                    ..
                }
            );
            if !passing || attempt >= settings.attempts {
                return Err(error);
            }
            let wait = self.backoff(settings.backoff_ms, attempt);
            if ask.deadline.is_some_and(|it| Instant::now() + wait >= it) {
                return Err(error);
            }
            sleep(wait).await;
            attempt += 1;
        }
    }

    /// Doubles with each attempt; half of it is spread by a counter's hash.
    fn backoff(&self, first_ms: u64, attempt: u32) -> Duration {
        let whole = Duration::from_millis(first_ms).saturating_mul(1 << attempt.min(10));
        let count = self.retries.fetch_add(1, Ordering::Relaxed);
        whole / 2 + (whole / 2).mul_f64(route::mix(count) as f64 / u64::MAX as f64)
    }

    async fn once(
        &self,
        sources: Sources<'_>,
        target: Target<'_>,
        state: &VersionState,
        ask: &Ask,
    ) -> Result<InferReply, InferenceError> {
        let settings = &target.entry.config.breaker;
        let name = &target.entry.name;
        let begun = Instant::now();
        state
            .breaker
            .enter(settings, begun)
            .map_err(|retry_after| InferenceError::BreakerOpen {
                model: Arc::clone(name),
                version: target.version,
                retry_after,
            })?;
        let result = self.run(sources, target, state, ask).await;
        match &result {
            Ok(_) => state.breaker.succeeded(),
            Err(InferenceError::ModelBusy { .. }) => {
                state.statistics.refused.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => state.statistics.failed(ask.since.elapsed()),
        }
        result
    }

    async fn run(
        &self,
        sources: Sources<'_>,
        target: Target<'_>,
        state: &VersionState,
        ask: &Ask,
    ) -> Result<InferReply, InferenceError> {
        let (name, version) = (&target.entry.name, target.version);
        let lease = match sources.cache.try_lease(name, version) {
            Some(lease) => lease,
            None => within(ask.deadline, sources.cache.lease(name, version)).await??,
        };
        let signature = lease.backend.signature();
        let rows_max = target.entry.config.limits.rows_max;
        let rows = validate::rows(&ask.request, signature, rows_max)?;
        let ran = self.compute(&lease, state, ask, rows).await?;
        let outputs = ran.outputs.map_err(|it| self.judge(target, state, it))?;
        let outputs = wanted(outputs, &ask.request);
        let spent = ran.queue + ran.compute;
        let times = StageTimes {
            queue: ran.queue,
            compute: ran.compute,
            post: ask.since.elapsed().saturating_sub(spent),
        };
        state.statistics.succeeded(rows, &times);
        Ok(InferReply {
            model: Arc::clone(name),
            version,
            outputs,
            fallback: None,
            cached: false,
            times,
        })
    }

    /// Runs here where that is quicker than any queue, else on a worker.
    async fn compute(
        &self,
        lease: &Lease,
        state: &VersionState,
        ask: &Ask,
        rows: u64,
    ) -> Result<Ran, InferenceError> {
        let count = u32::try_from(rows).unwrap_or(u32::MAX);
        let direct = match lease.config.batching.mode {
            BatchMode::Direct => true,
            BatchMode::Batched => false,
            BatchMode::Auto => lease.row_cost.saturating_mul(count) <= self.direct_max,
        };
        let begun = Instant::now();
        if ask.deadline.is_some_and(|it| it <= begun) {
            return Err(InferenceError::Deadline);
        }
        if direct {
            let outputs = run_once(lease, &ask.request.inputs, ask.request.explain);
            state.statistics.ran(rows);
            return Ok(Ran {
                outputs,
                queue: begun - ask.since,
                compute: begun.elapsed(),
            });
        }
        let waiting = Waiting {
            request: Arc::clone(&ask.request),
            rows,
            since: begun,
            deadline: ask.deadline,
            lease: lease.clone(),
            statistics: Arc::clone(&state.statistics),
        };
        let bound = lease.config.batching.queue_max as usize;
        let answer = self
            .workers
            .enqueue(&state.queue, waiting)
            .map_err(|full| match full {
                Full::Queue => busy(&lease.model, bound),
                Full::Deadline => InferenceError::Deadline,
            })?;
        let ran = within(ask.deadline, answer).await?;
        ran.map_err(|_| InferenceError::Stopping)
    }

    /// What a failure is to the caller; counts it where it speaks against the version.
    fn judge(&self, target: Target<'_>, state: &VersionState, failure: Failure) -> InferenceError {
        let entry = target.entry;
        let (reason, transient, counts) = match failure {
            Failure::Late => return InferenceError::Deadline,
            Failure::Model(RunError::Rows(reason)) => (reason, false, false),
            Failure::Model(RunError::Transient(reason)) => (reason, true, true),
            Failure::Panic => ("it panicked".to_owned(), false, true),
        };
        if counts {
            let in_a_row = state.breaker.failed(&entry.config.breaker, Instant::now());
            let canary = entry
                .canary
                .as_ref()
                .filter(|it| it.version == target.version);
            let bound = canary.and_then(|it| it.failures_max);
            if bound.is_some_and(|it| in_a_row >= it)
                && !target.state.canary_stopped.swap(true, Ordering::Relaxed)
            {
                tracing::warn!(
                    model = %entry.name,
                    version = target.version,
                    failures = in_a_row,
                    "canary_stopped"
                );
            }
        }
        InferenceError::Failed {
            model: Arc::clone(&entry.name),
            version: target.version,
            reason: reason.into(),
            transient,
        }
    }

    /// Lets a model's canary take traffic again after it was stopped.
    pub(crate) fn allow_canary(&self, model: &str) {
        let state = self.states.model(&Arc::from(model));
        state.canary_stopped.store(false, Ordering::Relaxed);
    }
}

/// Waits no longer than the deadline.
async fn within<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = T>,
) -> Result<T, InferenceError> {
    match deadline {
        Some(deadline) => timeout_at(deadline, work)
            .await
            .map_err(|_| InferenceError::Deadline),
        None => Ok(work.await),
    }
}

fn busy(model: &Arc<str>, bound: usize) -> InferenceError {
    InferenceError::ModelBusy {
        model: Arc::clone(model),
        bound,
        retry_after: RETRY_AFTER,
    }
}

fn falls_back(error: &InferenceError) -> bool {
    matches!(
        error,
        InferenceError::Failed { .. }
            | InferenceError::BreakerOpen { .. }
            | InferenceError::NotLoaded { .. }
            | InferenceError::Loading { .. }
            | InferenceError::NoRoom { .. }
    )
}

/// The outputs that were asked for, in that order, and contributions where they were.
fn wanted(outputs: Vec<crate::Tensor>, request: &InferRequest) -> Vec<crate::Tensor> {
    if request.outputs.is_empty() {
        return outputs;
    }
    let explained = request.explain.then(|| outputs.last().cloned()).flatten();
    let named = request.outputs.iter();
    named
        .filter_map(|name| outputs.iter().find(|it| &it.name == name).cloned())
        .chain(explained)
        .collect()
}

#[cfg(test)]
mod tests;
