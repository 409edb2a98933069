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
    let writes = match state.engine.ping().await {
        Ok(()) => None,
        Err(error) if error.is_database_replaced() => {
            let why = "the database was deleted or replaced while it was open";
            return Err(ApiError::NotReady(why));
        }
        Err(_) if state.engine.reads_on() => Some("away"),
        Err(_) => return Err(ApiError::NotReady("the database does not answer")),
    };
    let shared = state.engine.cache().shared();
    let word = |up| if up { "up" } else { "away" };
    Ok(Json(Health {
        status: if writes.is_some() { "degraded" } else { "ok" },
        writes,
        shared_cache: shared.map(|it| word(it.health().up)),
    }))
}
