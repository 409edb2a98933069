//! How many streams and subscriptions each API key has, how many streams each address without one,
//! and the bounds on them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{auth::SessionName, error::ApiError};

/// What each principal has.
#[derive(Debug, Default)]
pub(crate) struct Tallies {
    by_principal: Mutex<HashMap<Box<str>, Tally>>,
    /// Of who has no key, by network.
    by_network: Mutex<HashMap<Box<str>, Counts>>,
    /// Sessions that streams came by, each for as long as one of them is there.
    sessions: Mutex<HashMap<SessionName, Weak<Entry>>>,
}

/// A session by which streams came.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    has_ended: AtomicBool,
}

/// What is counted of one who has places.
#[derive(Debug, Default)]
struct Counts {
    streams: usize,
    subscriptions: usize,
}

impl Counts {
    /// Counts a subscription, unless there are `max` already.
    fn subscribe(&mut self, max: usize) -> bool {
        let is_free = self.subscriptions < max;
        self.subscriptions += usize::from(is_free);
        is_free
    }

    /// Gives a stream back, with its subscriptions; whether there is none left.
    fn leave(&mut self, subscriptions: usize) -> bool {
        self.streams -= 1;
        self.subscriptions -= subscriptions;
        self.streams == 0
    }
}

#[derive(Debug, Default)]
struct Tally {
    counts: Counts,
    principal: Arc<Principal>,
}

/// Who has a place.
#[derive(Debug, Default)]
struct Principal {
    prefix: Box<str>,
    /// The key counts no longer.
    is_revoked: AtomicBool,
}

/// Whose streams are counted together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose<'a> {
    /// Those of a key, by its public prefix.
    Key(&'a str),
    /// Those that came without one from a network.
    Network(&'a str),
    /// Nobody's in particular.
    Anybody,
}

/// A place among the streams, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    tallies: Arc<Tallies>,
    pass: Pass,
    network: Option<Box<str>>,
    subscriptions: usize,
}

/// By what a stream was let in: its key, its session, or nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pass {
    principal: Option<Arc<Principal>>,
    session: Option<Arc<Entry>>,
}

impl Entry {
    /// Notes that the session counts no longer, so that its streams end.
    pub(crate) fn end(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }
}

impl Tallies {
    /// Takes a place; nothing where whose it is has `streams_max` already.
    pub(crate) fn enter(self: &Arc<Self>, whose: Whose<'_>, streams_max: usize) -> Option<Place> {
        let (mut principal, mut network) = (None, None);
        match whose {
            Whose::Key(prefix) => principal = Some(self.count(prefix, streams_max)?),
            Whose::Network(text) => network = Some(self.count_network(text, streams_max)?),
            Whose::Anybody => {}
        }
        Some(Place {
            tallies: Arc::clone(self),
            pass: Pass {
                principal,
                session: None,
            },
            network,
            subscriptions: 0,
        })
    }

    /// Counts a stream of a network within its bound.
    fn count_network(&self, text: &str, streams_max: usize) -> Option<Box<str>> {
        let mut networks = self.networks();
        if networks.get(text).map_or(0, |it| it.streams) >= streams_max {
            return None;
        }
        networks.entry(text.into()).or_default().streams += 1;
        Some(text.into())
    }

