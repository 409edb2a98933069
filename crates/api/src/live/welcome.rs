//! Whether those who follow still may: keys that are revoked and sessions that end, looked at once a
//! beat for all streams together.

use engine::chain;

use super::Live;

impl Live {
    /// Looks at the keys and sessions of streams once a beat, however long states take to make.
    pub(super) async fn keep_keys(&self) {
        let mut stopped = self.stopped();
        let mut beat = tokio::time::interval(self.options.beat);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let is_stopped = tokio::select! {
                _ = stopped.wait_for(|it| *it) => true,
                _ = beat.tick() => false,
            };
            if is_stopped {
                return;
            }
            self.look_at_keys().await;
            self.look_at_sessions().await;
        }
    }

    /// Notes which sessions have ended, so that streams opened by them end on their next beat.
    async fn look_at_sessions(&self) {
        let now = self.engine.now();
        for (name, session) in self.tallies.sessions() {
            if self.sessions.find(&name, now).await.is_none() {
                session.end();
            }
        }
    }

    /// Notes which keys count no longer, so that streams opened with them end on their next beat.
    async fn look_at_keys(&self) {
        if self.tallies.is_empty() {
            return;
        }
        match self.engine.keys().await {
            Ok(keys) => keys
                .iter()
                .filter(|it| it.revoked_at.is_some())
                .for_each(|it| self.tallies.revoke(&it.prefix)),
            // Looked at again the next time.
            Err(error) => {
                tracing::warn!(
                    error = chain(&error),
                    "the keys of streams could not be looked at"
                );
            }
        }
    }
}
