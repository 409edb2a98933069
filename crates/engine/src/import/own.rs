//! Our own CSV: a header that says everything, so that no mapping is needed.
//!
//! `docs/importing.md` is its manual.

use std::collections::BTreeMap;

use domain::{BookmakerKey, MarketKind, OddsFormat, QuoteStage, SourceKey};

use crate::import::Refusal;
use crate::import::mapping::{
    FixtureMapping, Letters, LineMapping, Mapping, NeutralMapping, QuoteMapping, ResultMapping,
    SeasonMapping, SeasonStyle, SeasonTypeMapping, Stat, ValueMapping,
};
use crate::import::moment::OpeningConvention;
use crate::import::text::Fields;

const REQUIRED: [&str; 5] = ["competition", "season", "kickoff", "home", "away"];
const PLAIN: [&str; 10] = [
    "competition",
    "season",
    "season_type",
    "kickoff",
    "home",
    "away",
    "neutral",
    "status",
    "home_score",
    "away_score",
];
const STATS: [(Stat, &str); 8] = [
    (Stat::HalfTime, "half_time"),
    (Stat::Shots, "shots"),
    (Stat::ShotsOnTarget, "shots_on_target"),
    (Stat::Corners, "corners"),
    (Stat::YellowCards, "yellow_cards"),
    (Stat::RedCards, "red_cards"),
    (Stat::ExpectedGoals, "expected_goals"),
    (Stat::RestDays, "rest_days"),
];

/// Whether a header is one of ours.
pub(crate) fn claims(header: &Fields) -> bool {
    REQUIRED
        .iter()
        .all(|name| header.iter().any(|it| it == *name))
}

/// What the columns of a file mean. A column that is none of ours is refused, for a price in a
/// mistyped column would be lost without a word.
pub(crate) fn mapping(header: &Fields) -> Result<Mapping, Refusal> {
    let columns: Vec<&str> = header.iter().filter(|it| !it.is_empty()).collect();
    let has = |name: &str| columns.contains(&name);
    let missing: Vec<String> = REQUIRED
        .iter()
        .filter(|name| !has(name))
        .map(|name| (*name).to_owned())
        .collect();
    if !missing.is_empty() {
        return Err(Refusal::MissingColumns(missing));
    }
    let mut quotes = Vec::new();
    for column in &columns {
        if let Some(price) = column.strip_prefix("price:") {
            let price = PriceColumn::parse(column, price)?;
            price.add_to(&mut quotes, column, &columns)?;
        } else if !is_known(column) {
            return Err(bad(column, "it is no column of this format"));
        }
    }
    Ok(Mapping {
        source: SourceKey::new("csv").expect("the text is a key"),
        missing: Vec::new(),
        opening: OpeningConvention::DayBefore,
        fixture: fixture(has),
        result: (has("home_score") && has("away_score")).then(|| ResultMapping {
            home: "home_score".to_owned(),
            away: "away_score".to_owned(),
        }),
        stats: STATS
            .into_iter()
            .map(|(stat, name)| (stat, [format!("{name}_home"), format!("{name}_away")]))
            .filter(|(_, [home, away])| has(home) && has(away))
            .collect(),
        quotes,
    })
}

fn is_known(column: &str) -> bool {
    let stat = |it: &(Stat, &str)| {
        let side = column.strip_prefix(it.1);
        matches!(side, Some("_home" | "_away"))
    };
    PLAIN.contains(&column)
        || STATS.iter().any(stat)
        || column.starts_with("line:")
        || column.starts_with("taken_at:")
}

fn fixture(has: impl Fn(&str) -> bool) -> FixtureMapping {
    FixtureMapping {
        competition: ValueMapping::Column {
            column: "competition".to_owned(),
            values: BTreeMap::new(),
            otherwise: None,
        },
        season: SeasonMapping {
            column: Some("season".to_owned()),
            style: SeasonStyle::AsIs,
        },
        season_type: has("season_type").then(|| SeasonTypeMapping {
            column: "season_type".to_owned(),
            values: BTreeMap::new(),
        }),
        date: "kickoff".to_owned(),
        date_formats: vec!["rfc3339".to_owned(), "%Y-%m-%d".to_owned()],
        time: None,
        time_zone: None,
        home: "home".to_owned(),
        away: "away".to_owned(),
        letters: Letters::AsIs,
        neutral: has("neutral").then(|| NeutralMapping {
            column: "neutral".to_owned(),
            values: ["1", "true", "yes"].map(str::to_owned).to_vec(),
        }),
        status: has("status").then(|| "status".to_owned()),
    }
}