    /// Sessions by which streams came that are still there.
    pub(crate) fn sessions(&self) -> Vec<(SessionName, Arc<Entry>)> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, it| it.strong_count() > 0);
        let there = sessions.iter();
        there
            .filter_map(|(name, it)| Some((name.clone(), it.upgrade()?)))
            .collect()
    }

    /// Counts a stream of a principal within its bound.
    fn count(&self, prefix: &str, streams_max: usize) -> Option<Arc<Principal>> {
        let mut tallies = self.lock();
        if tallies.get(prefix).map_or(0, |it| it.counts.streams) >= streams_max {
            return None;
        }
        let tally = tallies.entry(prefix.into()).or_insert_with(|| Tally {
            principal: Arc::new(Principal {
                prefix: prefix.into(),
                is_revoked: AtomicBool::new(false),
            }),
            ..Tally::default()
        });
        tally.counts.streams += 1;
        Some(Arc::clone(&tally.principal))
    }

    /// Whether anybody who needs a key has a stream.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Notes that a key counts no longer, so that its streams end.
    pub(crate) fn revoke(&self, prefix: &str) {
        if let Some(tally) = self.lock().get(prefix) {
            tally.principal.is_revoked.store(true, Ordering::Relaxed);
        }
    }

    /// How many streams a principal has.
    pub(crate) fn streams(&self, principal: &str) -> usize {
        let tallies = self.lock();
        tallies.get(principal).map_or(0, |it| it.counts.streams)
    }

    fn networks(&self) -> MutexGuard<'_, HashMap<Box<str>, Counts>> {
        let networks = self.by_network.lock();
        networks.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Tally>> {
        let tallies = self.by_principal.lock();
        tallies.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Notes by which session its stream came.
    pub(crate) fn came_by(&mut self, name: SessionName) {
        let sessions = self.tallies.sessions.lock();
        let mut sessions = sessions.unwrap_or_else(PoisonError::into_inner);
        let there = sessions.entry(name).or_default();
        let entry = there.upgrade().unwrap_or_default();
        *there = Arc::downgrade(&entry);
        self.pass.session = Some(entry);
    }

    /// By what it was let in.
    pub(crate) fn pass(&self) -> &Pass {
        &self.pass
    }

    /// Counts a subscription; `false` where the principal, or the network without one, has `max`
    /// already, over all its streams.
    pub(crate) fn subscribe(&mut self, max: usize) -> bool {
        let is_free = self.counted(|it| it.subscribe(max)).unwrap_or(true);
        self.subscriptions += usize::from(is_free);
        is_free
    }

    /// Gives a subscription back.
    pub(crate) fn unsubscribe(&mut self) {
        self.subscriptions -= 1;
        self.counted(|it| it.subscriptions -= 1);
    }

    /// Works on what is counted of whose place it is, where anything is: whoever has a place has that.
    fn counted<T>(&self, work: impl FnOnce(&mut Counts) -> T) -> Option<T> {
        if let Some(principal) = &self.pass.principal {
            let mut tallies = self.tallies.lock();
            return tallies
                .get_mut(&principal.prefix)
                .map(|it| work(&mut it.counts));
        }
        let network = self.network.as_ref()?;
        self.tallies.networks().get_mut(network).map(work)
    }
}

impl Pass {
    /// Why it counts no longer: its key is revoked, or its session has ended.
    pub(crate) fn lost(&self) -> Option<ApiError> {
        if self.is_revoked() {
            return Some(ApiError::KeyRefused("revoked"));
        }
        self.has_ended().then_some(ApiError::SessionEnded)
    }

    /// Whether it still counts.
    pub(crate) fn counts(&self) -> bool {
        !self.is_revoked() && !self.has_ended()
    }

    fn is_revoked(&self) -> bool {
        let principal = self.principal.as_ref();
        principal.is_some_and(|it| it.is_revoked.load(Ordering::Relaxed))
    }

