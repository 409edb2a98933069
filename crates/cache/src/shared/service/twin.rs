//! What a process keeps by itself: a bounded table whose entries end.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Instant;

/// A table of at most `max` entries, each with its end.
pub(super) struct Twin<V> {
    entries: Mutex<HashMap<String, (V, Instant)>>,
    max: usize,
}

impl<V: Clone> Twin<V> {
    pub(super) fn new(max: usize) -> Self {
        Self {
            entries: Mutex::new(HashMap::new()),
            max,
        }
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, (V, Instant)>> {
        self.entries.lock().expect("nothing in it panics")
    }

    /// Replaces what is under `name` by what `next` makes of it, and returns what `next` says; `None`
    /// leaves it.
    pub(super) fn update<R>(
        &self,
        name: &str,
        next: impl FnOnce(Option<&V>) -> (Option<(V, Instant)>, R),
    ) -> R {
        let now = Instant::now();
        let mut entries = self.entries();
        let held = entries.get(name).filter(|(_, end)| *end > now);
        let (entry, said) = next(held.map(|(value, _)| value));
        if let Some(entry) = entry {
            if entries.len() >= self.max && !entries.contains_key(name) {
                make_room(&mut entries, now);
            }
            entries.insert(name.to_owned(), entry);
        }
        said
    }

    pub(super) fn put(&self, name: &str, value: V, end: Instant) {
        self.update(name, |_| (Some((value, end)), ()));
    }

    pub(super) fn get(&self, name: &str) -> Option<V> {
        self.update(name, |held| (None, held.cloned()))
    }

    pub(super) fn remove(&self, name: &str) {
        self.remove_if(name, |_| true);
    }

    /// Removes what is under `name` where `wanted` holds of it.
    pub(super) fn remove_if(&self, name: &str, wanted: impl FnOnce(&V) -> bool) {
        let mut entries = self.entries();
        if entries.get(name).is_some_and(|(value, _)| wanted(value)) {
            entries.remove(name);
        }
    }

    /// The entries of which `wanted` holds.
    pub(super) fn select(&self, wanted: impl Fn(&V) -> bool) -> Vec<(String, V, Instant)> {
        let now = Instant::now();
        self.entries()
            .iter()
            .filter(|(_, (value, end))| *end > now && wanted(value))
            .map(|(name, (value, end))| (name.clone(), value.clone(), *end))
            .collect()
    }
}

/// Drops what has ended; where nothing has, the eighth that ends first.
fn make_room<V>(entries: &mut HashMap<String, (V, Instant)>, now: Instant) {
    let before = entries.len();
    entries.retain(|_, (_, end)| *end > now);
    if entries.len() == before {
        let mut ends: Vec<Instant> = entries.values().map(|(_, end)| *end).collect();
        let eighth = ends.len() / 8;
        let (_, last, _) = ends.select_nth_unstable(eighth);
        let last = *last;
        entries.retain(|_, (_, end)| *end > last);
    }
}
