//! What the columns of a delimited file mean, as read from a mapping file or made from a header.

use std::collections::BTreeMap;

use domain::{BookmakerKey, MarketKind, OddsFormat, QuoteStage, SeasonType, SourceKey};
use serde::Deserialize;

use crate::import::ImportError;
use crate::import::moment::OpeningConvention;

/// What the columns of a delimited file mean.
///
/// Written as TOML beside the file it describes; `docs/importing.md` has the whole form.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Whose names and prices these are.
    #[serde(default = "own_source")]
    pub source: SourceKey,
    /// Texts that stand for a missing value, besides nothing at all.
    #[serde(default)]
    pub missing: Vec<String>,
    /// When opening prices count as taken.
    #[serde(default)]
    pub opening: OpeningConvention,
    /// What the fixture is.
    pub fixture: FixtureMapping,
    /// How it ended.
    #[serde(default)]
    pub result: Option<ResultMapping>,
    /// Columns of counts, home and away, by name of [`domain::MatchStats`]' field.
    #[serde(default)]
    pub stats: BTreeMap<Stat, [String; 2]>,
    /// Columns of prices.
    #[serde(default)]
    pub quotes: Vec<QuoteMapping>,
}

/// Which columns tell the fixture.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixtureMapping {
    /// Competition: a key, or a name of the table.
    pub competition: ValueMapping,
    /// Season.
    pub season: SeasonMapping,
    /// Column that says which part of the season it is.
    #[serde(default)]
    pub season_type: Option<SeasonTypeMapping>,
    /// Column of the date, or of the whole kickoff in the form RFC 3339.
    pub date: String,
    /// Forms of the date, in the notation of `strftime`; `rfc3339` for a whole instant.
    pub date_formats: Vec<String>,
    /// Column of the local time, where there is one.
    #[serde(default)]
    pub time: Option<String>,
    /// IANA zone of local times; the competition's own where left out.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// Column of the home side.
    pub home: String,
    /// Column of the away side.
    pub away: String,
    /// How team names are written before they are looked up.
    #[serde(default)]
    pub letters: Letters,
    /// Column that says whether neither side is at home.
    #[serde(default)]
    pub neutral: Option<NeutralMapping>,
    /// Column of the status.
    #[serde(default)]
    pub status: Option<String>,
}

/// A value that is the same in every row, or stands in a column.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum ValueMapping {
    /// The same in every row.
    Constant {
        /// The value.
        constant: String,
    },
    /// In a column.
    Column {
        /// The column.
        column: String,
        /// What its values mean; a value not listed stands for itself.
        #[serde(default)]
        values: BTreeMap<String, String>,
        /// What to take where the value is no known competition.
        #[serde(default)]
        otherwise: Option<String>,
    },
}

/// Where the season comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeasonMapping {
    /// Its column; left out where the date decides.
    #[serde(default)]
    pub column: Option<String>,
    /// How it is written, or follows from the date.
    pub style: SeasonStyle,
}

/// How a season is written, or follows from the date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeasonStyle {
    /// As a season's key: `2023`, or `2022/23` in any of its spellings.
    AsIs,
    /// The year in which a season of two years begins: 2022 is `2022/23`.
    StartYear,
    /// The year in which a season of two years ends: 2023 is `2022/23`.
    EndYear,
    /// From the date: the calendar year.
    CalendarYear,
    /// From the date: a season of two years that begins in July.
    SplitYear,
}

/// How team names are written before they are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Letters {
    /// As they are.
    #[default]
    AsIs,
    /// In capitals, as codes are.
    Upper,
    /// In small letters.
    Lower,
}

/// Which column says the part of the season, and in which words.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeasonTypeMapping {
    /// The column.
    pub column: String,
    /// What its values mean; a value not listed stands for itself.
    #[serde(default)]
    pub values: BTreeMap<String, SeasonType>,
}

/// Which values of which column mean neutral ground.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeutralMapping {
    /// The column.
    pub column: String,
    /// The values that mean neutral, in any case.
    pub values: Vec<String>,
}

/// Which columns hold the final score.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultMapping {
    /// Home side.
    pub home: String,
    /// Away side.
    pub away: String,
}

/// A count of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stat {
    /// Score at half time.
    HalfTime,
    /// Shots.
    Shots,
    /// Shots on target.
    ShotsOnTarget,
    /// Corners.
    Corners,
    /// Yellow cards.
    YellowCards,
    /// Red cards.
    RedCards,
    /// Expected goals.
    ExpectedGoals,
    /// Days of rest.
    RestDays,
}

/// The columns of one bookmaker's prices for one market.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuoteMapping {
    /// Who offered.
    pub bookmaker: BookmakerKey,
    /// What was offered.
    pub market: MarketKind,
    /// Opening, on the way, or closing.
    pub stage: QuoteStage,
    /// The line, for markets that have one.
    #[serde(default)]
    pub line: Option<LineMapping>,
    /// Decimal or American.
    #[serde(default = "decimal")]
    pub odds: OddsFormat,
    /// Column of the moment the prices were taken, in the form RFC 3339.
    #[serde(default)]
    pub taken_at: Option<String>,
    /// Columns of the prices by outcome.
    pub prices: BTreeMap<String, String>,
}

/// A line that is the same in every row, or stands in a column.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum LineMapping {
    /// The same in every row.
    Constant(f64),
    /// In a column.
    Column {
        /// The column.
        column: String,
        /// Whether its sign is the other way round than ours (what the home side is given).
        #[serde(default)]
        negate: bool,
    },
}

impl Mapping {
    /// Reads a mapping file.
    pub fn parse(toml: &str, name: &str) -> Result<Self, ImportError> {
        toml::from_str(toml).map_err(|error| ImportError::BadTable {
            what: format!("mapping {name}"),
            problem: error.to_string(),
        })
    }
}

fn own_source() -> SourceKey {
    SourceKey::new("csv").expect("the text is a key")
}

fn decimal() -> OddsFormat {
    OddsFormat::Decimal
}
