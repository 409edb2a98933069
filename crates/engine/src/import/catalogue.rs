//! The tables an import goes by: competitions, their names in sources, and teams' aliases.

use std::collections::HashMap;

use domain::{Competition, CompetitionKey, SourceKey, Sport};
use jiff::tz::TimeZone;
use serde::Deserialize;

use crate::import::ImportError;
use crate::import::text::{Fields, tidy};

const COMPETITIONS: &str = include_str!("../../data/competitions.toml");
const ALIASES: &str = include_str!("../../data/aliases.csv");
const ALIAS_HEADER: [&str; 5] = ["sport", "country", "source", "name", "team"];

/// What an import knows before it reads: competitions by key and name, and aliases of teams.
#[derive(Debug, Clone)]
pub struct Catalogue {
    competitions: HashMap<String, Entry>,
    names: HashMap<String, String>,
    aliases: HashMap<AliasKey, String>,
}

/// A competition with its time zone looked up.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) competition: Competition,
    pub(crate) zone: TimeZone,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct AliasKey {
    sport: Sport,
    country: String,
    source: String,
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompetitionsFile {
    #[serde(default)]
    competition: Vec<CompetitionRow>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompetitionRow {
    key: CompetitionKey,
    name: String,
    sport: Sport,
    country: String,
    pool: String,
    time_zone: String,
    single_round: bool,
    #[serde(default)]
    names: Vec<String>,
}

/// The competitions shipped with the engine, and those of `extra` (TOML of the same form), which
/// replace shipped ones of the same key; in order of key.
pub fn load_competitions(extra: Option<&str>) -> Result<Vec<Competition>, ImportError> {
    Ok(Catalogue::load(extra, None)?.competitions())
}

impl Catalogue {
    /// Reads the shipped tables and the user's own (TOML of competitions, CSV of aliases), which
    /// go first.
    pub fn load(
        extra_competitions: Option<&str>,
        extra_aliases: Option<&str>,
    ) -> Result<Self, ImportError> {
        let mut catalogue = Self {
            competitions: HashMap::new(),
            names: HashMap::new(),
            aliases: HashMap::new(),
        };
        catalogue.add_competitions(COMPETITIONS, "the shipped table of competitions")?;
        if let Some(extra) = extra_competitions {
            catalogue.add_competitions(extra, "the extra table of competitions")?;
        }
        catalogue.add_aliases(ALIASES, "the shipped table of aliases")?;
        if let Some(extra) = extra_aliases {
            catalogue.add_aliases(extra, "the extra table of aliases")?;
        }
        Ok(catalogue)
    }

    /// Every competition, in order of key.
    pub fn competitions(&self) -> Vec<Competition> {
        let mut all: Vec<Competition> = self
            .competitions
            .values()
            .map(|entry| entry.competition.clone())
            .collect();
        all.sort_by(|a, b| a.key.cmp(&b.key));
        all
    }

    /// The competition with this key, or known by this name in any case.
    pub(crate) fn find(&self, text: &str) -> Option<&Entry> {
        self.competitions.get(text).or_else(|| {
            let key = self.names.get(&text.to_lowercase())?;
            self.competitions.get(key)
        })
    }

    /// The canonical name behind an alias: one of the source and country first, then of any
    /// source, then of any country.
    pub(crate) fn alias(
        &self,
        competition: &Competition,
        source: &SourceKey,
        name: &str,
    ) -> Option<&str> {
        let name = name.to_lowercase();
        [
            (competition.country.as_str(), source.as_str()),
            (competition.country.as_str(), ""),
            ("", source.as_str()),
            ("", ""),
        ]
        .into_iter()
        .find_map(|(country, source)| {
            self.aliases.get(&AliasKey {
                sport: competition.sport,
                country: country.to_owned(),
                source: source.to_owned(),
                name: name.clone(),
            })
        })
        .map(String::as_str)
    }

    /// The canonical name behind an alias, whichever source's it is; `None` where sources mean
    /// different teams.
    pub(crate) fn alias_of_any(&self, competition: &Competition, name: &str) -> Option<&str> {
        let name = name.to_lowercase();
        let is_meant = |key: &AliasKey| {
            let country = key.country.as_str();
            key.sport == competition.sport
                && key.name == name
                && (country == competition.country || country.is_empty())
        };
        let mut found = self.aliases.iter().filter(|(key, _)| is_meant(key));
        let (_, first) = found.next()?;
        found.all(|(_, it)| it == first).then_some(first)
    }

    fn add_competitions(&mut self, toml: &str, what: &str) -> Result<(), ImportError> {
        let bad = |problem: String| ImportError::BadTable {
            what: what.to_owned(),
            problem,
        };
        let file: CompetitionsFile =
            toml::from_str(toml).map_err(|error| bad(error.to_string()))?;
        for row in file.competition {
            let zone = TimeZone::get(&row.time_zone)
                .map_err(|_| bad(format!("time zone {:?} is not known", row.time_zone)))?;
            let key = row.key.as_str().to_owned();
            for name in row.names.iter().chain([&row.name]) {
                self.names.insert(name.to_lowercase(), key.clone());
            }
            let competition = Competition {
                key: row.key,
                name: row.name,
                sport: row.sport,
                country: row.country,
                pool: row.pool,
                time_zone: row.time_zone,
                single_round: row.single_round,
            };
            self.competitions.insert(key, Entry { competition, zone });
        }
        Ok(())
    }

    fn add_aliases(&mut self, csv: &str, what: &str) -> Result<(), ImportError> {
        let bad = |line: usize, problem: &str| ImportError::BadTable {
            what: what.to_owned(),
            problem: format!("line {line}: {problem}"),
        };
        let mut fields = Fields::default();
        for (index, text) in csv.lines().enumerate() {
            let line = index + 1;
            fields
                .split(text, b',')
                .map_err(|reason| bad(line, &reason.to_string()))?;
            if index == 0 {
                if !fields.iter().eq(ALIAS_HEADER) {
                    return Err(bad(
                        line,
                        "the header must be sport,country,source,name,team",
                    ));
                }
                continue;
            }
            if fields.is_blank() {
                continue;
            }
            let sport =
                Sport::parse(fields.get(0)).ok_or_else(|| bad(line, "the sport is not known"))?;
            let (name, team) = (tidy(fields.get(3)), tidy(fields.get(4)));
            if name.is_empty() || team.is_empty() {
                return Err(bad(line, "the name or the team is missing"));
            }
            let key = AliasKey {
                sport,
                country: fields.get(1).to_owned(),
                source: fields.get(2).to_owned(),
                name: name.to_lowercase(),
            };
            self.aliases.insert(key, team);
        }
        Ok(())
    }
}
