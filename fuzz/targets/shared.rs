//! What all fuzz targets hold a model to that was read: it scores rows, and kernels agree with the
//! textbook to the bit.

use std::sync::Arc;

use trees::{Ensemble, Model, Rows};

/// Models with more are not scored, only read.
const FEATURES_MAX: usize = 512;
const OUTPUTS_MAX: usize = 64;
const NODES_MAX: usize = 20_000;
/// A block and a few single rows.
const ROWS: usize = 37;

/// Reads bytes as a file of another library; what can be read is scored.
pub fn read(bytes: &[u8]) {
    if let Ok(ensemble) = Ensemble::read(bytes) {
        score(&ensemble);
    }
}

/// Opens bytes as our own format; what can be opened is scored, and its trees are looked at.
pub fn open(bytes: &[u8]) {
    let Ok(model) = Model::open(Arc::new(bytes.to_vec())) else {
        return;
    };
    let Ok(rows) = rows(model.features(), model.predictions(), &[]) else {
        return;
    };
    let rows = Rows::packed(&rows, model.features()).expect("made to measure");
    let mut out = vec![0.0; ROWS * model.predictions()];
    model.predict_rows(rows, &mut out).expect("it fits");
    if let Ok(ensemble) = model.ensemble() {
        // Trees and tables of a broken file may say different things; the trees alone do not.
        if let Ok(ensemble) = ensemble.checked() {
            score(&ensemble);
        }
    }
}

fn score(ensemble: &Ensemble) {
    let nodes: usize = ensemble.trees.iter().map(|it| it.nodes.len()).sum();
    let outputs = ensemble.predictions().max(ensemble.outputs);
    let Ok(rows) = rows(ensemble.features(), outputs, &thresholds(ensemble)) else {
        return;
    };
    if nodes > NODES_MAX {
        return;
    }
    let predictions = ensemble.predictions();
    let mut textbook = vec![0.0; ROWS * predictions];
    for (row, out) in rows
        .chunks(ensemble.features())
        .zip(textbook.chunks_mut(predictions))
    {
        ensemble.score(row, out);
    }
    let model = Model::new(ensemble.clone());
    let rows = Rows::packed(&rows, ensemble.features()).expect("made to measure");
    let mut out = vec![0.0; ROWS * predictions];
    model.predict_rows(rows, &mut out).expect("it fits");
    for (at, (given, wanted)) in out.iter().zip(&textbook).enumerate() {
        let same = given.to_bits() == wanted.to_bits() || given.is_nan() && wanted.is_nan();
        assert!(same, "number {at}: {given}, not {wanted}");
    }
}

/// Numbers that the trees ask about.
fn thresholds(ensemble: &Ensemble) -> Vec<f64> {
    let nodes = ensemble.trees.iter().flat_map(|it| &it.nodes);
    let asked = nodes.filter_map(|it| match it {
        trees::Node::Split(split) => match split.test {
            trees::Test::AtMost(it) | trees::Test::Below(it) | trees::Test::Equal(it) => Some(it),
            trees::Test::Member(_) => None,
        },
        trees::Node::Leaf { .. } => None,
    });
    asked.take(64).collect()
}

/// Rows of numbers that matter and of thresholds; none for a model that is too wide.
fn rows(features: usize, outputs: usize, asked: &[f64]) -> Result<Vec<f64>, ()> {
    const NUMBERS: [f64; 12] = [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        0.0,
        -0.0,
        -0.5,
        1.0,
        2.5,
        1e-36,
        63.0,
        1e300,
        -7.0,
    ];
    if features == 0 || features > FEATURES_MAX || outputs > OUTPUTS_MAX {
        return Err(());
    }
    let all: Vec<f64> = NUMBERS.iter().chain(asked).copied().collect();
    let mut state = 7_usize;
    let mut number = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        all[(state >> 33) % all.len()]
    };
    Ok((0..ROWS * features).map(|_| number()).collect())
}
