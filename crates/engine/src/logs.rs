//! Logs of games under way, read once and from then on only what is new.
//!
//! A log is a set of events that only grows, and its events become visible in the order of their
//! numbers. Whoever asks for one has the store asked for what came after the last number it holds:
//! what is kept is never older than the store, and an answer costs what is new, not what there is.
//! Right after everything was followed that was written (`held`), the store need not be asked: a
//! log has all there is until more of its game is followed, and what this process appends goes in.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use domain::{FixtureId, Sport};
use jiff::Timestamp;
use store::{RecordedEvent, Store, StoreError};

use crate::Engine;

mod told;

use told::Sum;
pub(crate) use told::Told;

/// Events kept of all games; beyond them those that nobody asked for longest are let go.
const EVENTS_MAX: usize = 200_000;

/// What was heard of a game.
#[derive(Debug, Default)]
pub(crate) struct Log {
    /// In the order of the source, all revisions.
    events: Vec<RecordedEvent>,
    /// The highest number of them.
    newest: i64,
    /// The latest moment from which one of them counts as known.
    heard_at: Timestamp,
    /// What all of them come to.
    whole: OnceLock<Sum>,
}

/// What a copy comes to is made when it is asked: to copy that costs more.
impl Clone for Log {
    fn clone(&self) -> Self {
        Self {
            events: self.events.clone(),
            newest: self.newest,
            heard_at: self.heard_at,
            whole: OnceLock::new(),
        }
    }
}

impl Log {
    /// Every event, in the order of the source.
    pub(crate) fn events(&self) -> &[RecordedEvent] {
        &self.events
    }

    /// The moments after `now` from which events count as known.
    pub(crate) fn known_after(&self, now: Timestamp) -> impl Iterator<Item = Timestamp> {
        let events = match self.heard_at > now {
            true => self.events.as_slice(),
            false => &[],
        };
        let known_at = events.iter().map(|it| it.known_at);
        known_at.filter(move |it| *it > now)
    }

    /// What was known at `now`; `None` where the game was not under way.
    pub(crate) fn told(&self, sport: Sport, now: Timestamp) -> Option<Told> {
        let whole = self
            .whole
            .get_or_init(|| Sum::of(sport, self.events.iter()));
        if whole.told.heard[1] <= now {
            return whole.told();
        }
        Sum::of(sport, self.events.iter().filter(|it| it.known_at <= now)).told()
    }

    /// Takes in what was written later; what is here already is passed over.
    fn grow(&mut self, new: Vec<RecordedEvent>) {
        let held = self.newest;
        let (mut in_order, mut goes_on) = (true, true);
        for it in new.into_iter().filter(|it| it.number > held) {
            self.newest = self.newest.max(it.number);
            self.heard_at = self.heard_at.max(it.known_at);
            let last = self.events.last().map(|it| it.event.sequence);
            in_order &= last.is_none_or(|last| last < it.event.sequence);
            if let Some(whole) = self.whole.get_mut().filter(|_| in_order && goes_on) {
                goes_on = whole.add(&it);
            }
            self.events.push(it);
        }
        if !in_order || !goes_on {
            self.whole.take();
        }
        if !in_order {
            self.events
                .sort_by_key(|it| (it.event.sequence, it.event.revision, it.number));
        }
    }
}

/// Who is asked for a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    /// The store, for what came after what is kept.
    Store,
    /// What is kept, where it is whole.
    Memory,
}

impl Engine {
    /// The log of a game.
    pub(crate) async fn log(&self, id: FixtureId) -> Result<Arc<Log>, StoreError> {
        self.logs.read(&*self.store, id, self.asked()).await
    }

    /// The logs of games.
    pub(crate) async fn all_logs(
        &self,
        ids: BTreeSet<FixtureId>,
    ) -> Result<HashMap<FixtureId, Arc<Log>>, StoreError> {
        self.logs.read_all(&*self.store, ids, self.asked()).await
    }

    fn asked(&self) -> Asked {
        match self.believes_memory() {
            true => Asked::Memory,
            false => Asked::Store,
        }
    }

