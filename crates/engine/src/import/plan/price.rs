//! The prices of one bookmaker, market and stage in a row.

use domain::{BookmakerKey, Line, Market, MarketKind, OddsFormat, Price, Quote, QuoteStage, Sport};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::cell::{Cell, Header};
use crate::import::mapping::{LineMapping, QuoteMapping};
use crate::import::moment::{OpeningConvention, taken_at};
use crate::import::row::{CellProblem, Reason};
use crate::import::text::Fields;
use crate::import::{ImportError, Refusal};

pub(crate) struct QuotePlan {
    bookmaker: BookmakerKey,
    kind: MarketKind,
    stage: QuoteStage,
    line: LinePlan,
    odds: OddsFormat,
    taken_at: Option<Cell>,
    convention: OpeningConvention,
    /// Columns in the order of the market's outcomes, the draw in the middle.
    prices: [Option<Cell>; 3],
}

enum LinePlan {
    None,
    Constant(Line),
    Column { cell: Cell, negate: bool },
}

impl QuotePlan {
    pub(crate) fn bind(
        mapping: &QuoteMapping,
        convention: OpeningConvention,
        header: &mut Header,
    ) -> Result<Self, ImportError> {
        let mut prices = [None, None, None];
        for (outcome, column) in &mapping.prices {
            let slot = slot(mapping.market, outcome).ok_or_else(|| Refusal::BadColumn {
                column: column.clone(),
                problem: format!("{} has no outcome {outcome:?}", mapping.market.as_str()),
            })?;
            prices[slot] = Some(header.cell(column));
        }
        let line = match (&mapping.line, mapping.market.has_line()) {
            (None, false) => LinePlan::None,
            (Some(LineMapping::Constant(value)), true) => {
                LinePlan::Constant(Line::new(*value).map_err(|error| bad(mapping, error))?)
            }
            (Some(LineMapping::Column { column, negate }), true) => LinePlan::Column {
                cell: header.cell(column),
                negate: *negate,
            },
            (None, true) => return Err(bad(mapping, "the market needs a line")),
            (Some(_), false) => return Err(bad(mapping, "the market has no line")),
        };
        if mapping.stage == QuoteStage::Suspended {
            return Err(bad(mapping, "a market that is suspended has no prices"));
        }
        if mapping.odds == OddsFormat::Fractional {
            return Err(bad(mapping, "fractional odds are not read"));
        }
        Ok(Self {
            bookmaker: mapping.bookmaker.clone(),
            kind: mapping.market,
            stage: mapping.stage,
            line,
            odds: mapping.odds,
            taken_at: mapping.taken_at.as_ref().map(|name| header.cell(name)),
            convention,
            prices,
        })
    }

    /// The quote, where any outcome has a price.
    pub(crate) fn read(
        &self,
        fields: &Fields,
        missing: &[String],
        (kickoff, sport): (Timestamp, Sport),
        london: &TimeZone,
    ) -> Result<Option<Quote>, CellProblem> {
        let mut prices = [None; 3];
        for (slot, cell) in self.prices.iter().enumerate() {
            let Some(cell) = cell else { continue };
            let Some(text) = cell.optional(fields, missing) else {
                continue;
            };
            let price = self.price(text).map_err(|reason| cell.problem(reason))?;
            match (self.kind, slot, sport.has_draw()) {
                (MarketKind::H2h, 1, false) => {}
                (MarketKind::H2h, 2, false) => prices[1] = Some(price),
                _ => prices[slot] = Some(price),
            }
        }
        if prices.iter().all(Option::is_none) {
            return Ok(None);
        }
        Ok(Some(Quote {
            bookmaker: self.bookmaker.clone(),
            market: self.market(fields, missing)?,
            stage: self.stage,
            taken_at: self.moment(fields, missing, kickoff, london)?,
            prices,
        }))
    }

    fn price(&self, text: &str) -> Result<Price, Reason> {
        let number: f64 = text
            .parse()
            .ok()
            .filter(|it: &f64| it.is_finite())
            .ok_or_else(|| Reason::NotAPrice(text.to_owned()))?;
        let decimal = match self.odds {
            OddsFormat::American if number >= 100.0 => 1.0 + number / 100.0,
            OddsFormat::American if number <= -100.0 => 1.0 - 100.0 / number,
            OddsFormat::American => return Err(Reason::BadAmericanPrice(number)),
            OddsFormat::Decimal | OddsFormat::Fractional => number,
        };
        Ok(Price::new(decimal)?)
    }

    fn market(&self, fields: &Fields, missing: &[String]) -> Result<Market, CellProblem> {
        let line = match &self.line {
            LinePlan::None => None,
            LinePlan::Constant(line) => Some(*line),
            LinePlan::Column { cell, negate } => {
                let text = cell
                    .optional(fields, missing)
                    .ok_or_else(|| cell.problem(Reason::LineMissing))?;
                let value = parse_line(text).map_err(|reason| cell.problem(reason))?;
                let quarters = value.quarters();
                Some(Line::from_quarters(if *negate {
                    -quarters
                } else {
                    quarters
                }))
            }
        };
        Ok(Market::new(self.kind, line).expect("kind and line were matched when bound"))
    }

    fn moment(
        &self,
        fields: &Fields,
        missing: &[String],
        kickoff: Timestamp,
        london: &TimeZone,
    ) -> Result<Timestamp, CellProblem> {
        let told = self
            .taken_at
            .as_ref()
            .and_then(|cell| Some((cell, cell.optional(fields, missing)?)));
        match told {
            Some((cell, text)) => text
                .parse()
                .map_err(|_| cell.problem(Reason::UnknownDate(text.to_owned()))),
            None => Ok(taken_at(self.stage, kickoff, self.convention, london)),
        }
    }
}

/// Reads a line; two halves of a split stake (`0,-0.5` or `0/-0.5`) mean their middle.
fn parse_line(text: &str) -> Result<Line, Reason> {
    let not = || Reason::NotALine(text.to_owned());
    let number = |part: &str| part.trim().parse::<f64>().ok().filter(|it| it.is_finite());
    let value = match text.split_once([',', '/']) {
        Some((low, high)) => {
            f64::midpoint(number(low).ok_or_else(not)?, number(high).ok_or_else(not)?)
        }
        None => number(text).ok_or_else(not)?,
    };
    Ok(Line::new(value)?)
}

/// Where an outcome's price stands; the draw has the middle of `h2h`.
fn slot(market: MarketKind, outcome: &str) -> Option<usize> {
    let outcomes: &[&str] = match market {
        MarketKind::H2h => &["home", "draw", "away"],
        MarketKind::Totals => &["over", "under"],
        MarketKind::Spreads => &["home", "away"],
        MarketKind::BothTeamsToScore => &["yes", "no"],
        MarketKind::CorrectScore => &[],
    };
    outcomes.iter().position(|it| *it == outcome)
}

fn bad(mapping: &QuoteMapping, problem: impl ToString) -> ImportError {
    ImportError::BadTable {
        what: format!(
            "the mapping of {} {}",
            mapping.bookmaker,
            mapping.market.as_str()
        ),
        problem: problem.to_string(),
    }
}
