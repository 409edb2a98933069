//! What XGBoost said of small models of every kind, against what every kernel says: the same
//! bits. `tests/golden/generate_xgboost.py` wrote the files.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

#[path = "golden/support.rs"]
mod support;

use std::{fs, path::PathBuf};

use serde_json::Value;
use trees::{Ensemble, Model, Rows};

/// Every recorded model: its name, its file, what was recorded.
fn recorded() -> Vec<(String, Vec<u8>, Value)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/xgboost");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it != "record") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let record = fs::read(path.with_extension("record")).unwrap();
            let record = serde_json::from_slice(&record).unwrap();
            found.push((name, fs::read(path).unwrap(), record));
        }
    }
    assert!(found.len() >= 50, "{} models are recorded", found.len());
    found
}

#[test]
fn every_kernel_gives_the_bits_of_xgboost() {
    for (name, bytes, record) in recorded() {
        let ensemble = Ensemble::read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let rows = support::wide_numbers(&record["rows"], false);
        let wanted = support::numbers(&record["prediction"]);
        support::hold(&name, &ensemble, &rows, &wanted, 0);
    }
}

#[test]
fn raw_scores_are_xgboosts() {
    for (name, bytes, record) in recorded() {
        let ensemble = Ensemble::read(&bytes).unwrap();
        let rows = support::numbers(&record["rows"]);
        let mut raw = Vec::new();
        for row in rows.chunks(ensemble.features()) {
            let row: Vec<f64> = row.iter().copied().map(f64::from).collect();
            let mut out = vec![0.0; ensemble.outputs];
            ensemble.raw_scores(&row, &mut out);
            raw.extend(out);
        }
        support::check(&name, &raw, &support::numbers(&record["raw"]), 0);
    }
}

/// XGBoost adds contributions up in `f32`.
const TOLERANCE: f64 = 1e-5;

#[test]
fn contributions_are_xgboosts() {
    for (name, bytes, record) in recorded() {
        let model = Model::new(Ensemble::read(&bytes).unwrap());
        let wanted = support::numbers(&record["contributions"]);
        let width = model.contributions_width();
        let rows = support::numbers(&record["rows"]);
        let count = wanted.len() / width;
        let rows = Rows::packed(&rows[..count * model.features()], model.features()).unwrap();
        let mut given = vec![0.0; wanted.len()];
        model
            .contributions(rows, &mut given)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        for (given, wanted) in given.chunks(width).zip(wanted.chunks(width)) {
            let greatest = wanted.iter().fold(0.0, |it: f32, next| it.max(next.abs()));
            for (given, wanted) in given.iter().zip(wanted) {
                let difference = (given - f64::from(*wanted)).abs();
                assert!(
                    difference <= TOLERANCE * f64::from(greatest),
                    "{name}: {given} for {wanted}, {difference:e}"
                );
            }
        }
    }
}
