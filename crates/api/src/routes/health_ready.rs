//! `GET /health/ready`.

use axum::{Json, extract::State};

use super::health_live::Health;
use crate::{
    ApiState,
    error::ApiError,
    extract::{NoQuery, Query},
};

/// Check readiness
///
/// Answers 200 when requests can be sent here: games and model are loaded, the cache is warm, the
/// database answers, and the server is not stopping. A shared cache that is away makes answers
/// slower and no server unready.
#[utoipa::path(
    get,
    path = "/health/ready",
    operation_id = "getReadiness",
    tag = "Health",
    responses((status = 200, description = "The server is ready.", body = Health)),
    security(())
)]
pub(crate) async fn get_readiness(
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
) -> Result<Json<Health>, ApiError> {
    if state.is_draining() {
        return Err(ApiError::NotReady("the server is stopping"));
    }
    if !state.engine.is_ready() {
        return Err(ApiError::NotReady("the server is loading games and model"));
    }
    if state.is_warming() {
        return Err(ApiError::NotReady("the server is warming its cache"));
    }
    state.engine.ping().await.map_err(|error| {
        ApiError::NotReady(match error.is_database_replaced() {
            true => "the database was deleted or replaced while it was open",
            false => "the database does not answer",
        })
    })?;
    let shared = state.engine.cache().shared();
    let word = |up| if up { "up" } else { "away" };
    Ok(Json(Health {
        status: "ok",
        shared_cache: shared.map(|it| word(it.health().up)),
    }))
}
