//! A graph of one tree node, and what converters write around it.

use std::collections::HashMap;

use crate::{Aggregate, Base, Ensemble, Link, Precision, ReadError, check::malformed};

use super::{Labels, OnnxTrees, node, proto};

pub(super) fn read(graph: &proto::Graph) -> Result<OnnxTrees, ReadError> {
    let of_trees = |it: &&proto::Node| OnnxTrees::is_trees(&it.op_type);
    let mut found = graph.node.iter().filter(of_trees);
    let trees = match (found.next(), found.next()) {
        (Some(trees), None) => trees,
        (None, _) => {
            let strange = graph.node.first().map(|it| refused(&it.op_type));
            return Err(strange.unwrap_or_else(|| malformed("graph", "it has no nodes")));
        }
        (Some(_), Some(_)) => {
            return Err(ReadError::Unsupported(
                "a graph of several tree operators".to_owned(),
            ));
        }
    };
    let input = input(graph, trees)?;
    let model = node::read(trees, input.features, input.precision)?;
    follow(
        graph,
        trees,
        OnnxTrees {
            input: input.name,
            ..model
        },
    )
}

fn refused(operator: &str) -> ReadError {
    ReadError::Unsupported(format!(
        "the ONNX operator {operator:?}, which is not one of trees,"
    ))
}

/// Whether an operator passes on what it gets.
fn passes(node: &proto::Node) -> bool {
    matches!(node.op_type.as_str(), "Identity" | "Cast")
}

/// What the graph takes.
struct Input {
    name: String,
    /// How many a row has, where the graph says.
    features: Option<usize>,
    precision: Precision,
}

/// The input of the trees, and how it is compared: the last cast before them decides, else its
/// type.
fn input(graph: &proto::Graph, trees: &proto::Node) -> Result<Input, ReadError> {
    let mut name = trees.input.first().map_or("", String::as_str);
    let mut element = None;
    // As many steps as there are nodes, so that a circle ends.
    for _ in 0..=graph.node.len() {
        let makes = |it: &&proto::Node| it.output.iter().any(|it| it == name);
        let Some(before) = graph.node.iter().find(makes) else {
            break;
        };
        if !passes(before) {
            return Err(refused(&before.op_type));
        }
        if before.op_type == "Cast" && element.is_none() {
            let to = before.attribute.iter().find(|it| it.name == "to");
            element = to.and_then(|it| i32::try_from(it.i).ok());
        }
        name = before.input.first().map_or("", String::as_str);
    }
    let Some(input) = graph.input.iter().find(|it| it.name == name) else {
        let reason = format!("nothing makes the trees' input {name:?}");
        return Err(malformed("graph", &reason));
    };
    let tensor = input.r#type.as_ref().and_then(|it| it.tensor_type.as_ref());
    let dimensions = tensor.and_then(|it| it.shape.as_ref());
    let columns = dimensions
        .and_then(|it| it.dim.last())
        .map(|it| it.dim_value);
    let features = columns.and_then(|it| usize::try_from(it).ok());
    let element = element.or(tensor.map(|it| it.elem_type));
    let precision = match element.unwrap_or(proto::FLOAT) {
        proto::DOUBLE => Precision::Double,
        proto::FLOAT | proto::INT64 | proto::INT32 => Precision::Single,
        other => {
            return Err(ReadError::Unsupported(format!(
                "an ONNX input of element type {other}"
            )));
        }
    };
    Ok(Input {
        name: name.to_owned(),
        features: features.filter(|it| *it > 0),
        precision,
    })
}

/// What becomes of the scores and the label after the trees.
fn follow(
    graph: &proto::Graph,
    trees: &proto::Node,
    mut model: OnnxTrees,
) -> Result<OnnxTrees, ReadError> {
    let ensemble = &mut model.ensemble;
    let scores = trees.output.last().map_or("", String::as_str);
    let label = trees.output.first().filter(|_| trees.output.len() > 1);
    // Whether a value stands for the scores, or for the label.
    let mut values: HashMap<&str, bool> = HashMap::from([(scores, true)]);
    values.extend(label.map(|it| (it.as_str(), false)));
    let constants: HashMap<&str, &proto::Tensor> = graph
        .initializer
        .iter()
        .map(|it| (it.name.as_str(), it))
        .collect();
    for node in graph.node.iter().filter(|it| !std::ptr::eq(*it, trees)) {
        let first = node.input.first().map_or("", String::as_str);
        let Some(of_scores) = values.get(first).copied() else {
            // Before the trees, where `input` has looked already.
            if passes(node) {
                continue;
            }
            return Err(refused(&node.op_type));
        };
        let other = node.input.get(1).and_then(|it| constants.get(it.as_str()));
        let constant = other.and_then(|it| it.numbers());
        match (node.op_type.as_str(), of_scores, constant.as_deref()) {
            ("Identity" | "Cast", ..) | ("ZipMap", true, _) | ("Mul", true, Some([1.0])) => {}
            ("Exp", true, _) if ensemble.link == Link::Identity => {
                ensemble.link = Link::Exponential;
            }
            ("Div", true, Some([by])) if can_divide(ensemble, *by) => {
                ensemble.aggregate = Aggregate::Mean(*by);
            }
            _ => return Err(refused(&node.op_type)),
        }
        values.extend(node.output.iter().map(|it| (it.as_str(), of_scores)));
    }
    let stands_for = |it: &&proto::Value| values.get(it.name.as_str()).copied();
    let outputs = || graph.output.iter();
    let Some(scores) = outputs().rfind(|it| stands_for(it) == Some(true)) else {
        return Err(malformed("graph", "its outputs are not the trees' scores"));
    };
    scores.name.clone_into(&mut model.scores);
    let element = match model.labels {
        Some(Labels::Texts(_)) => proto::STRING,
        _ => proto::INT64,
    };
    let label = outputs().find(|it| stands_for(it) == Some(false) && it.is_of(element));
    model.label = label.map(|it| it.name.clone());
    Ok(model)
}

/// Whether a division after the trees is the one of a mean.
fn can_divide(ensemble: &Ensemble, by: f64) -> bool {
    let (Base::First(base) | Base::Last(base)) = &ensemble.base;
    ensemble.link == Link::Identity
        && ensemble.aggregate == Aggregate::Sum
        && base.iter().all(|it| *it == 0.0)
        && by.is_finite()
        && by > 0.0
}
