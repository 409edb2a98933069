//! Which fixtures rules are looked at for.

use std::collections::{BTreeSet, HashSet};

use domain::{Fixture, FixtureId};
use jiff::SignedDuration;
use store::FixtureQuery;

use super::watcher::AlertWatcher;
use crate::EngineError;

/// How far ahead fixtures are looked at when everything may have changed.
const AHEAD: SignedDuration = SignedDuration::from_hours(24 * 14);
/// How long after kickoff a game may still be under way.
const BEHIND: SignedDuration = SignedDuration::from_hours(6);
/// Fixtures asked of the store at a time: as many as it gives.
const FIXTURES_MAX: u32 = 1_000;

impl AlertWatcher {
    /// Fixtures that some rule looks at, of these.
    pub(super) async fn fixtures(
        &self,
        mut ids: Vec<FixtureId>,
    ) -> Result<Vec<Fixture>, EngineError> {
        let mut found = Vec::new();
        // A query without ids would find every fixture.
        while !ids.is_empty() {
            let rest = ids.split_off(ids.len().min(FIXTURES_MAX as usize));
            let query = FixtureQuery {
                ids,
                limit: FIXTURES_MAX,
                ..FixtureQuery::default()
            };
            found.extend(self.engine.store.writing().fixtures(&query).await?);
            ids = rest;
        }
        found.retain(|it| !self.rules.of(it).is_empty());
        Ok(found)
    }

    /// Fixtures to come and under way that some rule looks at, and these beside. For a new rule also
    /// those further off that have prices: what is so already is no news when their turn comes.
    pub(super) async fn everything(
        &self,
        beside: BTreeSet<FixtureId>,
        is_new: bool,
    ) -> Result<Vec<Fixture>, EngineError> {
        let now = self.engine.now();
        let span = "a fixed span never overflows";
        let ahead = Some(now.saturating_add(AHEAD).expect(span));
        let soon = FixtureQuery {
            from: Some(now.saturating_sub(BEHIND).expect(span)),
            until: ahead,
            ..FixtureQuery::default()
        };
        let mut found = self.all_of(soon).await?;
        if is_new {
            let late = FixtureQuery {
                from: ahead,
                priced: true,
                ..FixtureQuery::default()
            };
            found.extend(self.all_of(late).await?);
        }
        let there: HashSet<FixtureId> = found.iter().map(|it| it.id).collect();
        let named = self.rules.named().chain(beside);
        let named: BTreeSet<FixtureId> = named.filter(|it| !there.contains(it)).collect();
        found.extend(self.fixtures(named.into_iter().collect()).await?);
        Ok(found)
    }

    /// All fixtures of a query that some rule looks at.
    async fn all_of(&self, query: FixtureQuery) -> Result<Vec<Fixture>, EngineError> {
        let mut query = FixtureQuery {
            limit: FIXTURES_MAX,
            ..query
        };
        let mut found = Vec::new();
        loop {
            let page = self.engine.store.writing().fixtures(&query).await?;
            let is_last = page.len() < FIXTURES_MAX as usize;
            query.after = page.last().map(|it| (it.kickoff, it.id));
            found.extend(page.into_iter().filter(|it| !self.rules.of(it).is_empty()));
            if is_last {
                return Ok(found);
            }
        }
    }
}