    /// The log of a game as whoever writes must read it.
    pub(crate) async fn log_to_write(&self, id: FixtureId) -> Result<Arc<Log>, StoreError> {
        if self.believes_memory() {
            return self.log(id).await;
        }
        let store = self.store.writing();
        self.logs.read(store, id, Asked::Store).await
    }
}

/// Logs that are kept.
#[derive(Debug, Default)]
pub(crate) struct Logs(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    logs: HashMap<FixtureId, KeptLog>,
    requests: u64,
    events: usize,
    /// How often some log may have got behind the store.
    turn: u64,
}

#[derive(Debug, Default)]
struct KeptLog {
    /// The number of the last request for it.
    used: u64,
    log: Arc<Log>,
    /// Whether it has everything that was followed.
    is_whole: bool,
}

/// What an asker found, and when.
struct Found {
    log: Arc<Log>,
    is_whole: bool,
    turn: u64,
}

impl Logs {
    /// The log of a game as the store has it now, or had it when everything was last followed.
    async fn read(
        &self,
        store: &dyn Store,
        id: FixtureId,
        asked: Asked,
    ) -> Result<Arc<Log>, StoreError> {
        let found = self.lock().find(id);
        if found.is_whole && asked == Asked::Memory {
            return Ok(found.log);
        }
        let new = store.events_after(id, found.log.newest).await?;
        Ok(self.lock().grow(id, found, new))
    }

    /// The same of many games, in one read of the store at most.
    async fn read_all(
        &self,
        store: &dyn Store,
        ids: BTreeSet<FixtureId>,
        asked: Asked,
    ) -> Result<HashMap<FixtureId, Arc<Log>>, StoreError> {
        let (mut logs, mut behind) = (HashMap::new(), Vec::new());
        {
            let mut kept = self.lock();
            for id in ids {
                let found = kept.find(id);
                if found.is_whole && asked == Asked::Memory {
                    logs.insert(id, found.log);
                } else {
                    behind.push((id, found));
                }
            }
        }
        if behind.is_empty() {
            return Ok(logs);
        }
        let after: Vec<_> = behind.iter().map(|it| (it.0, it.1.log.newest)).collect();
        let mut new = store.events_of(&after).await?;
        let mut kept = self.lock();
        for (id, found) in behind {
            let new = new.remove(&id).unwrap_or_default();
            logs.insert(id, kept.grow(id, found, new));
        }
        Ok(logs)
    }

    /// Notes that more was followed of games than their logs have.
    pub(crate) fn doubt(&self, ids: impl IntoIterator<Item = FixtureId>) {
        let mut kept = self.lock();
        kept.turn += 1;
        for id in ids {
            if let Some(it) = kept.logs.get_mut(&id) {
                it.is_whole = false;
            }
        }
    }

    /// Notes that any log may lack something.
    pub(crate) fn doubt_all(&self) {
        let mut kept = self.lock();
        kept.turn += 1;
        kept.logs.values_mut().for_each(|it| it.is_whole = false);
    }

