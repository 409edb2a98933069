//! Tells receivers what fired: what is due is taken from the store, one for each receiver at a time,
//! so that one that hangs delays nobody else, and those of one key leave places to others; what fails is tried again after growing pauses for
//! about a day. Whoever is stopped on the way leaves it to be taken again: at least once, in no order.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use store::{Delivery, DeliveryAttempt, DeliveryClaim, DeliveryOutcome};
use tokio::{
    task::{Id, JoinSet},
    time::Instant,
};

use super::{
    courier::{Courier, Parcel},
    figures::add,
    sign,
};
use crate::{Engine, EngineError, chain};

/// Receivers told at the same time.
const AT_ONCE: usize = 32;
/// How many of them for rules of the same key.
const OF_KEY_AT_ONCE: u32 = 8;
/// How long nobody else takes what was taken: longer than an attempt can last.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// The pause after the first attempt; each is three times as long as the one before, up to the
/// longest.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
const PAUSE_MAX: Duration = Duration::from_secs(8 * 60 * 60);
/// Attempts at most: the last comes about 21 hours after the first.
const ATTEMPTS_MAX: u32 = 11;
/// By how much of itself a pause is longer or shorter.
const JITTER: f64 = 0.2;
/// How long to wait at least and at most before another look at what is due.
const LOOK_AGAIN: [Duration; 2] = [Duration::from_millis(250), Duration::from_secs(15)];

/// The status of a receiver that wants to hear no more.
const GONE: u16 = 410;

/// Attempts under way, and whom they are for.
#[derive(Default)]
struct AtWork {
    tasks: JoinSet<()>,
    receivers: HashMap<Id, String>,
}

impl AtWork {
    fn start(&mut self, receiver: String, attempt: impl Future<Output = ()> + Send + 'static) {
        let id = self.tasks.spawn(attempt).id();
        self.receivers.insert(id, receiver);
    }

    /// Waits for an attempt that ends, however it does; whom it was for. `None` where there is none.
    async fn ended(&mut self) -> Option<String> {
        let id = match self.tasks.join_next_with_id().await? {
            Ok((id, ())) => id,
            Err(broken) => broken.id(),
        };
        self.receivers.remove(&id)
    }
}

