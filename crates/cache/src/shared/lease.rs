//! The lease of a load: kept, ended, or left with word of a failure.

use std::time::Duration;

use super::types::Fence;
use super::{Shared, millis};

/// What is told of a failure, at most, in characters.
const FAILURE_CHARS_MAX: usize = 300;

impl Shared {
    /// Keeps a load this replica's alone for another `lease`.
    pub async fn renew(&self, fence: &Fence, lease: Duration) {
        self.at_lease(fence, |cmd| {
            cmd.arg("renew").arg(millis(lease).max(1));
        })
        .await;
    }

    /// Lets the next one load, for this load came to nothing.
    pub async fn release(&self, fence: Fence) {
        self.at_lease(&fence, |cmd| {
            cmd.arg("release").arg(0);
        })
        .await;
    }

    /// Tells the others that this load failed, and has them take that for an answer while `hold`.
    pub async fn fail(&self, fence: Fence, text: &str, hold: Duration) {
        let text: String = text.chars().take(FAILURE_CHARS_MAX).collect();
        self.at_lease(&fence, |cmd| {
            cmd.arg("fail").arg(millis(hold).max(1));
            // What parts the fields of an answer cannot stand in one.
            cmd.arg(fence.clock).arg(text.replace('|', "/"));
        })
        .await;
    }

    /// Does something with a lease that is still this replica's. Where it fails, the lease runs out
    /// by itself.
    async fn at_lease(&self, fence: &Fence, fill: impl Fn(&mut redis::Cmd)) {
        let Some(link) = self.inner.link() else {
            return;
        };
        let key = self.inner.keys.under("lease", &fence.key);
        let keys = [key.as_slice()];
        let done = link.run(&self.inner.scripts.lease, &keys, |cmd| {
            cmd.arg(self.holder(fence));
            fill(cmd);
        });
        let _ = done.await;
    }

    /// What stands in the lease of a load.
    pub(super) fn holder(&self, fence: &Fence) -> String {
        format!("{}@{}", self.token(fence.token), fence.clock)
    }
}
