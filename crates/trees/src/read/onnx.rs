//! Tree ensembles in ONNX: a whole file around one tree node, or one node out of a bigger graph.
//!
//! The operators are `TreeEnsembleRegressor` and `TreeEnsembleClassifier` of `ai.onnx.ml` 1 to 4
//! and `TreeEnsemble` of version 5, with ONNX Runtime's arithmetic. In a file there may be beside
//! it what converters write around it: casts, identities, maps of classes, an exponential or a
//! mean of the scores. Any other operator is refused by name.

mod attributes;
mod forest;
mod graph;
mod node;
mod proto;

use prost::Message;

use crate::{Ensemble, Precision, ReadError, check::malformed};

/// A tree ensemble out of ONNX, with the names of what it takes and gives and of its classes.
///
/// Who runs a bigger graph hands over the bytes of one `NodeProto` (what `prost` encodes of it)
/// and gets an [`Ensemble`] whose predictions are the node's scores: the output of a regressor or
/// `TreeEnsemble`, the second output of a classifier. A classifier's first output, the label, is
/// the class of the greatest prediction, and left to who asks.
#[derive(Debug, Clone, PartialEq)]
pub struct OnnxTrees {
    /// What is scored.
    pub ensemble: Ensemble,
    /// The classes in the order of predictions; none but for classifiers.
    pub labels: Option<Labels>,
    /// What the node or the file calls its input.
    pub input: String,
    /// What it calls its scores.
    pub scores: String,
    /// What it calls the label; nothing where it gives none, or as another type than its classes'.
    pub label: Option<String>,
}

/// What a classifier's classes are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Labels {
    /// By numbers.
    Numbers(Vec<i64>),
    /// By texts.
    Texts(Vec<String>),
}

impl OnnxTrees {
    /// Whether an operator is one of trees; its domain is `ai.onnx.ml`.
    pub fn is_trees(operator: &str) -> bool {
        matches!(
            operator,
            "TreeEnsembleRegressor" | "TreeEnsembleClassifier" | "TreeEnsemble"
        )
    }

    /// Reads the bytes of a `NodeProto`. Rows have `features` numbers, or as many as the node asks
    /// about; they are compared as `precision` says: [`Precision::Double`] where the node's input
    /// is a tensor of `double`, [`Precision::Single`] where it is one of any other type.
    pub fn from_node(
        node: &[u8],
        features: Option<usize>,
        precision: Precision,
    ) -> Result<Self, ReadError> {
        let node = proto::Node::decode(node).map_err(|it| malformed("node", &it.to_string()))?;
        node::read(&node, features, precision)
    }

    /// Reads a file whose graph is one tree node and what converters write around it.
    pub fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let model = proto::Model::decode(bytes).map_err(|it| malformed("ONNX", &it.to_string()))?;
        match model.graph {
            Some(graph) => graph::read(&graph),
            None => Err(malformed("ONNX", "there is no graph")),
        }
    }
}

/// Whether bytes begin as an ONNX file does: with the version, the graph or the operator sets.
pub(super) fn begins(bytes: &[u8]) -> bool {
    matches!(bytes, [0x08, version, ..] if *version < 0x80)
        || matches!(bytes, [0x3a | 0x42 | 0x12, ..])
}

#[cfg(test)]
mod tests;
