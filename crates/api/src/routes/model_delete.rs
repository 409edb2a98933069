//! `DELETE /v1/models/{name}/versions/{version}` and `DELETE /v1/models/{name}`.

use axum::{Json, extract::State};
use serde::Serialize;
use tracing::info;
use utoipa::ToSchema;

use super::served::{self, VersionPath};
use crate::{
    ApiState,
    auth::Keeper,
    error::ApiError,
    extract::{NoQuery, Path, Query},
    problem::Problem,
    wire::ServedModel,
};

/// Delete a version
///
/// Deletes a version with its files. One that serves, is canary or shadow, or bears a label is
/// refused. Requests at work on it finish.
#[utoipa::path(
    delete,
    path = "/v1/models/{name}/versions/{version}",
    operation_id = "deleteModelVersion",
    tag = "Models",
    params(
        ("name" = String, Path, description = "Name of the model.", example = "goals"),
        ("version" = u64, Path, description = "Number of the version.", example = 2),
    ),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "The version is needed; the reason is said.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn delete_model_version(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(path): Path<VersionPath>,
    _query: Query<NoQuery>,
) -> Result<Json<ServedModel>, ApiError> {
    let models = served::serving(&state, &path.name)?;
    models.remove(&path.name, path.version).await?;
    let change = format!("delete {}", path.version);
    served::changed(models, &keeper, (&path.name, &change))
}

/// That a model is gone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeletedModel {
    /// Its name.
    #[schema(example = "goals")]
    name: String,
    /// The versions that went with it.
    #[schema(example = json!([1, 2]))]
    versions: Vec<u64>,
}

/// Delete a model
///
/// Deletes a model with all its versions, its settings, labels and what was changed at run time. One
/// that another model falls back to is refused. Requests at work on it finish.
#[utoipa::path(
    delete,
    path = "/v1/models/{name}",
    operation_id = "deleteModel",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    responses(
        (status = 200, description = "It is gone.", body = DeletedModel),
        (status = 404, description = "There is no such model.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "Another model falls back to it.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn delete_model(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Json<DeletedModel>, ApiError> {
    let models = served::serving(&state, &name)?;
    let versions = models.remove_model(&name).await?;
    info!(
        model = name,
        key = keeper.principal,
        key_name = keeper.name,
        "model deleted"
    );
    Ok(Json(DeletedModel { name, versions }))
}
