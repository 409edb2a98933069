//! `PUT` and `DELETE /v1/models/{name}/labels/{label}`.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::ToSchema;

use super::served::{self, LabelPath};
use crate::{
    ApiState,
    auth::Keeper,
    error::ApiError,
    extract::{JsonBody, NoQuery, Path, Query, read_object},
    problem::Problem,
    wire::ServedModel,
};

/// The version a label points at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelTarget {
    /// Number of the version.
    #[schema(example = 2)]
    version: u64,
}

/// Label a version
///
/// Points a label at a version, which may then be asked for by it. Setting `stable` promotes.
#[utoipa::path(
    put,
    path = "/v1/models/{name}/labels/{label}",
    operation_id = "putModelLabel",
    tag = "Models",
    params(
        ("name" = String, Path, description = "Name of the model.", example = "goals"),
        ("label" = String, Path, description = "The label.", example = "candidate"),
    ),
    request_body(content = LabelTarget, description = "Which version."),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "Setting `stable`: the gate of its shadow refuses.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "This cannot be a label.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn put_model_label(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(path): Path<LabelPath>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<ServedModel>, ApiError> {
    let target: LabelTarget = read_object(&body.bytes)?;
    let models = served::serving(&state, &path.name)?;
    let LabelPath { name, label } = &path;
    models.label(name, label, Some(target.version)).await?;
    let change = format!("label {label} to {}", target.version);
    served::changed(models, &keeper, (name, &change))
}

/// Take a label away
///
/// The label points at nothing. Without `stable`, the highest version allowed serves.
#[utoipa::path(
    delete,
    path = "/v1/models/{name}/labels/{label}",
    operation_id = "deleteModelLabel",
    tag = "Models",
    params(
        ("name" = String, Path, description = "Name of the model.", example = "goals"),
        ("label" = String, Path, description = "The label.", example = "candidate"),
    ),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "This cannot be a label.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn delete_model_label(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(path): Path<LabelPath>,
    _query: Query<NoQuery>,
) -> Result<Json<ServedModel>, ApiError> {
    let models = served::serving(&state, &path.name)?;
    let LabelPath { name, label } = &path;
    models.label(name, label, None).await?;
    let change = format!("label {label} taken away");
    served::changed(models, &keeper, (name, &change))
}
