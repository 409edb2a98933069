//! The way of a request: let in, routed, held against the signature, run, tried again or answered
//! by somebody else where its version fails.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use crate::{
    Fallback, InferReply, InferRequest, InferenceError, ServerOptions, StageTimes,
    batcher::Workers,
    models::{Models, STOP_TIME_MAX},
    repository::ModelEntry,
};

mod attempt;
mod breaker;
mod results;
mod route;
mod scores;
mod shadow;
mod shared;
mod states;
mod trial;
mod validate;

pub(crate) use results::{ResultFigures, Results};
pub(crate) use scores::Scores;
pub(crate) use states::{States, VersionState};
pub(crate) use trial::{Pair, Trial};

use results::Key;
use scores::Recent;
use shadow::Lane;
use states::ModelState;

/// When to come again after a bound was hit.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What requests go through.
#[derive(Debug)]
pub(crate) struct Pipeline {
    requests_max: usize,
    direct_max: Duration,
    models: Arc<Models>,
    at_work: AtomicUsize,
    refused: AtomicU64,
    retries: AtomicU64,
    results: Results,
    lane: Lane,
    recent: Recent,
    canary_stops: AtomicU64,
    /// What goes on where its caller may have left.
    tasks: Mutex<JoinSet<()>>,
    pub(crate) workers: Workers,
    pub(crate) states: Arc<States>,
}

/// A request on its way.
#[derive(Debug, Clone)]
struct Ask {
    request: Arc<InferRequest>,
    since: Instant,
    deadline: Option<Instant>,
}

/// A model, what is kept for it, and which version is meant.
#[derive(Debug, Clone)]
struct Target {
    entry: Arc<ModelEntry>,
    state: Arc<ModelState>,
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
    pub(crate) fn new(options: &ServerOptions, models: &Arc<Models>) -> Self {
        Self {
            requests_max: options.requests_max,
            direct_max: options.direct_max,
            models: Arc::clone(models),
            at_work: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            results: models.results.clone(),
            lane: Lane::new(),
            recent: Recent::default(),
            canary_stops: AtomicU64::new(0),
            tasks: Mutex::default(),
            workers: Workers::new(options.threads),
            states: Arc::clone(&models.states),
        }
    }

    /// Whether a version is left alone after failures.
    pub(crate) fn is_open(&self, entry: &ModelEntry, version: u64) -> bool {
        let state = self.states.find(&entry.name, version);
        let content = self.models.content(&entry.name, version);
        let found = state.zip(content);
        found.is_some_and(|(it, content)| it.breaker.is_open(&entry.config.breaker, &content))
    }

    /// Requests inside.
    pub(crate) fn at_work(&self) -> usize {
        self.at_work.load(Ordering::Acquire)
    }

    /// Requests refused at the bound over all models.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Canaries stopped, shadows promoted, copies for shadows dropped.
    pub(crate) fn trials(&self) -> [u64; 3] {
        let lane = &self.lane;
        [&self.canary_stops, &lane.promotions, &lane.dropped].map(|it| it.load(Ordering::Relaxed))
    }

    /// What was kept and found.
    pub(crate) fn result_figures(&self) -> ResultFigures {
        self.results.figures()
    }

    /// Refuses a request to a model at a bound before anything of it was read; the bounds are met
    /// again where it is answered.
    pub(crate) fn admit(&self, model: &str) -> Result<(), InferenceError> {
        if self.at_work.load(Ordering::Acquire) >= self.requests_max {
            return Err(self.server_busy());
        }
        let Some(entry) = self.models.repository.route(model) else {
            return Ok(()); // Said with all else that may be wrong with it.
        };
        let bound = entry.config.limits.requests_max as usize;
        let state = self.states.model(&entry.name);
        if state.at_work.load(Ordering::Acquire) >= bound {
            return Err(self.model_busy(&entry, &state, entry.serving));
        }
        Ok(())
    }

    fn server_busy(&self) -> InferenceError {
        self.refused.fetch_add(1, Ordering::Relaxed);
        InferenceError::ServerBusy {
            bound: self.requests_max,
            retry_after: RETRY_AFTER,
        }
    }

    fn model_busy(&self, entry: &ModelEntry, state: &ModelState, version: u64) -> InferenceError {
        let version = self.states.version(state, version);
        version.statistics.refused.fetch_add(1, Ordering::Relaxed);
        busy(&entry.name, entry.config.limits.requests_max as usize)
    }

