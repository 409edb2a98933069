//! Operators of pipelines that the runtime does not know, or not as converters write them, written
//! as ones that it knows.

use tract_onnx::pb::{
    AttributeProto, GraphProto, NodeProto, TensorProto, attribute_proto::AttributeType,
    tensor_proto::DataType,
};

/// Writes a scaler as a difference and a product, an imputer as a choice, a map of probabilities as
/// the tensor that it is made of, a linear classifier of named classes as one of numbered classes
/// and a look at their names, a column picked by a number as one picked by a list.
pub(super) fn write_known(graph: &mut GraphProto) -> Result<(), String> {
    let mut written = Vec::with_capacity(graph.node.len());
    let weights = &mut graph.initializer;
    for mut node in std::mem::take(&mut graph.node) {
        match &*node.op_type {
            "ZipMap" => {
                "Identity".clone_into(&mut node.op_type);
                node.domain.clear();
                node.attribute.clear();
                written.push(node);
            }
            "Scaler" => written.extend(scaler(&node, weights)?),
            "Imputer" => written.extend(imputer(node, weights)),
            "LinearClassifier" => written.extend(linear(node, weights)),
            "ArrayFeatureExtractor" => written.push(picker(node, weights)),
            _ => written.push(node),
        }
    }
    graph.node = written;
    Ok(())
}

fn scaler(node: &NodeProto, weights: &mut Vec<TensorProto>) -> Result<Vec<NodeProto>, String> {
    let ([input], [output]) = (&*node.input, &*node.output) else {
        return Err("Scaler takes one input and gives one output".to_owned());
    };
    let name = |part: &str| format!("{output}/{part}");
    let mut nodes = vec![cast(input, name("cast"))];
    for (attribute, kind) in [("offset", "Sub"), ("scale", "Mul")] {
        let given = node.attribute.iter().find(|it| it.name == attribute);
        if let Some(numbers) = given.map(|it| &it.floats).filter(|it| !it.is_empty()) {
            weights.push(floats(name(attribute), numbers));
            let before = nodes.last().expect("a cast at least").output[0].clone();
            nodes.push(plain(kind, vec![before, name(attribute)], name(kind)));
        }
    }
    let last = nodes.last_mut().expect("a cast at least");
    last.output = vec![output.clone()];
    Ok(nodes)
}

/// Numbers in the place of what is not a number; in the place of any other it stays as it is.
fn imputer(node: NodeProto, weights: &mut Vec<TensorProto>) -> Vec<NodeProto> {
    let named = |name: &str| node.attribute.iter().find(|it| it.name == name);
    let replaces_nan = named("replaced_value_float").is_some_and(|it| it.f.is_nan());
    let numbers = named("imputed_value_floats").map_or(&[][..], |it| &it.floats);
    let ([input], [output]) = (&*node.input, &*node.output) else {
        return vec![node];
    };
    if numbers.is_empty() || !replaces_nan {
        return vec![node];
    }
    let name = |part: &str| format!("{output}/{part}");
    weights.push(floats(name("values"), numbers));
    let choice = vec![name("missing"), name("values"), name("cast")];
    vec![
        cast(input, name("cast")),
        plain("IsNaN", vec![name("cast")], name("missing")),
        plain("Where", choice, output.clone()),
    ]
}

/// A column stays a column, which it does not for the runtime where it is picked by a number.
fn picker(mut node: NodeProto, weights: &mut Vec<TensorProto>) -> NodeProto {
    let ([_, index], [output]) = (&mut *node.input, &*node.output) else {
        return node;
    };
    let number = weights
        .iter()
        .find(|it| it.name == *index && it.dims.is_empty());
    if let Some(number) = number.cloned() {
        *index = format!("{output}/list");
        weights.push(TensorProto {
            name: index.clone(),
            dims: vec![1],
            ..number
        });
    }
    node
}

fn linear(mut node: NodeProto, weights: &mut Vec<TensorProto>) -> Vec<NodeProto> {
    let named = |it: &&mut AttributeProto| it.name == "classlabels_strings";
    let named = node.attribute.iter_mut().find(named);
    let (Some(names), Some(label)) = (named, node.output.first_mut()) else {
        return vec![node];
    };
    if names.strings.is_empty() {
        return vec![node];
    }
    let texts = std::mem::take(&mut names.strings);
    "classlabels_ints".clone_into(&mut names.name);
    names.r#type = AttributeType::Ints as i32;
    names.ints = (0..texts.len() as i64).collect();
    let (all, number) = (format!("{label}/names"), format!("{label}/number"));
    weights.push(TensorProto {
        name: all.clone(),
        dims: vec![texts.len() as i64],
        data_type: DataType::String as i32,
        string_data: texts,
        ..TensorProto::default()
    });
    let label = std::mem::replace(label, number.clone());
    vec![node, plain("Gather", vec![all, number], label)]
}

fn floats(name: String, numbers: &[f32]) -> TensorProto {
    TensorProto {
        name,
        dims: vec![numbers.len() as i64],
        data_type: DataType::Float as i32,
        float_data: numbers.to_vec(),
        ..TensorProto::default()
    }
}

/// A cast to `f32`.
fn cast(input: &str, output: String) -> NodeProto {
    let mut node = plain("Cast", vec![input.to_owned()], output);
    node.attribute.push(AttributeProto {
        name: "to".to_owned(),
        i: DataType::Float as i64,
        r#type: AttributeType::Int as i32,
        ..AttributeProto::default()
    });
    node
}

/// A node without attributes.
fn plain(kind: &str, inputs: Vec<String>, output: String) -> NodeProto {
    NodeProto {
        name: output.clone(),
        op_type: kind.to_owned(),
        input: inputs,
        output: vec![output],
        ..NodeProto::default()
    }
}
