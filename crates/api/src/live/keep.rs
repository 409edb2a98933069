//! Keeps what is followed up to date: after each change, and on a tick for what time alone changes.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{Followed, Live};

/// How often followed answers are looked at while nothing changes.
const TICK: Duration = Duration::from_secs(1);
/// How many of them are made anew at the same time.
const AT_ONCE: usize = 8;
/// How many of them are looked at before others get their turn.
const LOOKS_AT_ONCE: usize = 64;
/// Ticks for which an answer is kept up to date for nobody, so that who lost the connection resumes.
const IDLE_TICKS_MAX: u32 = 60;

impl Live {
    /// Keeps what is followed up to date, until it is told to stop.
    pub(crate) async fn keep(self: Arc<Self>) {
        tokio::join!(self.keep_states(), self.keep_keys());
    }

    async fn keep_states(self: &Arc<Self>) {
        let (mut changed, mut stopped) = (self.engine.changed(), self.stopped());
        let mut seen = 0;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let is_tick = tokio::select! {
                _ = stopped.wait_for(|it| *it) => return,
                _ = changed.changed() => false,
                _ = tick.tick() => true,
            };
            changed.mark_unchanged();
            let changes = self.engine.cache().changed_since(seen);
            seen = changes.until;
            let keys = match changes.marks {
                Some(marks) if !is_tick => self.lock_index().touched(&marks),
                _ => self.feed.keys(),
            };
            self.renew_all(keys).await;
            if is_tick {
                self.let_go().await;
            }
        }
    }

    /// Makes anew what is not what it was; of many keys one event changes few.
    async fn renew_all(self: &Arc<Self>, keys: Vec<Arc<str>>) {
        let mut at_work = JoinSet::new();
        for (looked, key) in keys.into_iter().enumerate() {
            if looked % LOOKS_AT_ONCE == LOOKS_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            let known = self.known(&key);
            if self.is_told(&key, &known) {
                continue;
            }
            if at_work.len() >= AT_ONCE {
                at_work.join_next().await;
            }
            let live = Arc::clone(self);
            at_work.spawn(async move {
                if let Err(refusal) = live.renew(&key, &known).await {
                    // Readers keep what they have; it is tried again on the next tick.
                    tracing::debug!(%key, detail = refusal.detail, "followed answer not made");
                }
            });
        }
        while at_work.join_next().await.is_some() {}
    }

    /// Whether the answer that is told of a key is the one that is kept, so that nothing need be
    /// asked.
    fn is_told(&self, key: &str, followed: &Followed) -> bool {
        let Some(place) = followed.place(&self.kept, key) else {
            return false;
        };
        let Ok(known) = followed.known.try_lock() else {
            return false; // Somebody makes it: what comes after that must be made, too.
        };
        let etag = known.etag.as_ref();
        etag.is_some_and(|it| self.kept.still_has(place, self.engine.now(), it))
    }

    /// Lets go of what nobody has followed for a while.
    async fn let_go(&self) {
        let followed: Vec<_> = {
            let known = self.lock_known();
            known
                .iter()
                .map(|(key, it)| (Arc::clone(key), Arc::clone(it)))
                .collect()
        };
        for (key, entry) in followed {
            let mut entry = entry.known.lock().await;
            if self.feed.is_read(&key) {
                entry.idle_ticks = 0;
                continue;
            }
            entry.idle_ticks += 1;
            if entry.idle_ticks > IDLE_TICKS_MAX {
                let mut known = self.lock_known();
                self.feed.forget(&key);
                known.remove(&key);
                self.lock_index().forget(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::FixtureId;
    use engine::{Engine, EngineOptions, FixedClock, Topic};
    use testkit::{LeagueOptions, league};

    use crate::{ApiOptions, ApiState, ReadAccess, router};

    #[tokio::test]
    async fn a_change_has_only_those_looked_at_that_hang_on_it() {
        let (store, _folder) = testkit::store().await;
        let league = league(&LeagueOptions::default());
        testkit::fill(&store, &league).await;
        let clock = Arc::new(FixedClock(league.recorded_at));
        let engine = Engine::new(Arc::new(store), clock, EngineOptions::default());
        let options = ApiOptions {
            read_access: ReadAccess::Open,
            ..ApiOptions::default()
        };
        let state = ApiState::new(Arc::new(engine), options);
        let _routes = router(state.clone());
        let keys = ["fixtures/1", "fixtures/2", "fixtures"];
        for key in keys {
            state.live.make(key).await.unwrap();
        }
        let touched = async |topic: Topic| {
            let cache = state.engine.cache();
            let seen = cache.changed_since(0).until;
            cache.remove(&[topic.tag().into()]).await;
            let marks = cache.changed_since(seen).marks.unwrap();
            let mut touched = state.live.lock_index().touched(&marks);
            touched.sort();
            touched.join(" ")
        };
        let fixture = |id| Topic::Fixture(FixtureId(id));
        assert_eq!(touched(fixture(1)).await, "fixtures/1");
        assert_eq!(touched(Topic::Fixtures).await, "fixtures");
        assert_eq!(touched(fixture(3_000)).await, "");
        assert_eq!(touched(Topic::Model).await, "");
        // What is gone while it is made is looked at next time, whatever changes then.
        let known = state.live.known(keys[0]);
        let etag = known.known.lock().await.etag.clone();
        state.live.note(keys[0], &known, etag.as_ref());
        assert_eq!(touched(fixture(3_000)).await, "fixtures/1");
    }
}
