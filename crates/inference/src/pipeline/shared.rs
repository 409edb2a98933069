//! A version asked by way of kept answers: who asks the same at once shares one execution.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Ask, Pipeline, StageTimes, Target, VersionState,
    attempt::Answer,
    results::{Joined, Kept, Key, Lead},
    within,
};
use crate::{InferReply, InferenceError};

/// How an execution for all who wait goes.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// The content its key names.
    identity: [u8; 32],
    /// Whether it runs where it is called.
    direct: bool,
}

impl Pipeline {
    /// Asks a version, and counts what comes of it once, however often it is tried.
    pub(super) async fn ask(
        self: &Arc<Self>,
        target: &Target,
        ask: &Ask,
    ) -> Result<InferReply, InferenceError> {
        let state = self.states.version(&target.state, target.version);
        state.statistics.asked(ask.since);
        let answer = if target.entry.config.results.ttl_ms == 0 {
            let answer = self.attempts(target, &state, ask).await;
            answer.map(|it| it.reply)
        } else {
            self.share(target, &state, ask).await
        };
        if let Err(error) = &answer {
            state.statistics.missed(error, ask.since.elapsed());
        }
        answer
    }

    /// Asks a version whose results are kept, only if nobody did before.
    async fn share(
        self: &Arc<Self>,
        target: &Target,
        state: &Arc<VersionState>,
        ask: &Ask,
    ) -> Result<InferReply, InferenceError> {
        let (lease, rows) = self.ready(target, ask).await?;
        let key = Key::of_version(&lease, &ask.request);
        let plan = Plan {
            identity: lease.identity,
            direct: self.is_direct(target, &lease, &ask.request, rows),
        };
        drop(lease);
        loop {
            let mut flight = match self.results.join(key) {
                Joined::Kept(kept) => {
                    state.statistics.hit(ask.since.elapsed());
                    return Ok(reply(&kept, ask.since, true));
                }
                Joined::Lead(lead) => {
                    let misses = &state.statistics.cache_misses;
                    misses.fetch_add(1, Ordering::Relaxed);
                    return self.lead(lead, plan, (target, state), ask).await;
                }
                Joined::Wait(flight) => flight,
            };
            let landed = flight.wait_for(Option::is_some);
            let landed = within(ask.deadline, landed).await?;
            // Who led may have left, or had less time than is left here.
            let Ok(outcome) = landed.map(|it| it.clone()) else {
                continue;
            };
            match outcome.expect("waited for it to be there") {
                Ok(kept) => {
                    state.statistics.hit(ask.since.elapsed());
                    return Ok(reply(&kept, ask.since, true));
                }
                Err(InferenceError::Deadline) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Executes for all who wait: here where that takes no longer than a look, else where a caller
    /// that leaves stops nothing.
    async fn lead(
        self: &Arc<Self>,
        lead: Lead,
        plan: Plan,
        (target, state): (&Target, &Arc<VersionState>),
        ask: &Ask,
    ) -> Result<InferReply, InferenceError> {
        if plan.direct {
            return match self.attempts(target, state, ask).await {
                Ok(answer) => {
                    lead.land(&answer.reply, plan.keep(target, &answer));
                    Ok(answer.reply)
                }
                Err(error) => {
                    lead.fail(error.clone());
                    Err(error)
                }
            };
        }
        let mut flight = lead.subscribe();
        let (pipeline, target, copy) = (Arc::clone(self), target.clone(), ask.clone());
        let state = Arc::clone(state);
        self.spawn(async move {
            let answer = tokio::select! {
                answer = pipeline.attempts(&target, &state, &copy) => answer,
                () = lead.deserted() => return,
            };
            match answer {
                Ok(answer) => lead.land(&answer.reply, plan.keep(&target, &answer)),
                Err(error) => lead.fail(error),
            }
        });
        let landed = within(ask.deadline, flight.wait_for(Option::is_some)).await?;
        let outcome = landed.map_err(|_| InferenceError::Stopping)?.clone();
        let kept = outcome.expect("waited for it to be there")?;
        Ok(reply(&kept, ask.since, false))
    }
}

impl Plan {
    /// For how long an answer is kept; not at all where another content than the key's gave it.
    fn keep(&self, target: &Target, answer: &Answer) -> Option<Duration> {
        let ttl = Duration::from_millis(target.entry.config.results.ttl_ms);
        (answer.identity == self.identity).then_some(ttl)
    }
}

/// A kept answer, given now.
pub(super) fn reply(kept: &Kept, since: Instant, cached: bool) -> InferReply {
    let (model, version) = kept.by();
    InferReply {
        model: Arc::clone(model),
        version,
        content: kept.content,
        outputs: kept.outputs.clone(),
        fallback: None,
        cached,
        times: if cached {
            StageTimes {
                queue: since.elapsed(),
                ..StageTimes::default()
            }
        } else {
            kept.times
        },
    }
}
