//! `GET /v1/models`.

use axum::{Json, extract::State};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiState,
    auth::Reader,
    error::ApiError,
    extract::{NoQuery, Query},
    wire::List,
};

/// A version of a trained model.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Model {
    /// Name.
    #[schema(example = "blend")]
    name: String,
    /// Version.
    #[schema(example = "20240520T060000Z-1f0c8a2b")]
    version: String,
    /// When it was trained.
    #[schema(value_type = String, format = DateTime, example = "2024-05-20T06:00:00Z")]
    created_at: Timestamp,
    /// Digest of the data it was trained on, in hex.
    #[schema(example = "1f0c8a2b")]
    data_digest: String,
    /// Whether it answers predictions now.
    serving: bool,
}

impl From<engine::ModelView> for Model {
    fn from(view: engine::ModelView) -> Self {
        Self {
            name: view.name,
            version: view.version,
            created_at: view.created_at,
            data_digest: view.data_digest,
            serving: view.serving,
        }
    }
}

/// List models
///
/// Every model of the version that serves; empty before the first training; always one page.
#[utoipa::path(
    get,
    path = "/v1/models",
    operation_id = "listModels",
    tag = "Models",
    responses((status = 200, description = "Every model.", body = List<Model>)),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_models(
    _reader: Reader,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
) -> Result<Json<List<Model>>, ApiError> {
    let models = state.engine.models().await?;
    Ok(Json(List::whole(models, Model::from)))
}
