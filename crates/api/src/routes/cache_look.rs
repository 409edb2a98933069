//! `GET /v1/cache/entry`.

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    ApiState,
    auth::Operator,
    error::ApiError,
    extract::Query,
    problem::FieldError,
    wire::{CacheEntry, CacheLook},
};

/// Which entry.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct LookQuery {
    /// Path and query of a read, to the letter.
    #[param(example = "/v1/board?limit=20")]
    address: String,
}

/// Look at an entry
///
/// What this server's memory has of the answer to one address. Looking changes nothing, not even
/// what stays longer.
#[utoipa::path(
    get,
    path = "/v1/cache/entry",
    operation_id = "lookAtCache",
    tag = "Cache",
    params(LookQuery),
    responses((status = 200, description = "What is kept of it.", body = CacheLook)),
    security(("bearer" = ["admin"]), ("api_key" = ["admin"]))
)]
pub(crate) async fn look_at_cache(
    _operator: Operator,
    State(state): State<ApiState>,
    Query(query): Query<LookQuery>,
) -> Result<Json<CacheLook>, ApiError> {
    let place = state.kept.place(&query.address);
    let place =
        place.map_err(|detail| ApiError::BadQuery(FieldError::of_parameter("address", detail)))?;
    let entry = state.engine.cache().look_at(&place.key);
    Ok(Json(CacheLook {
        address: query.address,
        kind: state.kept.kind_at(&place),
        entry: entry.map(CacheEntry::from),
    }))
}
