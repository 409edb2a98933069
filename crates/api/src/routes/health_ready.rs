//! `GET /health/ready`.

use axum::{Json, extract::State};

use super::health_live::Health;
use crate::{
    ApiState,
    error::ApiError,
    extract::{NoQuery, Query},
    state::Readiness,
};

/// Check readiness
///
/// Answers 200 when requests can be sent here: games and model are loaded, the cache is warm, the
/// database answers, and the server is not stopping. A shared cache that is away makes answers
/// slower and no server unready. Where the database is away and its replicas answer, reads go on:
/// the status is `degraded` then, and writes are refused.
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
    if let Some(reason) = state.unready() {
        return Err(ApiError::NotReady(reason));
    }
    let readiness = state.readiness(&state.engine.ping().await);
    let is_degraded = readiness.map_err(ApiError::NotReady)? == Readiness::Degraded;
    let shared = state.engine.cache().shared();
    let word = |up| if up { "up" } else { "away" };
    Ok(Json(Health {
        status: if is_degraded { "degraded" } else { "ok" },
        writes: is_degraded.then_some("away"),
        shared_cache: shared.map(|it| word(it.health().up)),
    }))
}
