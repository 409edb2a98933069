//! Deletes a version, or a model.

use std::sync::Arc;

use super::ModelServer;
use crate::{
    InferenceError,
    repository::{ModelEntry, Repository},
};

impl ModelServer {
    /// Deletes a version with its files; refuses one that takes traffic or that a label points
    /// at. Requests at work on it finish.
    pub async fn remove(&self, model: &str, version: u64) -> Result<(), InferenceError> {
        let model = model.to_owned();
        let remove = move |repository: &Repository| {
            repository.refresh()?;
            let entry = repository.entry(&model)?;
            if !entry.files.contains_key(&version) {
                let version = version.to_string();
                return Err(InferenceError::UnknownVersion { model, version });
            }
            if let Some(reason) = needed(&entry, version) {
                return Err(InferenceError::Refused(format!(
                    "version {version} of {model} {reason}"
                )));
            }
            if entry.state.passed_over.contains(&version) {
                // Another may come to have its number.
                let forget = repository.change(&model, |_, state| {
                    state.passed_over.remove(&version);
                    Ok(())
                });
                forget?;
            }
            repository.remove(&model, Some(version))
        };
        self.models.alone(remove).await
    }

    /// Deletes a model with its versions, settings and labels; refuses one that another falls back
    /// to. Answers with the versions that are gone. Requests at work on it finish.
    pub async fn remove_model(&self, model: &str) -> Result<Vec<u64>, InferenceError> {
        let model = model.to_owned();
        let remove = move |repository: &Repository| {
            repository.refresh()?;
            let entry = repository.entry(&model)?;
            let entries = repository.entries();
            let leans = |it: &&Arc<ModelEntry>| it.config.fallback.as_deref() == Some(&*model);
            if let Some(other) = entries.values().find(leans) {
                return Err(InferenceError::Refused(format!(
                    "{} falls back to {model}: take `fallback` out of its config.toml first",
                    other.name
                )));
            }
            repository.remove(&model, None)?;
            Ok(entry.files.keys().copied().collect())
        };
        self.models.alone(remove).await
    }
}

/// What a version is needed for.
fn needed(entry: &ModelEntry, version: u64) -> Option<String> {
    let label = entry.labels.iter().find(|(_, it)| **it == version);
    let canary = entry.canary.as_ref();
    let shadow = entry.shadow.as_ref();
    match label {
        _ if entry.serving == version => {
            Some("serves: promote another first, or delete the model".to_owned())
        }
        _ if canary.is_some_and(|it| it.version == version) => {
            Some("is the canary: end it first".to_owned())
        }
        _ if shadow.is_some_and(|it| it.version == version) => {
            Some("runs in the shadow: end it first".to_owned())
        }
        Some((label, _)) => Some(format!("is labelled {label}: take the label away first")),
        None => None,
    }
}
