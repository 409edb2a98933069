//! What is asked of models, and what they have done.

use super::{ModelServer, StatisticsView};
use crate::{
    InferReply, InferRequest, InferenceError,
    metrics::{self, Figures, VersionRow},
};

impl ModelServer {
    /// Asks a model.
    pub async fn infer(&self, request: InferRequest) -> Result<InferReply, InferenceError> {
        self.pipeline.infer(request).await
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
        };
        metrics::process(&mut text, &figures);
        text
    }
}
