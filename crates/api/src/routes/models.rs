//! `GET /v1/models`.

use axum::{Json, extract::State};
use engine::serving;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    ApiState,
    auth::Viewer,
    error::ApiError,
    extract::{NoQuery, Query},
    wire::List,
};

/// A model: one of the sports models, or one of the repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Model {
    /// Name; one of each kind may have the same.
    #[schema(example = "blend")]
    name: String,
    /// Where it comes from.
    kind: ModelKind,
    /// The version that serves, a number in the repository; null where nothing can.
    #[schema(example = "20240520T060000Z-1f0c8a2b")]
    version: Option<String>,
    /// When it was trained; null where that is not known.
    #[schema(value_type = Option<String>, format = DateTime, example = "2024-05-20T06:00:00Z")]
    created_at: Option<Timestamp>,
    /// Digest of the data it was trained on, in hex; null where that is not known.
    #[schema(example = "1f0c8a2b")]
    data_digest: Option<String>,
    /// Whether it answers now.
    serving: bool,
}

/// Where a model comes from.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ModelKind {
    /// Trained here; answers predictions of fixtures.
    Sports,
    /// A file in the folder of models; answers the Open Inference Protocol.
    Repository,
}

impl From<engine::ModelView> for Model {
    fn from(view: engine::ModelView) -> Self {
        Self {
            name: view.name,
            kind: ModelKind::Sports,
            version: Some(view.version),
            created_at: Some(view.created_at),
            data_digest: Some(view.data_digest),
            serving: view.serving,
        }
    }
}

impl From<serving::ModelView> for Model {
    fn from(view: serving::ModelView) -> Self {
        Self {
            name: view.name,
            kind: ModelKind::Repository,
            version: view.serving.map(|it| it.to_string()),
            created_at: None,
            data_digest: None,
            serving: view.serving.is_some(),
        }
    }
}

/// List models
///
/// The sports models of the version that serves (none before the first training), then the models
/// of the repository, each by name; always one page.
#[utoipa::path(
    get,
    path = "/v1/models",
    operation_id = "listModels",
    tag = "Models",
    responses((status = 200, description = "Every model.", body = List<Model>)),
    security((), ("bearer" = ["read"]), ("api_key" = ["read"]))
)]
pub(crate) async fn list_models(
    _viewer: Viewer,
    State(state): State<ApiState>,
    _query: Query<NoQuery>,
) -> Result<Json<List<Model>>, ApiError> {
    let models = state.engine.models().await?;
    let mut models: Vec<_> = models.into_iter().map(Model::from).collect();
    if let Some(repository) = state.engine.serving() {
        models.extend(repository.models().into_iter().map(Model::from));
    }
    Ok(Json(List::whole(models, |it| it)))
}
