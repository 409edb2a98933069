//! `PUT` and `DELETE /v1/models/{name}/canary`.

use axum::{Json, extract::State};

use super::served;
use crate::{
    ApiState,
    auth::Keeper,
    error::ApiError,
    extract::{JsonBody, NoQuery, Path, Query, read_object},
    problem::Problem,
    wire::{Canary, ServedModel},
};

/// Set a model's canary
///
/// Gives another version a share of the requests that name none, by a stable hash, until it is
/// promoted, ended, or has failed too often in a row.
#[utoipa::path(
    put,
    path = "/v1/models/{name}/canary",
    operation_id = "putCanary",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    request_body(content = Canary, description = "Which version, and its share."),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The share lies outside 0 to 1.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn put_canary(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<ServedModel>, ApiError> {
    let canary: Canary = read_object(&body.bytes)?;
    let models = served::serving(&state, &name)?;
    let change = format!("canary {} at {}", canary.version, canary.share);
    models.canary(&name, Some(canary.into())).await?;
    served::changed(models, &keeper, (&name, &change))
}

/// End a model's canary
///
/// Every request that names no version goes to the one that serves again.
#[utoipa::path(
    delete,
    path = "/v1/models/{name}/canary",
    operation_id = "deleteCanary",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn delete_canary(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Json<ServedModel>, ApiError> {
    let models = served::serving(&state, &name)?;
    models.canary(&name, None).await?;
    served::changed(models, &keeper, (&name, "canary ended"))
}
