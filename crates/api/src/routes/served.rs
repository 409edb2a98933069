//! What the endpoints of the repository's models have in common.

use std::sync::Arc;

use axum::Json;
use engine::{EngineError, serving::ModelServer};
use serde::Deserialize;
use tracing::info;

use crate::{
    ApiState,
    auth::Keeper,
    error::ApiError,
    wire::{ModelVersion, ServedModel},
};

/// A version in a path.
#[derive(Debug, Deserialize)]
pub(crate) struct VersionPath {
    pub(crate) name: String,
    pub(crate) version: u64,
}

/// A label in a path.
#[derive(Debug, Deserialize)]
pub(crate) struct LabelPath {
    pub(crate) name: String,
    pub(crate) label: String,
}

/// The server of models; without one no model of the repository is known.
pub(crate) fn serving<'a>(
    state: &'a ApiState,
    model: &str,
) -> Result<&'a Arc<ModelServer>, ApiError> {
    let serving = state.engine.serving();
    serving.ok_or_else(|| EngineError::UnknownModel(model.to_owned()).into())
}

/// The model as it is now.
pub(crate) fn model(models: &ModelServer, name: &str) -> Result<ServedModel, ApiError> {
    let model = models.model(name)?;
    Ok(ServedModel::of(model, models.versions(Some(name))?))
}

/// Notes in the log who changed what, and answers with the model as it is now.
pub(crate) fn changed(
    models: &ModelServer,
    keeper: &Keeper,
    (name, change): (&str, &str),
) -> Result<Json<ServedModel>, ApiError> {
    info!(
        model = name,
        change,
        key = keeper.principal,
        key_name = keeper.name,
        "model changed"
    );
    model(models, name).map(Json)
}

/// A version as it is now.
pub(crate) fn version(models: &ModelServer, path: &VersionPath) -> Result<ModelVersion, ApiError> {
    let mut versions = models.versions(Some(&path.name))?;
    versions.retain(|it| it.version == path.version);
    let unknown = || engine::serving::InferenceError::UnknownVersion {
        model: path.name.clone(),
        version: path.version.to_string(),
    };
    Ok(versions.pop().ok_or_else(unknown)?.into())
}
