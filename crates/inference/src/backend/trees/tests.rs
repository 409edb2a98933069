use std::{fs, path::Path};

use serde_json::Value;

use super::*;

/// A recorded file of trees alone, what ONNX Runtime said, and the tensor that it was asked.
fn recorded(name: &str, config: &ModelConfig) -> (Result<TreesBackend, String>, Value, Tensor) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx");
    let bytes = fs::read(folder.join(format!("{name}.onnx"))).unwrap();
    let record = fs::read(folder.join(format!("{name}.json"))).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    let asked = &record["inputs"][0];
    let numbers: Vec<f32> = serde_json::from_value(asked["values"].clone()).unwrap();
    let input = Tensor {
        name: asked["name"].as_str().unwrap().to_owned(),
        datatype: DataType::Fp32,
        shape: serde_json::from_value(asked["shape"].clone()).unwrap(),
        values: Values::Fp32(numbers),
    };
    (
        TreesBackend::read(bytes.into(), "onnx", config),
        record,
        input,
    )
}

/// Holds a file's names, shapes, scores and classes against ONNX Runtime's, scores first.
fn check(name: &str) {
    let (backend, record, input) = recorded(name, &ModelConfig::default());
    let backend = backend.unwrap();
    assert_eq!(backend.signature.inputs[0].name, input.name);
    let outputs = backend.run(&[input]).unwrap();
    let [label, scores] = [0, 1].map(|at| &record["outputs"][at]);
    for ((given, wanted), spec) in outputs
        .iter()
        .zip([scores, label])
        .zip(&backend.signature.outputs)
    {
        assert_eq!(
            (given.name.as_str(), given.datatype),
            (&*spec.name, spec.datatype)
        );
        assert_eq!(wanted["name"], given.name);
        assert_eq!(wanted["shape"], serde_json::json!(given.shape));
    }
    let Values::Fp32(given) = &outputs[0].values else {
        panic!("{outputs:?}");
    };
    let wanted: Vec<f32> = serde_json::from_value(scores["values"].clone()).unwrap();
    assert!(given.iter().zip(&wanted).all(|(a, b)| (a - b).abs() < 1e-6));
    let classes: Vec<Value> = match &outputs[1].values {
        Values::Int64(it) => it.iter().map(|&it| (it as f64).into()).collect(),
        Values::Bytes(it) => it
            .iter()
            .map(|it| str::from_utf8(it).unwrap().into())
            .collect(),
        other => panic!("{other:?}"),
    };
    assert_eq!(label["values"], Value::Array(classes));
}

#[test]
fn a_file_of_trees_keeps_its_names_and_its_label() {
    check("named_forest");
    check("numbered_forest");
}

#[test]
fn the_settings_may_name_the_scores_otherwise_and_leave_the_label_out() {
    let spec = |name: &str, datatype, shape: &[i64]| TensorSpec {
        name: name.to_owned(),
        datatype,
        shape: shape.to_vec(),
    };
    let label = spec("label", DataType::Int64, &[-1]);
    let config = |outputs: Vec<TensorSpec>| ModelConfig {
        signature: Some(Signature {
            inputs: vec![spec("rows", DataType::Fp32, &[-1, 5])],
            outputs,
            features: Vec::new(),
        }),
        ..ModelConfig::default()
    };
    let named = |outputs: Vec<TensorSpec>| {
        let (backend, _, input) = recorded("numbered_forest", &config(outputs));
        let outputs = backend?.run(&[input]).map_err(|it| it.to_string())?;
        Ok::<_, String>(outputs.into_iter().map(|it| it.name).collect::<Vec<_>>())
    };
    let scores = || spec("chances", DataType::Fp32, &[-1, 2]);
    assert_eq!(named(vec![scores()]).unwrap(), ["chances"]);
    assert_eq!(
        named(vec![label.clone(), scores()]).unwrap(),
        ["chances", "label"]
    );
    assert_eq!(
        named(vec![label]).unwrap_err(),
        "the signature's output is not one of 2 columns"
    );
}
