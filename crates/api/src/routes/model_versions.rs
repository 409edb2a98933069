//! `GET /v1/models/{name}/versions` and `GET /v1/models/{name}/versions/{version}`.

use axum::{Json, extract::State};

use super::served::{self, VersionPath};
use crate::{
    ApiState,
    auth::Viewer,
    error::ApiError,
    extract::{NoQuery, Path, Query},
    problem::Problem,
    wire::{ModelVersion, ServedModel},
};

/// Get a model's versions
///
/// A model of the repository: what serves, what a roll-back brings back, canary and shadow, and
/// every version with its state, labels, share of the traffic and memory.
#[utoipa::path(
    get,
    path = "/v1/models/{name}/versions",
    operation_id = "listModelVersions",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    responses(
        (status = 200, description = "The model and its versions.", body = ServedModel),
        (status = 404, description = "The repository has no such model.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_model_versions(
    _viewer: Viewer,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Json<ServedModel>, ApiError> {
    let models = served::serving(&state, &name)?;
    served::model(models, &name).map(Json)
}

/// Get a version of a model
///
/// One version of a model of the repository.
#[utoipa::path(
    get,
    path = "/v1/models/{name}/versions/{version}",
    operation_id = "getModelVersion",
    tag = "Models",
    params(
        ("name" = String, Path, description = "Name of the model.", example = "goals"),
        ("version" = u64, Path, description = "Number of the version.", example = 2),
    ),
    responses(
        (status = 200, description = "The version.", body = ModelVersion),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn get_model_version(
    _viewer: Viewer,
    State(state): State<ApiState>,
    Path(path): Path<VersionPath>,
    _query: Query<NoQuery>,
) -> Result<Json<ModelVersion>, ApiError> {
    let models = served::serving(&state, &path.name)?;
    served::version(models, &path).map(Json)
}
