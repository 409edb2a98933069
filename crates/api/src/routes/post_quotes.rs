//! `POST /v1/quotes`.

use axum::{extract::State, response::Response};
use domain::{BookmakerKey, FixtureId, Line, Market, Outcome};
use engine::QuoteCommand;
use jiff::Timestamp;
use serde::{Deserialize, de::Error as _};
use utoipa::ToSchema;

use super::{
    sources::SourceQuery,
    written::{Batch, IdempotencyHeader, Written, commands, written},
};
use crate::{
    ApiState,
    auth::Writer,
    error::ApiError,
    extract::{JsonBody, Query, read_batch},
    idempotency::once,
    problem::Problem,
    wire::{MarketKind, Moment, QuoteStage},
};

/// One bookmaker's prices for one market of one fixture, or that it takes no bets on it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct QuoteEntry {
    /// Number of the fixture.
    #[schema(example = 8)]
    fixture_id: i64,
    /// Key of the bookmaker.
    #[schema(value_type = String, pattern = "^[A-Za-z0-9_./-]{1,64}$", example = "pinnacle")]
    bookmaker: BookmakerKey,
    /// Which market.
    market: MarketKind,
    /// Its line, in quarters of a goal or point; due exactly for `totals` and `spreads`, where
    /// it is what the home side is given.
    #[schema(value_type = Option<f64>, minimum = -1000, maximum = 1000, multiple_of = 0.25,
        example = 2.5)]
    line: Option<Line>,
    /// When in the life of the market it was taken; `intermediate` where not given. `suspended`
    /// says that the bookmaker takes no bets on this market and line until a later quote.
    stage: Option<QuoteStage>,
    /// When it was taken (RFC 3339), not in the future; now where not given.
    #[schema(value_type = Option<String>, format = DateTime, example = "2024-08-17T12:00:00Z")]
    taken_at: Option<Moment>,
    /// The outcomes that are priced, each once; none where the market is suspended, else one at
    /// least.
    #[serde(default)]
    #[schema(max_items = 3)]
    outcomes: Vec<PricedOutcome>,
}

/// An outcome and its price.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PricedOutcome {
    /// Which outcome of the market: `home`, `draw`, `away`, `over`, `under`, `yes`, `no`.
    #[serde(deserialize_with = "outcome")]
    #[schema(value_type = String, example = "over")]
    outcome: Outcome,
    /// Decimal price, above 1.
    #[schema(example = 1.95, exclusive_minimum = 1, maximum = 10000)]
    price: f64,
}

fn outcome<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Outcome, D::Error> {
    String::deserialize(input)?
        .parse()
        .map_err(D::Error::custom)
}

impl QuoteEntry {
    /// The entry as a command; a price that says no time was taken when it was sent.
    fn command(self, index: usize, sent: Timestamp) -> Result<QuoteCommand, engine::BatchProblem> {
        let market = Market::new(self.market.into(), self.line);
        let market = market.map_err(|error| engine::BatchProblem {
            index,
            field: "line".to_owned(),
            detail: error.to_string(),
        })?;
        Ok(QuoteCommand {
            fixture: FixtureId(self.fixture_id),
            bookmaker: self.bookmaker,
            market,
            stage: self.stage.unwrap_or(QuoteStage::Intermediate).into(),
            taken_at: self.taken_at.map(|it| it.0).or(Some(sent)),
            prices: self
                .outcomes
                .into_iter()
                .map(|it| (it.outcome, it.price))
                .collect(),
        })
    }
}

/// Write quotes
///
/// Appends bookmakers' prices. Nothing is overwritten: a quote of the same bookmaker, market,
/// stage and moment with other prices supersedes the first, which stays listed. All entries are
/// written or none.
#[utoipa::path(
    post,
    path = "/v1/quotes",
    operation_id = "putQuotes",
    tag = "Writing",
    params(SourceQuery, IdempotencyHeader),
    request_body(content = Batch<QuoteEntry>, description = "1 to 1,000 quotes.",
        example = json!({"data": [{"fixture_id": 7000, "bookmaker": "pinnacle", "market": "totals", "line": 2.5,
            "taken_at": "2024-02-18T12:00:00Z", "outcomes": [{"outcome": "over", "price": 2.2},
            {"outcome": "under", "price": 1.72}]}]})),
    responses(
        (status = 200, description = "All entries are written.", body = Written,
            headers(("sports-edge-position" = u64, description = "Makes a read see this write."))),
        (status = 422, description = "Entries cannot be taken; nothing was written.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = ["write"]), ("api_key" = ["write"]))
)]
pub(crate) async fn put_quotes(
    writer: Writer,
    State(state): State<ApiState>,
    Query(query): Query<SourceQuery>,
    body: JsonBody,
) -> Result<Response, ApiError> {
    let source = query.key();
    let (engine, bytes) = (&state.engine, &body.bytes);
    once(
        engine,
        &writer,
        "POST /v1/quotes",
        &body,
        |asked| async move {
            let entries: Vec<QuoteEntry> = read_batch(bytes)?;
            let command = |index, it: QuoteEntry| it.command(index, asked.at);
            let outcome = match commands(entries, command) {
                Ok(commands) => engine.put_quotes(&source, commands).await,
                Err(error) => Err(error),
            };
            written(outcome)
        },
    )
    .await
}
