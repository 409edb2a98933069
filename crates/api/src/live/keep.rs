//! Keeps what is followed up to date: after each change, and on a tick for what time alone changes.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;

use super::{Followed, Live, turns::Turn};

/// How often followed answers are looked at while nothing changes.
const TICK: Duration = Duration::from_secs(1);
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
        let mut at_work = JoinSet::new();
        loop {
            let is_tick = tokio::select! {
                _ = stopped.wait_for(|it| *it) => break,
                _ = changed.changed() => false,
                _ = tick.tick() => true,
                Some(_) = at_work.join_next() => continue,
            };
            changed.mark_unchanged();
            let changes = self.engine.cache().changed_since(seen);
            seen = changes.until;
            if !is_tick {
                self.turns.change();
            }
            let keys = match changes.marks {
                Some(marks) if !is_tick => self.lock_index().touched(&marks),
                _ => self.feed.keys(),
            };
            self.renew_all(keys, &mut at_work).await;
            if is_tick {
                self.let_go();
            }
        }
        at_work.shutdown().await;
    }

    /// Has what is not what it was made anew, without waiting for it; of many keys one event changes
    /// few.
    async fn renew_all(self: &Arc<Self>, keys: Vec<Arc<str>>, at_work: &mut JoinSet<()>) {
        for (looked, key) in keys.into_iter().enumerate() {
            if looked % LOOKS_AT_ONCE == LOOKS_AT_ONCE - 1 {
                tokio::task::yield_now().await;
            }
            if self.feed.revision(&key).is_none() {
                continue; // It made room for others.
            }
            let known = self.known(&key);
            if self.is_told(&key, &known) {
                continue;
            }
            self.turns.add(&key, known.cost());
            if let Some(turn) = self.turns.take() {
                at_work.spawn(Arc::clone(self).work(turn));
            }
        }
    }

    /// Makes an answer anew, and then others as long as there are any that wait.
    async fn work(self: Arc<Self>, mut turn: Turn) {
        loop {
            let key = Arc::clone(turn.key());
            let known = self.known(&key);
            if let Err(refusal) = self.renew(&key, &known).await {
                // Readers keep what they have; it is tried again on the next tick.
                tracing::debug!(%key, detail = refusal.detail, "followed answer not made");
            }
            if turn.end() && !self.is_told(&key, &known) {
                self.turns.add(&key, known.cost());
            }
            let Some(next) = self.turns.take() else {
                return;
            };
            turn = next;
        }
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
    fn let_go(&self) {
        let followed: Vec<_> = {
            let known = self.lock_known();
            known
                .iter()
                .map(|(key, it)| (Arc::clone(key), Arc::clone(it)))
                .collect()
        };
        for (key, entry) in followed {
            let Ok(mut entry) = entry.known.try_lock() else {
                continue; // Somebody makes it.
            };
            if self.feed.is_read(&key) {
                entry.idle_ticks = 0;
                continue;
            }
            entry.idle_ticks += 1;
            if entry.idle_ticks > IDLE_TICKS_MAX || self.feed.revision(&key).is_none() {
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
    use std::{
        sync::{
            Arc, OnceLock,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use axum::{Json, Router, routing::get};
    use domain::{BookmakerKey, FixtureId, Market, Outcome, QuoteStage, SourceKey};
    use engine::{Engine, EngineOptions, FixedClock, QuoteCommand, Topic, feeding::Mode};
    use tempfile::TempDir;
    use testkit::{LeagueOptions, league};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::{ApiOptions, ApiState, LiveOptions, ReadAccess, router};

    async fn state(live: LiveOptions) -> (ApiState, TempDir) {
        let (store, folder) = testkit::store().await;
        let league = league(&LeagueOptions::default());
        testkit::fill(&store, &league).await;
        let clock = Arc::new(FixedClock(league.recorded_at));
        let engine = Engine::new(Arc::new(store), clock, EngineOptions::default());
        let options = ApiOptions {
            read_access: ReadAccess::Open,
            live,
            ..ApiOptions::default()
        };
        let state = ApiState::new(Arc::new(engine), options);
        let _routes = router(state.clone());
        (state, folder)
    }

    /// Lets so many answers be made; the others are held.
    struct Gate {
        open: Semaphore,
        held: Semaphore,
        left: AtomicUsize,
    }

    impl Gate {
        async fn pass(self: Arc<Self>) -> Json<u32> {
            if let Ok(turn) = self.open.try_acquire() {
                turn.forget();
                return Json(0);
            }
            let _left = Left(Arc::clone(&self));
            self.held.add_permits(1);
            std::future::pending().await
        }
    }

    /// Notes that what was held is no longer.
    struct Left(Arc<Gate>);

    impl Drop for Left {
        fn drop(&mut self) {
            self.0.left.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[tokio::test]
    async fn slow_answers_keep_no_others_back() {
        let (state, _folder) = state(LiveOptions::default()).await;
        let slow: Vec<String> = (1..=12).map(|it| format!("board?limit={it}")).collect();
        let gate = Arc::new(Gate {
            open: Semaphore::new(slow.len()),
            held: Semaphore::new(0),
            left: AtomicUsize::new(0),
        });
        let handler = Arc::clone(&gate);
        let routes = Router::new()
            .route("/v1/board", get(move || handler.pass()))
            .fallback_service(state.reads());
        let kept = Arc::clone(&state.kept);
        let live = Live::new(
            &state.engine,
            (LiveOptions::default(), Arc::clone(&state.sessions)),
            (Arc::new(OnceLock::from(routes)), kept),
        );
        let live = Arc::new(live);
        for key in &slow {
            live.make(key).await.unwrap();
            live.known(key).took(Duration::from_secs(1));
        }
        let key = "fixtures/1/quotes";
        live.make(key).await.unwrap();
        live.known(key).took(Duration::from_micros(300));
        let mut reader = live.feed.reader().unwrap();
        reader.follow(key, None, Mode::Latest).unwrap();
        reader.next().await;
        let keeping = tokio::spawn(Arc::clone(&live).keep());
        let all_held = gate.held.acquire_many(4).await.unwrap();
        let quote = QuoteCommand {
            fixture: FixtureId(1),
            bookmaker: BookmakerKey::new("book").unwrap(),
            market: Market::H2H,
            stage: QuoteStage::Intermediate,
            taken_at: None,
            prices: vec![(Outcome::Home, 2.2), (Outcome::Away, 3.4)],
        };
        let source = SourceKey::new("api").unwrap();
        let engine = &state.engine;
        engine.put_quotes(&source, vec![quote]).await.unwrap();
        assert!(reader.next().await.is_news);
        assert_eq!(gate.left.load(Ordering::SeqCst), 0, "they are still made");
        drop(all_held);
        live.stop();
        keeping.await.unwrap();
    }

    #[tokio::test]
    async fn what_made_room_for_others_is_made_again_when_it_is_asked_for() {
        let (state, _folder) = state(LiveOptions {
            keys_max: 2,
            ..LiveOptions::default()
        })
        .await;
        let live = &state.live;
        for id in 1..=3 {
            live.ensure(&format!("fixtures/{id}")).await.unwrap();
        }
        assert_eq!(live.feed.revision("fixtures/1"), None);
        live.let_go();
        assert_eq!(live.lock_known().len(), 2);
        for id in 1..=3 {
            let key = format!("fixtures/{id}");
            live.ensure(&key).await.unwrap();
            assert!(live.feed.revision(&key).is_some());
        }
    }

    #[tokio::test]
    async fn a_change_has_only_those_looked_at_that_hang_on_it() {
        let (state, _folder) = state(LiveOptions::default()).await;
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
