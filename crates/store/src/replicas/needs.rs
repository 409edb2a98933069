//! What a read depends on, by what changes are told of.

use domain::{CompetitionKey, FixtureId, TeamId};

use crate::{ChangeKind, FixtureQuery, GameQuery};

/// What a read depends on: where several groups are named, whatever changes the answer is in each
/// of them, so that the one that changed longest ago decides.
#[derive(Debug)]
pub(super) enum Need<'a> {
    /// Anything.
    Anything,
    /// All things of some kinds.
    Kinds(&'static [ChangeKind]),
    /// Groups of things by kind and key.
    Groups(Vec<Vec<(ChangeKind, String)>>),
    /// A thing.
    One(ChangeKind, &'a str),
}

impl Need<'_> {
    /// Fixtures with their prices.
    pub(super) fn fixtures(ids: &[FixtureId]) -> Self {
        Self::Groups(vec![priced(ids)])
    }

    /// What happened in games.
    pub(super) fn events(ids: impl IntoIterator<Item = FixtureId>) -> Self {
        let ids = ids.into_iter();
        let things = ids.map(|id| (ChangeKind::Events, id.to_string()));
        Self::Groups(vec![things.collect()])
    }

    /// What two teams did against each other; a change of one of them alone does not touch it.
    pub(super) fn pair(teams: [TeamId; 2]) -> Self {
        Self::Groups(teams.map(|it| team(Some(it))).into())
    }

    /// A list of fixtures.
    pub(super) fn of_fixtures(query: &FixtureQuery) -> Self {
        if query.priced {
            // A first price is a change of no fixture, team or competition.
            return match query.ids.as_slice() {
                [] => Self::Kinds(&[ChangeKind::Fixture, ChangeKind::Quotes]),
                ids => Self::fixtures(ids),
            };
        }
        let mut groups = vec![plain(&query.ids), competitions(&query.competitions)];
        groups.extend([query.team, query.opponent].map(team));
        groups.retain(|it| !it.is_empty());
        if groups.is_empty() {
            return Self::Kinds(&[ChangeKind::Fixture]);
        }
        Self::Groups(groups)
    }

    /// Games with their prices.
    pub(super) fn of_games(query: &GameQuery) -> Self {
        // What was read before is not read again, so that nothing may be missing here.
        if query.changed_after.is_some() || query.ids.is_empty() {
            return Self::Anything;
        }
        Self::fixtures(&query.ids)
    }
}

fn plain(ids: &[FixtureId]) -> Vec<(ChangeKind, String)> {
    let ids = ids.iter();
    ids.map(|id| (ChangeKind::Fixture, id.to_string()))
        .collect()
}

fn priced(ids: &[FixtureId]) -> Vec<(ChangeKind, String)> {
    let mut things = plain(ids);
    things.extend(ids.iter().map(|id| (ChangeKind::Quotes, id.to_string())));
    things
}

fn competitions(keys: &[CompetitionKey]) -> Vec<(ChangeKind, String)> {
    let keys = keys.iter();
    keys.map(|it| (ChangeKind::Competition, it.to_string()))
        .collect()
}

fn team(id: Option<TeamId>) -> Vec<(ChangeKind, String)> {
    let id = id.into_iter();
    id.map(|it| (ChangeKind::Team, it.to_string())).collect()
}
