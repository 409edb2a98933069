//! Readers that come with what another server sent them, or this one before it was started anew.
//!
//! A state is made from the store, so that equal ones are made everywhere, and what a reader holds
//! says by its revision what is in it. It is resumed from where the feed knows a state that says the
//! same: the newest, one of its history, or one made once more as of the moment the revision names,
//! lists as the same handler answered at that moment. What does not come out as it was is not used.
//! Before that the server catches up with the store: whatever the reader knows, it knows, too.

use std::sync::atomic::{AtomicU64, Ordering};

use engine::feeding::{Holds, Revision};
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;

use super::{Live, MAKING_TIME_MAX, Refusal, keys, refusal};

/// How far the clock of another server may be ahead of ours, in milliseconds. What is held of a
/// later moment is of another database, or made up.
const AHEAD_MS_MAX: u64 = 60_000;
/// States of the past made at a time, for all who come; more are told the whole state.
pub(super) const RECALLS_MAX: usize = 2;

/// Those who come to an address from elsewhere.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// How many times it was begun to catch up for them.
    begun: AtomicU64,
    /// The last of these that ended well.
    done: AsyncMutex<u64>,
    /// Held while a state of the past is made, which others may hold, too.
    recalling: AsyncMutex<()>,
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
        // What a reader broke says nothing.
        if held.digest == 0 || self.feed.holds(key, held) != Holds::Not {
            return;
        }
        let followed = self.known(key);
        let _one_of_the_key = followed.arrivals.recalling.lock().await;
        if self.feed.holds(key, held) != Holds::Not {
            return; // Somebody before came from the same state.
        }
        let Ok(_turn) = self.recalls.try_acquire() else {
            return;
        };
        let made = tokio::time::timeout(MAKING_TIME_MAX, self.past(key, held.moment)).await;
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
