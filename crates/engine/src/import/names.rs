//! From names to teams: aliases first, then what the store knows, then a new team.
//!
//! A name counts within its country, so that a club and a national side may share one: the second
//! to come is called `Monaco (INT)`.

use std::collections::{HashMap, HashSet};

use domain::{Competition, CompetitionKey, SourceKey, Sport, TeamId};
use serde::Serialize;
use store::{FixtureRecord, NewTeam, Store, TeamName, TeamQuery};

use crate::import::row::{CellProblem, Reason, RejectedRow, Row};
use crate::import::{Catalogue, ImportError};

/// How many like names are shown.
const NEAREST_MAX: usize = 3;
/// How alike (Jaro–Winkler, 0..=1) a name must be to be shown.
const NEAREST_LIKENESS: f64 = 0.8;

/// A name that was never seen before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewName {
    /// The name as the source has it.
    pub name: String,
    /// The team that was made for it.
    pub team: String,
    /// The competition it first stood in.
    pub competition: CompetitionKey,
    /// Names known before that are like it, best first.
    pub nearest: Vec<String>,
}

/// Looks teams up for one source, and makes those that are not there.
pub(crate) struct Resolver<'a> {
    store: &'a dyn Store,
    catalogue: &'a Catalogue,
    source: SourceKey,
    strict: bool,
    sports: HashMap<Sport, Known>,
    competitions: HashSet<CompetitionKey>,
    pub(crate) new_names: Vec<NewName>,
}

/// What is known of a sport's teams.
#[derive(Default)]
struct Known {
    by_name: HashMap<String, Vec<Candidate>>,
    aliased: HashSet<String>,
}

struct Candidate {
    team: TeamId,
    name: String,
    country: String,
    source: Option<SourceKey>,
    /// Made by this very import: what else the same file calls new is no neighbour.
    fresh: bool,
}

/// Rows with their teams found, and rows set aside.
pub(crate) struct Resolved {
    pub(crate) records: Vec<FixtureRecord>,
    pub(crate) rejected: Vec<RejectedRow>,
}

