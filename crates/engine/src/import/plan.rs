//! A mapping bound to a header: turns the fields of a row into a [`Row`].

mod cell;
mod price;
mod season;

use std::collections::{BTreeMap, HashMap};

use domain::{FixtureStatus, KickoffPrecision, MatchStats, Quote, Score, SeasonType, Sport};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use store::ResultRecord;

use self::cell::{Cell, Header};
use self::price::QuotePlan;
use self::season::SeasonPlan;
pub(crate) use self::season::parse_season;
use crate::import::catalogue::{Catalogue, Entry};
use crate::import::mapping::{Letters, Mapping, NeutralMapping, Stat, ValueMapping};
use crate::import::moment::{instant, noon, parse_date, parse_time};
use crate::import::row::{CellProblem, Reason, Row};
use crate::import::text::{Fields, tidy};
use crate::import::{ImportError, Refusal};

const NAME_CHARS_MAX: usize = 100;

/// A mapping bound to a header.
pub(crate) struct Plan {
    missing: Vec<String>,
    competition: CompetitionPlan,
    season: SeasonPlan,
    season_type: Option<(Cell, BTreeMap<String, SeasonType>)>,
    date: Cell,
    date_formats: Vec<String>,
    time: Option<Cell>,
    zone: Option<TimeZone>,
    teams: [Cell; 2],
    letters: Letters,
    neutral: Option<(Cell, Vec<String>)>,
    status: Option<Cell>,
    score: Option<[Cell; 2]>,
    stats: Vec<(Stat, [Cell; 2])>,
    quotes: Vec<QuotePlan>,
    london: TimeZone,
}

enum CompetitionPlan {
    Constant(String),
    Column {
        cell: Cell,
        values: HashMap<String, String>,
        otherwise: Option<String>,
    },
}

impl Plan {
    /// Finds every column of `mapping` in the header; every missing one is named at once.
    pub(crate) fn bind(mapping: &Mapping, names: &Fields) -> Result<Self, ImportError> {
        let mut header = Header::new(names);
        let fixture = &mapping.fixture;
        let plan = Self {
            missing: mapping.missing.clone(),
            competition: bind_competition(&fixture.competition, &mut header),
            season: SeasonPlan::bind(&fixture.season, &mut header),
            season_type: fixture
                .season_type
                .as_ref()
                .map(|it| (header.cell(&it.column), it.values.clone())),
            date: header.cell(&fixture.date),
            date_formats: fixture.date_formats.clone(),
            time: fixture.time.as_ref().map(|name| header.cell(name)),
            zone: fixture.time_zone.as_deref().map(time_zone).transpose()?,
            teams: [header.cell(&fixture.home), header.cell(&fixture.away)],
            letters: fixture.letters,
            neutral: fixture
                .neutral
                .as_ref()
                .map(|it| bind_neutral(it, &mut header)),
            status: fixture.status.as_ref().map(|name| header.cell(name)),
            score: mapping
                .result
                .as_ref()
                .map(|it| [header.cell(&it.home), header.cell(&it.away)]),
            stats: mapping
                .stats
                .iter()
                .map(|(stat, [home, away])| (*stat, [header.cell(home), header.cell(away)]))
                .collect(),
            quotes: mapping
                .quotes
                .iter()
                .map(|quote| QuotePlan::bind(quote, mapping.opening, &mut header))
                .collect::<Result<_, _>>()?,
            london: time_zone("Europe/London")?,
        };
        let missing = header.missing();
        if missing.is_empty() {
            Ok(plan)
        } else {
            Err(Refusal::MissingColumns(missing).into())
        }
    }

    /// Reads the row on this line of a file. A quote that cannot be is set aside alone.
    pub(crate) fn read(
        &mut self,
        fields: &Fields,
        (file, line): (&str, u64),
        catalogue: &Catalogue,
    ) -> Result<Row, CellProblem> {
        let entry = self.competition(fields, catalogue)?;
        let (kickoff, kickoff_precision, day) = self.kickoff(fields, entry)?;
        let home = self.team(fields, 0)?;
        let away = self.team(fields, 1)?;
        if home.to_lowercase() == away.to_lowercase() {
            return Err(CellProblem::new(
                &self.teams[1].name,
                Reason::PlaysItself(away),
            ));
        }
        let competition = entry.competition.key.clone();
        let season = match self.season.written(fields, &self.missing)? {
            Some(season) => season,
            None => self.season.told_by_date(&competition, day),
        };
        if !season::holds(&season, day) {
            let reason = Reason::OtherSeason(season);
            return Err(CellProblem::new(&self.date.name, reason));
        }
        let sport = entry.competition.sport;
        let result = self.result(fields)?;
        let (quotes, problems) = self.quotes(fields, kickoff, sport);
        let rejected = problems.into_iter().map(|it| it.at(file, line));
        Ok(Row {
            line,
            competition,
            season,
            season_type: self.season_type(fields)?,
            kickoff,
            kickoff_precision,
            home,
            away,
            team_columns: [self.teams[0].name.clone(), self.teams[1].name.clone()],
            neutral: self.neutral(fields),
            status: self.status(fields, result.as_ref())?,
            result,
            quotes,
            rejected_quotes: rejected.collect(),
        })
    }

