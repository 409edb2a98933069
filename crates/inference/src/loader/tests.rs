use std::{fs, path::Path};

use tempfile::TempDir;

use trees::Precision;

use crate::{
    DataType, InferRequest, ModelServer, Tensor, Values, VersionRef,
    fixtures::{options, put, stump},
};

#[tokio::test]
async fn a_network_is_served_with_its_signature_its_golden_rows_and_its_label() {
    let folder = TempDir::new().unwrap();
    let write = |path: &str, bytes: &[u8]| fs::write(folder.path().join(path), bytes).unwrap();
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx");
    let bytes = fs::read(recorded.join("perceptron.onnx")).unwrap();
    let record = fs::read(recorded.join("perceptron.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    let numbers = |side: &str| -> Vec<f64> {
        serde_json::from_value(record[side][0]["values"].clone()).unwrap()
    };
    let (inputs, wanted) = (numbers("inputs"), numbers("outputs"));
    let rows = |numbers: &[f64], width| -> Vec<Vec<f64>> {
        numbers.chunks(width).map(<[f64]>::to_vec).collect()
    };
    let golden = serde_json::json!({"inputs": rows(&inputs, 6), "outputs": rows(&wanted, 3)});
    for version in ["1", "2"] {
        fs::create_dir_all(folder.path().join("net").join(version)).unwrap();
        write(
            &format!("net/{version}/golden.json"),
            golden.to_string().as_bytes(),
        );
    }
    write("net/config.toml", b"labels = { champion = 1 }");
    write("net/1/model.onnx", &bytes);
    write("net/2/model.onnx", &bytes[..bytes.len() / 2]);
    let server = ModelServer::open(options(&folder)).await.unwrap();
    let ask = |version| InferRequest {
        model: "net".to_owned(),
        version,
        inputs: vec![Tensor {
            name: "input".to_owned(),
            datatype: DataType::Fp64,
            shape: vec![9, 6],
            values: Values::Fp64(inputs.clone()),
        }],
        outputs: Vec::new(),
        key: None,
        priority: 0,
        deadline: None,
        explain: false,
    };
    let champion = VersionRef::Label("champion".to_owned());
    let reply = server.infer(ask(champion.clone())).await.unwrap();
    let Values::Fp32(given) = &reply.outputs[0].values else {
        panic!("{reply:?}")
    };
    for (given, wanted) in given.iter().zip(&wanted) {
        assert!((f64::from(*given) - wanted).abs() < 1e-6);
    }
    let metadata = server.metadata("net", &champion).await.unwrap();
    assert_eq!(metadata.platform, "onnx");
    assert_eq!(metadata.signature.inputs[0].shape, [-1, 6]);
    let mut explained = ask(champion);
    explained.explain = true;
    let error = server.infer(explained).await.unwrap_err();
    assert!(error.to_string().contains("contributions"), "{error}");
    let error = server
        .load("net", &VersionRef::Number(2))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("ONNX"), "{error}");
}

#[tokio::test]
async fn golden_rows_without_rows_are_refused() {
    let folder = TempDir::new().unwrap();
    put(folder.path(), "elo", 1, &stump(1.0, 2.0, Precision::Double));
    let golden = folder.path().join("elo/1/golden.json");
    fs::write(golden, br#"{"inputs": [], "outputs": []}"#).unwrap();
    let server = ModelServer::open(options(&folder)).await.unwrap();
    let error = server
        .load("elo", &VersionRef::Number(1))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("there are no rows"), "{error}");
}

#[tokio::test]
async fn golden_rows_are_of_the_first_fractions_or_of_the_output_that_is_named() {
    let folder = TempDir::new().unwrap();
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx");
    let bytes = fs::read(recorded.join("named_linear.onnx")).unwrap();
    let record = fs::read(recorded.join("named_linear.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    // The label comes first and is a text.
    assert!(record["outputs"][0]["values"][0].is_string());
    let rows = |side: &serde_json::Value| -> Vec<Vec<f64>> {
        let width = side["shape"][1].as_u64().unwrap() as usize;
        let numbers: Vec<f64> = serde_json::from_value(side["values"].clone()).unwrap();
        numbers.chunks(width).map(<[f64]>::to_vec).collect()
    };
    let inputs = rows(&record["inputs"][0]);
    let outputs = rows(&record["outputs"][1]);
    let wrong: Vec<Vec<f64>> = outputs.iter().map(|it| vec![0.5; it.len()]).collect();
    let named = record["outputs"][1]["name"].as_str().unwrap();
    let cases = [
        (
            serde_json::json!({"inputs": inputs, "outputs": outputs}),
            None,
        ),
        (
            serde_json::json!({"inputs": inputs, "outputs": outputs, "output": named}),
            None,
        ),
        (
            serde_json::json!({"inputs": inputs, "outputs": outputs, "output": "other"}),
            Some("golden.json: the model gives no output other"),
        ),
        (
            serde_json::json!({"inputs": inputs, "outputs": wrong}),
            Some("or give a tolerance"),
        ),
    ];
    let mut versions = 1..;
    for (golden, wanted) in cases {
        let version = versions.next().unwrap();
        let path = folder.path().join(format!("net/{version}"));
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("golden.json"), golden.to_string()).unwrap();
        fs::write(path.join("model.onnx"), &bytes).unwrap();
        let server = ModelServer::open(options(&folder)).await.unwrap();
        let loaded = server.load("net", &VersionRef::Number(version)).await;
        match wanted {
            None => loaded.unwrap(),
            Some(reason) => {
                let error = loaded.unwrap_err().to_string();
                assert!(error.contains(reason), "{error}");
            }
        }
    }
}

#[test]
fn what_networks_may_differ_by_grows_with_their_numbers() {
    let part = super::golden::Allowance::Part(1e-5);
    assert!(part.holds(100_000.5, 100_000.0) && !part.holds(1.00002, 1.0));
    assert!(part.holds(1e-6, 0.0) && !part.holds(f64::NAN, 0.0));
}

#[tokio::test]
async fn a_whole_number_that_is_divided_by_is_warmed_up_with_ones() {
    let folder = TempDir::new().unwrap();
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx");
    fs::create_dir_all(folder.path().join("net/1")).unwrap();
    let bytes = fs::read(recorded.join("divided.onnx")).unwrap();
    fs::write(folder.path().join("net/1/model.onnx"), bytes).unwrap();
    let server = ModelServer::open(options(&folder)).await.unwrap();
    server.load("net", &VersionRef::Serving).await.unwrap();
}
