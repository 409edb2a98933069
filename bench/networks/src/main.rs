//! Times tract on the networks that models.py wrote, for one row, 64 and 1,000 rows a call, with a
//! plan for that number and with one for any number.
//!
//! usage: cargo run --release -- NAME.onnx:WIDTH[xWIDTH]...

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use tract_onnx::prelude::*;

const SIZES: [usize; 3] = [1, 64, 1000];

fn main() {
    let arguments = std::env::args().skip(1);
    for argument in arguments {
        let (path, widths) = argument.split_once(':').expect("NAME.onnx:WIDTH");
        let widths: Vec<usize> = widths.split('x').map(|it| it.parse().unwrap()).collect();
        println!("{path}");
        let opened = best(3, 1, || drop(black_box(fixed(path, 1, &widths))));
        println!("  tract: one plan made in {:.1} ms", opened * 1e3);
        let symbolic = symbolic(path, &widths);
        for rows in SIZES {
            compare(path, rows, &widths, &symbolic);
        }
    }
}

type Plan = Arc<TypedRunnableModel>;

fn fixed(path: &str, rows: usize, widths: &[usize]) -> Plan {
    let shape: Vec<usize> = [&[rows], widths].concat();
    let model = tract_onnx::onnx().model_for_path(path).unwrap();
    let model = model.with_input_fact(0, f32::fact(&*shape).into()).unwrap();
    model.into_optimized().unwrap().into_runnable().unwrap()
}

fn symbolic(path: &str, widths: &[usize]) -> Plan {
    let model = tract_onnx::onnx().model_for_path(path).unwrap();
    let rows = model.symbols.sym("N");
    let mut shape: Vec<TDim> = vec![rows.into()];
    shape.extend(widths.iter().map(|it| it.to_dim()));
    let model = model.with_input_fact(0, f32::fact(&*shape).into()).unwrap();
    model.into_optimized().unwrap().into_runnable().unwrap()
}

fn compare(path: &str, rows: usize, widths: &[usize], symbolic: &Plan) {
    let shape: Vec<usize> = [&[rows], widths].concat();
    let count: usize = shape.iter().product();
    let data: Vec<f32> = (0..count)
        .map(|it| ((it * 37 % 101) as f32 - 50.0) / 25.0)
        .collect();
    let plan = fixed(path, rows, widths);
    let run = |plan: &Plan| {
        let input = Tensor::from_shape(&shape, &data).unwrap();
        let outputs = plan.run(tvec!(input.into())).unwrap();
        outputs[0]
            .try_as_plain_ram()
            .unwrap()
            .as_slice::<f32>()
            .unwrap()
            .to_vec()
    };
    let (a, b) = (run(&plan), run(symbolic));
    let apart = |a: &[f32], b: &[f32]| {
        a.iter()
            .zip(b)
            .fold(0.0, |it: f32, (a, b)| it.max((a - b).abs()))
    };
    let alone: Vec<f32> = (0..rows)
        .flat_map(|row| {
            let width = count / rows;
            let shape: Vec<usize> = [&[1], widths].concat();
            let input = Tensor::from_shape(&shape, &data[row * width..][..width]).unwrap();
            let outputs = symbolic.run(tvec!(input.into())).unwrap();
            outputs[0]
                .try_as_plain_ram()
                .unwrap()
                .as_slice::<f32>()
                .unwrap()
                .to_vec()
        })
        .collect();
    let calls = (30_000 / rows).max(150);
    let per = |time: f64| time * 1e6 / rows as f64;
    let one = best(7, calls, || drop(black_box(run(&plan))));
    let any = best(7, calls, || drop(black_box(run(symbolic))));
    println!(
        "  {rows} rows: planned {:.3}, any count {:.3} µs a row; apart {:.1e}, in a batch and alone {:.1e}",
        per(one),
        per(any),
        apart(&a, &b),
        apart(&b, &alone)
    );
    println!("  first answers {:?}", &a[..3]);
}

/// The best of several passes, seconds on the processor a call.
fn best(passes: usize, calls: usize, mut work: impl FnMut()) -> f64 {
    let pass = |()| {
        let start = spent();
        (0..calls).for_each(|_| work());
        spent() - start
    };
    let best = std::iter::repeat_n((), passes).map(pass).min().unwrap();
    best.as_secs_f64() / calls as f64
}

/// Time that this thread has been on a processor.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let first = text.split(' ').next().and_then(|it| it.parse().ok());
    Duration::from_nanos(first.expect("nanoseconds come first"))
}
