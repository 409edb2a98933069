//! `POST /v1/cache/preview`.

use axum::{Json, extract::State};

use super::cache_purge::{Purge, preview};
use crate::{
    ApiState,
    auth::Operator,
    error::ApiError,
    extract::{JsonBody, NoQuery, Query, read_object},
    problem::Problem,
    wire::CacheDrop,
};

/// Preview a purge
///
/// Says what a purge with the same body would drop from this server's memory now, and drops
/// nothing.
#[utoipa::path(
    post,
    path = "/v1/cache/preview",
    operation_id = "previewPurge",
    tag = "Cache",
    request_body(content = Purge, description = "What would be forgotten."),
    responses(
        (status = 200, description = "What a purge would drop.", body = CacheDrop),
        (status = 422, description = "A kind, tag or address is not known, or nothing is named.",
            body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = ["admin"]), ("api_key" = ["admin"]))
)]
pub(crate) async fn preview_purge(
    _operator: Operator,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
    body: JsonBody,
) -> Result<Json<CacheDrop>, ApiError> {
    let purge: Purge = read_object(&body.bytes)?;
    let cache = state.engine.cache();
    let targets = purge.targets(cache, &state.kept)?;
    Ok(Json(preview(cache, targets).await.into()))
}
