//! Logs of games under way, read once and from then on only what is new.
//!
//! A log is a set of events that only grows, and its events become visible in the order of their
//! numbers. Whoever asks for one has the store asked for what came after the last number it holds:
//! what is kept is never older than the store, and an answer costs what is new, not what there is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use domain::{FixtureId, Sport};
use forecast::{GameState, Phase, PlayLog};
use jiff::Timestamp;
use store::{RecordedEvent, Store, StoreError};

use crate::{
    in_play::{moments, turns},
    view::MomentView,
};

/// Events kept of all games; beyond them those that nobody asked for longest are let go.
const EVENTS_MAX: usize = 200_000;

/// What was heard of a game.
#[derive(Debug, Clone, Default)]
pub(crate) struct Log {
    /// In the order of the source, all revisions.
    events: Vec<RecordedEvent>,
    /// The highest number of them.
    newest: i64,
    told: OnceLock<Option<Told>>,
}

/// What events of a game come to.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    /// Where the game stands.
    pub(crate) state: GameState,
    /// What happened that counts.
    pub(crate) moments: Vec<MomentView>,
    /// When something was first heard, and last.
    pub(crate) heard: [Timestamp; 2],
    /// When it was last changed by more than time, if it was.
    pub(crate) turned_at: Option<Timestamp>,
}

impl Told {
    /// What they come to; `None` where they do not begin the game.
    fn of<'a>(sport: Sport, events: impl Iterator<Item = &'a RecordedEvent>) -> Option<Self> {
        let mut log = PlayLog::new(sport);
        let mut heard = [Timestamp::MAX, Timestamp::MIN];
        let mut turned_at = None;
        for it in events {
            log.add(it.event);
            heard = [heard[0].min(it.known_at), heard[1].max(it.known_at)];
            if turns(sport, &it.event.kind) {
                turned_at = turned_at.max(Some(it.event.at));
            }
        }
        let state = log.state();
        (state.phase != Phase::Before).then(|| Self {
            state,
            moments: moments(sport, &log),
            heard,
            turned_at,
        })
    }
}

impl Log {
    /// Every event, in the order of the source.
    pub(crate) fn events(&self) -> &[RecordedEvent] {
        &self.events
    }

    /// What was known at `now`; `None` where the game was not under way.
    pub(crate) fn told(&self, sport: Sport, now: Timestamp) -> Option<Told> {
        let whole = self
            .told
            .get_or_init(|| Told::of(sport, self.events.iter()));
        match whole {
            Some(told) if told.heard[1] <= now => Some(told.clone()),
            _ => Told::of(sport, self.events.iter().filter(|it| it.known_at <= now)),
        }
    }

    /// Takes in what was written later; what is here already is passed over.
    fn grow(&mut self, new: Vec<RecordedEvent>) {
        let held = self.newest;
        for it in new.into_iter().filter(|it| it.number > held) {
            self.newest = self.newest.max(it.number);
            self.events.push(it);
        }
        self.events
            .sort_by_key(|it| (it.event.sequence, it.event.revision, it.number));
        self.told = OnceLock::new();
    }
}

/// Logs that are kept.
#[derive(Debug, Default)]
pub(crate) struct Logs(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// By game, with the number of the last request for it.
    logs: HashMap<FixtureId, (u64, Arc<Log>)>,
    requests: u64,
    events: usize,
}

impl Logs {
    /// The log of a game as the store has it now.
    pub(crate) async fn read(
        &self,
        store: &dyn Store,
        id: FixtureId,
    ) -> Result<Arc<Log>, StoreError> {
        let held = self.lock().find(id);
        let new = store.events_after(id, held.newest).await?;
        if new.is_empty() {
            return Ok(held);
        }
        Ok(self.lock().grow(id, held, new))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, id: FixtureId) -> Arc<Log> {
        self.requests += 1;
        let Some((used, log)) = self.logs.get_mut(&id) else {
            return Arc::default();
        };
        *used = self.requests;
        Arc::clone(log)
    }

    /// Adds what was written after what `held` has.
    fn grow(&mut self, id: FixtureId, held: Arc<Log>, new: Vec<RecordedEvent>) -> Arc<Log> {
        let entry = self.logs.entry(id).or_default();
        entry.0 = self.requests;
        let before = entry.1.events.len();
        // Somebody else may have added more meanwhile, or it was let go.
        if entry.1.newest < held.newest {
            entry.1 = held;
        } else {
            drop(held);
        }
        Arc::make_mut(&mut entry.1).grow(new);
        let grown = Arc::clone(&entry.1);
        self.events = self.events + grown.events.len() - before;
        if self.events > EVENTS_MAX {
            self.let_go();
        }
        grown
    }

    /// Lets go of what nobody asked for longest, down to half of what may be kept.
    fn let_go(&mut self) {
        let mut ids: Vec<(u64, FixtureId)> = self.logs.iter().map(|it| (it.1.0, *it.0)).collect();
        ids.sort_unstable();
        for (_, id) in ids {
            if self.events <= EVENTS_MAX / 2 {
                return;
            }
            if let Some((_, log)) = self.logs.remove(&id) {
                self.events -= log.events.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{PlayEvent, PlayKind, SourceKey};

    use super::*;

    fn event(number: i64, sequence: u64) -> RecordedEvent {
        let at = Timestamp::from_second(number).unwrap();
        let event = PlayEvent {
            sequence,
            revision: 0,
            at,
            clock: None,
            kind: PlayKind::Clock { running: true },
        };
        RecordedEvent {
            number,
            fixture: FixtureId(1),
            event,
            known_at: at,
            recorded_at: at,
            source: SourceKey::new("scores").unwrap(),
        }
    }

    fn numbers(log: &Log) -> Vec<i64> {
        log.events().iter().map(|it| it.number).collect()
    }

    #[test]
    fn a_log_grows_by_what_is_new_however_askers_overtake_each_other() {
        let mut kept = Kept::default();
        let id = FixtureId(1);
        let early = kept.find(id);
        let first = kept.grow(id, Arc::clone(&early), vec![event(1, 5), event(2, 3)]);
        assert_eq!(numbers(&first), [2, 1], "in the order of the source");
        // Asked before the others, answered after them.
        let late = kept.grow(id, early, vec![event(1, 5), event(2, 3), event(3, 4)]);
        assert_eq!(numbers(&late), [2, 3, 1]);
        let again = kept.grow(id, first, vec![event(3, 4)]);
        assert_eq!((numbers(&again), kept.events), (vec![2, 3, 1], 3));
        // Let go meanwhile: what the asker holds is where it goes on from.
        kept.logs.clear();
        kept.events = 0;
        let whole = kept.grow(id, again, vec![event(4, 9)]);
        assert_eq!((numbers(&whole), kept.events), (vec![2, 3, 1, 4], 4));
    }

    #[test]
    fn games_that_nobody_asks_for_are_let_go_first() {
        let mut kept = Kept::default();
        let each = EVENTS_MAX / 10;
        let log = |to: usize| (1..=to).map(|it| event(it as i64, it as u64)).collect();
        for id in 1..=10 {
            let held = kept.find(FixtureId(id));
            kept.grow(FixtureId(id), held, log(each));
        }
        kept.find(FixtureId(1));
        let held = kept.find(FixtureId(11));
        let grown = kept.grow(FixtureId(11), held, log(each));
        assert_eq!(grown.events().len(), each);
        let mut left: Vec<i64> = kept.logs.keys().map(|it| it.0).collect();
        left.sort_unstable();
        assert_eq!(left, [1, 8, 9, 10, 11]);
        assert_eq!(kept.events, EVENTS_MAX / 2);
    }
}
