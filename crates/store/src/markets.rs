//! What the prices of a fixture come to, market by market: how it is worked out and read.

use domain::{Market, Outcome, Price, Quote, Sport};
use jiff::Timestamp;

use crate::code::{corrupt, market, market_codes, moment, sport};
use crate::{Made, StoreError};

/// Fixtures whose summaries are made new in one transaction, at most.
pub(crate) const BATCH: i64 = 500;

/// Every market of a fixture that a bookmaker quoted.
#[derive(Debug, Clone, PartialEq)]
pub struct Markets {
    /// In order of kind and line.
    pub markets: Vec<MarketSummary>,
    /// Where they were read.
    pub made: Made,
    /// The number of the change that last touched a quote of the fixture, zero where none ever did:
    /// the summaries have that one, and all before.
    pub change: u64,
}

impl Markets {
    /// What rows say of a fixture of a sport, that are up to `change`, where there ever was one.
    pub(crate) fn of(
        rows: &[SummaryRow],
        played: &str,
        (made, change): (Made, Option<i64>),
    ) -> Result<Self, StoreError> {
        let has_draw = sport(played)?.has_draw();
        let markets = rows.iter().map(|it| summary(it, has_draw));
        Ok(Self {
            markets: markets.collect::<Result<_, _>>()?,
            made,
            change: change.unwrap_or(0).unsigned_abs(),
        })
    }
}

/// What the last prices of each bookmaker come to in one market. Aggregates of a source count for
/// nothing, nor do quotes that were corrected.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketSummary {
    /// Which market.
    pub market: Market,
    /// How many bookmakers have prices for it; those that suspended it have none.
    pub bookmakers: u64,
    /// When the newest of their quotes was taken, or the market suspended.
    pub taken_at: Timestamp,
    /// What the prices of those who priced every outcome add up to beyond one, as implied
    /// probabilities, on average; `None` where nobody did.
    pub margin: Option<f64>,
    /// In the order of the market.
    pub outcomes: Vec<OutcomeSummary>,
}

/// What the prices of one outcome come to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutcomeSummary {
    /// Which outcome.
    pub outcome: Outcome,
    /// The longest.
    pub best: Option<Price>,
    /// The average, decimal.
    pub average: Option<f64>,
    /// The average of each bookmaker's closing price, decimal; `None` before there is one.
    pub closing: Option<f64>,
}

/// The columns of a summary but for its fixture.
pub(crate) const COLUMNS: &str = "kind, line, bookmakers, taken_at, best_1, best_2, best_3,
     average_1, average_2, average_3, closing_1, closing_2, closing_3, margin_2, margin_3";

/// Kind, line, bookmakers, moment, best, average and closing prices, margins.
pub(crate) type SummaryRow = (
    i64,
    i64,
    i64,
    i64,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
);

/// Works summaries out: the columns of `market_summaries` from what `quotes` names `q`, a join of
/// quotes with their bookmakers `b`, fixtures `f` and competitions `c`. `whole` rounds a positive
/// number to a whole one. A quote that nobody can have meant counts for nothing, and a closing price
/// only where it was taken by the time of the kickoff as it is now known.
///
/// Averages are of millionths, and margins of billionths, added up as whole numbers: these have one
/// sum, in whatever order a database adds.
pub(crate) fn worked_out(whole: fn(&str) -> String, quotes: &str) -> String {
    let last = "FILTER (WHERE p.newest = 1 AND NOT p.suspended)";
    let close = "FILTER (WHERE p.newest_closing = 1)";
    let outcomes = |column: &dyn Fn(&str) -> String| {
        let columns = ["p.price_1", "p.price_2", "p.price_3"].map(column);
        columns.join(", ")
    };
    let mean = |value: &str, unit: &str, filter: &str| {
        let sum = whole(&format!("({value}) * {unit}"));
        format!(
            "CAST(sum({sum}) {filter} AS DOUBLE PRECISION) / ({unit} * count({value}) {filter})"
        )
    };
    let best = outcomes(&|it| format!("max({it}) {last}"));
    let average = outcomes(&|it| mean(it, "1000000", last));
    let closing = outcomes(&|it| mean(it, "1000000", close));
    let two = "1 / p.price_1 + 1 / p.price_2";
    let margins = [two.to_owned(), format!("{two} + 1 / p.price_3")];
    let margins = margins.map(|it| format!("{} - 1", mean(&it, "1000000000", last)));
    format!(
        "SELECT p.fixture, p.kind, p.line, count(*) {last} AS bookmakers,
                max(p.taken_at) AS taken_at, {best}, {average}, {closing}, {}
         FROM (SELECT q.fixture, CAST(q.kind AS BIGINT) AS kind, CAST(q.line AS BIGINT) AS line,
                      q.taken_at, q.price_1, q.price_2, q.price_3, {SUSPENDED} AS suspended,
                      row_number() OVER (PARTITION BY q.fixture, q.kind, q.line, q.bookmaker
                          ORDER BY q.taken_at DESC, q.stage DESC) AS newest,
                      CASE WHEN {CLOSING} THEN
                          row_number() OVER (PARTITION BY q.fixture, q.kind, q.line, q.bookmaker,
                              {CLOSING} ORDER BY q.taken_at DESC) END AS newest_closing
               FROM {quotes} AND substr(b.key, 1, 7) <> 'market_' AND NOT {}) AS p
         GROUP BY p.fixture, p.kind, p.line",
        margins.join(", "),
        impossible()
    )
}

const CLOSING: &str = "(q.stage = 2 AND q.taken_at <= f.kickoff)";

const SUSPENDED: &str = "q.stage = 3";

/// Whether nobody can have meant a quote, as [`Quote::is_possible`] has it: in SQL, where a missing
/// price makes it unknown.
fn impossible() -> String {
    let (h2h, _) = market_codes(Market::H2H);
    let drawing = Sport::ALL.into_iter().filter(|it| it.has_draw());
    let drawing: Vec<String> = drawing.map(|it| format!("'{}'", it.as_str())).collect();
    let two = "1 / q.price_1 + 1 / q.price_2";
    format!(
        "coalesce(CASE WHEN q.kind = {h2h} AND c.sport IN ({}) THEN {two} + 1 / q.price_3
             ELSE {two} END < {}, false)",
        drawing.join(", "),
        Quote::SUM_MIN
    )
}

/// What a row says of a sport that knows draws, or of one that does not.
fn summary(row: &SummaryRow, has_draw: bool) -> Result<MarketSummary, StoreError> {
    let market = market(row.0, row.1)?;
    let best = [row.4, row.5, row.6];
    let average = [row.7, row.8, row.9];
    let closing = [row.10, row.11, row.12];
    let outcomes = market.outcomes(has_draw);
    let of = |(place, outcome): (usize, &Outcome)| -> Result<OutcomeSummary, StoreError> {
        let price = |it| Price::new(it).map_err(|_| corrupt("market_summaries.best", it));
        Ok(OutcomeSummary {
            outcome: *outcome,
            best: best[place].map(price).transpose()?,
            average: average[place],
            closing: closing[place],
        })
    };
    let bookmakers = u64::try_from(row.2);
    Ok(MarketSummary {
        market,
        bookmakers: bookmakers.map_err(|_| corrupt("market_summaries.bookmakers", row.2))?,
        taken_at: moment("market_summaries.taken_at", row.3)?,
        margin: if outcomes.len() == 2 { row.13 } else { row.14 },
        outcomes: outcomes
            .iter()
            .enumerate()
            .map(of)
            .collect::<Result<_, _>>()?,
    })
}
