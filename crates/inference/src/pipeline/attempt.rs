//! One version asked: leased, held against the signature, run, and asked again where a failure may
//! pass.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::{Ask, Pipeline, StageTimes, Target, VersionState, busy, route, validate, within};
use crate::{
    BatchMode, InferReply, InferRequest, InferenceError, Tensor,
    backend::RunError,
    batcher::{EXPLAINED_ROWS, Failure, Full, Ran, Waiting, run_request},
    resident::Lease,
};

/// An answer, and what gave it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) reply: InferReply,
    /// Of the content that was in memory.
    pub(super) identity: [u8; 32],
}

impl Pipeline {
    /// Asks a version, again where a failure may pass.
    pub(super) async fn attempts(
        self: &Arc<Self>,
        target: &Target,
        state: &VersionState,
        ask: &Ask,
    ) -> Result<Answer, InferenceError> {
        let settings = &target.entry.config.retry;
        let mut attempt = 0;
        loop {
            let error = match self.once(target, state, ask).await {
                Ok(answer) => return Ok(answer),
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
        self: &Arc<Self>,
        target: &Target,
        state: &VersionState,
        ask: &Ask,
    ) -> Result<Answer, InferenceError> {
        let (lease, rows) = self.ready(target, ask).await?;
        // Only now, so that what does not fit takes no turn.
        let settings = &target.entry.config.breaker;
        let entered = state.breaker.enter(settings, &lease.content, Instant::now);
        let _turn = entered.map_err(|retry_after| InferenceError::BreakerOpen {
            model: Arc::clone(&target.entry.name),
            version: target.version,
            retry_after,
        })?;
        let ran = self.compute(target, &lease, ask, rows).await?;
        let judged = |it| judge(target, state, &lease, it);
        let outputs = ran.outputs.map_err(judged)?;
        state.breaker.succeeded();
        let outputs = wanted(outputs, &ask.request);
        let spent = ran.queue + ran.compute;
        let times = StageTimes {
            queue: ran.queue,
            compute: ran.compute,
            post: ask.since.elapsed().saturating_sub(spent),
        };
        state.statistics.succeeded(rows, &times);
        Ok(Answer {
            identity: lease.identity,
            reply: InferReply {
                model: Arc::clone(&target.entry.name),
                version: target.version,
                content: lease.content,
                outputs,
                fallback: None,
                cached: false,
                times,
            },
        })
    }

    /// A version in memory, and the rows of a request that fits it.
    pub(super) async fn ready(
        &self,
        target: &Target,
        ask: &Ask,
    ) -> Result<(Lease, u64), InferenceError> {
        let (name, version) = (&target.entry.name, target.version);
        let cache = &self.models.cache;
        let lease = match cache.try_lease(name, version) {
            Some(lease) => lease,
            None => within(ask.deadline, cache.lease(name, version)).await??,
        };
        let rows_max = target.entry.config.limits.rows_max;
        let rows = validate::rows(&ask.request, lease.backend.signature(), rows_max)?;
        Ok((lease, rows))
    }

    /// Whether so many rows run where they are called, because any queue takes longer. Who leaves
    /// is not noticed there, so that many rows are not explained there.
    pub(super) fn is_direct(
        &self,
        target: &Target,
        lease: &Lease,
        request: &InferRequest,
        rows: u64,
    ) -> bool {
        match target.entry.config.batching.mode {
            BatchMode::Direct => !request.explain || rows <= EXPLAINED_ROWS,
            BatchMode::Batched => false,
            BatchMode::Auto => {
                let cost = lease.cost(request, rows);
                cost.is_some_and(|it| it <= self.direct_max)
            }
        }
    }

    /// Runs here where that is quicker than any queue, else on a worker.
    async fn compute(
        &self,
        target: &Target,
        lease: &Lease,
        ask: &Ask,
        rows: u64,
    ) -> Result<Ran, InferenceError> {
        let state = self.states.version(&target.state, target.version);
        let begun = Instant::now();
        if ask.deadline.is_some_and(|it| it <= begun) {
            return Err(InferenceError::Deadline);
        }
        if self.is_direct(target, lease, &ask.request, rows) {
            let outputs = run_request(lease, &ask.request, || true);
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
            cost: lease.cost(&ask.request, rows).unwrap_or_default(),
            since: begun,
            deadline: ask.deadline,
            lease: lease.clone(),
            config: Arc::clone(&target.entry.config),
            statistics: Arc::clone(&state.statistics),
        };
        let bound = target.entry.config.batching.queue_max as usize;
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
}

/// What a failure is to the caller; counts it where it speaks against the version.
fn judge(target: &Target, state: &VersionState, lease: &Lease, failure: Failure) -> InferenceError {
    let entry = &target.entry;
    let (reason, transient, counts) = match failure {
        Failure::Late => return InferenceError::Deadline,
        Failure::Model(RunError::Unsupported(reason)) => {
            return InferenceError::BadRequest(reason);
        }
        Failure::Model(RunError::Rows(reason)) => (reason, false, false),
        Failure::Model(RunError::Transient(reason)) => (reason, true, true),
        Failure::Panic(reason) => (reason, false, true),
    };
    if counts {
        let settings = &entry.config.breaker;
        let now = Instant::now();
        state.breaker.failed(settings, &lease.content, now);
    }
    InferenceError::Failed {
        model: Arc::clone(&entry.name),
        version: target.version,
        reason: reason.into(),
        transient,
    }
}

/// The outputs that were asked for, in that order, and contributions where they were.
pub(super) fn wanted(outputs: Vec<Tensor>, request: &InferRequest) -> Vec<Tensor> {
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
