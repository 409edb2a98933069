//! Loads: joined, begun, watched over and answered for.

use std::any::Any;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::share::Asked;
use super::{
    Arc, Arrival, Attempt, Began, CacheError, Duration, Fit, Hit, Inner, Joined, Key, Landed,
    Loading, Made, Rules, Stage, Ticket, Tier, Verdict,
};
use crate::cache::Core;

type Outcome<V, E> = watch::Receiver<Option<Result<Landed<V>, CacheError<E>>>>;
pub(super) type Own<V, E> = Ticket<Landed<V>, CacheError<E>>;

impl<V, E> Inner<V, E>
where
    V: Send + Sync + 'static,
    E: std::error::Error + Send + Sync + 'static,
{
    /// Begins a load that nobody waits for, unless one is under way.
    pub(super) fn load_behind<F, L>(self: &Arc<Self>, key: &Key, loader: &mut Option<F>)
    where
        F: FnOnce(Loading) -> L + Send + 'static,
        L: Future<Output = Result<V, E>> + Send + 'static,
    {
        if let Joined::Own(ticket) = self.join(key, self.arrive()) {
            // There is a value to serve meanwhile, so being too busy is no trouble.
            let _ = self.begin(key, ticket, loader);
        }
    }

    /// Waits for one load of `key`: one that is under way, or the caller's own.
    pub(super) async fn attempt<F, L>(
        self: &Arc<Self>,
        key: &Key,
        reader: Arrival,
        impatient: bool,
        loader: &mut Option<F>,
    ) -> Attempt<V, E>
    where
        F: FnOnce(Loading) -> L + Send + 'static,
        L: Future<Output = Result<V, E>> + Send + 'static,
    {
        let (began, outcome, own) = match self.join(key, reader) {
            Joined::Failed(error) => return Attempt::Failed(error),
            Joined::Other { began, outcome } => (began, outcome, false),
            Joined::Earlier(outcome) => {
                landed(outcome, None).await;
                return Attempt::Outdated;
            }
            Joined::Own(ticket) => {
                // The load that was missed may have landed just before.
                if let Some((entry, Stage::Young)) = self.look(key, self.arrive()) {
                    let tier = Tier::Memory;
                    let now_ms = self.core.clock.now_ms();
                    let landed = Landed {
                        entry: entry.clone(),
                        tier,
                    };
                    ticket.land(Ok(landed), now_ms, 0);
                    return Attempt::Loaded(self.hit(&entry, tier));
                }
                let (began, outcome) = (ticket.began, ticket.outcome.clone());
                if let Err(error) = self.begin(key, ticket, loader) {
                    return Attempt::Failed(error);
                }
                (began, outcome, true)
            }
        };
        let patience = impatient.then(|| self.rules().soft_timeout);
        match landed(outcome, patience).await {
            None => Attempt::Slow,
            Some(Err(error)) => Attempt::Failed(error),
            Some(Ok(Landed { entry, tier })) => {
                let good = began >= reader.clock
                    || entry.held().judge(&self.core.versions) == Verdict::Fresh;
                match good {
                    true if own => {
                        let now_ms = self.core.clock.now_ms();
                        Attempt::Loaded(Hit::new(entry, tier, now_ms, false))
                    }
                    true => Attempt::Loaded(self.joined(&entry, tier)),
                    false => Attempt::Outdated,
                }
            }
        }
    }

    /// Waits as long as it takes.
    pub(super) async fn attempt_to_the_end<F, L>(
        self: &Arc<Self>,
        key: &Key,
        reader: Arrival,
        loader: &mut Option<F>,
    ) -> Result<Hit<V>, CacheError<E>>
    where
        F: FnOnce(Loading) -> L + Send + 'static,
        L: Future<Output = Result<V, E>> + Send + 'static,
    {
        loop {
            match self.attempt(key, reader, false, loader).await {
                Attempt::Loaded(hit) => return Ok(hit),
                Attempt::Failed(error) => return Err(error),
                Attempt::Outdated | Attempt::Slow => {}
            }
        }
    }

    fn join(&self, key: &Key, reader: Arrival) -> Joined<Landed<V>, CacheError<E>> {
        let versions = &self.core.versions;
        let known = [versions.of_key(key), self.slot];
        let fit = |began: Began| {
            let is_good = began.clock >= reader.clock
                || versions.judge(known.into_iter(), began.clock) == Verdict::Fresh;
            match is_good {
                false => Fit::Replace,
                // Where changes may have been missed, only what began after the caller came sees
                // all that was acknowledged before.
                true if reader.trusted || began.number > reader.loads => Fit::Join,
                true => Fit::Await,
            }
        };
        // The clock is read before the load begins, so the load sees at least what it tells.
        let now = (versions.now(), self.core.clock.now_ms());
        self.flights.join(key, now, fit)
    }

    /// Begins the load that `ticket` stands for.
    fn begin<F, L>(
        self: &Arc<Self>,
        key: &Key,
        ticket: Own<V, E>,
        loader: &mut Option<F>,
    ) -> Result<(), CacheError<E>>
    where
        F: FnOnce(Loading) -> L + Send + 'static,
        L: Future<Output = Result<V, E>> + Send + 'static,
    {
        let now_ms = self.core.clock.now_ms();
        let Some(room) = Room::take(&self.core) else {
            let error = CacheError::Busy(self.core.loads_max);
            ticket.land(Err(error.clone()), now_ms, 0);
            return Err(error);
        };
        let Some(loader) = loader.take() else {
            // A caller's own load always began late enough for the caller, so it needs one only.
            ticket.land(Err(CacheError::Cancelled), now_ms, 0);
            return Err(CacheError::Cancelled);
        };
        let (inner, key) = (self.clone(), key.clone());
        tokio::spawn(async move {
            let _room = room;
            inner.load(&key, ticket, loader).await;
        });
        Ok(())
    }

    /// Gets a value from the shared tier or the loader, and lets the outcome be known.
    async fn load<F, L>(&self, key: &Key, ticket: Own<V, E>, loader: F)
    where
        F: FnOnce(Loading) -> L + Send + 'static,
        L: Future<Output = Result<V, E>> + Send + 'static,
    {
        let Some(share) = self.share(key) else {
            let (outcome, rest_ms) = self.make(key, (ticket.began, 0), loader).await;
            return ticket.land(outcome, self.core.clock.now_ms(), rest_ms);
        };
        let ended = match share.ask(self, key).await {
            Asked::Found(entry) => {
                self.tally.hit(Tier::Shared, entry.held().cost_us());
                let tier = Tier::Shared;
                (Ok(Landed { entry, tier }), 0)
            }
            Asked::Failed(error, rest_ms) => (Err(error), rest_ms),
            Asked::Load(fence) => {
                // What was waited for may have taken long: the load begins now.
                let began = self.core.versions.now();
                let position = fence.as_ref().and_then(|it| it.position).unwrap_or(0);
                let renewal = fence.as_ref().map(|it| share.keep_lease(it));
                let made = self.make(key, (began, position), loader).await;
                drop(renewal);
                let told = share.told(self, fence, &made.0);
                ticket.land(made.0, self.core.clock.now_ms(), made.1);
                return share.tell(told).await;
            }
        };
        ticket.land(ended.0, self.core.clock.now_ms(), ended.1);
    }

    /// Runs a loader to its end, whatever that is; says until when a failure is to be remembered.
    async fn make<F, L>(
        &self,
        key: &Key,
        (began, position): (u64, u64),
        loader: F,
    ) -> (Result<Landed<V>, CacheError<E>>, u64)
    where
        F: FnOnce(Loading) -> L + Send + 'static,
        L: Future<Output = Result<V, E>> + Send + 'static,
    {
        let core = &self.core;
        let rules = self.rules();
        let born_ms = core.clock.now_ms();
        let started = tokio::time::Instant::now();
        self.tally.loads.add(1);
        let position = position.max(core.position());
        let loading = Loading::new(core.versions.clone(), rules, position);
        let given = loading.clone();
        let task = tokio::spawn(async move { loader(given).await });
        let result = finished(AbortOnDrop(task), rules).await;
        let cost = started.elapsed();
        self.tally
            .load_us
            .add(u64::try_from(cost.as_micros()).unwrap_or(u64::MAX));
        let made = Made {
            key,
            began,
            born_ms,
            cost,
        };
        let outcome = result.and_then(|value| self.keep(made, value, loading.finish()));
        let now_ms = core.clock.now_ms();
        let mut rest_ms = 0;
        if let Err(error) = &outcome {
            self.tally.failures.add(1);
            tracing::debug!(kind = &*self.name, %error, "a load failed");
            rest_ms = now_ms + u64::from(crate::rules::millis(rules.error_hold));
        }
        let tier = Tier::Loader;
        (outcome.map(|entry| Landed { entry, tier }), rest_ms)
    }
}

