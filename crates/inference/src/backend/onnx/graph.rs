//! What an ONNX file says: its graph, held against what can be run.

use std::collections::HashSet;

use tract_onnx::{
    Onnx,
    pb::{
        GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, tensor_proto::DataLocation,
        tensor_shape_proto::dimension, type_proto,
    },
    prelude::{DatumType, Framework},
};

use trees::{OnnxTrees, ReadError};

use super::{forest, formulas, rewrite::write_known, values::datatype_of};
use crate::{DataType, TensorSpec};

/// A graph that may be run.
pub(super) struct Graph {
    pub(super) proto: ModelProto,
    pub(super) onnx: Onnx,
    /// What it takes; dimensions left open are −1.
    pub(super) inputs: Vec<TensorSpec>,
    /// Names of what it gives.
    pub(super) outputs: Vec<String>,
    /// Memory that its weights take.
    pub(super) weights_bytes: usize,
}

/// Whether a file is for `trees` to read, or to refuse: trees and nothing else.
pub(crate) fn is_trees_alone(bytes: &[u8]) -> bool {
    !matches!(OnnxTrees::read(bytes), Err(ReadError::Unsupported(_)))
}

fn parse(bytes: &[u8]) -> Result<ModelProto, String> {
    let mut from = bytes;
    let proto = tract_onnx::onnx().proto_model_for_read(&mut from);
    proto.map_err(|it| format!("not an ONNX model: {it:#}"))
}

impl Graph {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut proto = parse(bytes)?;
        let mut onnx = tract_onnx::onnx().with_ignore_value_info(true);
        forest::register(&mut onnx.op_register);
        formulas::register(&mut onnx.op_register);
        let graph = proto.graph.as_mut().ok_or("there is no graph")?;
        if graph.node.is_empty() || graph.output.is_empty() {
            return Err("the graph has no operators or no outputs".to_owned());
        }
        check_weights(graph)?;
        write_known(graph)?;
        let unknown: Vec<&str> = graph
            .node
            .iter()
            .filter(|it| !is_known(&onnx, it))
            .map(|it| match it.op_type.as_str() {
                "Imputer" => "Imputer of anything but NaN",
                other => other,
            })
            .collect::<HashSet<_>>()
            .into_iter()
            .collect();
        if !unknown.is_empty() {
            return Err(format!("operators not supported: {}", unknown.join(", ")));
        }
        let weights: HashSet<&str> = graph.initializer.iter().map(|it| &*it.name).collect();
        let inputs = graph.input.iter();
        let inputs = inputs.filter(|it| !weights.contains(&*it.name)).map(input);
        let inputs: Vec<TensorSpec> = inputs.collect::<Result<_, _>>()?;
        if inputs.is_empty() {
            return Err("the graph takes no input".to_owned());
        }
        let outputs = graph.output.iter().map(|it| it.name.clone()).collect();
        let weights_bytes = graph.initializer.iter().map(bytes_of).sum();
        Ok(Self {
            proto,
            onnx,
            inputs,
            outputs,
            weights_bytes,
        })
    }
}

/// Known, and gives the same numbers each time.
pub(super) fn is_known(onnx: &Onnx, node: &NodeProto) -> bool {
    let lot = ["Random", "Multinomial", "Bernoulli"];
    ["", "ai.onnx", "ai.onnx.ml"].contains(&&*node.domain)
        && !lot.iter().any(|it| node.op_type.starts_with(it))
        && onnx.op_register.0.contains_key(&node.op_type)
}

/// Refuses weights that lie in other files, and those that are not as many as they say.
fn check_weights(graph: &GraphProto) -> Result<(), String> {
    for it in &graph.initializer {
        if it.data_location == Some(DataLocation::External as i32) {
            let name = &it.name;
            return Err(format!(
                "weights {name} lie in another file: save the model as one file"
            ));
        }
        let count = it.dims.iter().try_fold(1_u64, |all, &next| {
            all.checked_mul(u64::try_from(next).ok()?)
        });
        // An element takes a byte at least; a text may take none of its own.
        let most = bytes_of(it) as u64;
        if count.is_none_or(|it| it > most) && it.string_data.is_empty() {
            let (name, dims) = (&it.name, &it.dims);
            return Err(format!("weights {name} do not hold a shape of {dims:?}"));
        }
    }
    Ok(())
}

fn bytes_of(it: &TensorProto) -> usize {
    let texts: usize = it.string_data.iter().map(|it| it.len()).sum();
    it.raw_data.len()
        + texts
        + 4 * (it.float_data.len() + it.int32_data.len())
        + 8 * (it.double_data.len() + it.int64_data.len() + it.uint64_data.len())
}

fn input(info: &ValueInfoProto) -> Result<TensorSpec, String> {
    let name = &info.name;
    let held = info.r#type.as_ref().and_then(|it| it.value.as_ref());
    let Some(type_proto::Value::TensorType(tensor)) = held else {
        return Err(format!("input {name} is no tensor"));
    };
    let held = tract_onnx::pb::tensor_proto::DataType::try_from(tensor.elem_type)
        .ok()
        .and_then(|it| DatumType::try_from(it).ok());
    let datatype = match held.and_then(datatype_of) {
        Some(DataType::Bytes) => return Err(format!("input {name} holds texts")),
        Some(it) => it,
        None => return Err(format!("input {name} has a type that is not known")),
    };
    let Some(shape) = &tensor.shape else {
        return Err(format!("input {name} has no shape"));
    };
    let shape = shape.dim.iter().map(|it| match it.value {
        Some(dimension::Value::DimValue(it)) if it > 0 => it,
        _ => -1,
    });
    Ok(TensorSpec {
        name: name.clone(),
        datatype,
        shape: shape.collect(),
    })
}
