//! Scores some rows before a version takes traffic, and measures what one row takes.

use std::time::{Duration, Instant};

use crate::{
    DataType, Tensor, TensorSpec, Values,
    backend::{Backend, contained},
};

const ROWS: u32 = 64;
const ROWS_MAX: u32 = 65_536;

/// Runs the rows wanted; returns what one row takes, the median over batches of runs. Rows are of
/// small numbers of both signs, or of ones where the model cannot take zeros.
pub(super) fn run(backend: &dyn Backend, rows: Option<u32>) -> Result<Duration, String> {
    let attempt = |make: fn(usize) -> f64| contained(|| measure(backend, rows, make))?;
    attempt(small).or_else(|_| attempt(|_| 1.0))
}

/// Whether a row of the warm-up still runs, now that another has made it panic.
pub(crate) fn still_runs(backend: &dyn Backend) -> bool {
    let attempt = |make: fn(usize) -> f64| {
        let ran = contained(|| once(backend, &sample(backend, 1, make)));
        ran.is_ok_and(|it| it.is_ok())
    };
    attempt(small) || attempt(|_| 1.0)
}

fn small(index: usize) -> f64 {
    (index % 7) as f64 - 3.0
}

fn measure(
    backend: &dyn Backend,
    rows: Option<u32>,
    make: fn(usize) -> f64,
) -> Result<Duration, String> {
    const BATCHES: usize = 5;
    const BATCH_TIME: Duration = Duration::from_micros(200);
    const RUNS_MAX: u128 = 64;
    let rows = rows.unwrap_or(ROWS).min(ROWS_MAX) as usize;
    if rows > 0 {
        once(backend, &sample(backend, rows, make))?;
    }
    let one = sample(backend, 1, make);
    once(backend, &one)?;
    let first = once(backend, &one)?;
    let runs = (BATCH_TIME.as_nanos() / first.as_nanos().max(1)).clamp(1, RUNS_MAX) as u32;
    let mut means = [Duration::ZERO; BATCHES];
    for mean in &mut means {
        let started = Instant::now();
        for _ in 0..runs {
            once(backend, &one)?;
        }
        *mean = started.elapsed() / runs;
    }
    means.sort();
    Ok(means[BATCHES / 2])
}

fn once(backend: &dyn Backend, inputs: &[Tensor]) -> Result<Duration, String> {
    let started = Instant::now();
    backend.run(inputs).map_err(|it| format!("warm-up: {it}"))?;
    Ok(started.elapsed())
}

fn sample(backend: &dyn Backend, rows: usize, make: fn(usize) -> f64) -> Vec<Tensor> {
    let inputs = &backend.signature().inputs;
    inputs.iter().map(|it| tensor(it, rows, make)).collect()
}

/// A tensor of so many rows, each element made from its index; dimensions left open are one.
pub(super) fn tensor(spec: &TensorSpec, rows: usize, make: impl Fn(usize) -> f64) -> Tensor {
    let mut shape = vec![rows as u64];
    shape.extend(spec.shape.iter().skip(1).map(|&it| it.max(1) as u64));
    let count = shape.iter().product::<u64>() as usize;
    let made = (0..count).map(make);
    let values = match spec.datatype {
        DataType::Bool => Values::Bool(made.map(|it| it > 0.0).collect()),
        DataType::Uint8 | DataType::Uint16 | DataType::Uint32 | DataType::Uint64 => {
            Values::Uint64(made.map(|it| it as u64).collect())
        }
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            Values::Int64(made.map(|it| it as i64).collect())
        }
        DataType::Fp16 | DataType::Fp32 => Values::Fp32(made.map(|it| it as f32).collect()),
        DataType::Fp64 => Values::Fp64(made.collect()),
        DataType::Bytes => Values::Bytes(made.map(|it| it.to_string().into_bytes()).collect()),
    };
    Tensor {
        name: spec.name.clone(),
        datatype: spec.datatype,
        shape,
        values,
    }
}
