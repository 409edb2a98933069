//! What is told about models: index, metadata, settings, readiness, versions.

use std::{fs, sync::Arc};

use super::{IndexEntry, LoadState, ModelMetadata, ModelServer, ModelView, VersionView};
use crate::{
    BatchMode, CacheFigures, ContentHash, InferenceError, ModelConfig, VersionRef,
    model_cache::Facts,
    models::blocking,
    pipeline::{Scores, Trial},
    repository::{ModelEntry, VersionFiles},
};

impl ModelServer {
    /// Every version of every model, by name and version.
    pub fn index(&self) -> Vec<IndexEntry> {
        let mut lines = Vec::new();
        for entry in self.models.repository.entries().values() {
            for (&version, files) in &entry.files {
                let (state, reason) = self.progress(entry, version, files);
                lines.push(IndexEntry {
                    name: entry.name.as_ref().to_owned(),
                    version,
                    state,
                    reason: reason.unwrap_or_default(),
                });
            }
            if let (true, Some(problem)) = (entry.files.is_empty(), &entry.problem) {
                lines.push(IndexEntry {
                    name: entry.name.as_ref().to_owned(),
                    version: 0,
                    state: LoadState::Failed,
                    reason: problem.clone(),
                });
            }
        }
        lines
    }

    /// Folders among the models whose names no model can have.
    pub fn strays(&self) -> Vec<String> {
        self.models.repository.strays()
    }

    /// How far a version is, and what stands in its way.
    fn progress(
        &self,
        entry: &ModelEntry,
        version: u64,
        files: &VersionFiles,
    ) -> (LoadState, Option<String>) {
        if let Err(reason) = &files.model {
            return (LoadState::Failed, Some(reason.clone()));
        }
        match self.models.cache.slot(&entry.name, version) {
            Ok(slot) => {
                let (state, reason) = slot.progress();
                (state, reason.or_else(|| entry.problem.clone()))
            }
            Err(_) => (
                LoadState::Available,
                Some("the version policy leaves it out".to_owned()),
            ),
        }
    }

    /// What a model takes and gives; loads it where the file has to be read for that.
    pub async fn metadata(
        &self,
        model: &str,
        version: &VersionRef,
    ) -> Result<ModelMetadata, InferenceError> {
        let entry = self.models.repository.entry(model)?;
        let version = entry.resolve(version)?;
        let known = self.models.cache.slot(model, version)?.facts();
        let (platform, signature) = match known {
            Some(facts) => (facts.platform, facts.signature.clone()),
            None => {
                let lease = self.models.cache.lease(model, version).await?;
                (lease.backend.platform(), lease.backend.signature().clone())
            }
        };
        Ok(ModelMetadata {
            name: model.to_owned(),
            versions: entry.versions.clone(),
            platform: platform.to_owned(),
            signature,
        })
    }

    /// The settings in force for a model.
    pub fn config(&self, model: &str) -> Result<Arc<ModelConfig>, InferenceError> {
        let entry = self.models.repository.entry(model)?;
        if entry.canary == entry.config.canary
            && entry.shadow == entry.config.shadow
            && entry.labels == entry.config.labels
        {
            return Ok(Arc::clone(&entry.config));
        }
        let mut config = ModelConfig::clone(&entry.config);
        config.labels.clone_from(&entry.labels);
        config.canary.clone_from(&entry.canary);
        config.shadow.clone_from(&entry.shadow);
        Ok(Arc::new(config))
    }

    /// Whether a version would answer: loaded, or loadable on first use.
    pub fn is_ready(&self, model: &str, version: &VersionRef) -> Result<bool, InferenceError> {
        let entry = self.models.repository.entry(model)?;
        let version = entry.resolve(version)?;
        let slot = self.models.cache.slot(model, version)?;
        let (state, _) = slot.progress();
        Ok(!matches!(state, LoadState::Failed | LoadState::Unloaded))
    }

    /// Whether everything pinned is loaded.
    pub fn is_warm(&self) -> bool {
        self.models.cache.is_warm()
    }

    /// Every model, by name.
    pub fn models(&self) -> Vec<ModelView> {
        let entries = self.models.repository.entries();
        entries.values().map(|it| model_view(it)).collect()
    }

    /// One model.
    pub fn model(&self, name: &str) -> Result<ModelView, InferenceError> {
        Ok(model_view(&*self.models.repository.entry(name)?))
    }

    /// What the cache of models did and holds.
    pub fn cache_figures(&self) -> CacheFigures {
        self.models.cache.figures()
    }

    /// Versions, as operators see them; all models where none is named.
    pub fn versions(&self, model: Option<&str>) -> Result<Vec<VersionView>, InferenceError> {
        let entries = match model {
            Some(model) => vec![self.models.repository.entry(model)?],
            None => self.models.repository.entries().into_values().collect(),
        };
        Ok(entries
            .iter()
            .flat_map(|entry| {
                let numbers = entry.files.keys();
                numbers.filter_map(|version| self.view(entry, *version))
            })
            .collect())
    }

