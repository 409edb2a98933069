//! `GET /v1/models/{name}/statistics` and `GET /v1/models/{name}/config`.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::served;
use crate::{
    ApiState,
    auth::Viewer,
    error::ApiError,
    extract::{NoQuery, Path, Query},
    problem::Problem,
    wire::{List, ModelStatistics},
};

/// Get a model's statistics
///
/// What each version of a model of the repository has done since the server started: requests,
/// rows, and latency by stage; always one page.
#[utoipa::path(
    get,
    path = "/v1/models/{name}/statistics",
    operation_id = "getModelStatistics",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    responses(
        (status = 200, description = "One entry for each version.", body = List<ModelStatistics>),
        (status = 404, description = "The repository has no such model.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_model_statistics(
    _viewer: Viewer,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Json<List<ModelStatistics>>, ApiError> {
    let statistics = served::serving(&state, &name)?.statistics(Some(&name))?;
    Ok(Json(List::whole(statistics, ModelStatistics::from)))
}

/// Get a model's settings
///
/// The settings in force for a model of the repository: its `config.toml` as JSON, with what was
/// changed at run time laid over it.
#[utoipa::path(
    get,
    path = "/v1/models/{name}/config",
    operation_id = "getModelConfig",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    responses(
        (status = 200, description = "The settings.", body = Object),
        (status = 404, description = "The repository has no such model.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_model_config(
    _viewer: Viewer,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Response, ApiError> {
    let config = served::serving(&state, &name)?.config(&name)?;
    let body = serde_json::to_vec(&*config)?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}
