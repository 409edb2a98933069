//! Prices by bookmaker with their movement, from the first known to the last.

use domain::{BookmakerKey, Market, MarketKind, Outcome, Price, QuoteStage};
use engine::{MarketSummary, OutcomeSummary, QuoteView};

use super::{
    charts,
    preferences::Preferences,
    text::{self, Since},
};

/// The prices of one market.
pub(super) struct MarketTable {
    pub(super) title: String,
    pub(super) outcomes: Vec<String>,
    pub(super) rows: Vec<BookmakerRow>,
    /// What the rows come to.
    pub(super) sums: Vec<SumRow>,
    /// Whether it is unfolded from the start.
    pub(super) open: bool,
}

/// The prices of one bookmaker.
pub(super) struct BookmakerRow {
    pub(super) bookmaker: String,
    /// Whether it takes no bets on the market.
    pub(super) suspended: bool,
    pub(super) cells: Vec<Option<Movement>>,
    /// How much the prices together cost more than they pay.
    pub(super) margin: Option<String>,
    pub(super) taken: String,
    /// Whether that counts from now.
    pub(super) ticks: bool,
    pub(super) taken_at: String,
}

/// What the prices of all bookmakers come to.
pub(super) struct SumRow {
    pub(super) what: String,
    pub(super) cells: Vec<Option<Shown>>,
    pub(super) margin: Option<String>,
}

/// How one price moved.
pub(super) struct Movement {
    /// First price, where it differs in time from the last; with its decimal value.
    pub(super) first: Option<Shown>,
    pub(super) last: Shown,
    /// Class, sign and words of the change.
    pub(super) change: Option<(&'static str, &'static str, String)>,
    pub(super) spark: Option<String>,
    /// Whether no bookmaker pays more.
    pub(super) best: bool,
}

/// A price as written and as a number.
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) decimal: f64,
}

/// Groups quotes by market and bookmaker, the winner first, most quoted markets next.
pub(super) fn tables(
    (quotes, sums): (&[QuoteView], &[MarketSummary]),
    has_draw: bool,
    since: Since,
    preferences: &Preferences,
) -> Vec<MarketTable> {
    // Once a game is over no bets are taken, and what they stood at is what can be learnt.
    let tells = |it: &&QuoteView| since.ticks() || it.stage != QuoteStage::Suspended;
    let standing = quotes.iter().filter(|it| !it.superseded).filter(tells);
    let standing: Vec<&QuoteView> = standing.collect();
    let mut markets: Vec<Market> = standing.iter().map(|it| it.market).collect();
    markets.sort_unstable();
    markets.dedup();
    let quoted = |market: Market| standing.iter().filter(|it| it.market == market).count();
    markets.sort_by_key(|it| (it.kind(), std::cmp::Reverse(quoted(*it))));
    markets
        .into_iter()
        .map(|market| {
            let outcomes = market.outcomes(has_draw);
            let of_market: Vec<&QuoteView> = standing
                .iter()
                .copied()
                .filter(|it| it.market == market)
                .collect();
            MarketTable {
                title: text::market(market),
                outcomes: outcomes.iter().map(|it| text::outcome(*it)).collect(),
                rows: rows(&of_market, outcomes, since, preferences),
                sums: sums
                    .iter()
                    .find(|it| it.market == market)
                    .map_or_else(Vec::new, |it| sum_rows(it, preferences)),
                open: market.kind() == MarketKind::H2h,
            }
        })
        .collect()
}

/// The averages of a market, now and at the close.
fn sum_rows(sum: &MarketSummary, preferences: &Preferences) -> Vec<SumRow> {
    let cells = |read: fn(&OutcomeSummary) -> Option<f64>| -> Vec<Option<Shown>> {
        let shown = |it| {
            let price = Price::new(read(it)?).ok()?;
            Some(Shown {
                text: preferences.price(price),
                decimal: price.decimal(),
            })
        };
        sum.outcomes.iter().map(shown).collect()
    };
    let mut rows = Vec::new();
    if sum.bookmakers > 0 {
        rows.push(SumRow {
            what: match sum.bookmakers {
                1 => "One bookmaker".to_owned(),
                count => format!("Average of {count}"),
            },
            cells: cells(|it| it.average),
            margin: sum.margin.map(text::signed_percent),
        });
    }
    let closing = cells(|it| it.closing);
    if closing.iter().any(Option::is_some) {
        rows.push(SumRow {
            what: "Average at the close".to_owned(),
            cells: closing,
            margin: None,
        });
    }
    rows
}

