//! Markets and prices on the wire.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::brief;

/// What a stake wins is told in brief in steps of one part in so many.
const VALUE_STEPS: f64 = 10_000.0;

/// A kind of market.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MarketKind {
    /// Who wins.
    H2h,
    /// Goals or points of both sides together, over or under a line.
    Totals,
    /// Home and away after the line is added to the home side's score.
    Spreads,
    /// Whether both sides score.
    BothTeamsToScore,
    /// The exact score.
    CorrectScore,
}

impl From<domain::MarketKind> for MarketKind {
    fn from(kind: domain::MarketKind) -> Self {
        match kind {
            domain::MarketKind::H2h => Self::H2h,
            domain::MarketKind::Totals => Self::Totals,
            domain::MarketKind::Spreads => Self::Spreads,
            domain::MarketKind::BothTeamsToScore => Self::BothTeamsToScore,
            domain::MarketKind::CorrectScore => Self::CorrectScore,
        }
    }
}

impl From<MarketKind> for domain::MarketKind {
    fn from(kind: MarketKind) -> Self {
        match kind {
            MarketKind::H2h => Self::H2h,
            MarketKind::Totals => Self::Totals,
            MarketKind::Spreads => Self::Spreads,
            MarketKind::BothTeamsToScore => Self::BothTeamsToScore,
            MarketKind::CorrectScore => Self::CorrectScore,
        }
    }
}

/// When in the life of a market a quote was taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum QuoteStage {
    /// The first price known.
    Opening,
    /// A price taken on the way.
    Intermediate,
    /// The last price before kickoff.
    Closing,
    /// No price: from then on, until a later quote, the bookmaker takes no bets on the market.
    Suspended,
}

impl From<domain::QuoteStage> for QuoteStage {
    fn from(stage: domain::QuoteStage) -> Self {
        match stage {
            domain::QuoteStage::Opening => Self::Opening,
            domain::QuoteStage::Intermediate => Self::Intermediate,
            domain::QuoteStage::Closing => Self::Closing,
            domain::QuoteStage::Suspended => Self::Suspended,
        }
    }
}

impl From<QuoteStage> for domain::QuoteStage {
    fn from(stage: QuoteStage) -> Self {
        match stage {
            QuoteStage::Opening => Self::Opening,
            QuoteStage::Intermediate => Self::Intermediate,
            QuoteStage::Closing => Self::Closing,
            QuoteStage::Suspended => Self::Suspended,
        }
    }
}

/// A price and who offers it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Offer {
    /// Who offers.
    #[schema(example = "pinnacle")]
    bookmaker: String,
    /// Decimal price.
    #[schema(example = 1.95, exclusive_minimum = 1, maximum = 10000)]
    price: f64,
}

/// Model against market in a game under way.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Against {
    /// When the newest price was taken.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T15:40:00Z")]
    taken_at: Timestamp,
    /// In the order home, draw (where there is one), away.
    outcomes: Vec<AgainstOutcome>,
}

/// An outcome of a game under way: the model beside the prices of now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AgainstOutcome {
    /// Our probability.
    #[schema(example = 0.62)]
    model: f64,
    /// The market's, the margin taken out.
    #[schema(example = 0.6)]
    market: f64,
    /// The best price on offer; null where nobody offers one.
    best: Option<Offer>,
    /// What a stake of one would win at it on average if the model were right. It is not checked
    /// against what such prices turned out to be worth, as an edge is.
    #[schema(example = 0.023)]
    value: Option<f64>,
}

impl Against {
    /// The same in brief, for what is followed.
    pub(crate) fn brief(mut self) -> Self {
        for it in &mut self.outcomes {
            it.model = brief(it.model);
            it.market = brief(it.market);
            it.value = it.value.map(|it| (it * VALUE_STEPS).round() / VALUE_STEPS);
        }
        self
    }
}

impl From<engine::AgainstView> for Against {
    fn from(view: engine::AgainstView) -> Self {
        let outcome = |it: engine::Against| AgainstOutcome {
            model: it.model,
            market: it.market,
            best: it.best.map(|(bookmaker, price)| Offer {
                bookmaker: bookmaker.into(),
                price: price.decimal(),
            }),
            value: it.value,
        };
        Self {
            taken_at: view.taken_at,
            outcomes: view.outcomes.into_iter().map(outcome).collect(),
        }
    }
}

/// The market's view of who wins; lists stand in the order home, draw (where there is one), away.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarketView {
    /// Whose prices these are.
    #[schema(example = "pinnacle")]
    bookmaker: String,
    /// Reference prices, decimal.
    #[schema(example = json!([1.91, 3.6, 4.2]))]
    prices: Vec<f64>,
    /// Fair probabilities behind the reference prices.
    #[schema(example = json!([0.51, 0.265, 0.225]))]
    probabilities: Vec<f64>,
    /// The best price on offer for each outcome; null where nobody offers.
    best: Vec<Option<Offer>>,
    /// When the reference prices were taken.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T14:00:00Z")]
    taken_at: Timestamp,
    /// How many bookmakers quoted.
    #[schema(example = 12)]
    bookmakers: u16,
}

impl From<engine::MarketView> for MarketView {
    fn from(view: engine::MarketView) -> Self {
        let offer = |(bookmaker, price): (domain::BookmakerKey, domain::Price)| Offer {
            bookmaker: bookmaker.into(),
            price: price.decimal(),
        };
        Self {
            bookmaker: view.bookmaker.into(),
            prices: view
                .prices
                .into_iter()
                .map(domain::Price::decimal)
                .collect(),
            probabilities: view.probabilities,
            best: view.best.into_iter().map(|it| it.map(offer)).collect(),
            taken_at: view.taken_at,
            bookmakers: view.bookmakers,
        }
    }
}
