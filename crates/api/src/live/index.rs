//! Which followed answers hang on what, so that a change need not look at all of them.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use engine::caching::Mark;

/// Followed answers by what they are made from.
#[derive(Debug, Default)]
pub(super) struct Index {
    keys_of: HashMap<Mark, HashSet<Arc<str>>>,
    marks_of: HashMap<Arc<str>, Box<[Mark]>>,
    /// Those of which it is not known.
    unknown: HashSet<Arc<str>>,
}

impl Index {
    /// Notes what an answer hangs on; `None` where that is not known, so that it is looked at for
    /// each change.
    pub(super) fn note(&mut self, key: &str, marks: Option<Vec<Mark>>) {
        let known = self.marks_of.get(key);
        if known.is_some() && known.map(|it| &**it) == marks.as_deref() {
            return;
        }
        self.forget(key);
        let key: Arc<str> = key.into();
        let Some(marks) = marks else {
            self.unknown.insert(key);
            return;
        };
        for mark in &marks {
            let keys = self.keys_of.entry(*mark).or_default();
            keys.insert(Arc::clone(&key));
        }
        self.marks_of.insert(key, marks.into());
    }

    /// Forgets an answer that is not followed any more.
    pub(super) fn forget(&mut self, key: &str) {
        self.unknown.remove(key);
        for mark in self.marks_of.remove(key).unwrap_or_default() {
            if let Some(keys) = self.keys_of.get_mut(&mark) {
                keys.remove(key);
                if keys.is_empty() {
                    self.keys_of.remove(&mark);
                }
            }
        }
    }

    /// The answers that may have become others by these changes.
    pub(super) fn touched(&self, changed: &[Mark]) -> Vec<Arc<str>> {
        let mut touched: HashSet<&Arc<str>> = self.unknown.iter().collect();
        touched.extend(
            changed
                .iter()
                .filter_map(|it| self.keys_of.get(it))
                .flatten(),
        );
        touched.into_iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use engine::caching::{Cache, CacheOptions, Tag, Target};

    use super::*;

    /// What of these tags changes makes of values.
    fn marks(cache: &Cache, tags: &[&str]) -> Vec<Mark> {
        let seen = cache.changed_since(0).until;
        let targets = tags.iter().map(|it| Target::from(Tag::new("topic", *it)));
        let targets: Vec<Target> = targets.collect();
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(cache.remove(&targets));
        cache.changed_since(seen).marks.unwrap()
    }

    #[test]
    fn a_change_touches_what_hangs_on_it_and_what_is_not_known() {
        let cache = Cache::new(&CacheOptions::default());
        let of = |tags: &[&str]| marks(&cache, tags);
        let keys: [Arc<str>; 3] = ["board", "edges", "fixtures/8"].map(Arc::from);
        let mut index = Index::default();
        index.note(&keys[0], Some(of(&["all", "8", "9"])));
        index.note(&keys[1], None);
        index.note(&keys[2], Some(of(&["8"])));
        let touched = |index: &Index, tags: &[&str]| {
            let mut touched = index.touched(&of(tags));
            touched.sort();
            touched.join(" ")
        };
        assert_eq!(touched(&index, &["8"]), "board edges fixtures/8");
        assert_eq!(touched(&index, &["9", "7"]), "board edges");
        assert_eq!(touched(&index, &[]), "edges");
        // What it is made from changes.
        index.note(&keys[1], Some(of(&["7"])));
        index.note(&keys[0], Some(of(&["9"])));
        assert_eq!(touched(&index, &["8"]), "fixtures/8");
        assert_eq!(touched(&index, &["all"]), "");
        assert_eq!(touched(&index, &["7", "9"]), "board edges");
        index.note(&keys[0], None);
        for key in &keys {
            index.forget(key);
        }
        assert_eq!(touched(&index, &["7", "8", "9"]), "");
        assert!(index.keys_of.is_empty() && index.marks_of.is_empty());
    }
}
