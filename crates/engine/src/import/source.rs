//! Which connector reads a file, and the refusal of files that are not what they claim.

use std::io::{BufRead, Read};

use serde::{Deserialize, Serialize};

use crate::import::mapping::Mapping;
use crate::import::openfootball::DOCUMENT_BYTES_MAX;
use crate::import::plan::Plan;
use crate::import::row::{CellProblem, RejectedRow, Row};
use crate::import::text::{Fields, Line, Lines, delimiter_of};
use crate::import::{Catalogue, ImportError, Refusal, football_data, openfootball, own};

const NFLVERSE: &str = include_str!("../../data/nflverse.toml");
/// How much of a file is looked at to tell what it is.
const SNIFFED_BYTES: usize = 4096;
/// How many empty lines may stand before the header.
const BLANK_LINES_MAX: usize = 100;

/// A connector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connector {
    /// football-data.co.uk.
    FootballData,
    /// openfootball's football.json.
    Openfootball,
    /// nflverse's games.csv.
    Nflverse,
    /// Our own CSV, or any other through a mapping.
    Csv,
}

impl Connector {
    /// Every connector.
    pub const ALL: [Self; 4] = [
        Self::FootballData,
        Self::Openfootball,
        Self::Nflverse,
        Self::Csv,
    ];

    /// The name used on the command line and in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FootballData => "football-data",
            Self::Openfootball => "openfootball",
            Self::Nflverse => "nflverse",
            Self::Csv => "csv",
        }
    }

    /// Reads [`Connector::as_str`] back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == text)
    }
}

/// What to read, and how.
#[derive(Debug, Clone)]
pub struct Reading<'a> {
    /// File or URL, for messages and for names that say something (`en.1.json`).
    pub location: &'a str,
    /// The connector; `None` leaves it to the content.
    pub connector: Option<Connector>,
    /// What the columns mean, for [`Connector::Csv`].
    pub mapping: Option<&'a Mapping>,
    /// Competitions and aliases.
    pub catalogue: &'a Catalogue,
}

/// Which way a file is read once its start is known.
pub(crate) enum Opened<R> {
    Table {
        connector: Connector,
        source: domain::SourceKey,
        table: Box<Table<R>>,
    },
    Json(String),
}

/// A delimited file behind its header.
pub(crate) struct Table<R> {
    lines: Lines<R>,
    plan: Plan,
    columns: usize,
    delimiter: u8,
}

/// Looks at the start of the content, tells the connector, and reads the header (or, for JSON,
/// everything). Nothing has been taken when this refuses.
pub(crate) fn open<R: BufRead>(
    mut input: R,
    reading: &Reading<'_>,
) -> Result<Opened<R>, ImportError> {
    let start = peek(&mut input)?;
    refuse_by_start(&start)?;
    let first = start
        .trim_ascii_start()
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(start.trim_ascii_start())
        .trim_ascii_start();
    let is_json = matches!(first.first(), Some(b'{' | b'['));
    match reading.connector {
        Some(Connector::Openfootball) => Ok(Opened::Json(read_document(input)?)),
        None if is_json && reading.mapping.is_none() => Ok(Opened::Json(read_document(input)?)),
        connector => open_table(input, connector, reading),
    }
}

fn open_table<R: BufRead>(
    input: R,
    connector: Option<Connector>,
    reading: &Reading<'_>,
) -> Result<Opened<R>, ImportError> {
    let mut lines = Lines::new(input);
    let mut text = String::new();
    let mut header = Fields::default();
    let mut delimiter = b',';
    for _ in 0..=BLANK_LINES_MAX {
        match lines.next(&mut text).map_err(ImportError::Unreadable)? {
            None => return Err(Refusal::Empty.into()),
            Some(Line::Bad(_)) => return Err(Refusal::Binary.into()),
            Some(Line::Text(line)) => {
                delimiter = delimiter_of(line);
                header
                    .split(line, delimiter)
                    .map_err(|reason| Refusal::BadColumn {
                        column: line.chars().take(40).collect(),
                        problem: reason.to_string(),
                    })?;
            }
        }
        if !header.is_blank() {
            break;
        }
    }
    let connector = match (connector, reading.mapping) {
        (Some(connector), _) => connector,
        (None, Some(_)) => Connector::Csv,
        (None, None) => detect(&header).ok_or(Refusal::UnknownSource)?,
    };
    let made;
    let mapping = match (connector, reading.mapping) {
        (Connector::Csv, Some(mapping)) => mapping,
        _ => {
            made = mapping_of(connector, &header)?;
            &made
        }
    };
    Ok(Opened::Table {
        connector,
        source: mapping.source.clone(),
        table: Box::new(Table {
            lines,
            plan: Plan::bind(mapping, &header)?,
            columns: header.iter().count(),
            delimiter,
        }),
    })
}