    /// Takes in what this process has appended to games, everything before it having been followed.
    pub(crate) fn append(&self, new: BTreeMap<FixtureId, Vec<RecordedEvent>>) {
        let mut kept = self.lock();
        for (id, new) in new {
            let found = kept.find(id);
            if found.is_whole {
                kept.grow(id, found, new);
            } else {
                kept.turn += 1; // Who reads it now may miss these.
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn find(&mut self, id: FixtureId) -> Found {
        self.requests += 1;
        let turn = self.turn;
        let Some(it) = self.logs.get_mut(&id) else {
            return Found {
                log: Arc::default(),
                is_whole: false,
                turn,
            };
        };
        it.used = self.requests;
        Found {
            log: Arc::clone(&it.log),
            is_whole: it.is_whole,
            turn,
        }
    }

    /// Adds what was written after what was found. Of a game without events nothing is kept.
    fn grow(&mut self, id: FixtureId, found: Found, new: Vec<RecordedEvent>) -> Arc<Log> {
        if new.is_empty() && found.log.events.is_empty() {
            return found.log;
        }
        let entry = self.logs.entry(id).or_default();
        entry.used = self.requests;
        let before = entry.log.events.len();
        // Somebody else may have added more meanwhile, or it was let go.
        if entry.log.newest < found.log.newest {
            entry.log = found.log;
        } else {
            drop(found.log);
        }
        if new.iter().any(|it| it.number > entry.log.newest) {
            Arc::make_mut(&mut entry.log).grow(new);
        }
        entry.is_whole |= found.turn == self.turn;
        let grown = Arc::clone(&entry.log);
        self.events = self.events + grown.events.len() - before;
        if self.events > EVENTS_MAX {
            self.let_go();
        }
        grown
    }

    /// Lets go of what nobody asked for longest, down to half of what may be kept.
    fn let_go(&mut self) {
        let mut ids: Vec<(u64, FixtureId)> =
            self.logs.iter().map(|it| (it.1.used, *it.0)).collect();
        ids.sort_unstable();
        self.turn += 1;
        for (_, id) in ids {
            if self.events <= EVENTS_MAX / 2 {
                return;
            }
            if let Some(it) = self.logs.remove(&id) {
                self.events -= it.log.events.len();
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
        let (early, late) = (kept.find(id), kept.find(id));
        let first = kept.grow(id, early, vec![event(1, 5), event(2, 3)]);
        assert_eq!(numbers(&first), [2, 1], "in the order of the source");
        // Asked before the others, answered after them.
        let late = kept.grow(id, late, vec![event(1, 5), event(2, 3), event(3, 4)]);
        assert_eq!(numbers(&late), [2, 3, 1]);
        let asked = found(&kept, first);
        let again = kept.grow(id, asked, vec![event(3, 4)]);
        assert_eq!((numbers(&again), kept.events), (vec![2, 3, 1], 3));
        // Let go meanwhile: what the asker holds is where it goes on from.
        kept.logs.clear();
        kept.events = 0;
        let asked = found(&kept, again);
        let whole = kept.grow(id, asked, vec![event(4, 9)]);
        assert_eq!((numbers(&whole), kept.events), (vec![2, 3, 1, 4], 4));
    }

    /// What somebody holds who asked a while ago.
    fn found(kept: &Kept, log: Arc<Log>) -> Found {
        Found {
            log,
            is_whole: false,
            turn: kept.turn,
        }
    }

    #[test]
    fn a_log_is_whole_from_a_read_that_nothing_overtook_until_more_is_followed() {
        let (logs, id) = (Logs::default(), FixtureId(1));
        let is_whole = |logs: &Logs| logs.lock().find(id).is_whole;
        let asked = logs.lock().find(id);
        logs.doubt([id]);
        logs.lock().grow(id, asked, vec![event(1, 1)]);
        assert!(!is_whole(&logs), "more was followed while it was read");
        let asked = logs.lock().find(id);
        logs.lock().grow(id, asked, Vec::new());
        assert!(is_whole(&logs));
        logs.append(BTreeMap::from([(id, vec![event(2, 2)])]));
        assert!(is_whole(&logs));
        assert_eq!(numbers(&logs.lock().find(id).log), [1, 2]);
        logs.doubt([FixtureId(2)]);
        assert!(is_whole(&logs), "another game");
        logs.doubt_all();
        assert!(!is_whole(&logs));
        // What is appended to a log that may lack something is read with the rest.
        let asked = logs.lock().find(id);
        logs.append(BTreeMap::from([(id, vec![event(4, 4)])]));
        logs.lock().grow(id, asked, vec![event(3, 3)]);
        assert!(!is_whole(&logs));
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
        drop(kept.find(FixtureId(1)));
        let held = kept.find(FixtureId(11));
        let grown = kept.grow(FixtureId(11), held, log(each));
        assert_eq!(grown.events().len(), each);
        let mut left: Vec<i64> = kept.logs.keys().map(|it| it.0).collect();
        left.sort_unstable();
        assert_eq!(left, [1, 8, 9, 10, 11]);
        assert_eq!(kept.events, EVENTS_MAX / 2);
    }
}