/// Waits for an outcome, for as long as `patience` where there is some.
async fn landed<V, E: std::error::Error + 'static>(
    mut outcome: Outcome<V, E>,
    patience: Option<Duration>,
) -> Option<Result<Landed<V>, CacheError<E>>> {
    let wait = async {
        match outcome.wait_for(Option::is_some).await {
            Ok(landed) => landed.clone().unwrap_or(Err(CacheError::Cancelled)),
            Err(_) => Err(CacheError::Cancelled),
        }
    };
    match patience {
        None => Some(wait.await),
        Some(time) => timeout(time, wait).await.ok(),
    }
}

/// What a loader's task came to.
async fn finished<V, E: std::error::Error + 'static>(
    mut task: AbortOnDrop<Result<V, E>>,
    rules: Rules,
) -> Result<V, CacheError<E>> {
    match timeout(rules.hard_timeout, &mut task.0).await {
        Ok(Ok(Ok(value))) => Ok(value),
        Ok(Ok(Err(error))) => Err(CacheError::Load(Arc::new(error))),
        Ok(Err(ended)) if ended.is_panic() => {
            Err(CacheError::Panicked(words(&*ended.into_panic()).into()))
        }
        Ok(Err(_)) => Err(CacheError::Cancelled),
        Err(_) => Err(CacheError::TimedOut(rules.hard_timeout)),
    }
}

/// What a panic said.
fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a word")
}

/// A task that ends with its owner.
pub(super) struct AbortOnDrop<T>(pub(super) JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// One of the loads that may be under way at a time.
struct Room(Arc<Core>);

impl Room {
    fn take(core: &Arc<Core>) -> Option<Self> {
        use std::sync::atomic::Ordering::Relaxed;
        let more = |count| (count < core.loads_max).then_some(count + 1);
        core.loads.fetch_update(Relaxed, Relaxed, more).ok()?;
        Some(Self(core.clone()))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0
            .loads
            .fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}
