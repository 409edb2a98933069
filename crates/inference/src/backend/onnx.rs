//! Networks from ONNX files, by `tract`. Trees inside them go to the `trees` crate.
//!
//! Refuses, at load and by name: operators that are not known, outputs without a row for each row,
//! rows that depend on each other, files that are broken.

use std::sync::Arc;

use tract_onnx::prelude::{TValue, TypedRunnableModel, tvec};

use super::{Backend, RunError, contained};
use crate::{DataType, ModelConfig, Signature, Tensor};

mod forest;
mod formulas;
mod graph;
mod limits;
mod plan;
mod rewrite;
mod values;

pub(crate) use graph::is_trees_alone;

/// Rows run at a time; bounds what lies between two operators.
const ROWS_MAX: usize = 1024;
/// Memory of an operator besides its weights: an estimate, on the safe side for small networks.
const NODE_BYTES: usize = 4 << 10;

/// A network with names for what it takes and gives.
#[derive(Debug)]
pub(crate) struct OnnxBackend {
    plan: Plan,
    signature: Signature,
    size_bytes: u64,
}

/// How a network is run; plans are shared by all threads.
#[derive(Debug)]
enum Plan {
    /// Any number of rows at a time.
    Many(Arc<TypedRunnableModel>),
    /// One at a time: the file says so, or no plan for any number can be made.
    One(Arc<TypedRunnableModel>),
}

impl OnnxBackend {
    /// Reads a model file; the text says what cannot be taken and why.
    pub(crate) fn read(bytes: &[u8], config: &ModelConfig) -> Result<Self, String> {
        contained(|| {
            let graph = graph::Graph::read(bytes)?;
            let wide = graph.inputs.iter().any(|it| it.datatype == DataType::Fp64);
            let made = Self::make(graph, config.signature.as_ref());
            made.map_err(|reason| match wide {
                true => format!(
                    "{reason}; it takes float64, which many operators do not: export it with \
                     float32 inputs (FloatTensorType)"
                ),
                false => reason,
            })
        })
        .unwrap_or_else(|reason| Err(format!("the file breaks its reader: {reason}")))
    }

    fn make(graph: graph::Graph, given: Option<&Signature>) -> Result<Self, String> {
        let weights = graph.weights_bytes;
        let (plan, signature) = plan::make(graph, given)?;
        let (Plan::Many(it) | Plan::One(it)) = &plan;
        let nodes = it.model().nodes();
        let forests = nodes.iter().filter_map(|it| it.op_as::<forest::Forest>());
        let forests: usize = forests.map(|it| it.model.size_bytes()).sum();
        // What operators keep of the weights is laid out anew for the processor.
        let bytes = size_of::<Self>() + weights + forests + nodes.len() * NODE_BYTES;
        let backend = Self {
            plan,
            signature,
            size_bytes: bytes as u64,
        };
        backend.check_rows()?;
        Ok(backend)
    }

    /// Refuses a network whose rows know of each other: requests could not be put together.
    fn check_rows(&self) -> Result<(), String> {
        const ROWS: usize = 3;
        const TOLERANCE: f64 = 1e-3;
        let inputs = self.sample(ROWS);
        let fault = |error| format!("a trial run failed: {error}");
        let together = self.run(&inputs).map_err(fault)?;
        for row in 0..ROWS {
            let alone: Vec<Tensor> = inputs.iter().map(|it| values::rows(it, row, 1)).collect();
            let alone = self.run(&alone).map_err(fault)?;
            for (together, alone) in together.iter().zip(&alone) {
                let together = values::rows(together, row, 1);
                if !values::alike(&together.values, &alone.values, TOLERANCE) {
                    return Err(format!(
                        "output {} of a row depends on the rows beside it",
                        alone.name
                    ));
                }
            }
        }
        Ok(())
    }

    /// Rows of small numbers; whole ones are one where the network cannot take zeros.
    fn sample(&self, rows: usize) -> Vec<Tensor> {
        let specs = self.signature.inputs.iter();
        let small: Vec<Tensor> = specs.map(|it| values::sample(it, rows)).collect();
        match contained(|| self.run(&small)) {
            Ok(Ok(_)) => small,
            _ => small.into_iter().map(values::ones).collect(),
        }
    }

    fn chunk(&self, inputs: &[Tensor], from: usize, count: usize) -> Result<Vec<TValue>, String> {
        let mut given = tvec!();
        for spec in &self.signature.inputs {
            let input = inputs
                .iter()
                .find(|it| it.name == spec.name)
                .ok_or_else(|| format!("there is no input {}", spec.name))?;
            given.push(values::to_runtime(input, spec, from, count)?);
        }
        let (Plan::Many(plan) | Plan::One(plan)) = &self.plan;
        let outputs = plan.run(given).map_err(|it| format!("{it:#}"))?;
        Ok(outputs.into_vec())
    }
}

impl Backend for OnnxBackend {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn platform(&self) -> &'static str {
        "onnx"
    }

    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn run(&self, inputs: &[Tensor]) -> Result<Vec<Tensor>, RunError> {
        let rows = inputs.first().map_or(0, Tensor::rows) as usize;
        let step = match self.plan {
            Plan::Many(_) => ROWS_MAX,
            Plan::One(_) => 1,
        };
        let mut outputs: Vec<Tensor> = Vec::new();
        for from in (0..rows).step_by(step) {
            let count = step.min(rows - from);
            let chunk = self.chunk(inputs, from, count).map_err(RunError::Rows)?;
            for (at, (value, spec)) in chunk.iter().zip(&self.signature.outputs).enumerate() {
                let part = values::from_runtime(value, spec).map_err(RunError::Rows)?;
                if part.rows() != count as u64 {
                    return Err(RunError::Rows(format!(
                        "output {} has {} rows for {count}",
                        spec.name,
                        part.rows()
                    )));
                }
                match outputs.get_mut(at) {
                    Some(whole) => values::append(whole, part),
                    None => outputs.push(part),
                }
            }
        }
        Ok(outputs)
    }
}

#[cfg(test)]
mod tests;
