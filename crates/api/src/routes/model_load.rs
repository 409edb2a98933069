//! `POST /v1/models/{name}/load`, `…/versions/{version}/load` and `…/unload`.

use axum::{Json, extract::State};
use engine::serving::VersionRef;

use super::served::{self, VersionPath};
use crate::{
    ApiState,
    auth::Keeper,
    error::ApiError,
    extract::{NoQuery, Path, Query},
    problem::Problem,
    wire::ServedModel,
};

/// Load a model
///
/// Loads the version that serves, however often it failed before or was unloaded, and waits until
/// it takes traffic.
#[utoipa::path(
    post,
    path = "/v1/models/{name}/load",
    operation_id = "loadModel",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The version does not load; the reason is said.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn load_model(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Json<ServedModel>, ApiError> {
    let models = served::serving(&state, &name)?;
    models.load(&name, &VersionRef::Serving).await?;
    served::changed(models, &keeper, (&name, "load"))
}

/// Load a version
///
/// Loads one version, whether or not it serves, and waits until it would answer.
#[utoipa::path(
    post,
    path = "/v1/models/{name}/versions/{version}/load",
    operation_id = "loadModelVersion",
    tag = "Models",
    params(
        ("name" = String, Path, description = "Name of the model.", example = "goals"),
        ("version" = u64, Path, description = "Number of the version.", example = 2),
    ),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The version does not load; the reason is said.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn load_model_version(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(path): Path<VersionPath>,
    _query: Query<NoQuery>,
) -> Result<Json<ServedModel>, ApiError> {
    let models = served::serving(&state, &path.name)?;
    let version = VersionRef::Number(path.version);
    models.load(&path.name, &version).await?;
    let change = format!("load {}", path.version);
    served::changed(models, &keeper, (&path.name, &change))
}

/// Unload a model
///
/// Lets go of a model's versions once nobody uses them; they load again only when told to.
#[utoipa::path(
    post,
    path = "/v1/models/{name}/unload",
    operation_id = "unloadModel",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn unload_model(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Json<ServedModel>, ApiError> {
    let models = served::serving(&state, &name)?;
    models.unload(&name).await?;
    served::changed(models, &keeper, (&name, "unload"))
}
