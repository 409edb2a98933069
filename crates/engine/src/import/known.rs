//! Teams of a sport by all the names they go by.

use std::collections::HashMap;

use domain::{Competition, SourceKey, Sport, TeamId};
use store::{Store, StoreError, TeamName, TeamQuery};

/// What is known of a sport's teams.
#[derive(Debug, Default)]
pub(crate) struct Known {
    by_name: HashMap<String, Vec<Candidate>>,
}

/// A name of a team.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) team: TeamId,
    pub(crate) name: String,
    pub(crate) country: String,
    /// Who calls it so; everybody, where it is the team's own name.
    pub(crate) source: Option<SourceKey>,
    /// Made by this very import: what else the same file calls new is no neighbour.
    pub(crate) fresh: bool,
}

impl Known {
    /// Reads the names of a sport's teams, and tells `each` of them.
    pub(crate) async fn read(
        store: &dyn Store,
        sport: Sport,
        mut each: impl FnMut(&TeamName),
    ) -> Result<Self, StoreError> {
        let query = TeamQuery {
            sport: Some(sport),
            ..TeamQuery::default()
        };
        let teams = store.teams(&query).await?.into_iter();
        let countries: HashMap<TeamId, String> = teams.map(|it| (it.id, it.country)).collect();
        let mut known = Self::default();
        for it in store.team_names(sport).await? {
            each(&it);
            known.add(Candidate {
                country: countries.get(&it.team).cloned().unwrap_or_default(),
                team: it.team,
                name: it.name,
                source: it.source,
                fresh: false,
            });
        }
        Ok(known)
    }

    pub(crate) fn add(&mut self, candidate: Candidate) {
        self.by_name
            .entry(candidate.name.to_lowercase())
            .or_default()
            .push(candidate);
    }

    /// Every name, in small letters, with the teams that bear it.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Candidate)> {
        let names = self.by_name.iter();
        names.flat_map(|(folded, all)| all.iter().map(move |it| (folded.as_str(), it)))
    }

    /// Who bears a name, in whatever letters.
    pub(crate) fn named(&self, name: &str) -> &[Candidate] {
        let all = self.by_name.get(&name.to_lowercase());
        all.map_or(&[], Vec::as_slice)
    }

    /// The team of this name: what the source calls so goes before what everybody does.
    pub(crate) fn find(
        &self,
        name: &str,
        competition: &Competition,
        source: &SourceKey,
    ) -> Option<TeamId> {
        let of = |wanted: Option<&SourceKey>| {
            let mut all = self.named(name).iter();
            all.find(|it| it.source.as_ref() == wanted && it.fits(competition))
                .map(|it| it.team)
        };
        of(Some(source)).or_else(|| of(None))
    }

    /// The one team that some source calls so; `None` where sources mean different ones.
    pub(crate) fn find_of_any(&self, name: &str, competition: &Competition) -> Option<TeamId> {
        let mut found = self.named(name).iter().filter(|it| it.fits(competition));
        let first = found.next()?.team;
        found.all(|it| it.team == first).then_some(first)
    }
}

impl Candidate {
    /// Whether it may be meant where a competition is played.
    pub(crate) fn fits(&self, competition: &Competition) -> bool {
        self.country == competition.country
            || self.country.is_empty()
            || competition.country.is_empty()
    }
}

/// A name with the country, where the bare one is another's.
pub(crate) fn qualified(name: &str, competition: &Competition) -> String {
    format!("{name} ({})", competition.country)
}
