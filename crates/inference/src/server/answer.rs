//! What is asked of models, and what they have done.

use super::{ModelServer, StatisticsView};
use crate::{
    InferReply, InferRequest, InferenceError, Outcome,
    metrics::{self, Figures, VersionRow},
};

impl ModelServer {
    /// Refuses a request to a model that could not be let in now, for a caller that has not read it
    /// yet.
    pub fn admit(&self, model: &str) -> Result<(), InferenceError> {
        self.pipeline.admit(model)
    }

    /// Asks a model.
    pub async fn infer(&self, request: InferRequest) -> Result<InferReply, InferenceError> {
        self.pipeline.infer(request).await
    }

    /// Keeps what a caller made of a version's answer (probabilities of raw scores, say) under a key
    /// of its own, to be scored by [`ModelServer::observe`].
    pub fn foretell(&self, model: &str, version: u64, key: &str, values: &[f64]) {
        self.pipeline.foretell(model, key, version, values);
    }

    /// Says what came true for a request that was answered under its own key: every version that
    /// answered it, in the shadow too, is scored. How many were; zero where none is remembered.
    pub fn observe(
        &self,
        model: &str,
        key: &str,
        outcome: Outcome,
    ) -> Result<usize, InferenceError> {
        self.pipeline.observe(model, key, outcome)
    }

    /// What versions have done; those never asked have zeros.
    pub fn statistics(&self, model: Option<&str>) -> Result<Vec<StatisticsView>, InferenceError> {
        let entries = match model {
            Some(model) => vec![self.models.repository.entry(model)?],
            None => self.models.repository.entries().into_values().collect(),
        };
        let mut views = Vec::new();
        for entry in entries {
            for &version in &entry.versions {
                views.push(match self.pipeline.states.find(&entry.name, version) {
                    Some(state) => state.statistics.view(&entry.name, version),
                    None => StatisticsView {
                        name: entry.name.as_ref().to_owned(),
                        version,
                        ..StatisticsView::default()
                    },
                });
            }
        }
        Ok(views)
    }

    /// Everything counted, in the Prometheus text format; names in `metrics.rs`.
    pub fn metrics(&self) -> String {
        let asked = self.pipeline.states.asked();
        let rows: Vec<VersionRow> = asked
            .iter()
            .map(|(name, state)| {
                let entry = self.models.repository.entry(name);
                let (whole, stages) = state.statistics.times();
                VersionRow {
                    view: state.statistics.view(name, state.version),
                    scores: self.scores(name, state.version),
                    shadow: entry
                        .as_ref()
                        .ok()
                        .and_then(|it| self.shadow_trial(it, state.version))
                        .unwrap_or_default(),
                    breaker_open: entry.is_ok_and(|it| self.pipeline.is_open(&it, state.version)),
                    whole,
                    stages,
                }
            })
            .collect();
        let mut text = String::new();
        metrics::versions(&mut text, &rows);
        let figures = Figures {
            cache: self.models.cache.figures(),
            results: self.pipeline.result_figures(),
            requests: self.pipeline.at_work(),
            refused: self.pipeline.refused(),
            trials: self.pipeline.trials(),
        };
        metrics::process(&mut text, &figures);
        text
    }
}
