//! Watches the cache: what it has done over time, and which answers were asked for most.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::{
    Engine,
    caching::{History, LIST_MAX, Sample, Window},
};

use super::heat::Heat;
use crate::aside::aside;

/// What was seen so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    seen: Arc<Mutex<(History, Heat)>>,
}

impl Watch {
    /// Looks once.
    pub(crate) async fn look(&self, engine: &Engine) {
        let (watch, cache) = (self.clone(), engine.cache().clone());
        let now_s = engine.now().as_second();
        aside(move || {
            let (statistics, glimpses) = (cache.statistics(), cache.hottest(LIST_MAX));
            let mut seen = watch.seen();
            seen.0.sample(now_s, &statistics);
            seen.1.note(now_s, &glimpses);
        })
        .await;
    }

    /// The addresses asked for most lately, first the most.
    pub(crate) fn hottest(&self, count: usize) -> Vec<String> {
        self.seen().1.hottest(count)
    }

    /// The names of kinds, and what they did between each two looks.
    pub(crate) fn samples(&self, window: Window) -> (Vec<String>, Vec<Sample>) {
        let seen = self.seen();
        (seen.0.kinds(), seen.0.samples(window))
    }

    fn seen(&self) -> MutexGuard<'_, (History, Heat)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