    fn has_ended(&self) -> bool {
        let session = self.session.as_ref();
        session.is_some_and(|it| it.has_ended.load(Ordering::Relaxed))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let subscriptions = self.subscriptions;
        if self.counted(|it| it.leave(subscriptions)) != Some(true) {
            return;
        }
        // Unless somebody has come meanwhile.
        if let Some(principal) = &self.pass.principal {
            let mut tallies = self.tallies.lock();
            let tally = tallies.get(&principal.prefix);
            if tally.is_some_and(|it| it.counts.streams == 0) {
                tallies.remove(&principal.prefix);
            }
        } else if let Some(network) = &self.network {
            let mut networks = self.tallies.networks();
            if networks.get(network).is_some_and(|it| it.streams == 0) {
                networks.remove(network);
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
        let mut first = tallies.enter(Whose::Key("a"), 2).unwrap();
        let mut second = tallies.enter(Whose::Key("a"), 2).unwrap();
        assert!(tallies.enter(Whose::Key("a"), 2).is_none());
        assert!(tallies.enter(Whose::Key("b"), 2).is_some());
        assert!(first.subscribe(3) && first.subscribe(3) && second.subscribe(3));
        assert!(!second.subscribe(3));
        first.unsubscribe();
        assert!(second.subscribe(3) && !first.subscribe(3));
        assert_eq!(tallies.streams("a"), 2);
        drop(second);
        assert!(first.subscribe(2) && !first.subscribe(2));
        drop(first);
        assert_eq!(tallies.streams("a"), 0);
        assert!(tallies.is_empty(), "nothing is left of who is gone");
        let mut anybody = tallies.enter(Whose::Anybody, 0).unwrap();
        assert!(anybody.subscribe(0));
        anybody.unsubscribe();
    }

    #[test]
    fn a_network_has_so_many_streams_and_no_key_pays_for_them() {
        let tallies = Arc::<Tallies>::default();
        let enter = |whose| tallies.enter(whose, 2);
        let [first, second] = [(); 2].map(|()| enter(Whose::Network("192.0.2.7")).unwrap());
        assert!(enter(Whose::Network("192.0.2.7")).is_none());
        assert!(enter(Whose::Network("192.0.2.8")).is_some());
        assert!(enter(Whose::Key("192.0.2.7")).is_some() && enter(Whose::Anybody).is_some());
        let [mut first, mut second] = [first, second];
        assert!(first.subscribe(2) && second.subscribe(2) && !first.subscribe(2));
        second.unsubscribe();
        assert!(first.subscribe(2), "over all its streams");
        drop(first);
        assert!(second.subscribe(2) && second.subscribe(2) && !second.subscribe(2));
        let again = enter(Whose::Network("192.0.2.7"));
        assert!(again.is_some() && enter(Whose::Network("192.0.2.7")).is_none());
        drop((again, second));
        assert!(
            tallies.networks().is_empty(),
            "nothing is left of who is gone"
        );
    }

    #[test]
    fn a_revoked_key_is_known_to_its_places_and_no_others() {
        let tallies = Arc::<Tallies>::default();
        let [first, second] = [(); 2].map(|()| tallies.enter(Whose::Key("a"), 2).unwrap());
        let (other, anybody) = (
            tallies.enter(Whose::Key("b"), 2),
            tallies.enter(Whose::Anybody, 2),
        );
        tallies.revoke("a");
        tallies.revoke("nobody");
        assert!(first.pass().lost().is_some() && second.pass().lost().is_some());
        assert!(other.unwrap().pass().lost().is_none() && anybody.unwrap().pass().lost().is_none());
    }

    #[test]
    fn an_ended_session_is_known_to_its_own_streams() {
        let tallies = Arc::<Tallies>::default();
        let [mut first, mut second] = [(); 2].map(|()| tallies.enter(Whose::Key("a"), 3).unwrap());
        let names = ["1", "2"].map(|it| SessionName::of(it.as_bytes()));
        first.came_by(names[0].clone());
        second.came_by(names[1].clone());
        let mut third = tallies.enter(Whose::Key("a"), 3).unwrap();
        third.came_by(names[1].clone());
        let sessions: HashMap<_, _> = tallies.sessions().into_iter().collect();
        assert_eq!(sessions.len(), 2, "one for all its streams");
        assert!(names.iter().all(|it| sessions.contains_key(it)));
        sessions[&names[1]].end();
        assert!(
            first.pass().lost().is_none()
                && second.pass().lost().is_some()
                && third.pass().lost().is_some()
        );
        drop((sessions, second, third));
        assert_eq!(
            tallies.sessions().len(),
            1,
            "nothing is left of who is gone"
        );
    }
}