impl Engine {
    /// Tells receivers what fired for as long as it is polled; nothing where nobody carries it.
    pub async fn keep_telling(self: Arc<Self>) {
        let Some(courier) = self.courier.clone() else {
            return;
        };
        let (mut busy, mut at_work) = (BTreeMap::new(), AtWork::default());
        loop {
            let wait = match self.take(&courier, &mut busy, &mut at_work).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(error = chain(&error), "what fired cannot be told");
                    LOOK_AGAIN[1]
                }
            };
            tokio::select! {
                Some(receiver) = at_work.ended() => {
                    busy.remove(&receiver);
                }
                () = self.alerting.bell.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Takes what is due for receivers that are free, `busy` being those that are told something with
    /// whose rules it is for; returns how long to wait for more.
    async fn take(
        self: &Arc<Self>,
        courier: &Arc<dyn Courier>,
        busy: &mut BTreeMap<String, String>,
        at_work: &mut AtWork,
    ) -> Result<Duration, EngineError> {
        let now = self.now();
        let free = AT_ONCE.saturating_sub(at_work.tasks.len());
        if free > 0 {
            let claim = DeliveryClaim {
                now,
                leased_until: now.saturating_add(LEASE).unwrap_or(Timestamp::MAX),
                busy: busy.keys().cloned().collect(),
                owners: busy.values().cloned().collect(),
                owner_max: OF_KEY_AT_ONCE,
                limit: free as u32,
            };
            for delivery in self.store.claim_deliveries(&claim).await? {
                let receiver = delivery.receiver.clone();
                busy.insert(receiver.clone(), delivery.principal.clone());
                let (engine, courier) = (Arc::clone(self), Arc::clone(courier));
                at_work.start(receiver, async move {
                    if let Err(error) = engine.tell(&*courier, delivery).await {
                        tracing::warn!(%error, "an attempt to tell cannot be noted");
                    }
                });
            }
        }
        let (backlog, due) = self.store.delivery_backlog().await?;
        self.alerting.queue.store(backlog, Ordering::Relaxed);
        let [least, most] = LOOK_AGAIN;
        let left = due.map_or(most, |it| {
            Duration::try_from(it.duration_since(now)).unwrap_or_default()
        });
        Ok(left.clamp(least, most))
    }

    /// Makes one attempt, and notes how it went.
    async fn tell(&self, courier: &dyn Courier, delivery: Delivery) -> Result<(), EngineError> {
        let (at, began) = (self.now(), Instant::now());
        let id = format!("msg_{}_{}", delivery.alert, delivery.firing);
        let secret = &delivery.webhook.secret;
        let headers = sign::headers(secret, (&id, at.as_second()), &delivery.notice);
        let parcel = Parcel {
            url: delivery.webhook.url.clone(),
            headers,
            body: delivery.notice,
        };
        let answer = courier.carry(parcel).await;
        let took = began.elapsed();
        let outcome = self.outcome(&answer, delivery.attempt, courier);
        let attempt = DeliveryAttempt {
            firing: delivery.firing,
            attempt: delivery.attempt,
            at,
            took,
            status: answer.as_ref().ok().copied(),
            fault: fault(&answer),
        };
        tracing::info!(
            alert = delivery.alert.0,
            firing = delivery.firing,
            attempt = attempt.attempt,
            status = attempt.status,
            fault = attempt.fault,
            "webhook"
        );
        let told = (&attempt, &*delivery.webhook.url);
        self.store.finish_delivery(told, outcome).await?;
        if outcome == DeliveryOutcome::Gone {
            self.tell_changed();
        }
        Ok(())
    }

    /// What follows from an answer.
    fn outcome(
        &self,
        answer: &Result<u16, String>,
        attempt: u32,
        courier: &dyn Courier,
    ) -> DeliveryOutcome {
        let tally = &self.alerting;
        match answer {
            Ok(200..=299) => {
                add(&tally.delivered, 1);
                DeliveryOutcome::Delivered
            }
            Ok(GONE) => {
                add(&tally.gone, 1);
                DeliveryOutcome::Gone
            }
            _ if attempt >= ATTEMPTS_MAX => {
                add(&tally.given_up, 1);
                DeliveryOutcome::GivenUp
            }
            _ => {
                add(&tally.retried, 1);
                let pause = pause(attempt, courier.chance()[0]);
                let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
                let due = self.now().saturating_add(pause);
                DeliveryOutcome::Again(due.unwrap_or(Timestamp::MAX))
            }
        }
    }
}

/// What went wrong, for people.
fn fault(answer: &Result<u16, String>) -> Option<String> {
    match answer {
        Ok(200..=299) => None,
        Ok(GONE) => Some("the receiver is gone".to_owned()),
        Ok(status @ 300..=399) => Some(format!("answered {status}; redirects are not followed")),
        Ok(status) => Some(format!("answered {status}")),
        Err(fault) => Some(fault.clone()),
    }
}

/// How long to wait after an attempt, longer or shorter by chance.
fn pause(attempt: u32, chance: u8) -> Duration {
    let factor = 3_u32.saturating_pow(attempt.saturating_sub(1));
    let pause = PAUSE_FIRST.saturating_mul(factor).min(PAUSE_MAX);
    pause.mul_f64(1.0 + JITTER * (f64::from(chance) / 127.5 - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_for_about_a_day() {
        let middle = |attempt| pause(attempt, 127).as_secs_f64();
        assert!((middle(1) - 5.0).abs() < 0.1 && (middle(3) - 45.0).abs() < 0.5);
        let all: f64 = (1..ATTEMPTS_MAX).map(middle).sum();
        assert!((70_000.0..86_400.0).contains(&all), "{all}");
        let [least, most] = [0, 255].map(|it| pause(1, it).as_secs_f64());
        assert!((least - 4.0).abs() < 1e-9 && (most - 6.0).abs() < 1e-9);
        assert!(pause(u32::MAX, 255) <= PAUSE_MAX.mul_f64(1.0 + JITTER));
    }
}
