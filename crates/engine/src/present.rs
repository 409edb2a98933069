//! The present of a game, where the servers that tell of it have clocks a little apart.
//!
//! What a server wrote carries the moment of its own clock. For one whose clock is behind it would
//! lie in the future: a goal that was confirmed would not be there, and the answer without it be kept
//! for all servers.

use jiff::{SignedDuration, Timestamp};

use crate::{Engine, topic};

/// How far ahead of our clock what was written may lie and be known all the same.
const AHEAD_MAX: SignedDuration = SignedDuration::from_secs(60);

impl Engine {
    /// The present by our clock, or by the newest of `moments` at which something was written, where
    /// that is ahead of it: what is there is known. What is too far ahead is left out until then.
    pub(crate) fn present(&self, moments: impl Iterator<Item = Timestamp>) -> Timestamp {
        let now = self.now();
        if topic::back().is_some() {
            return now;
        }
        let limit = now.saturating_add(AHEAD_MAX);
        let limit = limit.expect("a fixed span never overflows");
        let mut present = now;
        for moment in moments.filter(|it| *it > now) {
            if moment <= limit {
                present = present.max(moment);
            } else {
                topic::holds_until(moment);
            }
        }
        present
    }
}
