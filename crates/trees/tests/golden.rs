//! What LightGBM said of small models of every kind, against what every kernel says: the same
//! bits. `tests/golden/generate_lightgbm.py` wrote the files.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

use std::{fs, path::PathBuf};

use serde_json::Value;
use trees::{Aggregate, Ensemble, Kernel, Model, Rows};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/lightgbm")
}

/// A number written as a hexadecimal float.
fn number(text: &str) -> f64 {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    let Some(digits) = rest.strip_prefix("0x") else {
        return sign * rest.parse::<f64>().unwrap();
    };
    let (mantissa, exponent) = digits.split_once('p').unwrap();
    let whole = mantissa.replace('.', "");
    let places = i32::try_from(4 * (whole.len() - 1)).unwrap();
    let exponent: i32 = exponent.parse().unwrap();
    // In two steps, so that the least numbers do not vanish on the way.
    let value = u64::from_str_radix(&whole, 16).unwrap() as f64;
    sign * value
        * 2_f64.powi(-places)
        * 2_f64.powi(exponent / 2)
        * 2_f64.powi(exponent - exponent / 2)
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|it| number(it.as_str().unwrap()))
        .collect()
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|it| it.to_bits()).collect()
}

/// Every recorded model: its name, its text, what was recorded.
fn recorded() -> Vec<(String, Vec<u8>, Value)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "json") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let record = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            found.push((name, fs::read(path.with_extension("txt")).unwrap(), record));
        }
    }
    assert!(found.len() >= 25, "{} models are recorded", found.len());
    found
}

#[test]
fn every_kernel_gives_the_bits_of_lightgbm() {
    for (name, text, record) in recorded() {
        let ensemble = Ensemble::read(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let rows: Vec<f64> = record["rows"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(numbers)
            .collect();
        let rows = Rows::packed(&rows, ensemble.features()).unwrap();
        let wanted = numbers(&record["prediction"]);
        for kernel in [Kernel::Walk, Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
            let Some(model) = Model::with_kernel(ensemble.clone(), kernel) else {
                continue;
            };
            let mut out = vec![0.0; rows.count() * model.predictions()];
            model.predict_rows(rows, &mut out).unwrap();
            assert_eq!(bits(&out), bits(&wanted), "{name} by {kernel:?} in a batch");
            for (row, wanted) in wanted.chunks(model.predictions()).enumerate() {
                let mut out = vec![0.0; model.predictions()];
                model.predict(rows.row(row), &mut out).unwrap();
                assert_eq!(bits(&out), bits(wanted), "{name} by {kernel:?}, row {row}");
            }
        }
    }
}

#[test]
fn raw_scores_are_lightgbms() {
    // Of a forest LightGBM gives the sum as the raw score and the mean as the prediction; here the
    // raw score is the mean.
    let boosted = recorded()
        .into_iter()
        .filter(|it| !it.0.starts_with("forest"));
    for (name, text, record) in boosted {
        let ensemble = Ensemble::read(&text).unwrap();
        let wanted = numbers(&record["raw"]);
        let rows = record["rows"].as_array().unwrap();
        for (row, wanted) in rows.iter().zip(wanted.chunks(ensemble.outputs)) {
            let mut out = vec![0.0; ensemble.outputs];
            ensemble.raw_scores(&numbers(row), &mut out);
            assert_eq!(bits(&out), bits(wanted), "{name}");
        }
    }
}

#[test]
fn the_compact_form_gives_the_same_bits() {
    for (name, text, record) in recorded() {
        let model = Model::read(std::sync::Arc::new(text)).unwrap();
        let opened = Model::read(std::sync::Arc::new(model.to_compact())).unwrap();
        let rows: Vec<f64> = record["rows"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(numbers)
            .collect();
        let rows = Rows::packed(&rows, opened.features()).unwrap();
        let mut out = vec![0.0; rows.count() * opened.predictions()];
        opened.predict_rows(rows, &mut out).unwrap();
        assert_eq!(bits(&out), bits(&numbers(&record["prediction"])), "{name}");
    }
}

/// How far a contribution may lie from LightGBM's, as a share of the greatest of its row. LightGBM
/// divides factors out of products again, which costs it a few digits.
const TOLERANCE: f64 = 1e-12;

#[test]
fn contributions_are_lightgbms() {
    for (name, text, record) in recorded() {
        let ensemble = Ensemble::read(&text).unwrap();
        // LightGBM explains the sum of a forest, whose mean is its prediction.
        let divisor = match ensemble.aggregate {
            Aggregate::Mean(count) => count,
            _ => 1.0,
        };
        let model = Model::new(ensemble);
        let wanted = numbers(&record["contributions"]);
        let width = model.contributions_width();
        let rows = record["rows"].as_array().unwrap();
        let rows: Vec<f64> = rows[..wanted.len() / width]
            .iter()
            .flat_map(numbers)
            .collect();
        let mut given = vec![0.0; wanted.len()];
        let rows = Rows::packed(&rows, model.features()).unwrap();
        model.contributions(rows, &mut given).unwrap();
        for (given, wanted) in given.chunks(width).zip(wanted.chunks(width)) {
            let greatest = wanted.iter().fold(0.0, |it: f64, next| it.max(next.abs()));
            for (given, wanted) in given.iter().zip(wanted) {
                let difference = (given * divisor - wanted).abs();
                assert!(
                    difference <= TOLERANCE * greatest,
                    "{name}: {given} for {wanted}, {difference:e}"
                );
            }
        }
    }
}
