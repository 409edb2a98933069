//! What ONNX Runtime said of small models of every kind, against what every kernel says: within
//! one unit in the last place of `f32`. `tests/golden/generate_onnx.py` wrote the files.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

#[path = "golden/support.rs"]
mod support;

use std::{fs, path::PathBuf};

use serde_json::Value;
use trees::{Ensemble, Precision};

#[test]
fn every_kernel_gives_what_onnx_runtime_gives() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/onnx");
    let (mut models, mut faults) = (0, Vec::new());
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|it| it != "onnx") {
            continue;
        }
        models += 1;
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let record = fs::read(path.with_extension("record")).unwrap();
        let record: Value = serde_json::from_slice(&record).unwrap();
        let held = std::panic::catch_unwind(|| {
            let ensemble = Ensemble::read(&fs::read(&path).unwrap())
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let wide = ensemble.precision == Precision::Double;
            let rows = support::wide_numbers(&record["rows"], wide);
            let wanted = support::numbers(&record["prediction"]);
            support::hold(&name, &ensemble, &rows, &wanted, 1);
        });
        if held.is_err() {
            faults.push(name);
        }
    }
    assert!(models >= 90, "{models} models are recorded");
    assert_eq!(faults, Vec::<String>::new());
}
