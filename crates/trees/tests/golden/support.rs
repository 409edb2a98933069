//! What the tests of recorded models share: holds every kernel to what a library said.

use std::sync::Arc;

use serde_json::Value;
use trees::{Ensemble, Kernel, Model, Number, Precision, Rows};

/// Numbers of `f32`, or `f64` where they are `wide`, in hexadecimal digits, a row to a text.
#[allow(dead_code, reason = "each test takes what it needs")]
pub(crate) fn wide_numbers(value: &Value, wide: bool) -> Vec<f64> {
    if !wide {
        return numbers(value).into_iter().map(f64::from).collect();
    }
    let rows = value.as_array().unwrap();
    let digits = rows
        .iter()
        .flat_map(|it| it.as_str().unwrap().as_bytes().chunks(16));
    digits
        .map(|it| {
            let digits = std::str::from_utf8(it).unwrap();
            f64::from_bits(u64::from_str_radix(digits, 16).unwrap())
        })
        .collect()
}

/// Numbers of `f32`, eight hexadecimal digits each, a row to a text.
pub(crate) fn numbers(value: &Value) -> Vec<f32> {
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

/// Steps from one number to the other.
fn apart(left: f32, right: f32) -> u32 {
    let order = |it: f32| {
        let bits = it.to_bits() as i32;
        if bits < 0 { i32::MIN - bits } else { bits }
    };
    match (left.is_nan(), right.is_nan()) {
        (true, true) => 0,
        (false, false) => order(left).abs_diff(order(right)),
        _ => u32::MAX,
    }
}

/// The greatest distance of what came from what was recorded.
pub(crate) fn check(what: &str, given: &[f64], wanted: &[f32], steps_max: u32) -> u32 {
    assert_eq!(given.len(), wanted.len(), "{what}: predictions");
    let distance = |(given, wanted): (&f64, &f32)| apart(*given as f32, *wanted);
    let found: Vec<u32> = given.iter().zip(wanted).map(distance).collect();
    let most = found.iter().copied().max().unwrap_or(0);
    let at = found.iter().position(|it| *it == most).unwrap_or(0);
    assert!(
        most <= steps_max,
        "{what}, number {at}: {} where {} is recorded, {most} steps apart",
        given[at] as f32,
        wanted[at]
    );
    most
}

fn scored<T: Number>(model: &Model, rows: Rows<'_, T>) -> Vec<f64> {
    let mut out = vec![0.0; rows.count() * model.predictions()];
    model.predict_rows(rows, &mut out).unwrap();
    out
}

fn same_bits(what: &str, given: &[f64], wanted: &[f64]) {
    let bits = |it: &[f64]| it.iter().map(|it| it.to_bits()).collect::<Vec<u64>>();
    assert_eq!(bits(given), bits(wanted), "{what}");
}

/// Holds the textbook to the record, and every kernel, batch size and the compact form to the bits
/// of the textbook.
pub(crate) fn hold(
    name: &str,
    ensemble: &Ensemble,
    rows: &[f64],
    wanted: &[f32],
    steps_max: u32,
) -> u32 {
    let features = ensemble.features();
    let narrow: Vec<f32> = rows.iter().map(|it| *it as f32).collect();
    let single = ensemble.precision == Precision::Single;
    let mut textbook = Vec::new();
    for row in rows.chunks(features) {
        let mut out = vec![0.0; ensemble.predictions()];
        ensemble.score(row, &mut out);
        textbook.extend(out);
    }
    let most = check(name, &textbook, wanted, steps_max);
    let rows = Rows::packed(rows, features).unwrap();
    let narrow = Rows::packed(&narrow, features).unwrap();
    for kernel in [Kernel::Walk, Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
        let Some(model) = Model::with_kernel(ensemble.clone(), kernel) else {
            continue;
        };
        let what = format!("{name} by {kernel:?}");
        same_bits(&what, &scored(&model, rows), &textbook);
        if single {
            same_bits(&what, &scored(&model, narrow), &textbook);
        }
        for (row, wanted) in textbook.chunks(model.predictions()).enumerate() {
            let mut out = vec![0.0; model.predictions()];
            model.predict(rows.row(row), &mut out).unwrap();
            same_bits(&format!("{what}, row {row}"), &out, wanted);
        }
        let opened = Model::open(Arc::new(model.to_compact())).unwrap();
        same_bits(
            &format!("{what}, opened"),
            &scored(&opened, rows),
            &textbook,
        );
    }
    most
}
