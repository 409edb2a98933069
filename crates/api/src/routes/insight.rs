//! `GET /v1/fixtures/{id}/insight`: everything the page of a fixture shows.

use axum::{Json, extract::State};
use domain::FixtureId;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::prediction::AsOfQuery;
use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{Path, Query},
    problem::Problem,
    wire::{Edge, Fixture, MarketView, Prediction, Reason},
};

/// A fixture with what is thought of it and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Insight {
    /// The fixture.
    fixture: Fixture,
    /// The prediction; null before a model is trained.
    prediction: Option<Prediction>,
    /// The market at the same moment; null where nobody quotes.
    market: Option<MarketView>,
    /// Probability of each score, home goals by away goals, 0 to 6 with the last row and column
    /// open-ended; null for sports of points.
    #[schema(example = json!([[0.08, 0.07], [0.11, 0.1]]))]
    score_matrix: Option<Vec<Vec<f64>>>,
    /// Expected goals or points, home and away.
    #[schema(value_type = Option<Vec<f64>>, example = json!([1.7, 1.1]))]
    expected_score: Option<[f64; 2]>,
    /// Ratings of both teams over the last two years.
    ratings: Vec<RatingSeries>,
    /// Meetings of the two teams before the fixture, newest first, at most ten.
    head_to_head: Vec<Fixture>,
    /// Why the model thinks so, as its prediction says it.
    reasons: Vec<Reason>,
    /// Edges at the same moment, flagged ones included.
    edges: Vec<Edge>,
}

/// A team's rating after each of its games.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RatingSeries {
    /// Number of the team.
    #[schema(example = 1)]
    team_id: i64,
    /// Moments and ratings, oldest first.
    points: Vec<RatingPoint>,
}

/// A rating at a moment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RatingPoint {
    /// When.
    #[schema(value_type = String, format = DateTime, example = "2024-05-11T17:00:00Z")]
    at: Timestamp,
    /// The Elo rating from then on.
    #[schema(example = 1712.4)]
    rating: f64,
}

impl Insight {
    fn seen_at(insight: engine::FixtureInsight, now: Timestamp) -> Self {
        let series = |it: engine::RatingSeries| RatingSeries {
            team_id: it.team.0,
            points: it
                .points
                .into_iter()
                .map(|(at, rating)| RatingPoint { at, rating })
                .collect(),
        };
        let prediction = insight.prediction.map(Prediction::from);
        let reasons = prediction.as_ref().map(|it| it.reasons().to_vec());
        Self {
            fixture: insight.fixture.into(),
            prediction,
            market: insight.market.map(MarketView::from),
            score_matrix: insight.score_matrix,
            expected_score: insight.expected_score,
            ratings: insight.ratings.into_iter().map(series).collect(),
            head_to_head: insight
                .head_to_head
                .into_iter()
                .map(Fixture::from)
                .collect(),
            reasons: reasons.unwrap_or_default(),
            edges: insight
                .edges
                .into_iter()
                .map(|it| Edge::seen_at(it, now))
                .collect(),
        }
    }
}

/// Explain a fixture
///
/// Everything the dashboard's page of a fixture shows: the prediction, the market, ratings,
/// earlier meetings, reasons and edges as of a moment.
#[utoipa::path(
    get,
    path = "/v1/fixtures/{id}/insight",
    operation_id = "getInsight",
    tag = "Predictions",
    params(("id" = i64, Path, description = "Number of the fixture.", example = 7000), AsOfQuery),
    responses(
        (status = 200, description = "What is thought of the fixture.", body = Insight),
        (status = 404, description = "The fixture is not known.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The fixture cannot be looked at as of this moment.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_insight(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    Query(query): Query<AsOfQuery>,
) -> Result<Json<Insight>, ApiError> {
    let as_of = query.as_of.map(|it| it.0);
    let insight = state.engine.insight(FixtureId(id), as_of).await?;
    Ok(Json(Insight::seen_at(insight, state.engine.now())))
}
