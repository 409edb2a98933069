//! Rows with known answers, shipped beside a model as `golden.json`.

use std::{fs, path::Path};

use serde::Deserialize;

use super::warm_up::tensor;
use crate::{DataType, TensorSpec, Values, backend::Backend};

/// The longest file that is read.
const BYTES_MAX: u64 = 64 << 20;

/// What helps where answers differ by little.
const ADVICE: &str = "where that is near enough, record the rows with one thread (ONNX Runtime) \
                      or by Booster.predict (XGBoost), or give a tolerance";

/// Rows and the answers they must get; `null` is not a number.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    inputs: Vec<Vec<Option<f64>>>,
    outputs: Vec<Vec<Option<f64>>>,
    /// Which output the answers are of; without it the first of fractions, else the first.
    #[serde(default)]
    output: Option<String>,
    #[serde(default)]
    tolerance: Option<f64>,
}

/// How far an answer may lie from the known one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Allowance {
    Nothing,
    OneUnitOfSingle,
    Within(f64),
    /// A part of the greater of both, and of one.
    Part(f64),
}

impl Allowance {
    pub(super) fn holds(self, given: f64, wanted: f64) -> bool {
        if given == wanted || (given.is_nan() && wanted.is_nan()) {
            return true;
        }
        match self {
            Self::Nothing => false,
            Self::OneUnitOfSingle => {
                let (given, wanted) = (given as f32, wanted as f32);
                given == wanted || given == wanted.next_up() || given == wanted.next_down()
            }
            Self::Within(bound) => (given - wanted).abs() <= bound,
            Self::Part(part) => {
                let scale = given.abs().max(wanted.abs()).max(1.0);
                (given - wanted).abs() <= part * scale
            }
        }
    }
}

/// Scores the rows; the error names the first row that differs, and both values.
pub(super) fn compare(backend: &dyn Backend, path: &Path) -> Result<(), String> {
    let length = fs::metadata(path).map_err(|it| format!("golden.json: {it}"))?;
    if length.len() > BYTES_MAX {
        return Err(format!("golden.json: more than {BYTES_MAX} bytes"));
    }
    let text = fs::read(path).map_err(|it| format!("golden.json: {it}"))?;
    let golden: Golden =
        serde_json::from_slice(&text).map_err(|it| format!("golden.json: {it}"))?;
    if golden.inputs.len() != golden.outputs.len() {
        return Err(format!(
            "golden.json: {} inputs and {} outputs",
            golden.inputs.len(),
            golden.outputs.len()
        ));
    }
    if golden.inputs.is_empty() {
        return Err("golden.json: there are no rows".to_owned());
    }
    let answers = score(backend, &golden)?;
    let allowance = allowance(backend, golden.tolerance);
    let width = answers.len() / golden.inputs.len();
    for (row, wanted) in golden.outputs.iter().enumerate() {
        let given = &answers[row * width..][..width];
        if wanted.len() != width {
            return Err(format!(
                "golden row {row}: {} outputs where the model gives {width}",
                wanted.len()
            ));
        }
        for (&given, &wanted) in given.iter().zip(wanted) {
            let wanted = wanted.unwrap_or(f64::NAN);
            if !allowance.holds(given, wanted) {
                return Err(format!(
                    "golden row {row}: {given} where {wanted} is wanted; {ADVICE}"
                ));
            }
        }
    }
    Ok(())
}

fn allowance(backend: &dyn Backend, tolerance: Option<f64>) -> Allowance {
    const NETWORK: f64 = 1e-5;
    let double = backend
        .signature()
        .outputs
        .iter()
        .all(|it| it.datatype == DataType::Fp64);
    match tolerance {
        Some(bound) => Allowance::Within(bound),
        None if backend.platform() == "onnx" => Allowance::Part(NETWORK),
        None if double => Allowance::Nothing,
        None => Allowance::OneUnitOfSingle,
    }
}

/// The output that the answers are of.
fn place(outputs: &[TensorSpec], named: Option<&str>) -> Result<usize, String> {
    let fractions = [DataType::Fp16, DataType::Fp32, DataType::Fp64];
    match named {
        Some(name) => outputs
            .iter()
            .position(|it| it.name == name)
            .ok_or_else(|| format!("golden.json: the model gives no output {name}")),
        None => {
            let mut all = outputs.iter();
            let first = all.position(|it| fractions.contains(&it.datatype));
            Ok(first.unwrap_or(0))
        }
    }
}

fn score(backend: &dyn Backend, golden: &Golden) -> Result<Vec<f64>, String> {
    let rows = golden.inputs.as_slice();
    let place = place(&backend.signature().outputs, golden.output.as_deref())?;
    let [spec] = backend.signature().inputs.as_slice() else {
        return Err("golden.json: only for models with one input".to_owned());
    };
    let width = rows[0].len();
    if let Some(odd) = rows.iter().position(|it| it.len() != width) {
        return Err(format!(
            "golden row {odd}: {} inputs where row 0 has {width}",
            rows[odd].len()
        ));
    }
    let flat: Vec<f64> = rows
        .iter()
        .flatten()
        .map(|it| it.unwrap_or(f64::NAN))
        .collect();
    let fixed: i64 = spec.shape.iter().skip(1).product();
    if fixed >= 0 && fixed as usize != width {
        return Err(format!(
            "golden rows have {width} inputs where the model takes {fixed}"
        ));
    }
    let input = tensor(spec, rows.len(), |index| flat[index]);
    let outputs = backend
        .run(&[input])
        .map_err(|it| format!("golden rows: {it}"))?;
    let output = outputs.into_iter().nth(place).ok_or("there is no output")?;
    Ok(match output.values {
        Values::Fp64(it) => it,
        Values::Fp32(it) => it.into_iter().map(f64::from).collect(),
        Values::Int64(it) => it.into_iter().map(|it| it as f64).collect(),
        Values::Uint64(it) => it.into_iter().map(|it| it as f64).collect(),
        Values::Bool(it) => it.into_iter().map(|it| f64::from(u8::from(it))).collect(),
        Values::Bytes(_) => return Err("golden.json: the output is not numbers".to_owned()),
    })
}
