//! The claim: closing-line value expected of a price, by regression on past prices of the kind.

use domain::{BestPrice, MarketPrices, Price};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ModelName;
use crate::blend::opinion;
use crate::edge::{EdgeClaim, EdgeFlag};
use crate::walk::Walked;

/// Offers a regression needs at least.
const OFFERS_MIN: u64 = 500;

/// How far back offers count.
const SPAN: SignedDuration = SignedDuration::from_hours(3 * 366 * 24);

/// Offers this far below the market's fair price are not of the kind bets are made of.
const MARKET_VALUE_MIN: f64 = -0.02;

/// Longshots are not of that kind either, and are flagged.
const PRICE_MAX: f64 = 12.0;

/// The strength of the pull to "worth nothing": a hundred offers with a value of one percent.
const PENALTY: f64 = 100.0 * 0.01 * 0.01;

/// Prices so far above the market's fair price are taken for errors.
const OUTLIER_VALUE: f64 = 0.15;

/// A price and what was thought of it at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Offer {
    /// Index of the outcome.
    pub(crate) outcome: usize,
    pub(crate) price: Price,
    /// The early market's probability.
    pub(crate) market: f64,
    /// The best informed blend's probability.
    pub(crate) model: f64,
    /// The sum of implied probabilities of the best prices of the market.
    pub(crate) best_sum: f64,
    /// How old the price was.
    pub(crate) age: SignedDuration,
}

impl Offer {
    /// What the market's probability makes of the price.
    fn market_value(&self) -> f64 {
        self.market * self.price.decimal() - 1.0
    }

    fn flags(&self) -> Vec<EdgeFlag> {
        let found = [
            (self.best_sum < 1.0, EdgeFlag::ImpossibleBook),
            (self.age > EdgeFlag::STALE_AFTER, EdgeFlag::StalePrice),
            (self.market_value() > OUTLIER_VALUE, EdgeFlag::Outlier),
            (self.price.decimal() > PRICE_MAX, EdgeFlag::Longshot),
        ];
        found.into_iter().filter(|it| it.0).map(|it| it.1).collect()
    }

    /// Whether the price is of the kind that claims are made of and learned from.
    fn is_like_a_bet(&self) -> bool {
        self.flags().is_empty() && self.market_value() > MARKET_VALUE_MIN
    }

    /// What the regression reads: the market's value of the price, and how much more the blend
    /// thinks of it. There is no constant: an offer at the fair price is worth nothing.
    fn features(&self) -> [f64; 2] {
        [
            self.market_value(),
            (self.model - self.market) * self.price.decimal(),
        ]
    }
}

/// The claims of a sport in force from a moment on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClaimStage {
    /// Fitted on what was known then.
    pub(crate) valid_from: Timestamp,
    /// Of the market's value and of the blend's disagreement.
    coefficients: [f64; 2],
    /// Offers it was fitted on.
    n: u64,
}

impl ClaimStage {
    /// Takes the market at its word, before history has said what such prices are worth.
    pub(crate) const UNPROVEN: Self = Self {
        valid_from: Timestamp::MIN,
        coefficients: [1.0, 0.0],
        n: 0,
    };

    /// What is claimed of an offer.
    pub(crate) fn claim(&self, offer: &Offer) -> EdgeClaim {
        let price = offer.price.decimal();
        let value: f64 = self
            .coefficients
            .iter()
            .zip(offer.features())
            .map(|(a, b)| a * b)
            .sum();
        let mut flags = offer.flags();
        if self.n == 0 {
            flags.push(EdgeFlag::Unproven);
        }
        let probability = ((1.0 + value) / price).clamp(1e-6, 1.0 - 1e-6);
        let claimed_value = domain::expected_value(probability, offer.price);
        EdgeClaim {
            probability,
            fair_price: 1.0 / probability,
            raw_value: domain::expected_value(offer.model, offer.price),
            claimed_value,
            kelly: domain::kelly_fraction(probability, offer.price),
            flags,
        }
    }
}

/// The best offer of each outcome of a walked fixture, as it stood before the game; empty where
/// the market or the prices are missing.
pub(crate) fn offers(walked: &Walked<'_>) -> Vec<Offer> {
    let Some(prices) = &walked.game.pregame.h2h else {
        return Vec::new();
    };
    let (Some(market), Some(model)) = (
        opinion(&walked.opinions, ModelName::MarketEarly),
        opinion(&walked.opinions, ModelName::BlendPriced),
    ) else {
        return Vec::new();
    };
    let Some(best_sum) = best_sum(prices, market.len()) else {
        return Vec::new();
    };
    let at = walked.game.pregame_at();
    let offer = |(outcome, best): (usize, &Option<BestPrice>)| {
        best.as_ref().map(|best| Offer {
            outcome,
            price: best.price,
            market: market[outcome],
            model: model[outcome],
            best_sum,
            age: at.duration_since(best.taken_at),
        })
    };
    prices.best[..market.len()]
        .iter()
        .enumerate()
        .filter_map(offer)
        .collect()
}

/// The implied probabilities of the best prices together; `None` where one is missing.
pub(crate) fn best_sum(prices: &MarketPrices, width: usize) -> Option<f64> {
    prices.best[..width]
        .iter()
        .map(|it| it.as_ref().map(|best| best.price.implied_probability()))
        .sum()
}

/// Fits what offers of the past turned out to be worth at kickoff; `None` where too few are known.
pub(crate) fn fit_claims(walked: &[Walked<'_>], valid_from: Timestamp) -> Option<ClaimStage> {
    let start = valid_from
        .saturating_sub(SPAN)
        .expect("a fixed span never overflows");
    let known = |it: &&Walked<'_>| it.game.known_at <= valid_from && it.game.kickoff > start;
    let mut sums = Sums::default();
    for it in walked.iter().filter(known) {
        let Some(close) = &it.close else { continue };
        for offer in offers(it).iter().filter(|it| it.is_like_a_bet()) {
            let worth = close[offer.outcome] * offer.price.decimal() - 1.0;
            sums.add(offer.features(), worth);
        }
    }
    (sums.n >= OFFERS_MIN).then(|| ClaimStage {
        valid_from,
        coefficients: sums.solve(),
        n: sums.n,
    })
}

/// The sums of a least-squares fit of two coefficients.
#[derive(Default)]
struct Sums {
    n: u64,
    squares: [f64; 2],
    product: f64,
    moments: [f64; 2],
}

impl Sums {
    fn add(&mut self, [value, disagreement]: [f64; 2], worth: f64) {
        self.n += 1;
        self.squares[0] += value * value;
        self.squares[1] += disagreement * disagreement;
        self.product += value * disagreement;
        self.moments[0] += value * worth;
        self.moments[1] += disagreement * worth;
    }

    fn solve(&self) -> [f64; 2] {
        let [a, c] = [self.squares[0] + PENALTY, self.squares[1] + PENALTY];
        let determinant = a * c - self.product * self.product;
        let [x, y] = self.moments;
        [
            (c * x - self.product * y) / determinant,
            (a * y - self.product * x) / determinant,
        ]
    }
}