    fn competition<'a>(
        &self,
        fields: &Fields,
        catalogue: &'a Catalogue,
    ) -> Result<&'a Entry, CellProblem> {
        let unknown = |text: &str| Reason::UnknownCompetition(text.to_owned());
        match &self.competition {
            CompetitionPlan::Constant(key) => catalogue
                .find(key)
                .ok_or_else(|| CellProblem::whole(unknown(key))),
            CompetitionPlan::Column {
                cell,
                values,
                otherwise,
            } => {
                let text = cell.required(fields, &self.missing)?;
                let key = values.get(text).map_or(text, String::as_str);
                catalogue
                    .find(key)
                    .or_else(|| catalogue.find(otherwise.as_deref()?))
                    .ok_or_else(|| cell.problem(unknown(text)))
            }
        }
    }

    /// The kickoff, and the day the source gives it.
    fn kickoff(
        &self,
        fields: &Fields,
        entry: &Entry,
    ) -> Result<(Timestamp, KickoffPrecision, Date), CellProblem> {
        let text = self.date.required(fields, &self.missing)?;
        let unknown = || self.date.problem(Reason::UnknownDate(text.to_owned()));
        if self.date_formats.iter().any(|it| it == "rfc3339")
            && let Ok(at) = text.parse::<Timestamp>()
        {
            let day = entry.zone.to_datetime(at).date();
            return Ok((at, KickoffPrecision::Minute, day));
        }
        let day = parse_date(text, &self.date_formats).map_err(|it| self.date.problem(it))?;
        let time = self.time.as_ref().and_then(|cell| {
            let text = cell.optional(fields, &self.missing)?;
            Some((cell, text))
        });
        let Some((cell, time)) = time else {
            let (at, precision) = noon(day, &entry.zone).ok_or_else(unknown)?;
            return Ok((at, precision, day));
        };
        let time = parse_time(time).map_err(|it| cell.problem(it))?;
        let zone = self.zone.as_ref().unwrap_or(&entry.zone);
        let at = instant(day, time, zone).ok_or_else(unknown)?;
        Ok((at, KickoffPrecision::Minute, day))
    }

    fn team(&self, fields: &Fields, side: usize) -> Result<String, CellProblem> {
        let cell = &self.teams[side];
        let name = tidy(cell.required(fields, &self.missing)?);
        check_name(&name).map_err(|reason| cell.problem(reason))?;
        Ok(match self.letters {
            Letters::AsIs => name,
            Letters::Upper => name.to_uppercase(),
            Letters::Lower => name.to_lowercase(),
        })
    }

    fn season_type(&self, fields: &Fields) -> Result<Option<SeasonType>, CellProblem> {
        let Some((cell, values)) = &self.season_type else {
            return Ok(None);
        };
        let Some(text) = cell.optional(fields, &self.missing) else {
            return Ok(None);
        };
        let told = values.get(text).copied();
        match told.or_else(|| SeasonType::parse(text)) {
            Some(it) => Ok(Some(it)),
            None => Err(cell.problem(Reason::UnknownSeasonType(text.to_owned()))),
        }
    }

    fn neutral(&self, fields: &Fields) -> bool {
        self.neutral.as_ref().is_some_and(|(cell, values)| {
            let text = cell.optional(fields, &self.missing).unwrap_or_default();
            values.iter().any(|value| value.eq_ignore_ascii_case(text))
        })
    }

    fn quotes(
        &self,
        fields: &Fields,
        kickoff: Timestamp,
        sport: Sport,
    ) -> (Vec<Quote>, Vec<CellProblem>) {
        let (mut quotes, mut problems) = (Vec::with_capacity(self.quotes.len()), Vec::new());
        for plan in &self.quotes {
            match plan.read(fields, &self.missing, (kickoff, sport), &self.london) {
                Ok(quote) => quotes.extend(quote),
                Err(problem) => problems.push(problem),
            }
        }
        (quotes, problems)
    }

    /// The status as the row has it; a finished fixture needs a score.
    fn status(
        &self,
        fields: &Fields,
        result: Option<&ResultRecord>,
    ) -> Result<Option<FixtureStatus>, CellProblem> {
        let Some(cell) = &self.status else {
            return Ok(None);
        };
        let Some(text) = cell.optional(fields, &self.missing) else {
            return Ok(None);
        };
        match text.to_ascii_lowercase().as_str() {
            "scheduled" => Ok(Some(FixtureStatus::Scheduled)),
            "finished" if result.is_some() => Ok(Some(FixtureStatus::Finished)),
            "finished" => Err(cell.problem(Reason::ScoreMissing)),
            "postponed" => Ok(Some(FixtureStatus::Postponed)),
            "cancelled" => Ok(Some(FixtureStatus::Cancelled)),
            _ => Err(cell.problem(Reason::UnknownStatus(text.to_owned()))),
        }
    }

    /// The result; `None` where neither side has a score.
    fn result(&self, fields: &Fields) -> Result<Option<ResultRecord>, CellProblem> {
        let Some(cells) = &self.score else {
            return Ok(None);
        };
        let stats = self.stats(fields)?;
        Ok(match self.pair(fields, cells)? {
            [Some(home), Some(away)] => Some(ResultRecord {
                score: Score { home, away },
                stats,
            }),
            [None, None] => None,
            [None, _] => return Err(cells[0].problem(Reason::MissingValue)),
            [_, None] => return Err(cells[1].problem(Reason::MissingValue)),
        })
    }

    fn stats(&self, fields: &Fields) -> Result<MatchStats, CellProblem> {
        let mut stats = MatchStats::default();
        for (stat, cells) in &self.stats {
            if *stat == Stat::ExpectedGoals {
                let [home, away] = cells;
                let goals = |cell: &Cell| cell.measure(fields, &self.missing);
                stats.expected_goals = goals(home)?.zip(goals(away)?).map(<[f64; 2]>::from);
                continue;
            }
            let [home, away] = self.pair(fields, cells)?;
            let both = home.zip(away).map(<[u16; 2]>::from);
            match stat {
                Stat::HalfTime => {
                    stats.half_time = both.map(|[home, away]| Score { home, away });
                }
                Stat::Shots => stats.shots = both,
                Stat::ShotsOnTarget => stats.shots_on_target = both,
                Stat::Corners => stats.corners = both,
                Stat::YellowCards => stats.yellow_cards = both,
                Stat::RedCards => stats.red_cards = both,
                Stat::RestDays => stats.rest_days = both,
                Stat::ExpectedGoals => {}
            }
        }
        Ok(stats)
    }

    fn pair(&self, fields: &Fields, cells: &[Cell; 2]) -> Result<[Option<u16>; 2], CellProblem> {
        let [home, away] = cells;
        Ok([
            home.count(fields, &self.missing)?,
            away.count(fields, &self.missing)?,
        ])
    }
}

