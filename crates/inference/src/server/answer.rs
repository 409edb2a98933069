//! What is asked of models, and what they have done.

use super::{ModelServer, StatisticsView};
use crate::{InferReply, InferRequest, InferenceError, metrics, pipeline::Sources};

impl ModelServer {
    /// Asks a model.
    pub async fn infer(&self, request: InferRequest) -> Result<InferReply, InferenceError> {
        let sources = Sources {
            repository: &self.models.repository,
            cache: &self.models.cache,
        };
        self.pipeline.infer(sources, request).await
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
        let views = self.statistics(None).expect("no model was named");
        let mut text = String::new();
        metrics::versions(&mut text, &views);
        let figures = self.models.cache.figures();
        metrics::cache(&mut text, &figures, self.pipeline.at_work());
        text
    }
}
