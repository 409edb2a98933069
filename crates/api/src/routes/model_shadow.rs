//! `PUT` and `DELETE /v1/models/{name}/shadow`.

use axum::{Json, extract::State};

use super::served;
use crate::{
    ApiState,
    auth::Keeper,
    error::ApiError,
    extract::{JsonBody, NoQuery, Path, Query, read_object},
    problem::Problem,
    wire::{ServedModel, Shadow},
};

/// Set a model's shadow
///
/// Gives another version a copy of a share of the requests. It answers nobody; its outputs are
/// compared with those that were given, and the comparison can gate its promotion.
#[utoipa::path(
    put,
    path = "/v1/models/{name}/shadow",
    operation_id = "putShadow",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    request_body(content = Shadow, description = "Which version, and its share."),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The share lies outside 0 to 1.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn put_shadow(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<ServedModel>, ApiError> {
    let shadow: Shadow = read_object(&body.bytes)?;
    let models = served::serving(&state, &name)?;
    let change = format!("shadow {} at {}", shadow.version, shadow.share);
    models.shadow(&name, Some(shadow.into())).await?;
    served::changed(models, &keeper, (&name, &change))
}

/// End a model's shadow
///
/// The version gets no more copies.
#[utoipa::path(
    delete,
    path = "/v1/models/{name}/shadow",
    operation_id = "deleteShadow",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn delete_shadow(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Json<ServedModel>, ApiError> {
    let models = served::serving(&state, &name)?;
    models.shadow(&name, None).await?;
    served::changed(models, &keeper, (&name, "shadow ended"))
}
