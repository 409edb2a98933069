//! The teams that a batch names, by whatever name they go.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use domain::{Competition, Sport, TeamId};
use store::{NewTeam, Store, StoreError};

use crate::{
    FixtureCommand, TeamRef,
    import::{Candidate, Catalogue, Known},
};

/// The aliases that come with the program.
static SHIPPED: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::load(None, None).expect("the shipped tables are sound"));

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
        let mut wanted: Vec<(Sport, String, String)> = Vec::new();
        for (command, competition) in commands.iter().zip(competitions) {
            for it in [&command.home, &command.away] {
                if let Err(name) = self.side(it, competition) {
                    let name = SHIPPED.alias_of_any(competition, name).unwrap_or(name);
                    let is_same = |it: &(Sport, String, String)| {
                        it.0 == competition.sport && it.1.to_lowercase() == name.to_lowercase()
                    };
                    if !wanted.iter().any(is_same) {
                        let country = competition.country.clone();
                        wanted.push((competition.sport, name.to_owned(), country));
                    }
                }
            }
        }
        let new: Vec<NewTeam> = wanted
            .iter()
            .map(|(sport, name, country)| NewTeam {
                sport: *sport,
                name: name.clone(),
                country: country.clone(),
            })
            .collect();
        let ids = store.put_teams(&new).await?;
        let mut names = Vec::with_capacity(wanted.len());
        for ((sport, name, country), team) in wanted.into_iter().zip(ids) {
            names.push(name.clone());
            self.0.entry(sport).or_default().add(Candidate {
                team,
                name,
                country,
                source: None,
                fresh: true,
            });
        }
        Ok(names)
    }
}
