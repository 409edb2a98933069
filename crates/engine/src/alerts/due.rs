//! What of the store's changes alerts look at.

use std::collections::BTreeSet;

use domain::FixtureId;
use store::{Change, ChangeKind};

/// What there is to look at.
#[derive(Default)]
pub(super) struct Due {
    pub(super) everything: bool,
    pub(super) rules: bool,
    pub(super) fixtures: BTreeSet<FixtureId>,
}

impl Due {
    pub(super) fn note(&mut self, change: &Change) {
        match change.kind {
            ChangeKind::Alert | ChangeKind::ApiKey => self.rules = true,
            ChangeKind::Model => self.everything = true,
            ChangeKind::Fixture | ChangeKind::Quotes | ChangeKind::Events => {
                match change.key.parse() {
                    Ok(id) => drop(self.fixtures.insert(FixtureId(id))),
                    Err(_) => self.everything = true,
                }
            }
            ChangeKind::Competition | ChangeKind::Team | ChangeKind::Firing => {}
        }
    }
}
