//! Explains rows of little-endian `f64` by a model of any kind: `explain model rows out`.
//!
//! Writes the contributions to `out`; prints what making ready and one row took, in time on the
//! processor as Linux counts it for the thread, best of several passes.
#![expect(
    clippy::print_stdout,
    reason = "a program whose answer is what it prints"
)]

use std::sync::Arc;
use std::time::Duration;
use trees::{Model, Rows};

/// Time that this thread has been on a processor.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let first = text.split(' ').next().and_then(|it| it.parse().ok());
    Duration::from_nanos(first.expect("nanoseconds come first"))
}

fn main() {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [model, rows, out] = paths.as_slice() else {
        panic!("three paths are wanted");
    };
    let read = |path: &String| std::fs::read(path).expect("a file");
    let model = Model::read(Arc::new(read(model))).expect("a model");
    let rows = read(rows);
    let (numbers, _) = rows.as_chunks::<8>();
    let rows: Vec<f64> = numbers.iter().map(|it| f64::from_le_bytes(*it)).collect();
    let rows = Rows::packed(&rows, model.features()).expect("whole rows");
    let mut given = vec![0.0; rows.count() * model.contributions_width()];
    let mut explain = |count: usize| {
        let some = Rows::packed(&rows.row(0)[..0], 1).expect("none");
        let start = spent();
        match count {
            0 => model.contributions(some, &mut []),
            _ => model.contributions(rows, &mut given),
        }
        .expect("a model with counts");
        spent() - start
    };
    let bytes = model.size_bytes();
    let ready = explain(0);
    let kept = model.size_bytes() - bytes;
    let best = (0..5).map(|_| explain(1)).min().expect("five passes");
    let each = best.as_secs_f64() / rows.count() as f64 * 1e6;
    let ready = ready.as_secs_f64() * 1e3;
    println!("{each:.1} µs a row, made ready in {ready:.1} ms, {kept} bytes kept");
    let bytes: Vec<u8> = given.iter().flat_map(|it| it.to_le_bytes()).collect();
    std::fs::write(out, bytes).expect("a place for the answer");
}
