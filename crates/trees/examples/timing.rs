//! Times a model in our own format on rows of little-endian `f64`: `timing model rows`.
//!
//! Prints the best of several passes in time on the processor, as Linux counts it for the thread.
#![expect(
    clippy::print_stdout,
    reason = "a program whose answer is what it prints"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use trees::{Kernel, Model, Rows};

fn best(passes: usize, mut work: impl FnMut()) -> Duration {
    let pass = |()| {
        let start = spent();
        work();
        spent() - start
    };
    let times = std::iter::repeat_n((), passes).map(pass);
    times.min().unwrap_or_default()
}

/// Time that this thread has been on a processor.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let first = text.split(' ').next().and_then(|it| it.parse().ok());
    Duration::from_nanos(first.expect("nanoseconds come first"))
}

fn main() {
    let mut paths = std::env::args().skip(1);
    let mut read = || std::fs::read(paths.next().expect("two paths")).expect("a file");
    let (model, rows): (Arc<Vec<u8>>, Vec<u8>) = (Arc::new(read()), read());
    let (numbers, _) = rows.as_chunks::<8>();
    let rows: Vec<f64> = numbers.iter().map(|it| f64::from_le_bytes(*it)).collect();
    let open = || Model::open(model.clone()).expect("a model in our own format");
    let opened = best(20, || drop(black_box(open())));
    let held = open();
    println!("{held:?}, opened in {opened:?}");
    let ensemble = held.ensemble().expect("sound trees");
    for kernel in [Kernel::Walk, Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
        if let Some(model) = Model::with_kernel(ensemble.clone(), kernel) {
            time(&model, &rows);
        }
    }
    let compiled = best(5, || drop(black_box(Model::new(ensemble.clone()))));
    println!("compiled in {compiled:?}");
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
    let each = 1000.min(count);
    let many = best(9, || {
        let outs = out.chunks_mut(each * predictions);
        for (rows, out) in rows.chunks(each * features).zip(outs) {
            let rows = Rows::packed(rows, features).expect("whole rows");
            model.predict_rows(rows, out).expect("rows of this model");
        }
        black_box(&out);
    });
    let rate = count as f64 / many.as_secs_f64() / 1e6;
    let one = one.as_secs_f64() / count as f64 * 1e9;
    println!(
        "{:?}: {one:.0} ns for one row, {rate:.2} M rows/s by {each}",
        model.kernel()
    );
}
