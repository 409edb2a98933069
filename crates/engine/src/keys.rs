//! API keys, of which those in use are held in memory for a moment.
//!
//! Every request that shows a key has to find its record. One read of the store a second is enough
//! for that: a change of any key that is followed lets all of them go, and what is held is believed
//! for a second at most, whatever was not followed: a store that has standbys reads keys where they
//! are written, for as long as that is there.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use store::ApiKeyRecord;

use crate::{Engine, EngineError};

/// How long a key may count that another process revoked, where that was not heard of sooner.
pub const KEY_BELIEVED: Duration = Duration::from_secs(1);
/// Keys held; beyond them all are let go. Only keys that exist are held.
const KEYS_MAX: usize = 10_000;

/// What is held.
#[derive(Debug, Default)]
pub(crate) struct HeldKeys(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How often all were let go.
    turn: u64,
    /// By prefix: the record, and when the store was asked for it.
    records: HashMap<String, (ApiKeyRecord, Instant)>,
}

impl HeldKeys {
    /// Lets go of all, and keeps nothing whose reading began before this.
    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        state.turn += 1;
        state.records.clear();
    }

    /// The record of a prefix, where it may still be believed at this moment; otherwise the turn, for
    /// what is read from the store from now on.
    fn find(&self, prefix: &str, now: Instant) -> Result<ApiKeyRecord, u64> {
        let state = self.lock();
        match state.records.get(prefix) {
            Some((record, asked)) if now.saturating_duration_since(*asked) < KEY_BELIEVED => {
                Ok(record.clone())
            }
            _ => Err(state.turn),
        }
    }

    /// Holds a record that the store was asked for at a moment, in a turn.
    fn keep(&self, record: &ApiKeyRecord, asked: Instant, turn: u64) {
        let mut state = self.lock();
        if state.turn != turn {
            return;
        }
        if state.records.len() >= KEYS_MAX {
            state.records.clear();
        }
        let prefix = record.prefix.clone();
        state.records.insert(prefix, (record.clone(), asked));
    }

    /// Notes that a key that is held was used, so that nobody notes it anew with each request.
    fn touch(&self, prefix: &str, at: Timestamp) {
        if let Some((record, _)) = self.lock().records.get_mut(prefix) {
            record.last_used_at = Some(at);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// The key with this public prefix, as it was at most [`KEY_BELIEVED`] ago.
    pub async fn key(&self, prefix: &str) -> Result<Option<ApiKeyRecord>, EngineError> {
        let asked = Instant::now();
        let turn = match self.held_keys.find(prefix, asked) {
            Ok(record) => return Ok(Some(record)),
            Err(turn) => turn,
        };
        let found = self.store.key(prefix).await?;
        if let Some(record) = &found {
            self.held_keys.keep(record, asked, turn);
        }
        Ok(found)
    }

    /// Every key, oldest first.
    pub async fn keys(&self) -> Result<Vec<ApiKeyRecord>, EngineError> {
        Ok(self.store.keys().await?)
    }

    /// Adds a key.
    pub async fn put_key(&self, key: &ApiKeyRecord) -> Result<(), EngineError> {
        let written = self.store.put_key(key).await;
        self.held_keys.clear();
        Ok(written?)
    }

    /// Adds the first key there ever is; `false` where somebody has made one.
    pub async fn put_first_key(&self, key: &ApiKeyRecord) -> Result<bool, EngineError> {
        let written = self.store.put_first_key(key).await;
        self.held_keys.clear();
        Ok(written?)
    }

    /// Revokes a key; `false` where there is none to revoke. Other processes may take it for up to
    /// [`KEY_BELIEVED`] longer.
    pub async fn revoke_key(&self, prefix: &str) -> Result<bool, EngineError> {
        let written = self.store.revoke_key(prefix, self.now()).await;
        self.held_keys.clear();
        Ok(written?)
    }

    /// Notes that a key was used.
    pub async fn touch_key(&self, prefix: &str) -> Result<(), EngineError> {
        let now = self.now();
        self.store.touch_key(prefix, now).await?;
        self.held_keys.touch(prefix, now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(prefix: &str) -> ApiKeyRecord {
        ApiKeyRecord {
            prefix: prefix.to_owned(),
            hash: [7; 32],
            name: String::new(),
            scopes: Vec::new(),
            created_at: Timestamp::UNIX_EPOCH,
            last_used_at: None,
            revoked_at: None,
        }
    }

    #[test]
    fn a_key_is_believed_for_a_second_after_the_store_was_asked() {
        let (held, asked) = (HeldKeys::default(), Instant::now());
        held.keep(&record("a"), asked, 0);
        assert_eq!(held.find("a", asked), Ok(record("a")));
        let last = asked + KEY_BELIEVED - Duration::from_nanos(1);
        assert_eq!(held.find("a", last), Ok(record("a")));
        assert_eq!(held.find("a", asked + KEY_BELIEVED), Err(0));
        assert_eq!(held.find("b", asked), Err(0));
    }

    #[test]
    fn what_was_read_before_a_change_is_not_held_after_it() {
        let (held, asked) = (HeldKeys::default(), Instant::now());
        held.keep(&record("a"), asked, 0);
        held.clear();
        assert_eq!(held.find("a", asked), Err(1));
        held.keep(&record("a"), asked, 0);
        assert_eq!(held.find("a", asked), Err(1), "its reading began before");
    }

    #[test]
    fn a_use_that_was_noted_is_known_and_believed_no_longer_for_it() {
        let (held, asked) = (HeldKeys::default(), Instant::now());
        held.keep(&record("a"), asked, 0);
        held.touch("a", Timestamp::MAX);
        held.touch("b", Timestamp::MAX);
        let found = held.find("a", asked).unwrap();
        assert_eq!(found.last_used_at, Some(Timestamp::MAX));
        assert_eq!(held.find("a", asked + KEY_BELIEVED), Err(0));
        assert_eq!(held.find("b", asked), Err(0));
    }

    #[test]
    fn no_more_keys_are_held_than_there_may_be() {
        let (held, asked) = (HeldKeys::default(), Instant::now());
        for number in 0..=KEYS_MAX {
            held.keep(&record(&number.to_string()), asked, 0);
        }
        assert_eq!(held.lock().records.len(), 1);
    }
}