/// `price:BOOKMAKER:MARKET[:LINE]:OUTCOME:STAGE`, taken apart.
struct PriceColumn<'a> {
    bookmaker: BookmakerKey,
    market: MarketKind,
    line: Option<&'a str>,
    outcome: &'a str,
    stage: QuoteStage,
}

impl<'a> PriceColumn<'a> {
    fn parse(column: &str, text: &'a str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = text.split(':').collect();
        let (bookmaker, market, line, outcome, stage) = match parts[..] {
            [bookmaker, market, outcome, stage] => (bookmaker, market, None, outcome, stage),
            [bookmaker, market, line, outcome, stage] => {
                (bookmaker, market, Some(line), outcome, stage)
            }
            _ => {
                return Err(bad(
                    column,
                    "write price:BOOKMAKER:MARKET[:LINE]:OUTCOME:STAGE",
                ));
            }
        };
        let stage = match stage {
            "opening" => QuoteStage::Opening,
            "intermediate" => QuoteStage::Intermediate,
            "closing" => QuoteStage::Closing,
            _ => return Err(bad(column, "the stage is opening, intermediate or closing")),
        };
        Ok(Self {
            bookmaker: BookmakerKey::new(bookmaker).map_err(|error| bad(column, error))?,
            market: MarketKind::parse(market)
                .ok_or_else(|| bad(column, "the market is not known"))?,
            line,
            outcome,
            stage,
        })
    }

    /// Joins the columns of one quote.
    fn add_to(
        self,
        quotes: &mut Vec<QuoteMapping>,
        column: &str,
        columns: &[&str],
    ) -> Result<(), Refusal> {
        let line = self.line(column, columns)?;
        let same = |it: &&mut QuoteMapping| {
            it.bookmaker == self.bookmaker
                && it.market == self.market
                && it.stage == self.stage
                && same_line(it.line.as_ref(), line.as_ref())
        };
        if let Some(quote) = quotes.iter_mut().find(same) {
            quote
                .prices
                .insert(self.outcome.to_owned(), column.to_owned());
            return Ok(());
        }
        let taken_at = format!("taken_at:{}:{}", self.bookmaker, stage_name(self.stage));
        quotes.push(QuoteMapping {
            bookmaker: self.bookmaker,
            market: self.market,
            stage: self.stage,
            line,
            odds: OddsFormat::Decimal,
            taken_at: columns.contains(&taken_at.as_str()).then_some(taken_at),
            prices: BTreeMap::from([(self.outcome.to_owned(), column.to_owned())]),
        });
        Ok(())
    }

    fn line(&self, column: &str, columns: &[&str]) -> Result<Option<LineMapping>, Refusal> {
        match (self.line, self.market.has_line()) {
            (None, false) => Ok(None),
            (Some(_), false) => Err(bad(column, "the market has no line")),
            (Some(line), true) => {
                let value: f64 = line
                    .parse()
                    .map_err(|_| bad(column, "the line is no number"))?;
                domain::Line::new(value).map_err(|error| bad(column, error))?;
                Ok(Some(LineMapping::Constant(value)))
            }
            (None, true) => {
                let name = format!(
                    "line:{}:{}:{}",
                    self.bookmaker,
                    self.market.as_str(),
                    stage_name(self.stage)
                );
                if columns.contains(&name.as_str()) {
                    let negate = false;
                    Ok(Some(LineMapping::Column {
                        column: name,
                        negate,
                    }))
                } else {
                    Err(bad(
                        column,
                        format!("the line is missing, and there is no column {name}"),
                    ))
                }
            }
        }
    }
}

fn same_line(one: Option<&LineMapping>, other: Option<&LineMapping>) -> bool {
    match (one, other) {
        (Some(LineMapping::Constant(one)), Some(LineMapping::Constant(other))) => {
            one.to_bits() == other.to_bits()
        }
        (Some(LineMapping::Column { .. }), Some(LineMapping::Column { .. })) | (None, None) => true,
        _ => false,
    }
}

fn stage_name(stage: QuoteStage) -> &'static str {
    match stage {
        QuoteStage::Opening => "opening",
        QuoteStage::Intermediate => "intermediate",
        QuoteStage::Closing => "closing",
        QuoteStage::Suspended => "suspended",
    }
}

fn bad(column: &str, problem: impl ToString) -> Refusal {
    Refusal::BadColumn {
        column: column.to_owned(),
        problem: problem.to_string(),
    }
}
