//! `GET /v1/fixtures/{id}/what-if`.

use axum::{Json, extract::State};
use domain::FixtureId;
use engine::{EngineError, Supposition};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{Path, Query},
    problem::{FieldError, Problem},
    wire::NextGoal,
};

/// How the game stands.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhatIfQuery {
    /// Minutes played of regular time, the clock standing; stoppage time is still to come. At most
    /// 90 in football, 48 in basketball, 60 in American football.
    #[param(minimum = 0, maximum = 90, example = 70)]
    minute: u16,
    /// Home's goals (at most 15) or points (at most 250).
    #[param(minimum = 0, maximum = 250, example = 1)]
    home: u16,
    /// Away's.
    #[param(minimum = 0, maximum = 250, example = 0)]
    away: u16,
    /// Players of home sent off, in football; none where not given.
    #[serde(default)]
    #[param(minimum = 0, maximum = 4, example = 0)]
    home_red: u8,
    /// Players of away sent off.
    #[serde(default)]
    #[param(minimum = 0, maximum = 4, example = 1)]
    away_red: u8,
}

/// Who would win.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WhatIf {
    /// The fixture.
    #[schema(example = 8)]
    fixture_id: i64,
    /// Version of the trained model.
    #[schema(example = "20240520T060000Z-1f0c8a2b")]
    version: String,
    /// The moment whose forecast before the game was moved; before kickoff the beginning of the
    /// minute, so that prices of this minute are not in it.
    #[schema(value_type = String, format = DateTime, example = "2024-05-19T14:00:00Z")]
    as_of: Timestamp,
    /// Probabilities before the game of home, draw (where there is one), away.
    #[schema(example = json!([0.5, 0.27, 0.23]))]
    before: Vec<f64>,
    /// The same if the game stood so.
    #[schema(example = json!([0.86, 0.12, 0.02]))]
    probabilities: Vec<f64>,
    /// What the next goal would be and do then; null in sports of points.
    next_goal: Option<NextGoal>,
}

/// Ask what if
///
/// Who would win a game if it stood otherwise: the forecast before the game, moved by the in-play
/// model to a minute, a score and red cards. Nothing is written.
#[utoipa::path(
    get,
    path = "/v1/fixtures/{id}/what-if",
    operation_id = "askWhatIf",
    tag = "Games under way",
    params(("id" = i64, Path, description = "Number of the fixture.", example = 7000), WhatIfQuery),
    responses(
        (status = 200, description = "Who would win.", body = WhatIf),
        (status = 404, description = "The fixture is not known.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The fixture cannot be predicted.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn ask_what_if(
    _reader: Reader,
    State(state): State<ApiState>,
    Path(id): Path<i64>,
    Query(query): Query<WhatIfQuery>,
) -> Result<Json<WhatIf>, ApiError> {
    let supposed = Supposition {
        minute: query.minute,
        score: domain::Score {
            home: query.home,
            away: query.away,
        },
        red_cards: [query.home_red, query.away_red],
    };
    let answer = state.engine.what_if(FixtureId(id), supposed).await;
    let answer = answer.map_err(|error| match error {
        EngineError::BadSupposition { field, detail } => {
            ApiError::BadQuery(FieldError::of_parameter(field, detail))
        }
        other => other.into(),
    })?;
    Ok(Json(WhatIf {
        fixture_id: answer.fixture.0,
        version: answer.version,
        as_of: answer.as_of,
        before: answer.before,
        probabilities: answer.probabilities,
        next_goal: answer.next_goal.map(NextGoal::from),
    }))
}