fn rows(
    quotes: &[&QuoteView],
    outcomes: &[Outcome],
    since: Since,
    preferences: &Preferences,
) -> Vec<BookmakerRow> {
    let mut bookmakers: Vec<&BookmakerKey> = quotes.iter().map(|it| &it.bookmaker).collect();
    // Aggregates of a source stand below those one can bet with.
    bookmakers.sort_by_key(|it| (it.as_str().starts_with("market_"), *it));
    bookmakers.dedup();
    let paths: Vec<(&BookmakerKey, Vec<&QuoteView>)> = bookmakers
        .into_iter()
        .map(|name| {
            let mut own: Vec<&QuoteView> = quotes
                .iter()
                .copied()
                .filter(|it| it.bookmaker == *name)
                .collect();
            own.sort_by_key(|it| (it.taken_at, it.stage));
            (name, own)
        })
        .collect();
    let best: Vec<f64> = outcomes
        .iter()
        .map(|outcome| {
            let last = paths
                .iter()
                .filter_map(|(_, own)| price(own.last()?, *outcome));
            last.fold(0.0, f64::max)
        })
        .collect();
    paths
        .iter()
        .map(|(name, own)| row(name, own, (outcomes, &best), since, preferences))
        .collect()
}

fn row(
    name: &BookmakerKey,
    own: &[&QuoteView],
    (outcomes, best): (&[Outcome], &[f64]),
    since: Since,
    preferences: &Preferences,
) -> BookmakerRow {
    let last = own[own.len() - 1];
    let prices: Vec<Option<f64>> = outcomes.iter().map(|it| price(last, *it)).collect();
    let margin = prices
        .iter()
        .map(|it| it.map(f64::recip))
        .sum::<Option<f64>>();
    BookmakerRow {
        bookmaker: text::words(name.as_str()),
        suspended: last.stage == QuoteStage::Suspended,
        cells: outcomes
            .iter()
            .zip(best)
            .map(|(outcome, best)| movement(own, *outcome, *best, preferences))
            .collect(),
        margin: margin.map(|it| text::signed_percent(it - 1.0)),
        taken: text::age(last.taken_at, since),
        ticks: since.ticks(),
        taken_at: last.taken_at.to_string(),
    }
}

fn movement(
    own: &[&QuoteView],
    outcome: Outcome,
    best: f64,
    preferences: &Preferences,
) -> Option<Movement> {
    let shown = |quote: &QuoteView| {
        let (_, price) = quote.prices.iter().find(|(it, _)| *it == outcome)?;
        Some(Shown {
            text: preferences.price(*price),
            decimal: price.decimal(),
        })
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds on an axis of pixels")]
    let points: Vec<(f64, f64)> = own
        .iter()
        .filter_map(|it| Some((it.taken_at.as_second() as f64, price(it, outcome)?)))
        .collect();
    let last = shown(own.last()?)?;
    let first = own
        .iter()
        .find_map(|it| shown(it))
        .filter(|_| points.len() > 1);
    let change = first.as_ref().map(|first| {
        let change = last.decimal / first.decimal - 1.0;
        let size = text::percent(change.abs());
        if size == "0.0%" {
            ("still", "=", "unchanged".to_owned())
        } else if change > 0.0 {
            ("longer", "\u{25b2}", format!("{size} longer"))
        } else {
            ("shorter", "\u{25bc}", format!("{size} shorter"))
        }
    });
    let best = last.decimal >= best;
    Some(Movement {
        first,
        best,
        last,
        change,
        spark: charts::spark(&points),
    })
}

fn price(quote: &QuoteView, outcome: Outcome) -> Option<f64> {
    quote
        .prices
        .iter()
        .find(|(it, _)| *it == outcome)
        .map(|(_, price)| price.decimal())
}
