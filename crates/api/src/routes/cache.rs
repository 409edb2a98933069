//! `GET /v1/cache`.

use axum::{Json, extract::State};

use crate::{
    ApiState,
    auth::Operator,
    error::ApiError,
    extract::{NoQuery, Query},
    wire::{CacheKind, CacheStatus, SharedStatus},
};

/// Get the cache's statistics
///
/// What the cache of this server holds, and what each kind of kept values has done since the
/// server started: hits, misses, loads, the time they took and the time they saved.
#[utoipa::path(
    get,
    path = "/v1/cache",
    operation_id = "getCache",
    tag = "Cache",
    responses((status = 200, description = "The cache as it is now.", body = CacheStatus)),
    security(("bearer" = ["admin"]), ("api_key" = ["admin"]))
)]
pub(crate) async fn get_cache(
    _operator: Operator,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
) -> Result<Json<CacheStatus>, ApiError> {
    Ok(Json(status(&state)))
}

/// The cache as it is now.
pub(super) fn status(state: &ApiState) -> CacheStatus {
    let cache = state.engine.cache();
    let (memory_bytes, loads_under_way) = cache.load();
    let shared = cache.shared().map(|it| SharedStatus::from(it.health()));
    CacheStatus {
        memory_bytes,
        loads_under_way,
        shared,
        kinds: cache
            .statistics()
            .into_iter()
            .map(CacheKind::from)
            .collect(),
    }
}
