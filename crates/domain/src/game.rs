//! A fixture as models read it: facts, result, and prices boiled down to what is compared.

#[cfg(test)]
mod tests;

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    BookmakerKey, CompetitionKey, FixtureId, FixtureStatus, Market, MarketKind, MatchStats, Price,
    PricesAt, Quote, QuoteStage, Score, SeasonKey, SeasonType, Sport, TeamId,
};

/// Whose prices stand for the market, sharpest first.
///
/// The first of these that prices every outcome and has kept up with the others is the reference;
/// where none has, the mean of all complete quotes that have is.
pub const REFERENCE_BOOKMAKERS: [&str; 4] =
    ["pinnacle", "market_average", "betfair_exchange", "bet365"];

/// How much older than the newest quote of a market another may be to stand for it. Within some
/// hours the market seldom moves by more than one bookmaker differs from the next; in a day it does.
pub const REFERENCE_LAG_MAX: SignedDuration = SignedDuration::from_hours(6);

/// The best price on offer for an outcome and who offers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestPrice {
    /// The price.
    pub price: Price,
    /// Who offers it; `market_best` where a source gives only the maximum.
    pub bookmaker: BookmakerKey,
    /// When it was taken.
    pub taken_at: Timestamp,
}

/// The prices of one market at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MarketPrices {
    /// Which market.
    pub market: Market,
    /// The reference bookmaker's prices, in the order of the market's outcomes; the third is
    /// `None` in markets of two outcomes.
    pub reference: [Option<Price>; 3],
    /// Whose prices the reference is; `market_mean` where no reference bookmaker quoted.
    pub reference_bookmaker: BookmakerKey,
    /// The best price of each outcome over bookmakers one can bet with, aggregates of a source
    /// (`market_best`) included, its average excluded.
    pub best: [Option<BestPrice>; 3],
    /// How many bookmakers quoted, aggregates not counted.
    pub bookmakers: u16,
}

/// Every market's prices of one fixture at one moment.
///
/// One entry per market; totals and spreads hold the line the reference bookmaker quoted with the
/// most balanced prices.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Prices {
    /// Who wins.
    pub h2h: Option<MarketPrices>,
    /// Over or under, main line.
    pub totals: Option<MarketPrices>,
    /// Handicap, main line.
    pub spreads: Option<MarketPrices>,
}

/// A fixture as models read it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Game {
    /// Which fixture.
    pub fixture: FixtureId,
    /// Competition.
    pub competition: CompetitionKey,
    /// Season.
    pub season: SeasonKey,
    /// The part of the season.
    pub season_type: SeasonType,
    /// What is played.
    pub sport: Sport,
    /// Start, UTC.
    pub kickoff: Timestamp,
    /// From when on the result counts as known.
    pub known_at: Timestamp,
    /// Home side.
    pub home: TeamId,
    /// Away side.
    pub away: TeamId,
    /// Whether neither side is at home.
    pub neutral: bool,
    /// Where it stands.
    pub status: FixtureStatus,
    /// Final score, once played.
    pub score: Option<Score>,
    /// What else is known of the game; known together with the score.
    pub stats: MatchStats,
    /// Prices as they stood [`Game::PREGAME_LEAD`] before kickoff.
    pub pregame: Prices,
    /// Prices as they stood at kickoff.
    pub closing: Prices,
}

impl Game {
    /// How long before kickoff pre-game prices are taken and backtests predict.
    pub const PREGAME_LEAD: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

    /// How prices are looked at from a moment before this game, or from its kickoff.
    pub fn prices_at(&self, moment: Timestamp) -> PricesAt {
        if moment < self.kickoff {
            PricesAt::Moment(moment)
        } else {
            PricesAt::Start(moment)
        }
    }

    /// The moment of which a backtest predicts this game.
    pub fn pregame_at(&self) -> Timestamp {
        self.kickoff
            .saturating_sub(Self::PREGAME_LEAD)
            .expect("a fixed hour never overflows")
    }
}