/// A team to be made.
struct Wanted<'a> {
    name: &'a str,
    team: String,
    competition: &'a Competition,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        store: &'a dyn Store,
        catalogue: &'a Catalogue,
        source: SourceKey,
        strict: bool,
    ) -> Self {
        Self {
            store,
            catalogue,
            source,
            strict,
            sports: HashMap::new(),
            competitions: HashSet::new(),
            new_names: Vec::new(),
        }
    }

    /// Finds or makes the teams of `rows`.
    pub(crate) async fn resolve(
        &mut self,
        rows: Vec<Row>,
        location: &str,
    ) -> Result<Resolved, ImportError> {
        self.prepare(&rows).await?;
        if !self.strict {
            self.make_teams(&rows).await?;
        }
        self.keep_aliases(&rows).await?;
        let mut resolved = Resolved {
            records: Vec::with_capacity(rows.len()),
            rejected: Vec::new(),
        };
        for row in rows {
            let line = row.line;
            match self.record(row) {
                Ok(record) => resolved.records.push(record),
                Err(problem) => resolved.rejected.push(problem.at(location, line)),
            }
        }
        Ok(resolved)
    }

    /// Puts competitions seen for the first time, and reads the names of their sports.
    async fn prepare(&mut self, rows: &[Row]) -> Result<(), ImportError> {
        let mut fresh = Vec::new();
        for row in rows {
            if self.competitions.insert(row.competition.clone()) {
                fresh.push(self.competition(&row.competition).clone());
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        self.store.put_competitions(&fresh).await?;
        for competition in fresh {
            if !self.sports.contains_key(&competition.sport) {
                let known = self.known(competition.sport).await?;
                self.sports.insert(competition.sport, known);
            }
        }
        Ok(())
    }

    async fn known(&self, sport: Sport) -> Result<Known, ImportError> {
        let query = TeamQuery {
            sport: Some(sport),
            ..TeamQuery::default()
        };
        let countries: HashMap<TeamId, String> = self
            .store
            .teams(&query)
            .await?
            .into_iter()
            .map(|team| (team.id, team.country))
            .collect();
        let mut known = Known::default();
        for it in self.store.team_names(sport).await? {
            let country = countries.get(&it.team).cloned().unwrap_or_default();
            if it.source.as_ref() == Some(&self.source) {
                known.aliased.insert(it.name.to_lowercase());
            }
            known.add(Candidate {
                team: it.team,
                name: it.name,
                country,
                source: it.source,
                fresh: false,
            });
        }
        Ok(known)
    }

    fn competition(&self, key: &CompetitionKey) -> &'a Competition {
        let entry = self.catalogue.find(key.as_str());
        &entry
            .expect("a row's competition comes from the catalogue")
            .competition
    }

    /// The canonical name of a team in a competition.
    fn canonical<'n>(&self, competition: &Competition, name: &'n str) -> &'n str
    where
        'a: 'n,
    {
        self.catalogue
            .alias(competition, &self.source, name)
            .unwrap_or(name)
    }

    fn find(&self, competition: &Competition, name: &str) -> Option<TeamId> {
        let known = self.sports.get(&competition.sport)?;
        let canonical = self.canonical(competition, name);
        known
            .find(canonical, competition, &self.source)
            .or_else(|| {
                known.find(
                    &qualified(canonical, competition),
                    competition,
                    &self.source,
                )
            })
    }

    async fn make_teams(&mut self, rows: &[Row]) -> Result<(), ImportError> {
        let mut wanted: Vec<Wanted<'_>> = Vec::new();
        for row in rows {
            let competition = self.competition(&row.competition);
            for name in [row.home.as_str(), row.away.as_str()] {
                if self.find(competition, name).is_some() {
                    continue;
                }
                let team = self.new_team_name(competition, name);
                let same =
                    |it: &Wanted<'_>| it.competition.sport == competition.sport && it.team == team;
                if !wanted.iter().any(same) {
                    wanted.push(Wanted {
                        name,
                        team,
                        competition,
                    });
                }
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let teams: Vec<NewTeam> = wanted
            .iter()
            .map(|it| NewTeam {
                sport: it.competition.sport,
                name: it.team.clone(),
                country: it.competition.country.clone(),
            })
            .collect();
        let ids = self.store.put_teams(&teams).await?;
        for it in &wanted {
            let nearest = self.nearest(it.competition, it.name);
            self.new_names.push(NewName {
                name: it.name.to_owned(),
                team: it.team.clone(),
                competition: it.competition.key.clone(),
                nearest,
            });
        }
        for (it, id) in wanted.iter().zip(ids) {
            let known = self.sports.entry(it.competition.sport).or_default();
            known.add(Candidate {
                team: id,
                name: it.team.clone(),
                country: it.competition.country.clone(),
                source: None,
                fresh: true,
            });
        }
        Ok(())
    }

    /// The name a new team gets: its canonical one, with its country where that is taken.
    fn new_team_name(&self, competition: &Competition, name: &str) -> String {
        let canonical = self.canonical(competition, name);
        let taken = self.sports.get(&competition.sport).is_some_and(|known| {
            known
                .by_name
                .get(&canonical.to_lowercase())
                .is_some_and(|all| all.iter().any(|it| it.source.is_none()))
        });
        if taken {
            qualified(canonical, competition)
        } else {
            canonical.to_owned()
        }
    }

    /// Tells the store the names this source uses for teams that are called otherwise.
    async fn keep_aliases(&mut self, rows: &[Row]) -> Result<(), ImportError> {
        let mut names = Vec::new();
        for row in rows {
            let competition = self.competition(&row.competition);
            for name in [row.home.as_str(), row.away.as_str()] {
                let canonical = self.canonical(competition, name);
                if canonical.eq_ignore_ascii_case(name) {
                    continue;
                }
                let team = self.find(competition, name);
                let known = self.sports.entry(competition.sport).or_default();
                if let Some(team) = team
                    && known.aliased.insert(name.to_lowercase())
                {
                    names.push(TeamName {
                        team,
                        sport: competition.sport,
                        name: name.to_owned(),
                        source: Some(self.source.clone()),
                    });
                }
            }
        }
        if !names.is_empty() {
            self.store.put_aliases(&names).await?;
        }
        Ok(())
    }

    fn record(&self, row: Row) -> Result<FixtureRecord, CellProblem> {
        let competition = self.competition(&row.competition);
        let side = |name: &str, column: &str| {
            self.find(competition, name).ok_or_else(|| {
                let reason = Reason::UnknownTeam {
                    name: name.to_owned(),
                    nearest: self.nearest(competition, name),
                };
                CellProblem::new(column, reason)
            })
        };
        let home = side(&row.home, &row.team_columns[0])?;
        let away = side(&row.away, &row.team_columns[1])?;
        if home == away {
            let reason = Reason::PlaysItself(row.away);
            return Err(CellProblem::new(&row.team_columns[1], reason));
        }
        Ok(FixtureRecord {
            id: None,
            competition: row.competition,
            season: row.season,
            season_type: row.season_type,
            kickoff: row.kickoff,
            kickoff_precision: row.kickoff_precision,
            home,
            away,
            neutral: row.neutral,
            status: row.status,
            result: row.result,
            quotes: row.quotes,
        })
    }

    /// Names known before, of the same sport and country, that are like `name`; best first.
    fn nearest(&self, competition: &Competition, name: &str) -> Vec<String> {
        let Some(known) = self.sports.get(&competition.sport) else {
            return Vec::new();
        };
        let name = name.to_lowercase();
        let mut alike: Vec<(f64, &str)> = known
            .by_name
            .iter()
            .flat_map(|(folded, all)| all.iter().map(move |it| (folded, it)))
            .filter(|(_, it)| !it.fresh && it.fits(competition))
            .map(|(folded, it)| (strsim::jaro_winkler(&name, folded), it.name.as_str()))
            .filter(|(likeness, _)| *likeness >= NEAREST_LIKENESS)
            .collect();
        alike.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        alike.dedup_by(|a, b| a.1 == b.1);
        alike
            .into_iter()
            .take(NEAREST_MAX)
            .map(|(_, name)| name.to_owned())
            .collect()
    }
}

impl Known {
    fn add(&mut self, candidate: Candidate) {
        self.by_name
            .entry(candidate.name.to_lowercase())
            .or_default()
            .push(candidate);
    }

    /// The team of this name: what the source calls so goes before what everybody does.
    fn find(&self, name: &str, competition: &Competition, source: &SourceKey) -> Option<TeamId> {
        let all = self.by_name.get(&name.to_lowercase())?;
        let of = |wanted: Option<&SourceKey>| {
            all.iter()
                .find(|it| it.source.as_ref() == wanted && it.fits(competition))
                .map(|it| it.team)
        };
        of(Some(source)).or_else(|| of(None))
    }
}

impl Candidate {
    fn fits(&self, competition: &Competition) -> bool {
        self.country == competition.country
            || self.country.is_empty()
            || competition.country.is_empty()
    }
}

fn qualified(name: &str, competition: &Competition) -> String {
    format!("{name} ({})", competition.country)
}
