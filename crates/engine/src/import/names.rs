//! From names to teams: aliases first, then what the store knows, then a new team.
//!
//! A name counts within its country, so that a club and a national side may share one: the second
//! to come is called `Monaco (INT)`.

use std::collections::{HashMap, HashSet};

use domain::{Competition, CompetitionKey, SourceKey, Sport, TeamId};
use serde::Serialize;
use store::{FixtureRecord, NewTeam, Store, TeamName};

use crate::import::known::{Candidate, Known, qualified};
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
    /// Names, in small letters, by which the source is known to call teams.
    aliased: HashSet<(Sport, String)>,
    competitions: HashSet<CompetitionKey>,
    pub(crate) new_names: Vec<NewName>,
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
            aliased: HashSet::new(),
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
                let (sport, source) = (competition.sport, &self.source);
                let aliased = &mut self.aliased;
                let known = Known::read(self.store, sport, |it| {
                    if it.source.as_ref() == Some(source) {
                        aliased.insert((sport, it.name.to_lowercase()));
                    }
                });
                self.sports.insert(sport, known.await?);
            }
        }
        Ok(())
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
        let known = self.sports.get(&competition.sport);
        let mut named = known.map_or(&[][..], |it| it.named(canonical)).iter();
        let taken = named.any(|it| it.source.is_none());
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
                let alias = (competition.sport, name.to_lowercase());
                if let Some(team) = self.find(competition, name)
                    && self.aliased.insert(alias)
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
            .all()
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
