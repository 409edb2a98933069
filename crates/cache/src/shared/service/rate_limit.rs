//! How often somebody may do something, over all replicas.

use std::time::{Duration, Instant};

use super::super::Shared;
use super::super::script::Answer;
use super::super::types::SharedError;
use super::TWIN_MAX;
use super::twin::Twin;

/// So many requests in such a time; all of them may come at once, then they fill up evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests, at least one.
    pub requests: u32,
    /// The time in which they are given back.
    pub per: Duration,
}

/// What a limit says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Whether the request may go on.
    pub allowed: bool,
    /// Requests that could follow at once.
    pub remaining: u32,
    /// How long to wait before it is tried again; zero where it was allowed.
    pub retry_after: Duration,
}

/// A rate limit by the generic cell rate algorithm (ITU-T I.371): one number for each client, exact
/// over any window.
pub struct RateLimit {
    shared: Option<Shared>,
    name: &'static str,
    rate: Rate,
    twin: Twin<Instant>,
}

impl RateLimit {
    /// A limit called `name`, over all replicas where there is a shared tier.
    pub fn new(shared: Option<Shared>, name: &'static str, rate: Rate) -> Self {
        Self {
            shared,
            name,
            rate,
            twin: Twin::new(TWIN_MAX),
        }
    }

    /// Counts a request of `client` that costs as much as `cost` ordinary ones.
    pub async fn take(&self, client: &str, cost: u32) -> Allowance {
        match &self.shared {
            Some(shared) => match self.ask(shared, client, cost).await {
                Ok(allowance) => allowance,
                Err(_) => self.alone(client, cost),
            },
            None => self.alone(client, cost),
        }
    }

    /// The time that one request takes up.
    fn unit(&self) -> Duration {
        (self.rate.per / self.rate.requests.max(1)).max(Duration::from_micros(1))
    }

    async fn ask(
        &self,
        shared: &Shared,
        client: &str,
        cost: u32,
    ) -> Result<Allowance, SharedError> {
        let name = format!("{}:{client}", self.name);
        let answer = shared.serve(
            |it| &it.limit,
            ("limit", &name),
            |cmd| {
                cmd.arg(micros(self.unit()))
                    .arg(micros(self.rate.per))
                    .arg(cost);
            },
        );
        let answer: Answer = answer.await?;
        let over = Duration::from_micros(answer.number(1)?);
        let taken = Duration::from_micros(answer.number(2)?);
        Ok(self.allowance(over, taken))
    }

    fn alone(&self, client: &str, cost: u32) -> Allowance {
        let now = Instant::now();
        let needs = self.unit() * cost;
        self.twin.update(client, |held| {
            let taken = held.copied().unwrap_or(now).max(now);
            let after = taken + needs;
            let over = (after - now).saturating_sub(self.rate.per);
            if over.is_zero() {
                let allowance = self.allowance(over, after - now);
                (Some((after, after)), allowance)
            } else {
                (None, self.allowance(over, taken - now))
            }
        })
    }

    fn allowance(&self, over: Duration, taken: Duration) -> Allowance {
        let left = self.rate.per.saturating_sub(taken).as_micros() / self.unit().as_micros();
        Allowance {
            allowed: over.is_zero(),
            remaining: u32::try_from(left).unwrap_or(u32::MAX),
            retry_after: over,
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
