//! Notes when keys are used, beside the requests that use them: a note for people, for which no
//! request waits, and by which none fails where nothing can be written.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use engine::{ApiKeyRecord, chain};
use jiff::SignedDuration;
use tracing::debug;

use crate::ApiState;

/// Keys whose use is being noted, so that each is by one task at a time.
#[derive(Debug, Default)]
pub(crate) struct Touches(Mutex<BTreeSet<String>>);

/// A key while its use is being noted.
struct Touch {
    prefix: String,
    touches: Arc<Touches>,
}

impl Touches {
    fn begin(self: &Arc<Self>, prefix: &str) -> Option<Touch> {
        let is_first = self.lock().insert(prefix.to_owned());
        is_first.then(|| Touch {
            prefix: prefix.to_owned(),
            touches: Arc::clone(self),
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Touch {
    fn drop(&mut self) {
        self.touches.lock().remove(&self.prefix);
    }
}

/// Notes when a key was used, to the minute.
pub(super) fn note(key: &ApiKeyRecord, state: &ApiState) {
    let (now, minute) = (state.engine.now(), SignedDuration::from_mins(1));
    let is_noted = |used| now.duration_since(used) < minute;
    if key.last_used_at.is_some_and(is_noted) {
        return;
    }
    let Some(touch) = state.touches.begin(&key.prefix) else {
        return;
    };
    let engine = Arc::clone(&state.engine);
    tokio::spawn(async move {
        if let Err(error) = engine.touch_key(&touch.prefix).await {
            debug!(error = chain(&error), "the use of a key is not noted");
        }
    });
}
