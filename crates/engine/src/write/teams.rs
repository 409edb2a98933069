//! The teams that a batch names, by whatever name they go, and competitions that come with the program.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use domain::{Competition, CompetitionKey, Sport, TeamId};
use store::{NewTeam, Store, StoreError};

use crate::{
    FixtureCommand, TeamRef,
    import::{Candidate, Catalogue, Known},
};

/// The competitions and aliases that come with the program.
static SHIPPED: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::load(None, None).expect("the shipped tables are sound"));

/// The competitions of fixtures that come with the program and are not among those `known`.
pub(super) fn shipped_competitions(
    commands: &[FixtureCommand],
    known: &HashMap<CompetitionKey, Competition>,
) -> Vec<Competition> {
    let mut shipped: Vec<Competition> = Vec::new();
    for key in commands.iter().map(|it| &it.competition) {
        if known.contains_key(key) || shipped.iter().any(|it| it.key == *key) {
            continue;
        }
        // By its key alone: a name in its place is none that is known from then on.
        let entry = SHIPPED.find(key.as_str()).map(|it| &it.competition);
        shipped.extend(entry.filter(|it| it.key == *key).cloned());
    }
    shipped
}

/// Teams of some sports.
pub(super) struct Teams(HashMap<Sport, Known>);

impl Teams {
    /// Reads those of the sports that are played in `competitions`.
    pub(super) async fn read(
        store: &dyn Store,
        competitions: &[&Competition],
    ) -> Result<Self, StoreError> {
        let mut all = HashMap::new();
        let sports: HashSet<Sport> = competitions.iter().map(|it| it.sport).collect();
        for sport in sports {
            all.insert(sport, Known::read(store, sport, |_| ()).await?);
        }
        Ok(Self(all))
    }

    /// A side's team, or its name where that has none yet.
    pub(super) fn side<'a>(
        &self,
        side: &'a TeamRef,
        competition: &Competition,
    ) -> Result<TeamId, &'a str> {
        match side {
            TeamRef::Id(id) => Ok(*id),
            TeamRef::Name(name) => {
                let name = name.trim();
                self.find(name, competition).ok_or(name)
            }
        }
    }

    /// The team of a name: its own, in whatever letters; what the program knows it to be called; what
    /// sources call it, where they mean one; last its own name in another country.
    fn find(&self, name: &str, competition: &Competition) -> Option<TeamId> {
        let known = self.0.get(&competition.sport)?;
        let own = |name: &str, anywhere: bool| {
            let is_own =
                |it: &&Candidate| it.source.is_none() && (anywhere || it.fits(competition));
            let mut all = known.named(name).iter().filter(is_own);
            let same_letters = all.clone().find(|it| it.name == name);
            same_letters.or_else(|| all.next()).map(|it| it.team)
        };
        own(name, false)
            .or_else(|| own(SHIPPED.alias_of_any(competition, name)?, false))
            .or_else(|| known.find_of_any(name, competition))
            .or_else(|| own(name, true))
    }

    /// Makes teams of the names that have none; answers with those.
    pub(super) async fn add(
        &mut self,
        store: &dyn Store,
        commands: &[FixtureCommand],
        competitions: &[&Competition],
    ) -> Result<Vec<String>, StoreError> {
        let mut wanted: Vec<NewTeam> = Vec::new();
        for (command, competition) in commands.iter().zip(competitions) {
            for it in [&command.home, &command.away] {
                let Err(name) = self.side(it, competition) else {
                    continue;
                };
                let name = SHIPPED.alias_of_any(competition, name).unwrap_or(name);
                let sport = competition.sport;
                let is_same = |it: &NewTeam| {
                    it.sport == sport && it.name.to_lowercase() == name.to_lowercase()
                };
                if !wanted.iter().any(is_same) {
                    wanted.push(NewTeam {
                        sport,
                        name: name.to_owned(),
                        country: competition.country.clone(),
                    });
                }
            }
        }
        let ids = store.put_teams(&wanted).await?;
        let names = wanted.iter().map(|it| it.name.clone()).collect();
        for (new, team) in wanted.into_iter().zip(ids) {
            self.0.entry(new.sport).or_default().add(Candidate {
                team,
                name: new.name,
                country: new.country,
                source: None,
                fresh: true,
            });
        }
        Ok(names)
    }
}