/// Boils quotes down to the prices that stood at `at`: of each bookmaker and market the newest
/// quote taken no later, then reference and best per market. The order of `quotes` is irrelevant.
///
/// A quote that nobody can have meant ([`Quote::is_possible`]) counts for nothing. One of the opening
/// where others have closed, or more than [`REFERENCE_LAG_MAX`] older than the newest of the kind of
/// market, is no reference, and its line not the main one, unless a single bookmaker has later ones;
/// a price of it may be the best. Where the newest quote of a bookmaker says that the market is
/// suspended, that one offers nothing.
///
/// Of several lines the one is kept that the sharpest bookmaker quotes; of several of its lines,
/// those it quoted at the latest stage (a line it has moved away from is stale), and of these the
/// most balanced.
pub fn summarise_quotes(quotes: &[Quote], at: impl Into<PricesAt>, has_draw: bool) -> Prices {
    let latest = standing_quotes(quotes, at.into(), has_draw);
    let [mut h2h, mut totals, mut spreads] = [const { None::<Summary> }; 3];
    for lines in latest.chunk_by(|a, b| a.market.kind() == b.market.kind()) {
        let slot = match lines[0].market.kind() {
            MarketKind::H2h => &mut h2h,
            MarketKind::Totals => &mut totals,
            MarketKind::Spreads => &mut spreads,
            MarketKind::BothTeamsToScore | MarketKind::CorrectScore => continue,
        };
        let complete = keeping_up(lines, has_draw);
        for quotes in lines.chunk_by(|a, b| a.market == b.market) {
            let summary = summarise_market(quotes, &complete, has_draw);
            if let Some(summary) = summary
                && slot.as_ref().is_none_or(|kept| summary.beats(kept))
            {
                *slot = Some(summary);
            }
        }
    }
    let prices = |it: Option<Summary>| it.map(|it| it.prices);
    Prices {
        h2h: prices(h2h),
        totals: prices(totals),
        spreads: prices(spreads),
    }
}

/// The prices of one market with what tells lines apart.
struct Summary {
    prices: MarketPrices,
    /// Place of the reference among [`REFERENCE_BOOKMAKERS`]; behind them all for a mean.
    rank: usize,
    stage: QuoteStage,
}

impl Summary {
    fn beats(&self, other: &Self) -> bool {
        let by_balance = || imbalance(&self.prices).total_cmp(&imbalance(&other.prices));
        let order = (self.rank.cmp(&other.rank))
            .then(other.stage.cmp(&self.stage))
            .then_with(by_balance);
        order.is_lt()
    }
}

/// The newest quote of each bookmaker and market known at `at`, by market and bookmaker, of those it
/// can have meant; of what is suspended none.
pub fn standing_quotes<'a>(
    quotes: impl IntoIterator<Item = &'a Quote>,
    at: PricesAt,
    has_draw: bool,
) -> Vec<&'a Quote> {
    let known = quotes.into_iter().filter(|it| it.is_known(at));
    let mut known: Vec<&Quote> = known.filter(|it| it.is_possible(has_draw)).collect();
    known.sort_by(|a, b| {
        let newest_first = || (b.taken_at, b.stage).cmp(&(a.taken_at, a.stage));
        let order = (a.market, &a.bookmaker).cmp(&(b.market, &b.bookmaker));
        let order = order.then_with(newest_first);
        order.then_with(|| b.prices.partial_cmp(&a.prices).unwrap_or(Ordering::Equal))
    });
    known.dedup_by(|next, kept| next.market == kept.market && next.bookmaker == kept.bookmaker);
    known.retain(|it| !it.is_suspended());
    known
}