    /// Answers a request.
    pub(crate) async fn infer(
        self: &Arc<Self>,
        request: InferRequest,
    ) -> Result<InferReply, InferenceError> {
        let since = Instant::now();
        let Some(_inside) = Inside::enter(&self.at_work, self.requests_max) else {
            return Err(self.server_busy());
        };
        let Some(entry) = self.models.repository.route(&request.model) else {
            return Err(self.models.repository.unroutable(&request.model));
        };
        let state = self.states.model(&entry.name);
        let version = route::version(&entry, &request, &state)?;
        let target = Target {
            entry,
            state,
            version,
        };
        let limits = &target.entry.config.limits;
        let default =
            (limits.deadline_ms > 0).then(|| since + Duration::from_millis(limits.deadline_ms));
        let ask = Ask {
            deadline: request.deadline.or(default),
            request: Arc::new(request),
            since,
        };
        let bound = limits.requests_max as usize;
        let Some(_inside) = Inside::enter(&target.state.at_work, bound) else {
            return Err(self.model_busy(&target.entry, &target.state, version));
        };
        match self.ask(&target, &ask).await {
            Ok(reply) => {
                self.answered(&target, &ask, &reply);
                Ok(reply)
            }
            Err(error) if falls_back(&error) => {
                let answer = self.fall_back(&target, &ask, error.clone()).await;
                let served = answer.as_ref().ok().and_then(|it| it.fallback.as_ref());
                // What nobody can answer does not speak against the canary.
                if served == Some(&Fallback::PreviousVersion) {
                    self.canary_answered(&target, Some(&error));
                }
                answer
            }
            Err(error) => Err(error),
        }
    }

    /// Does what an answer is good for besides being given.
    fn answered(self: &Arc<Self>, target: &Target, ask: &Ask, reply: &InferReply) {
        let config = &target.entry.config;
        let (name, key) = (&target.entry.name, ask.request.key.as_deref());
        let by = (reply.version, reply.content);
        self.foretold(name, key, by, &reply.outputs);
        self.canary_answered(target, None);
        self.copy(target, ask, reply);
        if config.last_good && !reply.cached {
            let key = Key::of_model(name, &ask.request);
            let time = Duration::from_millis(config.results.stale_ms);
            self.results.remember(key, reply, time);
        }
    }

    /// Asks those who may answer instead, in their order; the first error stays where none does.
    async fn fall_back(
        self: &Arc<Self>,
        target: &Target,
        ask: &Ask,
        error: InferenceError,
    ) -> Result<InferReply, InferenceError> {
        let found = match self.ask_previous(target, ask).await {
            Some(reply) => Some((reply, Fallback::PreviousVersion)),
            None => match self.ask_other(target, ask).await {
                Some(reply) => Some((reply, Fallback::OtherModel)),
                None => self
                    .last_good(target, ask)
                    .map(|reply| (reply, Fallback::LastGood)),
            },
        };
        let (mut reply, by) = found.ok_or(error)?;
        let asked = self.states.version(&target.state, target.version);
        asked.statistics.fallbacks.fetch_add(1, Ordering::Relaxed);
        reply.fallback = Some(by);
        Ok(reply)
    }

    /// Asks what serves, where another version was asked, what served before it, and the version
    /// below.
    async fn ask_previous(self: &Arc<Self>, target: &Target, ask: &Ask) -> Option<InferReply> {
        let entry = &target.entry;
        let below = entry.before(target.version);
        let mut tried = vec![target.version];
        for version in [Some(entry.serving), entry.previous, below]
            .into_iter()
            .flatten()
        {
            if version == 0 || tried.contains(&version) {
                continue;
            }
            tried.push(version);
            let other = Target {
                version,
                ..target.clone()
            };
            if let Ok(reply) = self.ask(&other, ask).await {
                return Some(reply);
            }
        }
        None
    }

    /// Asks the model that is there for this one's failures, within that one's own bound.
    async fn ask_other(self: &Arc<Self>, target: &Target, ask: &Ask) -> Option<InferReply> {
        let entry = self
            .models
            .repository
            .route(target.entry.config.fallback.as_deref()?)?;
        let other = Target {
            state: self.states.model(&entry.name),
            version: entry.serving,
            entry,
        };
        let bound = other.entry.config.limits.requests_max as usize;
        let _inside = Inside::enter(&other.state.at_work, bound)?;
        self.ask(&other, ask).await.ok()
    }

    /// What was last answered to the same request, where the model may say so again.
    fn last_good(&self, target: &Target, ask: &Ask) -> Option<InferReply> {
        if !target.entry.config.last_good {
            return None;
        }
        let key = Key::of_model(&target.entry.name, &ask.request);
        let kept = self.results.last_good(&key)?;
        Some(shared::reply(&kept, ask.since, true))
    }

    /// Compares whatever runs in the shadow of a model anew.
    pub(crate) fn forget_shadow(&self, model: &str) {
        *self.states.model(&Arc::from(model)).shadow() = Trial::default();
    }

    /// Lets a model's canary take traffic again after it was stopped.
    pub(crate) fn allow_canary(&self, model: &str) {
        self.states.model(&Arc::from(model)).allow_canary();
    }

    /// Starts what outlives its caller.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Ends what waits, and waits for what runs, for as long as is worth it.
    pub(crate) async fn close(&self) {
        let closed = async {
            self.lane.close().await;
            self.workers.close().await;
            let mut tasks = {
                let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::take(&mut *tasks)
            };
            while tasks.join_next().await.is_some() {}
        };
        if timeout(STOP_TIME_MAX, closed).await.is_err() {
            tracing::warn!("model_runs_abandoned");
        }
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

#[cfg(test)]
mod tests;
