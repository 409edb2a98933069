//! Edges on the wire.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Fixture, MarketKind};

/// A price that pays more than it should, by our probability.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Edge {
    /// The fixture.
    fixture: Fixture,
    /// Which market.
    market: MarketKind,
    /// Its line; null in markets without one.
    #[schema(example = 2.5)]
    line: Option<f64>,
    /// Which outcome.
    #[schema(example = "over")]
    outcome: String,
    /// Who offers.
    #[schema(example = "bet365")]
    bookmaker: String,
    /// The decimal price on offer.
    #[schema(example = 2.1, exclusive_minimum = 1, maximum = 10000)]
    price: f64,
    /// Our probability, anchored on the market.
    #[schema(example = 0.49, minimum = 0, maximum = 1)]
    probability: f64,
    /// The price that would be fair at that probability.
    #[schema(example = 2.04)]
    fair_price: f64,
    /// Model probability times price, less one: what most tools print, and seldom true.
    #[schema(example = 0.08)]
    raw_value: f64,
    /// The expected value we stand behind: what such edges were worth against the closing line.
    #[schema(example = 0.021)]
    expected_value: f64,
    /// Stake as a share of the bankroll, as the report's backtest bets: a fraction of Kelly, 0.02 at
    /// most, on the best price of an outcome alone. 0 where flagged, where the expected value is
    /// below 0.005 and where the price is above 10.
    #[schema(example = 0.005, minimum = 0, maximum = 0.02)]
    stake: f64,
    /// When the price was taken.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T12:00:00Z")]
    taken_at: Timestamp,
    /// How old the price is, in seconds: now, or at kickoff once that has passed.
    #[schema(example = 7200, minimum = 0)]
    age_seconds: i64,
    /// Reasons for doubt: `impossible_book`, `stale_price`, `outlier`, `unproven`,
    /// `longshot`.
    #[schema(example = json!([]))]
    flags: Vec<&'static str>,
}

impl Edge {
    /// The edge as seen at `now`.
    pub(crate) fn seen_at(view: engine::EdgeView, now: Timestamp) -> Self {
        let seen = now.min(view.fixture.fixture.kickoff);
        Self {
            market: view.market.kind().into(),
            line: view.market.line().map(domain::Line::value),
            outcome: view.outcome.to_string(),
            bookmaker: view.bookmaker.into(),
            price: view.price.decimal(),
            probability: view.probability,
            fair_price: view.fair_price,
            raw_value: view.raw_value,
            expected_value: view.expected_value,
            stake: view.stake,
            taken_at: view.taken_at,
            age_seconds: seen.duration_since(view.taken_at).as_secs().max(0),
            flags: view
                .flags
                .into_iter()
                .map(engine::EdgeFlag::as_str)
                .collect(),
            fixture: view.fixture.into(),
        }
    }
}
