//! Recorded models of every library, from a folder of models to answers.

use std::{fs, path::PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::{DataType, InferRequest, Tensor, Values, VersionRef, fixtures::options};

/// Numbers of `f32` in hexadecimal digits, a row to a text.
fn numbers(value: &Value) -> Vec<f32> {
    let rows = value.as_array().unwrap();
    let digits = rows
        .iter()
        .flat_map(|it| it.as_str().unwrap().as_bytes().chunks(8));
    digits
        .map(|it| {
            let digits = std::str::from_utf8(it).unwrap();
            f32::from_bits(u32::from_str_radix(digits, 16).unwrap())
        })
        .collect()
}

/// Puts a recorded model into a folder and asks the server for what was recorded of it.
async fn check(file: &str, platform: &str) {
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../trees/tests/golden");
    let file = golden.join(file);
    let kind = file.extension().unwrap().to_str().unwrap();
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("m/1");
    fs::create_dir_all(&place).unwrap();
    fs::copy(&file, place.join(format!("model.{kind}"))).unwrap();
    let record = fs::read(file.with_extension("record")).unwrap();
    let record: Value = serde_json::from_slice(&record).unwrap();
    let (rows, wanted) = (numbers(&record["rows"]), numbers(&record["prediction"]));
    let count = record["rows"].as_array().unwrap().len();

    let server = ModelServer::open(options(&folder)).await.unwrap();
    let metadata = server.metadata("m", &VersionRef::Serving).await.unwrap();
    assert_eq!(metadata.platform, platform);
    assert_eq!(metadata.signature.inputs[0].datatype, DataType::Fp32);
    let request = InferRequest {
        model: "m".to_owned(),
        version: VersionRef::Serving,
        inputs: vec![Tensor {
            name: metadata.signature.inputs[0].name.clone(),
            datatype: DataType::Fp32,
            shape: vec![count as u64, (rows.len() / count) as u64],
            values: Values::Fp32(rows),
        }],
        outputs: Vec::new(),
        key: None,
        priority: 0,
        deadline: None,
        explain: false,
    };
    let reply = server.infer(request).await.unwrap();
    let shape = [count as u64, (wanted.len() / count) as u64];
    assert_eq!(reply.outputs[0].shape, shape);
    let Values::Fp32(given) = &reply.outputs[0].values else {
        panic!("{file:?} gives no f32");
    };
    let apart = |(given, wanted): (&f32, &f32)| given.to_bits().abs_diff(wanted.to_bits());
    assert!(
        given.iter().zip(&wanted).map(apart).all(|it| it <= 1),
        "{file:?}"
    );
    server.close().await;
}

#[tokio::test]
async fn xgboost_json_is_served() {
    check("xgboost/binary-3.2.0.json", "trees_xgboost").await;
}

#[tokio::test]
async fn xgboost_ubjson_is_served() {
    check("xgboost/softprob-3.2.0.ubj", "trees_xgboost").await;
}

#[tokio::test]
async fn an_onnx_classifier_is_served() {
    check("onnx/lightgbm_three.onnx", "trees_onnx").await;
}

#[tokio::test]
async fn an_onnx_regressor_is_served() {
    check("onnx/regressor_average_3.onnx", "trees_onnx").await;
}

#[tokio::test]
async fn the_newest_onnx_operator_is_served() {
    check("onnx/newest_mixed.onnx", "trees_onnx").await;
}
