//! `GET /health/live`.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    error::ApiError,
    extract::{NoQuery, Query},
};

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`; anything else comes as a problem.
    #[schema(example = "ok")]
    pub(crate) status: &'static str,
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
    Ok(Json(Health { status: "ok" }))
}
