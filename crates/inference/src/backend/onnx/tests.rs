use std::{fs, path::PathBuf};

use serde::Deserialize;
use serde_json::Value;
use tract_onnx::pb::NodeProto;

use super::*;
use crate::{TensorSpec, Values};

#[derive(Deserialize)]
struct Recorded {
    inputs: Vec<Numbers>,
    outputs: Vec<Numbers>,
}

#[derive(Deserialize)]
struct Numbers {
    name: String,
    shape: Vec<u64>,
    values: Vec<Value>,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden/onnx")
        .join(name)
}

fn file(name: &str) -> Vec<u8> {
    fs::read(path(&format!("{name}.onnx"))).unwrap()
}

fn recorded(name: &str) -> Recorded {
    serde_json::from_slice(&fs::read(path(&format!("{name}.json"))).unwrap()).unwrap()
}

fn network(name: &str) -> OnnxBackend {
    OnnxBackend::read(&file(name), &ModelConfig::default()).unwrap()
}

fn tensors(backend: &OnnxBackend, given: &[Numbers]) -> Vec<Tensor> {
    let make = |it: &Numbers| {
        let mut specs = backend.signature.inputs.iter();
        let datatype = specs.find(|spec| spec.name == it.name).unwrap().datatype;
        let numbers = it.values.iter().map(|it| it.as_f64().unwrap_or(f64::NAN));
        Tensor {
            name: it.name.clone(),
            datatype,
            shape: it.shape.clone(),
            values: match datatype {
                DataType::Int64 => Values::Int64(numbers.map(|it| it as i64).collect()),
                _ => Values::Fp32(numbers.map(|it| it as f32).collect()),
            },
        }
    };
    given.iter().map(make).collect()
}

