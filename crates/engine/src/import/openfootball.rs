//! The JSON of openfootball: `{name, matches: […]}`, or the older `{name, rounds: [{matches}]}`.
//!
//! The name tells competition and season (`Premier League 2015/16`); where it does not, the file's
//! own name (`en.1.json`) and folder (`2015-16`) do.

use domain::{KickoffPrecision, MatchStats, Score, SeasonKey};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;
use store::ResultRecord;

use crate::import::Refusal;
use crate::import::catalogue::{Catalogue, Entry};
use crate::import::moment::{instant, noon, parse_date, parse_time};
use crate::import::plan::{check_name, parse_season};
use crate::import::row::{CellProblem, Reason, RejectedRow, Row};
use crate::import::text::tidy;

/// The largest document that is read; openfootball's are below one.
pub(crate) const DOCUMENT_BYTES_MAX: u64 = 32 * 1024 * 1024;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(default)]
    name: String,
    #[serde(borrow)]
    matches: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    rounds: Option<Vec<Round<'a>>>,
}

#[derive(Deserialize)]
struct Round<'a> {
    #[serde(borrow)]
    matches: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Match {
    date: Option<String>,
    time: Option<String>,
    team1: Option<Team>,
    team2: Option<Team>,
    score: Option<Scores>,
    score1: Option<i64>,
    score2: Option<i64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Team {
    Name(String),
    Object { name: String },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scores {
    Named {
        ft: Option<[i64; 2]>,
        ht: Option<[i64; 2]>,
    },
    Bare([i64; 2]),
}

/// Reads a whole document; `each` takes every match, and says whether to go on.
pub(crate) fn parse(
    text: &str,
    location: &str,
    catalogue: &Catalogue,
    mut each: impl FnMut(Result<Row, RejectedRow>) -> bool,
) -> Result<(), Refusal> {
    let document: Document<'_> =
        serde_json::from_str(text).map_err(|error| Refusal::BadJson(error.to_string()))?;
    let matches: Vec<&RawValue> = match (document.matches, document.rounds) {
        (Some(matches), _) => matches,
        (None, Some(rounds)) => rounds.into_iter().flat_map(|it| it.matches).collect(),
        (None, None) => {
            return Err(Refusal::BadJson(
                "it has neither matches nor rounds".to_owned(),
            ));
        }
    };
    let (entry, season) = identify(&document.name, location, catalogue)?;
    let mut lines = LineCounter::new(text);
    for raw in matches {
        let line = lines.line_of(raw.get());
        let row = read(raw.get(), line, entry, &season);
        if !each(row.map_err(|problem| problem.at(location, line))) {
            break;
        }
    }
    Ok(())
}

/// Competition and season of a document.
fn identify<'a>(
    name: &str,
    location: &str,
    catalogue: &'a Catalogue,
) -> Result<(&'a Entry, SeasonKey), Refusal> {
    let (title, year) = match name.trim().rsplit_once(' ') {
        Some((title, year)) if year.starts_with(|it: char| it.is_ascii_digit()) => {
            (title, parse_season(year))
        }
        _ => (name.trim(), None),
    };
    let mut parts = location.rsplit(['/', '\\']);
    let file = parts.next().unwrap_or_default();
    let stem = file.split(".json").next().unwrap_or_default();
    let folder = parts
        .next()
        .filter(|it| it.starts_with(|first: char| first.is_ascii_digit()))
        .and_then(parse_season);
    let entry = catalogue
        .find(title)
        .or_else(|| catalogue.find(stem))
        .ok_or_else(|| {
            Refusal::BadJson(format!("the name {name:?} belongs to no known competition"))
        })?;
    let season = year
        .or(folder)
        .ok_or_else(|| Refusal::BadJson(format!("the name {name:?} has no season")))?;
    Ok((entry, season))
}

fn read(json: &str, line: u64, entry: &Entry, season: &SeasonKey) -> Result<Row, CellProblem> {
    let game: Match = serde_json::from_str(json)
        .map_err(|error| CellProblem::whole(Reason::BadShape(error.to_string())))?;
    let home = team(game.team1, "team1")?;
    let away = team(game.team2, "team2")?;
    if home.to_lowercase() == away.to_lowercase() {
        return Err(CellProblem::new("team2", Reason::PlaysItself(away)));
    }
    let date = game
        .date
        .ok_or_else(|| CellProblem::new("date", Reason::MissingValue))?;
    let day = parse_date(&date, &["%Y-%m-%d".to_owned()])
        .map_err(|reason| CellProblem::new("date", reason))?;
    let (kickoff, kickoff_precision) = kickoff(day, game.time.as_deref(), entry)?;
    let (full, half) = match game.score {
        Some(Scores::Named { ft, ht }) => (ft, ht),
        Some(Scores::Bare(score)) => (Some(score), None),
        None => (old_score(game.score1, game.score2)?, None),
    };
    let half_time = half.map(|it| score(it, "score.ht")).transpose()?;
    let result = full.map(|it| score(it, "score.ft")).transpose()?;
    Ok(Row {
        line,
        competition: entry.competition.key.clone(),
        season: season.clone(),
        season_type: None,
        kickoff,
        kickoff_precision,
        home,
        away,
        team_columns: ["team1".to_owned(), "team2".to_owned()],
        neutral: false,
        status: None,
        result: result.map(|score| ResultRecord {
            score,
            stats: MatchStats {
                half_time,
                ..MatchStats::default()
            },
        }),
        quotes: Vec::new(),
        rejected_quotes: Vec::new(),
    })
}

fn team(team: Option<Team>, column: &str) -> Result<String, CellProblem> {
    let name = match team {
        Some(Team::Name(name) | Team::Object { name }) => tidy(&name),
        None => String::new(),
    };
    if name.is_empty() {
        return Err(CellProblem::new(column, Reason::MissingValue));
    }
    check_name(&name).map_err(|reason| CellProblem::new(column, reason))?;
    Ok(name)
}

fn kickoff(
    day: Date,
    time: Option<&str>,
    entry: &Entry,
) -> Result<(jiff::Timestamp, KickoffPrecision), CellProblem> {
    let at = match time.map(str::trim).filter(|it| !it.is_empty()) {
        None => noon(day, &entry.zone),
        Some(text) => {
            let time = parse_time(text).map_err(|reason| CellProblem::new("time", reason))?;
            instant(day, time, &entry.zone).map(|at| (at, KickoffPrecision::Minute))
        }
    };
    at.ok_or_else(|| CellProblem::new("date", Reason::UnknownDate(day.to_string())))
}

fn old_score(home: Option<i64>, away: Option<i64>) -> Result<Option<[i64; 2]>, CellProblem> {
    match (home, away) {
        (Some(home), Some(away)) => Ok(Some([home, away])),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(CellProblem::new("score1", Reason::MissingValue)),
        (Some(_), None) => Err(CellProblem::new("score2", Reason::MissingValue)),
    }
}

fn score([home, away]: [i64; 2], column: &str) -> Result<Score, CellProblem> {
    let side = |goals: i64| {
        u16::try_from(goals).map_err(|_| {
            let text = goals.to_string();
            let reason = if goals < 0 {
                Reason::Negative(text)
            } else {
                Reason::NotACount(text)
            };
            CellProblem::new(column, reason)
        })
    };
    Ok(Score {
        home: side(home)?,
        away: side(away)?,
    })
}

/// Counts lines up to slices of a text that come in order.
struct LineCounter<'a> {
    text: &'a str,
    offset: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            offset: 0,
            line: 1,
        }
    }

    /// The line on which `part`, a slice of the text behind all earlier ones, begins.
    fn line_of(&mut self, part: &str) -> u64 {
        let offset = (part.as_ptr() as usize)
            .saturating_sub(self.text.as_ptr() as usize)
            .clamp(self.offset, self.text.len());
        let between = &self.text.as_bytes()[self.offset..offset];
        self.line += between.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.offset = offset;
        self.line
    }
}
