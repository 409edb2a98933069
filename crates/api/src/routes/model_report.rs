//! `GET /v1/models/{name}/report`.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use engine::EngineError;
use serde::de::IgnoredAny;

use crate::{
    ApiState,
    auth::Viewer,
    error::ApiError,
    extract::{NoQuery, Path, Query},
    problem::Problem,
};

/// Get a model's report card
///
/// How the model did on games it had not seen, season by season: log loss, Brier, RPS and
/// calibration with intervals beside the base rate and the market, reliability, and a betting
/// simulation with the closing-line value its claims realised. `sports` says how many fixtures of each
/// sport were judged. Scores in `rows` are over the fixtures that a model forecast, which are not the
/// same for all: compare by `differences`, which are over the `n` fixtures that model and market both
/// forecast, of a sport and of its competitions and seasons. `worst` has up to 25 misses of each model
/// in each sport. Figures and intervals for which there are too few fixtures, bets or closing prices
/// are null. The document is the one
/// `sports-edge backtest --json` prints, in which the model stands beside the others. A model of
/// the repository has what its trainer left as `report.json` beside the version that serves.
#[utoipa::path(
    get,
    path = "/v1/models/{name}/report",
    operation_id = "getModelReport",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "blend")),
    responses(
        (status = 200, description = "The report card.", body = Object),
        (status = 404, description = "The model is not known, or has no report.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_model_report(
    _viewer: Viewer,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Response, ApiError> {
    let body = match state.engine.model_report(&name).await {
        Ok(report) => serde_json::to_vec(&*report)?,
        Err(error @ (EngineError::UnknownModel(_) | EngineError::NoModel)) => {
            left_beside(&state, &name).unwrap_or(Err(error.into()))?
        }
        Err(error) => return Err(error.into()),
    };
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// The report beside the serving version of a model of the repository; `None` where there is no
/// such model.
fn left_beside(state: &ApiState, name: &str) -> Option<Result<Vec<u8>, ApiError>> {
    let models = state.engine.serving()?;
    let serving = models.model(name).ok()?.serving;
    let versions = models.versions(Some(name)).ok()?;
    let version = versions.into_iter().find(|it| Some(it.version) == serving);
    let report = version.and_then(|it| it.report);
    let sound = report.filter(|it| serde_json::from_str::<IgnoredAny>(it).is_ok());
    Some(
        sound
            .map(String::into_bytes)
            .ok_or_else(|| ApiError::NoReport(name.to_owned())),
    )
}