    /// What the files of a model's versions are, as they lie there now; those that cannot be read
    /// are left out.
    pub async fn contents(&self, model: &str) -> Result<Vec<(u64, ContentHash)>, InferenceError> {
        let entry = self.models.repository.entry(model)?;
        blocking(move || {
            let files = entry.files.iter();
            let content = |(version, it): (&u64, &VersionFiles)| {
                let (path, _) = it.model.as_ref().ok()?;
                Some((*version, ContentHash::of(&fs::read(path).ok()?)))
            };
            Ok(files.filter_map(content).collect())
        })
        .await
    }

    /// A version, as operators see it.
    pub(super) fn view(&self, entry: &ModelEntry, version: u64) -> Option<VersionView> {
        let files = entry.files.get(&version)?;
        let (state, reason) = self.progress(entry, version, files);
        let slot = self.models.cache.slot(&entry.name, version).ok();
        let facts = slot.as_ref().and_then(|it| it.facts());
        let resident = slot.as_ref().and_then(|it| it.resident());
        let canary = entry.canary.as_ref();
        let taken = canary
            .filter(|it| it.version != entry.serving)
            .map_or(0.0, |it| it.share);
        let traffic_share = match canary {
            _ if entry.serving == version => 1.0 - taken,
            Some(canary) if canary.version == version => taken,
            _ => 0.0,
        };
        let labels = entry.labels.iter().filter(|(_, it)| **it == version);
        let mode = facts.as_ref().map(|it| match entry.config.batching.mode {
            BatchMode::Direct => "direct",
            BatchMode::Auto if it.row_cost <= self.options.direct_max => "direct",
            BatchMode::Auto | BatchMode::Batched => "batched",
        });
        let trial = self.shadow_trial(entry, version);
        let scores = self.scores(&entry.name, version);
        let stopped = entry.state.stopped.as_ref();
        let stopped = stopped.filter(|it| it.0 == version);
        Some(VersionView {
            name: entry.name.as_ref().to_owned(),
            version,
            state,
            reason,
            labels: labels.map(|(label, _)| label.clone()).collect(),
            traffic_share,
            shadow: entry
                .shadow
                .as_ref()
                .is_some_and(|it| it.version == version),
            shadow_difference: trial.as_ref().and_then(Trial::difference),
            shadow_difference_max: trial.as_ref().map(|it| it.most),
            shadow_rows: trial.as_ref().map_or(0, |it| it.rows),
            shadow_failed: trial.as_ref().map_or(0, |it| it.failed),
            shadow_dropped: trial.as_ref().map_or(0, |it| it.dropped),
            canary_stopped: stopped.map(|(_, reason)| reason.clone()),
            scored: scores.log_loss.count + scores.squared_error.count,
            log_loss: scores.log_loss.mean(),
            squared_error: scores.squared_error.mean(),
            platform: facts.as_ref().map_or("", |it| it.platform).to_owned(),
            file_bytes: files.model.as_ref().map_or(0, |(_, it)| it.bytes),
            sha256: facts
                .as_ref()
                .map_or_else(String::new, |it| it.content.to_string()),
            memory_bytes: resident.as_ref().map_or(0, |it| it.size_bytes()),
            load_ms: facts.as_ref().map(|it| it.load_time.as_secs_f64() * 1e3),
            row_us: facts.as_ref().map(|it| it.row_cost.as_secs_f64() * 1e6),
            mode: mode.map(str::to_owned),
            in_use: resident.as_ref().map_or(0, |it| it.in_use()),
            breaker_open: self.pipeline.is_open(entry, version),
            golden: files.golden.is_some(),
            differs: self.differs(entry, facts.as_deref()),
            report: files
                .report
                .as_ref()
                .and_then(|it| fs::read_to_string(it).ok()),
        })
    }

    /// What a version takes or gives otherwise than what serves, where both were loaded once.
    fn differs(&self, entry: &ModelEntry, own: Option<&Facts>) -> Option<String> {
        let serving = self.models.cache.slot(&entry.name, entry.serving).ok()?;
        own?.signature.lacks(&serving.facts()?.signature)
    }

    /// What is known of the version that runs in the shadow.
    pub(super) fn shadow_trial(&self, entry: &ModelEntry, version: u64) -> Option<Trial> {
        let shadow = entry.shadow.as_ref()?;
        let state = self.pipeline.states.known(&entry.name)?;
        let trial = state.shadow().clone();
        let pair = self.models.pair(entry, version);
        (shadow.version == version && trial.is_of(pair)).then_some(trial)
    }

    /// How well a version foretold what came true, by the file that lies there now.
    pub(super) fn scores(&self, model: &str, version: u64) -> Scores {
        let state = self.pipeline.states.find(model, version);
        let mut scores = state.map_or_else(Scores::default, |it| *it.scores());
        *scores.of(self.models.content(model, version))
    }
}

fn model_view(entry: &ModelEntry) -> ModelView {
    ModelView {
        name: entry.name.as_ref().to_owned(),
        serving: Some(entry.serving).filter(|it| *it > 0),
        previous: entry.previous,
        canary: entry.canary.clone(),
        shadow: entry.shadow.clone(),
        versions: entry.files.keys().copied().collect(),
        problem: entry.problem.clone(),
    }
}
