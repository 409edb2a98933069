//! `POST /v1/predictions/batch`.

use axum::{Extension, Json, extract::State};
use domain::FixtureId;
use engine::{EngineError, PredictionRequest, PredictionView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{JsonBody, NoQuery, Query, read_batch_beside},
    guard::{RequestId, problem_of},
    problem::{FieldError, Problem},
    wire::{MarketKind, Moment, Prediction},
};

/// A fixture to predict.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictionEntry {
    /// Number of the fixture.
    #[schema(example = 8)]
    fixture_id: i64,
    /// The moment whose knowledge counts (RFC 3339), not after kickoff and not in the future.
    /// Where not given: now, or one hour before kickoff once that has passed.
    #[schema(value_type = Option<String>, format = DateTime, example = "2024-05-19T14:00:00Z")]
    as_of: Option<Moment>,
}

/// Fixtures to predict.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "documents the body, which `read_batch_beside` reads entry by entry"
)]
pub(crate) struct PredictionBatch {
    /// The fixtures; one may be there more than once.
    #[schema(min_items = 1, max_items = 1000)]
    data: Vec<PredictionEntry>,
    /// Which markets to answer with; all where not given.
    #[schema(required = false, min_items = 1)]
    markets: Option<Vec<MarketKind>>,
}

/// What became of each entry.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Predicted {
    /// One for each entry, in the order given.
    data: Vec<PredictedEntry>,
}

/// A prediction, or the problem in its place.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PredictedEntry {
    /// Number of the fixture.
    #[schema(example = 8)]
    fixture_id: i64,
    /// The prediction; null where there is a problem.
    prediction: Option<Prediction>,
    /// Why there is none, as `GET /v1/fixtures/{id}/prediction` would say it; null where there is
    /// one.
    problem: Option<Problem<'static>>,
}

/// Predict fixtures
///
/// Predicts up to 1,000 fixtures from one state of what is known. Each entry gets its own
/// prediction, bit for bit that of `GET /v1/fixtures/{id}/prediction`, or its own problem. It
/// only reads: reads being open, it needs no key.
#[utoipa::path(
    post,
    path = "/v1/predictions/batch",
    operation_id = "predictFixtures",
    tag = "Predictions",
    request_body(content = PredictionBatch, description = "1 to 1,000 fixtures.",
        example = json!({"data": [{"fixture_id": 7000, "as_of": "2024-02-18T12:00:00Z"}], "markets": ["h2h"]})),
    responses(
        (status = 200, description = "A prediction or a problem for each entry.", body = Predicted),
        (status = 422, description = "Entries cannot be read; nothing was predicted.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn predict_fixtures(
    _reader: Reader,
    State(state): State<ApiState>,
    Extension(id): Extension<RequestId>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<Predicted>, ApiError> {
    let read = read_batch_beside::<PredictionEntry, Vec<MarketKind>>(&body.bytes, Some("markets"));
    let (entries, markets) = read?;
    let requests: Vec<PredictionRequest> = entries.into_iter().map(request).collect();
    let kinds = kinds(markets)?;
    let outcomes = state.engine.predict_all(&requests, &kinds).await?;
    let pairs = requests.iter().zip(outcomes);
    let data = pairs.map(|(request, outcome)| entry(request.fixture, outcome, &id));
    Ok(Json(Predicted {
        data: data.collect(),
    }))
}

fn request(entry: PredictionEntry) -> PredictionRequest {
    PredictionRequest {
        fixture: FixtureId(entry.fixture_id),
        as_of: entry.as_of.map(|it| it.0),
    }
}

fn kinds(markets: Option<Vec<MarketKind>>) -> Result<Vec<domain::MarketKind>, ApiError> {
    match markets {
        None => Ok(domain::MarketKind::ALL.to_vec()),
        Some(markets) if markets.is_empty() => {
            let detail = "`markets` names at least one market where it is given".to_owned();
            Err(ApiError::MalformedBody(FieldError::at(
                "/markets".to_owned(),
                detail,
            )))
        }
        Some(markets) => Ok(markets.into_iter().map(domain::MarketKind::from).collect()),
    }
}

fn entry(
    fixture: FixtureId,
    outcome: Result<PredictionView, EngineError>,
    id: &RequestId,
) -> PredictedEntry {
    let (prediction, problem) = match outcome {
        Ok(view) => (Some(view.into()), None),
        Err(error) => {
            let instance = format!("/v1/fixtures/{fixture}/prediction");
            let problem = problem_of(&error.into(), instance.into(), id.as_str());
            (None, Some(problem.into_owned()))
        }
    };
    PredictedEntry {
        fixture_id: fixture.0,
        prediction,
        problem,
    }
}
