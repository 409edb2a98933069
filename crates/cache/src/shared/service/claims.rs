//! Claims: what is to be done once is done by the first who says so, and others learn what came of
//! it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::super::types::SharedError;
use super::super::{Shared, millis};
use super::TWIN_MAX;
use super::twin::Twin;

/// Claims of all replicas. With the server away a claim holds in this process alone.
pub struct Claims {
    shared: Option<Shared>,
    twin: Twin<State>,
    numbers: AtomicU64,
}

/// What is known of a claim.
#[derive(Clone, PartialEq)]
enum State {
    Running(u64),
    Done(Bytes),
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nobody had it: go on, then say what came of it.
    Mine(ClaimToken),
    /// Somebody is at it.
    Running,
    /// It was done, and this came of it.
    Done(Bytes),
}

/// The proof that a claim was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimToken {
    name: String,
    number: u64,
    /// Whether the server knows of it.
    shared: bool,
}

impl Claims {
    /// Claims over all replicas where there is a shared tier.
    pub fn new(shared: Option<Shared>) -> Self {
        Self {
            shared,
            twin: Twin::new(TWIN_MAX),
            numbers: AtomicU64::new(0),
        }
    }

    /// Claims `name`, for as long as `lease` unless it is settled before.
    pub async fn claim(&self, name: &str, lease: Duration) -> Claim {
        let number = match &self.shared {
            Some(shared) => shared.inner.next_number(),
            None => self.numbers.fetch_add(1, Ordering::Relaxed),
        };
        // What this process did, or is at, since the server was away is not done again.
        match self.twin.get(name) {
            Some(State::Done(outcome)) => return Claim::Done(outcome),
            Some(State::Running(_)) => return Claim::Running,
            None => {}
        }
        if let Some(shared) = &self.shared
            && let Ok(claim) = ask(shared, name, number, lease).await
        {
            return claim;
        }
        self.twin.update(name, |held| match held {
            Some(State::Running(_)) => (None, Claim::Running),
            Some(State::Done(outcome)) => (None, Claim::Done(outcome.clone())),
            None => {
                let mine = Claim::Mine(ClaimToken {
                    name: name.to_owned(),
                    number,
                    shared: false,
                });
                (Some((State::Running(number), Instant::now() + lease)), mine)
            }
        })
    }

    /// Says what came of a claim, and keeps it for `time_to_live`.
    pub async fn settle(&self, token: &ClaimToken, outcome: Bytes, time_to_live: Duration) {
        let sent = match &self.shared {
            Some(shared) if token.shared => {
                finish(shared, token, Some(&outcome), time_to_live).await
            }
            _ => Err(SharedError::Away),
        };
        if sent.is_err() {
            let end = Instant::now() + time_to_live;
            self.twin.put(&token.name, State::Done(outcome), end);
        }
    }

    /// Gives a claim up, so that the next one may have it.
    pub async fn abandon(&self, token: &ClaimToken) {
        if let Some(shared) = &self.shared
            && token.shared
        {
            // Where it fails, the lease runs out by itself.
            let _ = finish(shared, token, None, Duration::ZERO).await;
        }
        if self.twin.get(&token.name) == Some(State::Running(token.number)) {
            self.twin.remove(&token.name);
        }
    }
}

async fn ask(
    shared: &Shared,
    name: &str,
    number: u64,
    lease: Duration,
) -> Result<Claim, SharedError> {
    let answer = shared.serve(
        |it| &it.claim,
        ("claim", name),
        |cmd| {
            cmd.arg(shared.token(number)).arg(millis(lease).max(1));
        },
    );
    let answer = answer.await?;
    Ok(match answer.verdict() {
        "mine" => Claim::Mine(ClaimToken {
            name: name.to_owned(),
            number,
            shared: true,
        }),
        "running" => Claim::Running,
        _ => Claim::Done(answer.bytes.map(Bytes::from).unwrap_or_default()),
    })
}

async fn finish(
    shared: &Shared,
    token: &ClaimToken,
    outcome: Option<&Bytes>,
    time_to_live: Duration,
) -> Result<(), SharedError> {
    let answer = shared.serve(
        |it| &it.settle,
        ("claim", &token.name),
        |cmd| {
            cmd.arg(shared.token(token.number))
                .arg(millis(time_to_live).max(1));
            if let Some(outcome) = outcome {
                cmd.arg(&outcome[..]);
            }
        },
    );
    answer.await.map(|_| ())
}
