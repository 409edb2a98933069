//! Whose a request is: which keys are proven, and how often that may be asked of the store.
//!
//! Anybody can make up keys whose checksum is right. Who does may try as many in a minute as an
//! address may send requests; a key that was proven lately costs no question.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::http::request::Parts;
use engine::{EngineError, caching::shared::RateLimit};
use tokio::time::timeout;

use super::{Peer, RateOptions, counter, network_of};
use crate::{
    ApiState,
    auth::{self, KeyText, SessionName},
};

/// How long a key counts by what was known of it; what it may do is asked with each request.
const PROVEN_TIME: Duration = Duration::from_secs(60);
/// Keys of which that is known.
const PROVEN_MAX: usize = 10_000;
/// How long the store may take to say whether a key counts.
const ASKING_TIME_MAX: Duration = Duration::from_secs(2);

/// Whose a request is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// Of a key that counts, by its public prefix.
    Key(String),
    /// Of nobody but an address.
    Nobody,
    /// Not known, as the store did not say.
    Unknown,
}

/// What a request brings to be counted as somebody's.
enum Brought {
    Key(KeyText),
    Session(SessionName),
}

impl Brought {
    fn by(request: &Parts) -> Option<Self> {
        let headers = &request.headers;
        let key = auth::carried(headers).map(Self::Key);
        key.or_else(|| SessionName::carried(headers).map(Self::Session))
    }

    /// The public prefix of the key that it counts as, where it does.
    async fn prefix(&self, state: &ApiState) -> Result<Option<String>, EngineError> {
        Ok(match self {
            Self::Key(key) => {
                let counts = auth::counts(key, state).await?;
                counts.then(|| key.prefix().to_owned())
            }
            Self::Session(name) => {
                let session = state.sessions.find(name, state.engine.now()).await;
                session.map(|it| it.prefix)
            }
        })
    }
}

/// What is known of keys.
pub(super) struct Proofs {
    /// Hashes of keys that count, each with when that is to be asked anew.
    proven: Mutex<HashMap<[u8; 32], Instant>>,
    /// Keys that were none, by address; counted by this process alone.
    made_up: Option<RateLimit>,
}

impl Proofs {
    pub(super) fn new(options: RateOptions) -> Self {
        Self {
            proven: Mutex::default(),
            made_up: options.per_address.map(|it| counter("made up", it, None)),
        }
    }

    /// Says whose a request is.
    pub(super) async fn holder(&self, state: &ApiState, request: &Parts) -> Holder {
        let Some(brought) = Brought::by(request) else {
            return Holder::Nobody;
        };
        if let Brought::Key(key) = &brought
            && self.is_proven(&key.hash())
        {
            return Holder::Key(key.prefix().to_owned());
        }
        let address = Peer::of(request);
        if self.has_made_up_enough(address).await {
            return Holder::Nobody;
        }
        let Ok(_permit) = state.requests.try_acquire() else {
            return Holder::Unknown; // The front door refuses it for the same reason.
        };
        match said(brought.prefix(state)).await {
            Some(Some(prefix)) => {
                if let Brought::Key(key) = &brought {
                    self.note(key.hash());
                }
                Holder::Key(prefix)
            }
            Some(None) => {
                if let (Some(limit), Some(address)) = (&self.made_up, address) {
                    limit.take(&network_of(address), 1).await;
                }
                Holder::Nobody
            }
            None => Holder::Unknown,
        }
    }

    /// Notes that a key counts.
    pub(super) fn note(&self, hash: [u8; 32]) {
        let now = Instant::now();
        let mut proven = self.proven();
        if proven.len() >= PROVEN_MAX && !proven.contains_key(&hash) {
            proven.retain(|_, end| *end > now);
        }
        if proven.len() < PROVEN_MAX || proven.contains_key(&hash) {
            proven.insert(hash, now + PROVEN_TIME);
        }
    }

    fn is_proven(&self, hash: &[u8; 32]) -> bool {
        let end = self.proven().get(hash).copied();
        end.is_some_and(|it| it > Instant::now())
    }

    async fn has_made_up_enough(&self, address: Option<IpAddr>) -> bool {
        let (Some(limit), Some(address)) = (&self.made_up, address) else {
            return false;
        };
        limit.take(&network_of(address), 0).await.remaining == 0
    }

    fn proven(&self) -> MutexGuard<'_, HashMap<[u8; 32], Instant>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the store says in time.
async fn said<T>(asked: impl Future<Output = Result<T, EngineError>>) -> Option<T> {
    timeout(ASKING_TIME_MAX, asked).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_hangs_or_fails_says_nothing() {
        assert_eq!(said(async { Ok(true) }).await, Some(true));
        assert_eq!(said(async { Err(EngineError::Worker) }).await, None::<bool>);
        assert_eq!(said(std::future::pending()).await, None::<bool>);
    }

    #[test]
    fn keys_that_are_proven_are_known_up_to_a_bound() {
        let proofs = Proofs::new(RateOptions::default());
        let hash = |number: usize| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_le_bytes());
            hash
        };
        for number in 0..=PROVEN_MAX {
            proofs.note(hash(number));
        }
        assert!(proofs.is_proven(&hash(0)));
        assert!(!proofs.is_proven(&hash(PROVEN_MAX)), "one too many");
        let gone = Instant::now();
        proofs.proven().insert(hash(0), gone);
        assert!(!proofs.is_proven(&hash(0)));
        proofs.note(hash(PROVEN_MAX));
        assert!(
            proofs.is_proven(&hash(PROVEN_MAX)),
            "in place of one whose time is up"
        );
        assert_eq!(proofs.proven().len(), PROVEN_MAX);
    }
}
