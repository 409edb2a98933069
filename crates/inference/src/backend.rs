//! What runs a model: a few methods, and nothing of names, versions or queues.

use std::panic::{AssertUnwindSafe, catch_unwind};

use thiserror::Error;

use crate::{Signature, Tensor};

pub(crate) mod onnx;
pub(crate) mod trees;

/// A model in memory, ready to run on any thread.
pub(crate) trait Backend: Send + Sync + std::fmt::Debug {
    /// What it takes and gives.
    fn signature(&self) -> &Signature;

    /// What runs it, as [`crate::ModelMetadata::platform`] names it.
    fn platform(&self) -> &'static str;

    /// Memory it holds.
    fn size_bytes(&self) -> u64;

    /// Runs rows. Inputs have been held against the signature; each output row depends on its
    /// input row alone, so that requests may be run together and taken apart again.
    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, RunError>;

    /// Contributions of features to each row's raw scores (output `contributions`, rows × outputs ×
    /// (features + 1), the last one the average), where the model can say.
    fn explain(&self, _inputs: &[Tensor]) -> Result<Tensor, RunError> {
        Err(RunError::Unsupported(format!(
            "`explain` is for models of trees alone: what {} runs gives no contributions",
            self.platform()
        )))
    }
}

/// The number of each row's class: the one of the greatest score, the first of equals.
pub(crate) fn winners(scores: &[f64], classes: usize) -> impl Iterator<Item = usize> {
    scores.chunks(classes).map(|row| {
        let better = |best: usize, at: usize| if row[at] > row[best] { at } else { best };
        (1..row.len()).fold(0, better)
    })
}

/// Runs what may panic on a strange file or strange rows; the text is the panic's.
pub(crate) fn contained<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("without a word").to_owned()
    })
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum RunError {
    /// These rows cannot be run; others can.
    #[error("{0}")]
    Rows(String),
    /// The model has no such answer, whatever the rows.
    #[error("{0}")]
    Unsupported(String),
    /// It failed in a way that may pass.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "trees and networks fail on rows alone; a runtime beyond the process may recover"
        )
    )]
    #[error("{0}")]
    Transient(String),
}
