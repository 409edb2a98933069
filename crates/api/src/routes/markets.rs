//! `GET /v1/fixtures/{id}/markets`: what the prices of a fixture come to.

use axum::{Json, extract::State};
use domain::FixtureId;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{NoQuery, Path, Query},
    problem::Problem,
    wire::MarketKind,
};

/// What the prices of a fixture come to, market by market.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FixtureMarkets {
    /// Number of the change that last touched a price of the fixture, 0 where none ever did: the
    /// summaries have that one and all before.
    #[schema(example = 4711)]
    change: u64,
    /// Every market that a bookmaker quoted, in order of kind and line.
    data: Vec<MarketSummary>,
}

/// What the last prices of each bookmaker come to in one market; aggregates of a source
/// (`market_average`, `market_best`) count for nothing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarketSummary {
    /// Which market.
    market: MarketKind,
    /// Its line; null in markets without one.
    #[schema(example = 2.5)]
    line: Option<f64>,
    /// How many bookmakers have prices for it; those that suspended it have none.
    #[schema(example = 12)]
    bookmakers: u64,
    /// When the newest of their quotes was taken, or the market suspended.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T14:00:00Z")]
    taken_at: Timestamp,
    /// The average margin of those who price every outcome; null where nobody does.
    #[schema(example = 0.047)]
    margin: Option<f64>,
    /// The outcomes, in the order of the market.
    outcomes: Vec<OutcomeSummary>,
}

/// What the prices of one outcome come to, decimal; null where nobody prices it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OutcomeSummary {
    /// Which outcome.
    #[schema(example = "over")]
    outcome: String,
    /// The longest price.
    #[schema(example = 1.98, exclusive_minimum = 1, maximum = 10000)]
    best: Option<f64>,
    /// The average price.
    #[schema(example = 1.931667)]
    average: Option<f64>,
    /// The average closing price; null before there is one.
    #[schema(example = 1.91)]
    closing: Option<f64>,
}

impl From<engine::MarketSummary> for MarketSummary {
    fn from(summary: engine::MarketSummary) -> Self {
        let outcome = |it: engine::OutcomeSummary| OutcomeSummary {
            outcome: it.outcome.to_string(),
            best: it.best.map(domain::Price::decimal),
            average: it.average,
            closing: it.closing,
        };
        Self {
            market: summary.market.kind().into(),
            line: summary.market.line().map(domain::Line::value),
            bookmakers: summary.bookmakers,
            taken_at: summary.taken_at,
            margin: summary.margin,
            outcomes: summary.outcomes.into_iter().map(outcome).collect(),
        }
    }
}

/// Sum a fixture's prices up
///
/// Best, average and closing price of each outcome, the margin, and how many bookmakers there are,
/// market by market. New with every price that is written or corrected.
#[utoipa::path(
    get,
    path = "/v1/fixtures/{id}/markets",
    operation_id = "getFixtureMarkets",
    tag = "Prices",
    params(("id" = i64, Path, description = "Number of the fixture.", example = 7000)),
    responses(
        (status = 200, description = "Every market.", body = FixtureMarkets),
        (status = 404, description = "The fixture is not known.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_fixture_markets(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    _query: Query<NoQuery>,
) -> Result<Json<FixtureMarkets>, ApiError> {
    let markets = state.engine.markets(FixtureId(id)).await?;
    Ok(Json(FixtureMarkets {
        change: markets.change,
        data: markets.markets.into_iter().map(Into::into).collect(),
    }))
}
