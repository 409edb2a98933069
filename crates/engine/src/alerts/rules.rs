//! The rules that look, found by what they look at.

use std::{collections::HashMap, sync::Arc};

use domain::{AlertScope, CompetitionKey, Fixture, FixtureId, TeamId};
use store::AlertRecord;

/// The rules that look.
#[derive(Debug, Default)]
pub(super) struct Rules {
    all: Vec<Arc<AlertRecord>>,
    fixtures: HashMap<FixtureId, Vec<usize>>,
    teams: HashMap<TeamId, Vec<usize>>,
    competitions: HashMap<CompetitionKey, Vec<usize>>,
    everywhere: Vec<usize>,
}

impl Rules {
    /// Leaves out those that are paused, and those of revoked keys.
    pub(super) fn new(records: Vec<AlertRecord>) -> Self {
        let mut rules = Self::default();
        let looking = records
            .into_iter()
            .filter(|it| it.pause.is_none() && !it.revoked);
        for (at, record) in looking.enumerate() {
            let places = match record.rule.scope() {
                AlertScope::Fixture(id) => rules.fixtures.entry(*id).or_default(),
                AlertScope::Team(id) => rules.teams.entry(*id).or_default(),
                AlertScope::Competition(key) => rules.competitions.entry(key.clone()).or_default(),
                AlertScope::All => &mut rules.everywhere,
            };
            places.push(at);
            rules.all.push(Arc::new(record));
        }
        rules
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Those that have not looked at every fixture once.
    pub(super) fn unprimed(&self) -> Vec<Arc<AlertRecord>> {
        let unprimed = self.all.iter().filter(|it| !it.primed);
        unprimed.cloned().collect()
    }

    /// Fixtures that rules name one by one.
    pub(super) fn named(&self) -> impl Iterator<Item = FixtureId> {
        self.fixtures.keys().copied()
    }

    /// Those that look at a fixture.
    pub(super) fn of(&self, fixture: &Fixture) -> Vec<Arc<AlertRecord>> {
        let groups = [
            self.fixtures.get(&fixture.id),
            self.teams.get(&fixture.home),
            self.teams.get(&fixture.away),
            self.competitions.get(&fixture.competition),
            Some(&self.everywhere),
        ];
        let mut places: Vec<usize> = groups.into_iter().flatten().flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places
            .into_iter()
            .map(|at| Arc::clone(&self.all[at]))
            .collect()
    }
}
