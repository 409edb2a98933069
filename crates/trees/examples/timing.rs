//! Times a model on rows of little-endian `f64`: `timing MODEL ROWS [OUT]`.
//!
//! Reads what `Model::read` reads: LightGBM's text, XGBoost's JSON, ONNX, our own format. Prints a
//! name and figures a line, each the best of several passes in time on the processor, as Linux
//! counts it for the thread: a kernel with nanoseconds for one row and rows a second in batches of
//! 1,000; `chosen` with the kernel that the model takes by itself and its size in bytes; `read` and
//! `open` with microseconds to a first answer from the file and from our own format, on the clock of
//! the wall, for text is read by several threads. Predictions are written to OUT.
#![expect(
    clippy::print_stdout,
    reason = "a program whose answer is what it prints"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trees::{Kernel, Model, Rows};

/// Rows of a batch.
const BATCH: usize = 1000;

fn best(passes: usize, mut work: impl FnMut()) -> Duration {
    least(passes, || {
        let start = spent();
        work();
        spent() - start
    })
}

fn least(passes: usize, pass: impl FnMut() -> Duration) -> Duration {
    let times = std::iter::repeat_with(pass).take(passes);
    times.min().unwrap_or_default()
}

/// Time that this thread has been on a processor.
fn spent() -> Duration {
    // The count is brought up to date where the scheduler is asked.
    std::thread::yield_now();
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let first = text.split(' ').next().and_then(|it| it.parse().ok());
    Duration::from_nanos(first.expect("nanoseconds come first"))
}

fn main() {
    let mut paths = std::env::args().skip(1);
    let mut read = || std::fs::read(paths.next().expect("two paths")).expect("a file");
    let (file, rows): (Arc<Vec<u8>>, Vec<u8>) = (Arc::new(read()), read());
    let (numbers, _) = rows.as_chunks::<8>();
    let rows: Vec<f64> = numbers.iter().map(|it| f64::from_le_bytes(*it)).collect();
    let model = Model::read(file.clone()).expect("a model of a kind that is known");
    println!("chosen {:?} {}", model.kernel(), model.size_bytes());
    first_answer("read", &file, &rows);
    first_answer("open", &Arc::new(model.to_compact()), &rows);
    let ensemble = model.ensemble().expect("sound trees");
    for kernel in [Kernel::Walk, Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
        if let Some(model) = Model::with_kernel(ensemble.clone(), kernel) {
            time(&model, &rows);
        }
    }
    if let Some(to) = paths.next() {
        let mut out = vec![0.0; rows.len() / model.features() * model.predictions()];
        let rows = Rows::packed(&rows, model.features()).expect("whole rows");
        model.predict_rows(rows, &mut out).expect("made to measure");
        let bytes: Vec<u8> = out.iter().flat_map(|it| it.to_le_bytes()).collect();
        std::fs::write(to, bytes).expect("room to write");
    }
}

fn first_answer(name: &str, file: &Arc<Vec<u8>>, rows: &[f64]) {
    let took = least(15, || {
        let start = Instant::now();
        let model = Model::read(file.clone()).expect("read before");
        let mut out = vec![0.0; model.predictions()];
        let answer = model.predict(&rows[..model.features()], &mut out);
        answer.expect("a row of this model");
        black_box(&out);
        start.elapsed()
    });
    println!("{name} {:.1}", took.as_secs_f64() * 1e6);
}

fn time(model: &Model, rows: &[f64]) {
    let (features, predictions) = (model.features(), model.predictions());
    let count = rows.len() / features;
    let mut out = vec![0.0; count * predictions];
    let one = best(9, || {
        let outs = out.chunks_exact_mut(predictions);
        for (row, out) in rows.chunks_exact(features).zip(outs) {
            model.predict(row, out).expect("rows of this model");
        }
        black_box(&out);
    });
    let many = best(9, || {
        let outs = out.chunks_mut(BATCH * predictions);
        for (rows, out) in rows.chunks(BATCH * features).zip(outs) {
            let rows = Rows::packed(rows, features).expect("whole rows");
            model.predict_rows(rows, out).expect("rows of this model");
        }
        black_box(&out);
    });
    let rate = count as f64 / many.as_secs_f64();
    let one = one.as_secs_f64() / count as f64 * 1e9;
    println!("{:?} {one:.0} {rate:.0}", model.kernel());
}
