//! How many streams and subscriptions each API key has, and the bounds on them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What each principal has.
#[derive(Debug, Default)]
pub(crate) struct Tallies(Mutex<HashMap<Arc<str>, Tally>>);

#[derive(Debug, Default)]
struct Tally {
    streams: usize,
    subscriptions: usize,
}

/// A place among the streams, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    tallies: Arc<Tallies>,
    principal: Option<Arc<str>>,
    subscriptions: usize,
}

impl Tallies {
    /// Takes a place; nothing where the principal has `streams_max` already. Who needs no key has
    /// no bound of their own.
    pub(crate) fn enter(
        self: &Arc<Self>,
        principal: Option<&str>,
        streams_max: usize,
    ) -> Option<Place> {
        let principal: Option<Arc<str>> = principal.map(Arc::from);
        if let Some(principal) = &principal {
            let mut tallies = self.lock();
            let tally = tallies.entry(Arc::clone(principal)).or_default();
            if tally.streams >= streams_max {
                return None;
            }
            tally.streams += 1;
        }
        Some(Place {
            tallies: Arc::clone(self),
            principal,
            subscriptions: 0,
        })
    }

    /// How many streams a principal has.
    pub(crate) fn streams(&self, principal: &str) -> usize {
        self.lock().get(principal).map_or(0, |it| it.streams)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Tally>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Counts a subscription; `false` where the principal has `max` already, over all its streams.
    pub(crate) fn subscribe(&mut self, max: usize) -> bool {
        if let Some(principal) = &self.principal {
            let mut tallies = self.tallies.lock();
            let tally = tallies.entry(Arc::clone(principal)).or_default();
            if tally.subscriptions >= max {
                return false;
            }
            tally.subscriptions += 1;
        }
        self.subscriptions += 1;
        true
    }

    /// Gives a subscription back.
    pub(crate) fn unsubscribe(&mut self) {
        self.subscriptions -= 1;
        if let Some(principal) = &self.principal
            && let Some(tally) = self.tallies.lock().get_mut(principal)
        {
            tally.subscriptions -= 1;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(principal) = &self.principal else {
            return;
        };
        let mut tallies = self.tallies.lock();
        if let Some(tally) = tallies.get_mut(principal) {
            tally.streams -= 1;
            tally.subscriptions -= self.subscriptions;
            if tally.streams == 0 {
                tallies.remove(principal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_on_all_streams_of_a_principal_and_places_are_given_back() {
        let tallies = Arc::<Tallies>::default();
        let mut first = tallies.enter(Some("a"), 2).unwrap();
        let mut second = tallies.enter(Some("a"), 2).unwrap();
        assert!(tallies.enter(Some("a"), 2).is_none());
        assert!(tallies.enter(Some("b"), 2).is_some());
        assert!(first.subscribe(3) && first.subscribe(3) && second.subscribe(3));
        assert!(!second.subscribe(3));
        first.unsubscribe();
        assert!(second.subscribe(3) && !first.subscribe(3));
        assert_eq!(tallies.streams("a"), 2);
        drop(second);
        assert!(first.subscribe(2) && !first.subscribe(2));
        drop(first);
        assert_eq!(tallies.streams("a"), 0);
        assert!(tallies.lock().is_empty(), "nothing is left of who is gone");
        let mut anybody = tallies.enter(None, 0).unwrap();
        assert!(anybody.subscribe(0));
        anybody.unsubscribe();
    }
}
