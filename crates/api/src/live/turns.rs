//! Whose turn it is to be made anew: each answer once at a time, and what was made quickly goes
//! first, so that no slow answer keeps a goal back.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How many answers are made anew at the same time.
const AT_ONCE: usize = 8;
/// How many of them are slow; the other places are for what is quick.
const SLOW_AT_ONCE: usize = 4;
/// An answer that takes no longer is quick.
const QUICK_MAX: Duration = Duration::from_millis(5);
/// Every so many turns are of who has waited longest, whatever it costs.
const FAIR_EVERY: u64 = 8;

/// What making an answer is expected to cost, in powers of two of a microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost(u32);

impl Cost {
    /// By how long it took the last time.
    pub(super) fn of(took: Duration) -> Self {
        Self(
            u64::try_from(took.as_micros())
                .unwrap_or(u64::MAX)
                .max(1)
                .ilog2(),
        )
    }

    fn is_slow(self) -> bool {
        self > Self::of(QUICK_MAX)
    }
}

impl Default for Cost {
    /// In the middle: nobody has made it yet.
    fn default() -> Self {
        Self::of(4 * QUICK_MAX)
    }
}

/// Answers that are to be made anew, and those that are being made.
#[derive(Debug, Default)]
pub(super) struct Turns(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// By cost, then in the order in which they came.
    due: BTreeMap<(Cost, u64), Arc<str>>,
    places: HashMap<Arc<str>, (Cost, u64)>,
    at_work: HashMap<Arc<str>, Work>,
    /// Those of them that are slow.
    slow: usize,
    added: u64,
    taken: u64,
}

/// An answer that is being made.
#[derive(Debug)]
struct Work {
    is_slow: bool,
    /// Whether something has changed since it was begun.
    is_behind: bool,
}

/// The turn of an answer, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    turns: Arc<Turns>,
    key: Option<Arc<str>>,
}

impl Turns {
    /// Has an answer wait for its turn, unless it does already or is being made: then it is to be
    /// looked at once more.
    pub(super) fn add(&self, key: &Arc<str>, cost: Cost) {
        let mut state = self.lock();
        if let Some(work) = state.at_work.get_mut(key) {
            work.is_behind = true;
            return;
        }
        if state.places.contains_key(key) {
            return;
        }
        state.added += 1;
        let place = (cost, state.added);
        state.due.insert(place, Arc::clone(key));
        state.places.insert(Arc::clone(key), place);
    }

    /// Notes that something has changed, which what is being made may have missed.
    pub(super) fn change(&self) {
        let mut state = self.lock();
        state
            .at_work
            .values_mut()
            .for_each(|it| it.is_behind = true);
    }

    /// The next turn, where there is a place.
    pub(super) fn take(self: &Arc<Self>) -> Option<Turn> {
        let key = self.lock().take()?;
        Some(Turn {
            turns: Arc::clone(self),
            key: Some(key),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self) -> Option<Arc<str>> {
        if self.at_work.len() >= AT_ONCE {
            return None;
        }
        let quick_only = self.slow >= SLOW_AT_ONCE;
        let mut may = self.due.keys().filter(|it| !quick_only || !it.0.is_slow());
        let place = match self.taken % FAIR_EVERY == FAIR_EVERY - 1 {
            true => may.min_by_key(|it| it.1),
            false => may.next(),
        };
        let place = *place?;
        let key = self.due.remove(&place)?;
        self.places.remove(&key);
        self.taken += 1;
        let is_slow = place.0.is_slow();
        self.slow += usize::from(is_slow);
        let work = Work {
            is_slow,
            is_behind: false,
        };
        self.at_work.insert(Arc::clone(&key), work);
        Some(key)
    }

    /// Ends a turn; whether something has changed since it began.
    fn end(&mut self, key: &str) -> bool {
        let Some(work) = self.at_work.remove(key) else {
            return false;
        };
        self.slow -= usize::from(work.is_slow);
        work.is_behind
    }
}

impl Turn {
    /// Whose turn it is.
    pub(super) fn key(&self) -> &Arc<str> {
        self.key.as_ref().expect("it is taken where the turn ends")
    }

    /// Ends it; whether something has changed since it began.
    pub(super) fn end(mut self) -> bool {
        let key = self.key.take();
        key.is_some_and(|it| self.turns.lock().end(&it))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.turns.lock().end(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_micros(300);
    const SLOW: Duration = Duration::from_secs(1);

    fn add(turns: &Turns, keys: &[&str], took: Duration) {
        for key in keys {
            turns.add(&Arc::from(*key), Cost::of(took));
        }
    }

    fn taken(turns: &Arc<Turns>) -> Vec<Turn> {
        std::iter::from_fn(|| turns.take()).collect()
    }

    fn keys(turns: &[Turn]) -> String {
        let keys: Vec<&str> = turns.iter().map(|it| &**it.key()).collect();
        keys.join(" ")
    }

    #[test]
    fn what_is_quick_goes_first_and_slow_answers_leave_it_places() {
        let turns = Arc::<Turns>::default();
        add(&turns, &["a", "b", "c", "d", "e"], SLOW);
        let mut at_work = taken(&turns);
        assert_eq!(keys(&at_work), "a b c d");
        turns.add(&"new".into(), Cost::default());
        add(&turns, &["play"], QUICK);
        assert_eq!(keys(&taken(&turns)), "play");
        at_work.remove(0).end();
        add(&turns, &["board"], QUICK);
        assert_eq!(keys(&taken(&turns)), "board new");
    }

    #[test]
    fn an_answer_is_made_once_at_a_time_and_looked_at_again_where_something_changed() {
        let turns = Arc::<Turns>::default();
        add(&turns, &["a", "a", "b"], QUICK);
        let mut at_work = taken(&turns);
        assert_eq!(keys(&at_work), "a b");
        add(&turns, &["a"], QUICK);
        assert!(turns.take().is_none());
        assert!(at_work.remove(0).end());
        assert!(!at_work.remove(0).end());
        add(&turns, &["a"], QUICK);
        let turn = turns.take().unwrap();
        turns.change();
        assert!(turn.end());
        // A turn that breaks off gives its place back.
        add(&turns, &["a"], SLOW);
        drop(turns.take());
        let state = turns.lock();
        assert_eq!((state.at_work.len(), state.slow), (0, 0));
    }

    #[test]
    fn who_has_waited_longest_has_a_turn_now_and_then() {
        let turns = Arc::<Turns>::default();
        add(&turns, &["slow"], SLOW);
        let mut order = Vec::new();
        for number in 0..FAIR_EVERY {
            let key = number.to_string();
            add(&turns, &[&key], QUICK);
            let turn = turns.take().unwrap();
            order.push(turn.key().to_string());
        }
        assert_eq!(order.pop().unwrap(), "slow");
    }
}
