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
    auth::{self, SessionName},
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
        let address = request.extensions.get().map(|Peer(it)| *it);
        let Some(key) = auth::carried(&request.headers) else {
            return self.signed_in(state, request, address).await;
        };
        let hash = key.hash();
        if self.is_proven(&hash) {
            return Holder::Key(key.prefix().to_owned());
        }
        if self.has_made_up_enough(address).await {
            return Holder::Nobody;
        }
        let Ok(_permit) = state.requests.try_acquire() else {
            return Holder::Unknown; // The front door refuses it for the same reason.
        };
        match said(auth::counts(&key, state)).await {
            Some(true) => {
                self.note(hash);
                Holder::Key(key.prefix().to_owned())
            }
            Some(false) => {
                self.count_made_up(address).await;
                Holder::Nobody
            }
            None => Holder::Unknown,
        }
    }

    /// Whose a request is that brings a session, or nothing; asked for within the same bounds.
    async fn signed_in(
        &self,
        state: &ApiState,
        request: &Parts,
        address: Option<IpAddr>,
    ) -> Holder {
        let Some(name) = SessionName::carried(&request.headers) else {
            return Holder::Nobody;
        };
        if self.has_made_up_enough(address).await {
            return Holder::Nobody;
        }
        let Ok(_permit) = state.requests.try_acquire() else {
            return Holder::Unknown; // The front door refuses it for the same reason.
        };
        let asked = state.sessions.find(&name, state.engine.now());
        match timeout(ASKING_TIME_MAX, asked).await {
            Ok(Some(session)) => Holder::Key(session.prefix),
            Ok(None) => {
                self.count_made_up(address).await;
                Holder::Nobody
            }
            Err(_) => Holder::Unknown,
        }
    }

    async fn count_made_up(&self, address: Option<IpAddr>) {
        if let (Some(limit), Some(address)) = (&self.made_up, address) {
            limit.take(&network_of(address), 1).await;
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
async fn said(asked: impl Future<Output = Result<bool, EngineError>>) -> Option<bool> {
    timeout(ASKING_TIME_MAX, asked).await.ok()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_store_that_hangs_or_fails_says_nothing() {
        assert_eq!(said(async { Ok(true) }).await, Some(true));
        assert_eq!(said(async { Err(EngineError::Worker) }).await, None);
        assert_eq!(said(std::future::pending()).await, None);
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
