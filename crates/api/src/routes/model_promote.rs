//! `POST /v1/models/{name}/promote` and `POST /v1/models/{name}/rollback`.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::ToSchema;

use super::served;
use crate::{
    ApiState,
    auth::Keeper,
    error::ApiError,
    extract::{JsonBody, NoQuery, Path, Query, read_object},
    problem::Problem,
    wire::ServedModel,
};

/// The version to promote.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Promotion {
    /// Number of the version.
    #[schema(example = 2)]
    version: u64,
    /// Whether to promote it even where the gate of its shadow would refuse, or it takes or gives
    /// something else than what serves.
    #[serde(default)]
    #[schema(required = false)]
    force: bool,
}

/// Promote a version
///
/// Makes a version the one that serves, in one step once it is loaded, and remembers what served
/// before. Sets the label `stable`; ends a canary or shadow of the same version.
#[utoipa::path(
    post,
    path = "/v1/models/{name}/promote",
    operation_id = "promoteModel",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    request_body(content = Promotion, description = "Which version."),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "The gate of its shadow refuses, or it takes or gives something else than what serves; \
             `force` goes past both.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The version does not load; the reason is said.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn promote_model(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<ServedModel>, ApiError> {
    let promotion: Promotion = read_object(&body.bytes)?;
    let models = served::serving(&state, &name)?;
    let version = promotion.version;
    models.promote(&name, version, promotion.force).await?;
    let forced = if promotion.force { ", forced" } else { "" };
    let change = format!("promote {version}{forced}");
    served::changed(models, &keeper, (&name, &change))
}

/// Roll a model back
///
/// Makes what served before the last promotion serve again.
#[utoipa::path(
    post,
    path = "/v1/models/{name}/rollback",
    operation_id = "rollBackModel",
    tag = "Models",
    params(("name" = String, Path, description = "Name of the model.", example = "goals")),
    responses(
        (status = 200, description = "The model as it is now.", body = ServedModel),
        (status = 404, description = "There is no such model or version.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "There is no promotion to take back.", body = Problem,
            content_type = "application/problem+json"),
        (status = 422, description = "The version does not load; the reason is said.", body = Problem,
            content_type = "application/problem+json"),
    ),
    security(("bearer" = ["models"]), ("api_key" = ["models"]))
)]
pub(crate) async fn roll_back_model(
    keeper: Keeper,
    State(state): State<ApiState>,
    Path(name): Path<String>,
    _query: Query<NoQuery>,
) -> Result<Json<ServedModel>, ApiError> {
    let models = served::serving(&state, &name)?;
    let version = models.roll_back(&name).await?;
    let change = format!("roll back to {version}");
    served::changed(models, &keeper, (&name, &change))
}
