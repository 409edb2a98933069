//! What a loader is given: it says what the value was made from and how it may be kept.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::hit::Hit;
use crate::key::{Key, Tag};
use crate::rules::Rules;
use crate::versions::{Slot, Versions};

/// Things one value may be made from.
pub const TAGS_MAX: usize = 32;

/// A load under way, as its loader sees it; clones are the same one.
#[derive(Debug, Clone)]
pub struct Loading {
    draft: Arc<Mutex<Draft>>,
    versions: Arc<Versions>,
    position: u64,
}

/// What the loader has said so far.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) slots: Vec<Slot>,
    pub(crate) rules: Rules,
    pub(crate) negative: bool,
    pub(crate) stale: bool,
}

impl Loading {
    pub(crate) fn new(versions: Arc<Versions>, rules: Rules, position: u64) -> Self {
        let draft = Draft {
            slots: Vec::new(),
            rules,
            negative: false,
            stale: false,
        };
        Self {
            draft: Arc::new(Mutex::new(draft)),
            versions,
            position,
        }
    }

    fn draft(&self) -> MutexGuard<'_, Draft> {
        self.draft.lock().expect("nothing panics with the draft")
    }

    /// The value is made from this: when the tag is invalidated, so is the value.
    pub fn tag(&self, tag: &Tag) {
        self.name([self.versions.of_tag(tag)]);
    }

    /// The value is made from the value of another key, whatever that is made from.
    pub fn depends_on_key(&self, key: &Key) {
        self.name([self.versions.of_key(key)]);
    }

    /// The value is made from another one: when something that one was made from is invalidated, so
    /// are both. Made from a stale value, it is stale itself.
    pub fn depends_on<V>(&self, hit: &Hit<V>) {
        self.name(hit.slots());
        self.draft().stale |= hit.is_stale();
    }

    /// Sets other rules for this value.
    pub fn rules(&self, rules: Rules) {
        self.draft().rules = rules;
    }

    /// The rules in force, to begin from.
    pub fn current_rules(&self) -> Rules {
        self.draft().rules
    }

    /// The value says that there is nothing; it is kept as [`Rules::negative`] says.
    pub fn negative(&self) {
        self.draft().negative = true;
    }

    /// The database position the load must have seen: the highest that an invalidation named.
    pub fn must_see(&self) -> Option<u64> {
        (self.position > 0).then_some(self.position)
    }

    fn name(&self, slots: impl IntoIterator<Item = Slot>) {
        let mut draft = self.draft();
        for slot in slots {
            // One more than may be is enough to know that there are too many.
            if draft.slots.len() <= TAGS_MAX && !draft.slots.contains(&slot) {
                draft.slots.push(slot);
            }
        }
    }

    pub(crate) fn finish(&self) -> Draft {
        self.draft().clone()
    }
}
