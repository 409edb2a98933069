//! Readers that come with what another server sent them, or this one before it was started anew.
//!
//! A state is made from the store, so that equal ones are made everywhere, and what a reader holds
//! says by its revision what is in it. It is resumed from where the feed knows a state that says the
//! same: the newest, one of its history, or one made once more as of the moment the revision names,
//! lists as the same handler answered at that moment. What does not come out as it was is not used.
//! Before that the server catches up with the store: whatever the reader knows, it knows, too.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use engine::feeding::{Holds, Revision};
use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    sync::{Mutex as AsyncMutex, Semaphore},
    time::timeout,
};

use super::{Live, MAKING_TIME_MAX, Refusal, keys, refusal};

/// How far the clock of another server may be ahead of ours, in milliseconds. What is held of a
/// later moment is of another database, or made up.
const AHEAD_MS_MAX: u64 = 60_000;
/// How far back states are made once more, in milliseconds; who was away for longer is told the
/// whole.
const BACK_MS_MAX: u64 = 3_600_000;
/// States of the past made at a time, for all who come; more are told the whole state.
const RECALLS_MAX: usize = 2;
/// How long a reader waits for its turn at that; then it is told the whole.
const RECALL_WAIT_MAX: Duration = Duration::from_millis(500);
/// Revisions of a key whose states are made once more within [`TRIED_MS`], each once.
const TRIED_MAX: usize = 64;
/// How long it is remembered that one was made, in milliseconds.
const TRIED_MS: u64 = 60_000;

/// Turns at making states of the past.
#[derive(Debug)]
pub(super) struct Recalls {
    turns: Semaphore,
    /// How many were begun.
    pub(super) begun: AtomicUsize,
}

impl Default for Recalls {
    fn default() -> Self {
        Self {
            turns: Semaphore::new(RECALLS_MAX),
            begun: AtomicUsize::new(0),
        }
    }
}

/// Those who come to an address from elsewhere.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// How many times it was begun to catch up for them.
    begun: AtomicU64,
    /// The last of these that ended well.
    done: AsyncMutex<u64>,
    /// Held while a state of the past is made, which others may hold, too.
    recalling: AsyncMutex<()>,
    tried: Mutex<Tried>,
}

/// Revisions whose states were made once more of late, whatever came of it, and when, oldest first:
/// what came out otherwise, or was pushed out by others, is not made again for the next reader.
#[derive(Debug, Default)]
struct Tried(VecDeque<(Revision, u64)>);

impl Tried {
    /// Whether the state of a revision may be made.
    fn admits(&mut self, held: Revision, now_ms: u64) -> bool {
        while self.0.front().is_some_and(|it| it.1 + TRIED_MS <= now_ms) {
            self.0.pop_front();
        }
        self.0.len() < TRIED_MAX && self.0.iter().all(|it| it.0 != held)
    }

    fn note(&mut self, held: Revision, now_ms: u64) {
        self.0.push_back((held, now_ms));
    }
}

impl Arrivals {
    /// Works on what was tried, for a moment.
    fn tried<T>(&self, work: impl FnOnce(&mut Tried) -> T) -> T {
        work(&mut self.tried.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Live {
    /// Whether a reader of an address that holds `since` can be let in at once.
    pub(super) fn is_ready(&self, key: &str, since: Option<Revision>) -> bool {
        match since {
            None => self.feed.revision(key).is_some(),
            Some(held) => self.feed.holds(key, held) == Holds::Exactly,
        }
    }

    /// Sees to it that an address has a state in the feed, and one that is not older than what a
    /// reader holds; returns the revision to resume it from.
    pub(crate) async fn prepare(
        &self,
        key: &str,
        since: Option<Revision>,
    ) -> Result<Option<Revision>, Refusal> {
        self.ensure(key).await?;
        let Some(held) = since else {
            return Ok(None);
        };
        if self.is_ready(key, since) {
            return Ok(since);
        }
        if held.moment > self.now_ms().unsigned_abs().saturating_add(AHEAD_MS_MAX) {
            return Ok(Some(Revision::NOWHERE));
        }
        self.catch_up(key, held).await?;
        Ok(since)
    }

    /// Makes an answer anew from all that is written by now. Of many who come at the same time one
    /// does so for all; what began before somebody came may have missed what they know.
    async fn catch_up(&self, key: &str, held: Revision) -> Result<(), Refusal> {
        let followed = self.known(key);
        let arrivals = &followed.arrivals;
        let begun = arrivals.begun.load(Ordering::Acquire);
        let mut done = arrivals.done.lock().await;
        if *done <= begun {
            let turn = arrivals.begun.fetch_add(1, Ordering::AcqRel) + 1;
            let caught_up = self.engine.follow().await;
            caught_up.map_err(|_| refusal("the store cannot be asked"))?;
            self.renew(key, &followed).await?;
            *done = turn;
        }
        drop(done);
        self.recall(key, held).await;
        Ok(())
    }

    /// Makes the state once more that a reader holds, where that can be asked for; without it the
    /// reader is told the whole.
    async fn recall(&self, key: &str, held: Revision) {
        let now_ms = self.now_ms().unsigned_abs();
        // What a reader broke says nothing.
        let is_old = held.moment.saturating_add(BACK_MS_MAX) < now_ms;
        if held.digest == 0 || is_old || self.feed.holds(key, held) != Holds::Not {
            return;
        }
        let followed = self.known(key);
        let arrivals = &followed.arrivals;
        let Ok(_one_of_the_key) = timeout(RECALL_WAIT_MAX, arrivals.recalling.lock()).await else {
            return;
        };
        if self.feed.holds(key, held) != Holds::Not {
            return; // Somebody before came from the same state.
        }
        if !arrivals.tried(|it| it.admits(held, now_ms)) {
            return;
        }
        let Ok(_turn) = self.recalls.turns.try_acquire() else {
            return;
        };
        self.recalls.begun.fetch_add(1, Ordering::Relaxed);
        let made = timeout(MAKING_TIME_MAX, self.past(key, held.moment)).await;
        arrivals.tried(|it| it.note(held, now_ms));
        if let Ok(Some(state)) = made {
            self.feed.recall(key, state, held);
        }
    }

    /// The state of an address at a moment: what it answers as of it, and where that cannot be asked
    /// for, as with lists, what it answered then.
    async fn past(&self, key: &str, moment: u64) -> Option<Value> {
        if let Some(address) = keys::back_then(key, moment) {
            return Some(self.made(&address, None).await.ok()??.0);
        }
        let moment = Timestamp::from_millisecond(moment.try_into().ok()?).ok()?;
        self.made_back(key, moment).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_tried_once_and_no_more_of_them_than_there_may_be() {
        let revision = |moment| Revision { moment, digest: 7 };
        let mut tried = Tried::default();
        for moment in 0..TRIED_MAX as u64 {
            assert!(tried.admits(revision(moment), 1_000 + moment));
            tried.note(revision(moment), 1_000 + moment);
            assert!(!tried.admits(revision(moment), 1_000 + moment));
        }
        assert!(!tried.admits(revision(u64::MAX), TRIED_MS));
        assert!(tried.admits(revision(u64::MAX), 1_000 + TRIED_MS), "later");
        assert!(!tried.admits(revision(1), 1_000 + TRIED_MS));
    }
}