/// Whose quotes stand for a market.
enum Reference<'a> {
    /// Those of a reference bookmaker, with its place among [`REFERENCE_BOOKMAKERS`].
    Named(usize, &'a Quote),
    /// Those of all that have kept up; never empty.
    Mean(Vec<&'a Quote>),
}

impl<'a> Reference<'a> {
    /// Chooses for a market among the quotes that have kept up; `None` where none is of it.
    fn of(market: Market, complete: &[&'a Quote]) -> Option<Self> {
        let of_market = complete.iter().copied().filter(|it| it.market == market);
        let named = |(rank, name): (usize, &&str)| {
            let mut of_market = of_market.clone();
            let quote = of_market.find(|it| it.bookmaker.as_str() == *name)?;
            Some(Self::Named(rank, quote))
        };
        let named = REFERENCE_BOOKMAKERS.iter().enumerate().find_map(named);
        let mean: Vec<&Quote> = of_market.collect();
        named.or((!mean.is_empty()).then_some(Self::Mean(mean)))
    }

    fn quotes(&self) -> &[&'a Quote] {
        match self {
            Self::Named(_, quote) => std::slice::from_ref(quote),
            Self::Mean(quotes) => quotes,
        }
    }

    fn rank(&self) -> usize {
        match self {
            Self::Named(rank, _) => *rank,
            Self::Mean(_) => REFERENCE_BOOKMAKERS.len(),
        }
    }

    fn bookmaker(&self) -> BookmakerKey {
        match self {
            Self::Named(_, quote) => quote.bookmaker.clone(),
            Self::Mean(_) => BookmakerKey::new("market_mean").expect("the text is a key"),
        }
    }

    fn prices(&self, width: usize) -> [Option<Price>; 3] {
        match self {
            Self::Named(_, quote) => {
                std::array::from_fn(|index| quote.prices[index].filter(|_| index < width))
            }
            Self::Mean(quotes) => mean_prices(quotes, width),
        }
    }
}

/// When the reference prices of a market, as they stood at `at`, were taken: the newest of them
/// where they are a mean.
pub fn reference_taken_at(
    quotes: &[Quote],
    market: Market,
    at: impl Into<PricesAt>,
    has_draw: bool,
) -> Option<Timestamp> {
    let mut lines = standing_quotes(quotes, at.into(), has_draw);
    lines.retain(|it| it.market.kind() == market.kind());
    let reference = Reference::of(market, &keeping_up(&lines, has_draw))?;
    reference.quotes().iter().map(|it| it.taken_at).max()
}

/// Of the standing quotes of all lines of a kind of market those that may stand for it: they price
/// every outcome, are not left from the opening where others have closed, and are hardly older than
/// the newest. Where these are of one bookmaker that is no reference, it alone is no market, and
/// the older ones count, too.
fn keeping_up<'a>(lines: &[&'a Quote], has_draw: bool) -> Vec<&'a Quote> {
    let is_complete = |it: &&Quote| {
        let width = it.market.outcomes(has_draw).len();
        it.prices[..width].iter().all(Option::is_some)
    };
    let complete = lines.iter().copied().filter(is_complete);
    let complete = complete.filter(|it| it.bookmaker.as_str() != "market_best");
    let is_closed = complete.clone().any(|it| it.stage == QuoteStage::Closing);
    let left = |it: &&Quote| is_closed && it.stage == QuoteStage::Opening;
    let in_step = complete.clone().filter(|it| !left(it));
    let Some(newest) = in_step.clone().map(|it| it.taken_at).max() else {
        return Vec::new();
    };
    let is_fresh = |it: &&Quote| newest.duration_since(it.taken_at) <= REFERENCE_LAG_MAX;
    let fresh: Vec<&Quote> = in_step.filter(is_fresh).collect();
    let is_named = |it: &&Quote| REFERENCE_BOOKMAKERS.contains(&it.bookmaker.as_str());
    let is_alone = fresh.iter().all(|it| it.bookmaker == fresh[0].bookmaker);
    if is_alone && !fresh.iter().any(is_named) {
        return complete.collect();
    }
    fresh
}

/// Boils the standing quotes of one market down; `None` where none of `complete` is of it.
fn summarise_market(quotes: &[&Quote], complete: &[&Quote], has_draw: bool) -> Option<Summary> {
    let market = quotes[0].market;
    let width = market.outcomes(has_draw).len();
    let reference = Reference::of(market, complete)?;
    let stage = reference.quotes().iter().map(|it| it.stage).max()?;
    let bookmakers = quotes
        .iter()
        .filter(|it| !it.bookmaker.as_str().starts_with("market_"));
    let prices = MarketPrices {
        market,
        reference: reference.prices(width),
        reference_bookmaker: reference.bookmaker(),
        best: std::array::from_fn(|index| {
            let offered = (index < width).then_some(quotes)?;
            best_price(offered, index)
        }),
        bookmakers: u16::try_from(bookmakers.count()).unwrap_or(u16::MAX),
    };
    Some(Summary {
        prices,
        rank: reference.rank(),
        stage,
    })
}

/// The prices whose implied probabilities are the means over `quotes`.
fn mean_prices(quotes: &[&Quote], width: usize) -> [Option<Price>; 3] {
    if let [alone] = quotes {
        return alone.prices; // Turned to a probability and back it would be another number.
    }
    std::array::from_fn(|index| {
        let implied = |it: &&Quote| it.prices[index].map_or(0.0, Price::implied_probability);
        #[expect(clippy::cast_precision_loss, reason = "a handful of bookmakers")]
        let mean = quotes.iter().map(implied).sum::<f64>() / quotes.len() as f64;
        if index < width {
            Price::new(1.0 / mean).ok()
        } else {
            None
        }
    })
}

/// The highest price of an outcome; the earliest by name among equals.
fn best_price(quotes: &[&Quote], index: usize) -> Option<BestPrice> {
    quotes
        .iter()
        .filter(|it| it.bookmaker.as_str() != "market_average")
        .filter_map(|it| it.prices[index].map(|price| (it, price)))
        .reduce(|best, next| {
            // At the same price a bookmaker one can go to beats a source's nameless maximum.
            let named = next.1 == best.1 && best.0.bookmaker.as_str() == "market_best";
            if next.1 > best.1 || named { next } else { best }
        })
        .map(|(quote, price)| BestPrice {
            price,
            bookmaker: quote.bookmaker.clone(),
            taken_at: quote.taken_at,
        })
}

/// How far the two sides of a line are apart; zero for markets without a line.
fn imbalance(prices: &MarketPrices) -> f64 {
    match (prices.market.line(), prices.reference) {
        (Some(_), [Some(a), Some(b), _]) => {
            (a.implied_probability() - b.implied_probability()).abs()
        }
        _ => 0.0,
    }
}