/// Whether a name has nothing in it that is not seen: no control character, and none that turns the
/// direction of what stands around it.
pub(crate) fn is_plain(name: &str) -> bool {
    let turns = |it: char| matches!(it, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !name.chars().any(|it| it.is_control() || turns(it))
}

/// Refuses names that no team can have.
pub(crate) fn check_name(name: &str) -> Result<(), Reason> {
    if name.chars().count() > NAME_CHARS_MAX || !is_plain(name) {
        Err(Reason::BadName)
    } else {
        Ok(())
    }
}

fn bind_competition(mapping: &ValueMapping, header: &mut Header) -> CompetitionPlan {
    match mapping {
        ValueMapping::Constant { constant } => CompetitionPlan::Constant(constant.clone()),
        ValueMapping::Column {
            column,
            values,
            otherwise,
        } => CompetitionPlan::Column {
            cell: header.cell(column),
            values: values.clone().into_iter().collect(),
            otherwise: otherwise.clone(),
        },
    }
}

fn bind_neutral(mapping: &NeutralMapping, header: &mut Header) -> (Cell, Vec<String>) {
    (header.cell(&mapping.column), mapping.values.clone())
}

fn time_zone(name: &str) -> Result<TimeZone, ImportError> {
    TimeZone::get(name).map_err(|_| ImportError::BadTable {
        what: "the mapping".to_owned(),
        problem: format!("time zone {name:?} is not known"),
    })
}