fn plain(values: &Values) -> Vec<Value> {
    match values {
        Values::Fp32(it) => it.iter().map(|&it| f64::from(it).into()).collect(),
        Values::Int64(it) => it.iter().map(|&it| (it as f64).into()).collect(),
        Values::Bytes(it) => it
            .iter()
            .map(|it| str::from_utf8(it).unwrap().into())
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// Holds a network against what ONNX Runtime recorded, in a batch, and each row alone against that.
fn check(name: &str) {
    let (backend, record) = (network(name), recorded(name));
    let inputs = tensors(&backend, &record.inputs);
    let outputs = backend.run(&inputs).unwrap();
    assert_eq!(outputs.len(), record.outputs.len());
    for (given, wanted) in outputs.iter().zip(&record.outputs) {
        assert_eq!((&given.name, &given.shape), (&wanted.name, &wanted.shape));
        for (given, wanted) in plain(&given.values).iter().zip(&wanted.values) {
            let near = match (given.as_f64(), wanted.as_f64()) {
                (Some(given), Some(wanted)) => (given - wanted).abs() < 5e-6,
                _ => given == wanted,
            };
            assert!(near, "{name}: {given} for {wanted}");
        }
    }
    for row in 0..inputs[0].rows() as usize {
        let alone: Vec<Tensor> = inputs.iter().map(|it| values::rows(it, row, 1)).collect();
        for (alone, together) in backend.run(&alone).unwrap().iter().zip(&outputs) {
            let together = values::rows(together, row, 1);
            assert_eq!(together.shape, alone.shape);
            assert!(
                values::alike(&together.values, &alone.values, 1e-6),
                "{name}, row {row}"
            );
        }
    }
}

/// A number as it was recorded.
fn told(recorded: &Value) -> f64 {
    match recorded.as_str() {
        Some(text) => text.parse().unwrap(),
        None => recorded.as_f64().unwrap_or(f64::NAN),
    }
}

#[test]
fn operators_say_of_what_is_no_number_or_large_what_onnx_runtime_says() {
    let (backend, record) = (network("edges"), recorded("edges"));
    let rows: Vec<f32> = record.inputs[0]
        .values
        .iter()
        .map(|it| told(it) as f32)
        .collect();
    let input = Tensor {
        name: "rows".to_owned(),
        datatype: DataType::Fp32,
        shape: record.inputs[0].shape.clone(),
        values: Values::Fp32(rows.clone()),
    };
    let outputs = backend.run(&[input]).unwrap();
    assert_eq!(outputs.len(), record.outputs.len());
    let mut strange = Vec::new();
    for (given, wanted) in outputs.iter().zip(&record.outputs) {
        let Values::Fp32(numbers) = &given.values else {
            panic!("{given:?}")
        };
        let width = numbers.len() / (rows.len() / 4);
        for (at, (&given, recorded)) in numbers.iter().zip(&wanted.values).enumerate() {
            let (row, given) = (&rows[at / width * 4..][..4], f64::from(given));
            // What it takes for the outermost beside what is no number depends on their order.
            let outermost = ["ReduceMax", "ReduceMin"].contains(&wanted.name.as_str());
            let wanted_number = match outermost && row.iter().any(|it| it.is_nan()) {
                true => f64::NAN,
                false => told(recorded),
            };
            let same = given == wanted_number
                || given.is_nan() && wanted_number.is_nan()
                || (given - wanted_number).abs() <= 1e-5 * wanted_number.abs().max(1.0);
            if !same {
                strange.push(format!(
                    "{} of {row:?}: {given} for {wanted_number}",
                    wanted.name
                ));
            }
        }
    }
    assert!(strange.is_empty(), "{strange:#?}");
}

/// ONNX Runtime makes numbers of it in `GRU` and `LSTM`, others do not.
#[test]
fn recurrent_operators_give_nothing_from_where_a_number_is_missing() {
    const STEPS: usize = 5;
    let (backend, record) = (network("remembered"), recorded("remembered"));
    let inputs = tensors(&backend, &record.inputs);
    let rows = inputs[0].rows() as usize;
    let games = record.inputs[0].values.chunks(STEPS * 3);
    let firsts: Vec<usize> = games
        .map(|row| row.iter().position(Value::is_null))
        .map(|at| at.map_or(STEPS, |it| it / 3))
        .collect();
    assert_eq!((firsts[2], firsts[4]), (3, 0));
    for (given, wanted) in backend.run(&inputs).unwrap().iter().zip(&record.outputs) {
        let Values::Fp32(numbers) = &given.values else {
            panic!("{given:?}")
        };
        let width = numbers.len() / rows / STEPS;
        for (at, (number, recorded)) in numbers.iter().zip(&wanted.values).enumerate() {
            let (row, step) = (at / width / STEPS, at / width % STEPS);
            let right = match step < firsts[row] {
                true => (f64::from(*number) - told(recorded)).abs() < 5e-6,
                false => number.is_nan(),
            };
            let name = &given.name;
            assert!(
                right,
                "{name} of row {row}, step {step}: {number} for {recorded}"
            );
        }
    }
}

fn refused(bytes: &[u8], config: &ModelConfig) -> String {
    OnnxBackend::read(bytes, config).unwrap_err()
}

#[test]
fn networks_say_what_onnx_runtime_says() {
    for name in [
        "perceptron",
        "one_row",
        "convolution",
        "recurrent",
        "two_inputs",
        "divided",
        "scaled_linear",
        "scaled_trees",
        "scaled_trees_two",
        "scaled_forest",
        "named_linear",
        "named_linear_two",
        "imputed_linear",
        "calibrated_linear",
        "calibrated_forest",
    ] {
        check(name);
    }
}

#[test]
fn what_can_be_planned_for_any_number_of_rows_is() {
    let many = |name| matches!(network(name).plan, Plan::Many(_));
    assert!(many("perceptron") && many("convolution") && many("two_inputs"));
    assert!(!many("recurrent") && !many("one_row"));
}

#[test]
fn the_signature_is_read_from_the_file() {
    let backend = network("two_inputs");
    let signature = backend.signature();
    let spec = |name: &str, datatype, shape: &[i64]| TensorSpec {
        name: name.to_owned(),
        datatype,
        shape: shape.to_vec(),
    };
    assert_eq!(
        signature.inputs,
        [
            spec("form", DataType::Fp32, &[-1, 3]),
            spec("count", DataType::Int64, &[-1, 1])
        ]
    );
    assert_eq!(
        signature.outputs,
        [
            spec("score", DataType::Fp32, &[-1, 2]),
            spec("winner", DataType::Int64, &[-1])
        ]
    );
    assert_eq!(backend.platform(), "onnx");
    assert!(backend.size_bytes() > 1000);
}

#[test]
fn a_model_exported_for_one_row_runs_rows_one_after_the_other() {
    let (one, any) = (network("one_row"), network("perceptron"));
    assert_eq!(one.signature.inputs[0].shape, [-1, 6]);
    let inputs = tensors(&any, &recorded("perceptron").inputs);
    let given = (one.run(&inputs).unwrap(), any.run(&inputs).unwrap());
    assert_eq!(given.0[0].shape, given.1[0].shape);
    assert!(values::alike(&given.0[0].values, &given.1[0].values, 1e-6));
}

#[test]
fn more_rows_than_are_run_at_a_time_come_back_in_order() {
    let backend = network("perceptron");
    let many = values::sample(&backend.signature.inputs[0], 2 * ROWS_MAX + 5);
    let outputs = backend.run(std::slice::from_ref(&many)).unwrap();
    assert_eq!(outputs[0].shape, [2 * ROWS_MAX as u64 + 5, 3]);
    for row in [0, ROWS_MAX, 2 * ROWS_MAX + 4] {
        let alone = backend.run(&[values::rows(&many, row, 1)]).unwrap();
        let together = values::rows(&outputs[0], row, 1);
        assert!(values::alike(&alone[0].values, &together.values, 1e-6));
    }
}

#[test]
fn the_settings_may_choose_outputs_and_must_fit() {
    let whole = network("two_inputs");
    let mut config = ModelConfig {
        signature: Some(whole.signature.clone()),
        ..ModelConfig::default()
    };
    let given = config.signature.as_mut().unwrap();
    given.outputs.remove(0);
    given.features = vec!["form".to_owned()];
    let backend = OnnxBackend::read(&file("two_inputs"), &config).unwrap();
    let outputs = backend
        .run(&tensors(&backend, &recorded("two_inputs").inputs))
        .unwrap();
    assert_eq!(outputs.len(), 1);
    assert_eq!(
        (outputs[0].name.as_str(), backend.signature.features.len()),
        ("winner", 1)
    );
    type Change = fn(&mut Signature);
    let cases: [(Change, &str); 5] = [
        (
            |it| it.outputs[0].name = "other".to_owned(),
            "the signature's output other is not the model's",
        ),
        (
            |it| it.inputs[0].name = "other".to_owned(),
            "the signature has no input form",
        ),
        (
            |it| it.inputs.truncate(1),
            "the signature has 1 inputs where the model has 2",
        ),
        (
            |it| it.inputs[0].shape[1] = 4,
            "the signature's input form is Fp32 of [-1, 4] where the model has Fp32 of [-1, 3]",
        ),
        (
            |it| it.outputs[0].datatype = DataType::Fp32,
            "the signature's output winner is Fp32 of [-1] where the model has Int64 of [-1]",
        ),
    ];
    for (change, wanted) in cases {
        let mut config = config.clone();
        change(config.signature.as_mut().unwrap());
        assert_eq!(refused(&file("two_inputs"), &config), wanted);
    }
}

#[test]
fn what_cannot_be_run_is_refused_with_a_reason() {
    let config = ModelConfig::default();
    assert_eq!(
        refused(&file("four_rows"), &config),
        "input input takes 4 rows at a time: export it with an open first dimension"
    );
    let reason = refused(&file("wide"), &config);
    assert!(reason.contains("Sigmoid does not support F64"), "{reason}");
    assert!(
        reason.ends_with("export it with float32 inputs (FloatTensorType)"),
        "{reason}"
    );
    let reason = refused(b"nonsense", &config);
    assert!(reason.starts_with("not an ONNX model"), "{reason}");
    let swap = |name: &str, from: &str, to: &str| {
        let bytes = file(name);
        let at = bytes
            .windows(from.len())
            .position(|it| it == from.as_bytes());
        let at = at.unwrap();
        [&bytes[..at], to.as_bytes(), &bytes[at + from.len()..]].concat()
    };
    assert_eq!(
        refused(&swap("perceptron", "Relu", "Rely"), &config),
        "operators not supported: Rely"
    );
    let mut bytes = file("imputed_linear");
    let nan = f32::NAN.to_le_bytes();
    let at = bytes.windows(4).position(|it| it == nan).unwrap();
    bytes[at..at + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    assert_eq!(
        refused(&bytes, &config),
        "operators not supported: Imputer of anything but NaN"
    );
}

#[test]
fn every_beginning_of_a_file_is_an_error_and_none_a_panic() {
    let whole = file("two_inputs");
    for end in 0..whole.len() {
        let Ok(backend) = OnnxBackend::read(&whole[..end], &ModelConfig::default()) else {
            continue;
        };
        // What lacks only its version numbers is a model still.
        check_same(&backend, end, whole.len());
    }
}

fn check_same(backend: &OnnxBackend, end: usize, length: usize) {
    assert!(end + 16 > length, "{end} bytes of {length} were taken");
    let whole = network("two_inputs");
    assert_eq!(backend.signature, whole.signature);
}

/// Written as others before the runtime sees them.
const WRITTEN: [&str; 3] = ["Imputer", "Scaler", "ZipMap"];

#[test]
fn the_operators_that_the_documentation_lists_are_known() {
    let text = include_str!("../../../../../docs/models.md");
    let mut lines = text.lines();
    lines.find(|it| it.ends_with("The operators that are known:"));
    let list = lines.nth(1).unwrap();
    let listed: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    assert!(listed.len() > 100, "{list}");
    let mut onnx = tract_onnx::onnx();
    forest::register(&mut onnx.op_register);
    formulas::register(&mut onnx.op_register);
    let known = |operator: &&str| {
        let node = NodeProto {
            op_type: (*operator).to_owned(),
            ..NodeProto::default()
        };
        WRITTEN.contains(operator) || graph::is_known(&onnx, &node)
    };
    let strange: Vec<&str> = listed.into_iter().filter(|it| !known(it)).collect();
    assert_eq!(strange, [""; 0]);
}
