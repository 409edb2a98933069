//! `GET /v1/fixtures/{id}/quotes`.

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
    wire::{List, MarketKind, QuoteStage},
};

/// One bookmaker's prices for one market at one time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Quote {
    /// Who offered; `market_average` and `market_best` are aggregates of a source.
    #[schema(example = "pinnacle")]
    bookmaker: String,
    /// Which market.
    market: MarketKind,
    /// Its line; null in markets without one.
    #[schema(example = 2.5)]
    line: Option<f64>,
    /// When in the life of the market it was taken.
    stage: QuoteStage,
    /// When it was taken.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T14:00:00Z")]
    taken_at: Timestamp,
    /// When it was written down here.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T14:00:05Z")]
    recorded_at: Timestamp,
    /// Where it came from.
    #[schema(example = "football-data")]
    source: String,
    /// Whether a corrected quote took its place.
    superseded: bool,
    /// The outcomes that were priced; none where the market is suspended.
    outcomes: Vec<QuotedOutcome>,
}

/// An outcome and its price.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotedOutcome {
    /// Which outcome.
    #[schema(example = "over")]
    outcome: String,
    /// Decimal price.
    #[schema(example = 1.95, exclusive_minimum = 1, maximum = 10000)]
    price: f64,
}

impl From<engine::QuoteView> for Quote {
    fn from(view: engine::QuoteView) -> Self {
        let outcome = |(outcome, price): (domain::Outcome, domain::Price)| QuotedOutcome {
            outcome: outcome.to_string(),
            price: price.decimal(),
        };
        Self {
            bookmaker: view.bookmaker.into(),
            market: view.market.kind().into(),
            line: view.market.line().map(domain::Line::value),
            stage: view.stage.into(),
            taken_at: view.taken_at,
            recorded_at: view.recorded_at,
            source: view.source.into(),
            superseded: view.superseded,
            outcomes: view.prices.into_iter().map(outcome).collect(),
        }
    }
}

/// List a fixture's quotes
///
/// Every quote with its trace, oldest first, corrected ones included; always one page.
#[utoipa::path(
    get,
    path = "/v1/fixtures/{id}/quotes",
    operation_id = "listFixtureQuotes",
    tag = "Prices",
    params(("id" = i64, Path, description = "Number of the fixture.", example = 7000)),
    responses(
        (status = 200, description = "Every quote.", body = List<Quote>),
        (status = 404, description = "The fixture is not known.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_fixture_quotes(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    _query: Query<NoQuery>,
) -> Result<Json<List<Quote>>, ApiError> {
    let quotes = state.engine.quotes(FixtureId(id)).await?;
    Ok(Json(List::whole(quotes, Quote::from)))
}