fn mapping_of(connector: Connector, header: &Fields) -> Result<Mapping, ImportError> {
    match connector {
        Connector::FootballData => Ok(football_data::mapping(header)?),
        Connector::Nflverse => Mapping::parse(NFLVERSE, "of nflverse"),
        Connector::Csv | Connector::Openfootball => Ok(own::mapping(header)?),
    }
}

/// The connector a header belongs to.
fn detect(header: &Fields) -> Option<Connector> {
    let has = |name: &str| header.iter().any(|it| it == name);
    if football_data::claims(header) {
        Some(Connector::FootballData)
    } else if has("game_id") && has("gameday") {
        Some(Connector::Nflverse)
    } else if own::claims(header) {
        Some(Connector::Csv)
    } else {
        None
    }
}

impl<R: BufRead> Table<R> {
    /// Reads every row; `each` takes it, and says whether to go on. Blank lines are no rows.
    pub(crate) fn parse(
        mut self,
        location: &str,
        catalogue: &Catalogue,
        mut each: impl FnMut(Result<Row, RejectedRow>) -> bool,
    ) -> Result<(), ImportError> {
        let mut text = String::new();
        let mut fields = Fields::default();
        while let Some(line) = self
            .lines
            .next(&mut text)
            .map_err(ImportError::Unreadable)?
        {
            let split = match line {
                Line::Text(line) => fields
                    .split(line, self.delimiter)
                    .and_then(|()| fields.check_surplus(self.columns)),
                Line::Bad(reason) => Err(reason),
            };
            let number = self.lines.line();
            let row = match split {
                Err(reason) => Err(CellProblem::whole(reason)),
                Ok(()) if fields.is_blank() => continue,
                Ok(()) => self.plan.read(&fields, (location, number), catalogue),
            };
            if !each(row.map_err(|problem| problem.at(location, number))) {
                break;
            }
        }
        Ok(())
    }
}

/// The first bytes, as far as one read gives them, left in place.
fn peek<R: BufRead>(input: &mut R) -> Result<Vec<u8>, ImportError> {
    let buffer = input.fill_buf().map_err(ImportError::Unreadable)?;
    Ok(buffer[..buffer.len().min(SNIFFED_BYTES)].to_vec())
}

fn refuse_by_start(start: &[u8]) -> Result<(), Refusal> {
    if start.trim_ascii().is_empty() {
        return Err(Refusal::Empty);
    }
    if start.starts_with(b"\xFF\xFE") || start.starts_with(b"\xFE\xFF") {
        return Err(Refusal::Utf16);
    }
    if start.contains(&0) {
        return Err(Refusal::Binary);
    }
    let head = start.trim_ascii_start().to_ascii_lowercase();
    if head.starts_with(b"<") || head.starts_with(b"\xEF\xBB\xBF<") {
        return Err(Refusal::WebPage);
    }
    Ok(())
}

fn read_document<R: Read>(input: R) -> Result<String, ImportError> {
    let mut bytes = Vec::new();
    input
        .take(DOCUMENT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(ImportError::Unreadable)?;
    if bytes.len() as u64 > DOCUMENT_BYTES_MAX {
        return Err(Refusal::TooLarge(DOCUMENT_BYTES_MAX).into());
    }
    let text =
        String::from_utf8(bytes).map_err(|_| Refusal::BadJson("it is not UTF-8".to_owned()))?;
    match text.strip_prefix('\u{feff}') {
        Some(rest) => Ok(rest.to_owned()),
        None => Ok(text),
    }
}

/// Reads every row of `input`, with the source they come from; `each` says whether to go on.
pub(crate) fn parse<R: BufRead>(
    opened: Opened<R>,
    reading: &Reading<'_>,
    each: impl FnMut(Result<Row, RejectedRow>) -> bool,
) -> Result<(), ImportError> {
    match opened {
        Opened::Table { table, .. } => table.parse(reading.location, reading.catalogue, each),
        Opened::Json(text) => Ok(openfootball::parse(
            &text,
            reading.location,
            reading.catalogue,
            each,
        )?),
    }
}

impl<R> Opened<R> {
    pub(crate) fn connector(&self) -> Connector {
        match self {
            Self::Table { connector, .. } => *connector,
            Self::Json(_) => Connector::Openfootball,
        }
    }

    pub(crate) fn source(&self) -> domain::SourceKey {
        match self {
            Self::Table { source, .. } => source.clone(),
            Self::Json(_) => {
                domain::SourceKey::new(Connector::Openfootball.as_str()).expect("the text is a key")
            }
        }
    }
}
