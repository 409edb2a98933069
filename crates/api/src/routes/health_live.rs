//! `GET /health/live`.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::ApiError,
    extract::{NoQuery, Query},
};

/// What answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or `degraded` where reads are answered and writes are not; anything else comes as a
    /// problem.
    #[schema(example = "ok")]
    pub(crate) status: &'static str,
    /// `away` while the database that takes writes does not answer and its replicas do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "away")]
    pub(crate) writes: Option<&'static str>,
    /// `up` or `away`: the cache that servers share, which makes nothing but speed depend on it.
    /// Absent where none is set up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "up")]
    pub(crate) shared_cache: Option<&'static str>,
}

/// Check liveness
///
/// Answers as long as the process does; asks nothing of the database. Restart the process when
/// it does not answer.
#[utoipa::path(
    get,
    path = "/health/live",
    operation_id = "getLiveness",
    tag = "Health",
    responses((status = 200, description = "The process answers.", body = Health)),
    security(())
)]
pub(crate) async fn get_liveness(_query: Query<NoQuery>) -> Result<Json<Health>, ApiError> {
    Ok(Json(Health {
        status: "ok",
        writes: None,
        shared_cache: None,
    }))
}
