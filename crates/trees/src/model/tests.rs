use super::{Kernel, Model};
use crate::{
    Aggregate, Base, Categories, Ensemble, Link, Missing, Node, Number, Precision, ReadError, Rows,
    ShapeError, Side, Split, Test, Tree,
};
use proptest::prelude::*;
use std::sync::Arc;

/// Numbers by lot.
struct Lot(u64);

impl Lot {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }

    fn number(&mut self) -> f64 {
        match self.below(12) {
            0 => f64::NAN,
            1 => 0.0,
            2 => -0.0,
            3 => f64::INFINITY,
            4 => f64::NEG_INFINITY,
            5 => 1e-36,
            6 => -0.5,
            7 => 1e300,
            _ => self.below(80) as f64 * 0.5 - 4.0,
        }
    }

    fn split(&mut self, features: u64, wide: bool) -> Split {
        let feature = self.below(features) as u32;
        let side = [Side::Left, Side::Right][self.below(2) as usize];
        let missing = match self.below(3) {
            0 => Missing::Nothing,
            1 => Missing::Nan(side),
            _ => Missing::NanAndZero(side),
        };
        let words = if wide && feature == 1 { 3 } else { 1 };
        let test = match self.below(10) {
            0 => Test::Below(self.number()),
            1 => Test::Equal(self.number()),
            2 | 3 => Test::Member(Categories {
                words: (0..words).map(|_| self.below(1 << 28) * 257).collect(),
                fraction_is_zero: self.below(2) == 0,
            }),
            4 => Test::AtMost(self.number()),
            _ => Test::AtMost(self.below(3000) as f64 * 0.01),
        };
        Split {
            feature,
            test,
            missing,
            left: 0,
            right: 0,
            cover: 1.0,
        }
    }

    fn tree(&mut self, output: u32, leaves: u64, features: u64, wide: bool) -> Tree {
        let mut nodes = vec![self.leaf()];
        for _ in 1..leaves {
            let at = loop {
                let at = self.below(nodes.len() as u64) as usize;
                if matches!(nodes[at], Node::Leaf { .. }) {
                    break at;
                }
            };
            let mut split = self.split(features, wide);
            (split.left, split.right) = (nodes.len() as u32, nodes.len() as u32 + 1);
            let (left, right) = (self.leaf(), self.leaf());
            nodes[at] = Node::Split(split);
            nodes.extend([left, right]);
        }
        Tree { output, nodes }
    }

    fn leaf(&mut self) -> Node {
        let value = self.below(1 << 30) as f64 * 1e-9 - 0.5;
        Node::Leaf { value, cover: 1.0 }
    }

    fn ensemble(&mut self, most: u64) -> Ensemble {
        let features = 1 + self.below(40);
        let outputs = 1 + self.below(3);
        let (count, wide) = (self.below(90), self.below(2) == 0);
        let base = vec![0.25; outputs as usize];
        let first = self.below(2) == 0;
        Ensemble {
            feature_names: (0..features).map(|at| format!("f{at}")).collect(),
            outputs: outputs as usize,
            precision: [Precision::Double, Precision::Single][self.below(2) as usize],
            base: if first {
                Base::First(base)
            } else {
                Base::Last(base)
            },
            trees: (0..count)
                .map(|at| {
                    let leaves = 1 + self.below(most);
                    self.tree((at % outputs) as u32, leaves, features, wide)
                })
                .collect(),
            aggregate: [Aggregate::Sum, Aggregate::Mean(3.0)][self.below(2) as usize],
            link: Link::Identity,
        }
    }
}

/// The plainest reading of the contract: one tree after the other, one node after the other.
fn plain(ensemble: &Ensemble, row: &[f64]) -> Vec<f64> {
    let single = ensemble.precision == Precision::Single;
    let round = |it: f64| if single { f64::from(it as f32) } else { it };
    let (Base::First(base) | Base::Last(base)) = &ensemble.base;
    let first = matches!(ensemble.base, Base::First(_));
    let mut out = if first {
        base.clone()
    } else {
        vec![0.0; ensemble.outputs]
    };
    for tree in &ensemble.trees {
        let mut at = 0;
        let value = loop {
            match &tree.nodes[at] {
                Node::Leaf { value, .. } => break *value,
                Node::Split(split) => {
                    let value = round(row[split.feature as usize]);
                    at = if goes_left(split, value, round) {
                        split.left
                    } else {
                        split.right
                    } as usize;
                }
            }
        };
        let sum = &mut out[tree.output as usize];
        *sum = round(*sum + round(value));
    }
    for (sum, base) in out.iter_mut().zip(base) {
        if let Aggregate::Mean(by) = ensemble.aggregate {
            *sum = round(*sum / by);
        }
        if !first {
            *sum = round(*sum + *base);
        }
    }
    out
}

fn goes_left(split: &Split, value: f64, round: impl Fn(f64) -> f64) -> bool {
    let zero = value.abs() <= f64::from(1e-35_f32);
    match split.missing {
        Missing::Nan(side) if value.is_nan() => return side == Side::Left,
        Missing::NanAndZero(side) if value.is_nan() || zero => return side == Side::Left,
        _ => {}
    }
    let value = if value.is_nan() { 0.0 } else { value };
    match &split.test {
        Test::AtMost(it) => value <= round(*it),
        Test::Below(it) => value < round(*it),
        Test::Equal(it) => value == round(*it),
        Test::Member(set) => {
            let least = if set.fraction_is_zero {
                value > -1.0
            } else {
                value >= 0.0
            };
            let at = value.trunc().abs();
            least
                && at < 64.0 * set.words.len() as f64
                && set.words[at as usize / 64] >> (at as usize % 64) & 1 == 1
        }
    }
}

fn bits(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|it| it.to_bits()).collect()
}

fn scored<T: Number>(model: &Model, rows: Rows<'_, T>) -> Vec<u64> {
    let mut out = vec![0.0; rows.count() * model.predictions()];
    model.predict_rows(rows, &mut out).unwrap();
    bits(&out)
}

fn check(seed: u64, most: u64, count: usize, gap: usize) {
    let mut lot = Lot(seed);
    let ensemble = lot.ensemble(most);
    let (columns, stride) = (ensemble.features(), ensemble.features() + gap);
    let data: Vec<f64> = (0..count * stride).map(|_| lot.number()).collect();
    let rows = Rows::strided(&data, count, columns, stride).unwrap();
    let wanted: Vec<f64> = (0..count)
        .flat_map(|at| plain(&ensemble, rows.row(at)))
        .collect();
    let mut textbook = vec![0.0; wanted.len()];
    for (at, out) in textbook.chunks_exact_mut(ensemble.outputs).enumerate() {
        ensemble.score(rows.row(at), out);
    }
    assert_eq!(bits(&textbook), bits(&wanted), "the textbook");
    let narrow: Vec<f32> = data.iter().map(|it| *it as f32).collect();
    let kernels = [Kernel::Walk, Kernel::Portable, Kernel::Avx2, Kernel::Avx512];
    for kernel in kernels {
        let Some(model) = Model::with_kernel(ensemble.clone(), kernel) else {
            continue;
        };
        assert_eq!(scored(&model, rows), bits(&wanted), "{kernel:?}");
        if ensemble.precision == Precision::Single {
            let rows = Rows::strided(&narrow, count, columns, stride).unwrap();
            assert_eq!(scored(&model, rows), bits(&wanted), "{kernel:?} of f32");
        }
    }
    let model = Model::new(ensemble.clone());
    assert_eq!(scored(&model, rows), bits(&wanted), "{:?}", model.kernel());
    let opened = Model::open(Arc::new(model.to_compact())).unwrap();
    let again = Model::new(opened.ensemble().unwrap());
    assert!(
        again.to_compact() == model.to_compact(),
        "the same ensemble comes back"
    );
    assert_eq!(scored(&opened, rows), bits(&wanted), "opened");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_kernel_gives_the_bits_of_the_plainest_walk(
        seed: u64,
        most in prop::sample::select(vec![1_u64, 8, 16, 32, 64, 128, 200]),
        count in 1_usize..300,
        gap in 0_usize..3,
    ) {
        check(seed, most, count, gap);
    }
}

#[test]
fn a_few_rows_have_the_bits_of_each_alone() {
    for count in (1..=18).chain(46..=50) {
        check(count as u64, 32, count, 1);
    }
}

#[test]
fn a_feature_with_thousands_of_thresholds_still_takes_the_fast_way() {
    let mut lot = Lot(7);
    let mut ensemble = lot.ensemble(2);
    ensemble.trees = (0..300).map(|_| lot.tree(0, 32, 2, true)).collect();
    let model = Model::new(ensemble);
    assert_ne!(model.kernel(), Kernel::Walk);
}

/// A model of 500 trees of 31 leaves on 30 features, with gaps and categories.
fn like_a(precision: Precision) -> Ensemble {
    let mut lot = Lot(23);
    let mut ensemble = lot.ensemble(2);
    ensemble.feature_names = (0..30).map(|at| format!("f{at}")).collect();
    (ensemble.outputs, ensemble.precision) = (1, precision);
    ensemble.base = Base::First(vec![0.0]);
    ensemble.trees = (0..500).map(|_| lot.tree(0, 31, 30, false)).collect();
    ensemble
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_model_of_matches_takes_the_widest_kernel_that_the_processor_has() {
    let has = [
        is_x86_feature_detected!("avx512f"),
        is_x86_feature_detected!("avx512bw"),
        is_x86_feature_detected!("avx512dq"),
        is_x86_feature_detected!("avx512vl"),
        is_x86_feature_detected!("avx512vbmi"),
        is_x86_feature_detected!("avx512bitalg"),
    ];
    let widest = match is_x86_feature_detected!("avx2") {
        true if has == [true; 6] => Kernel::Avx512,
        true => Kernel::Avx2,
        false => Kernel::Portable,
    };
    for precision in [Precision::Double, Precision::Single] {
        let model = Model::new(like_a(precision));
        assert_eq!(model.kernel(), widest, "{precision:?}");
        let opened = Model::open(Arc::new(model.to_compact())).unwrap();
        assert_eq!(opened.kernel(), widest, "{precision:?} opened");
    }
}

#[test]
fn a_model_of_more_columns_than_a_look_up_reaches_gives_the_same_bits() {
    let mut lot = Lot(29);
    let mut ensemble = lot.ensemble(2);
    ensemble.feature_names = (0..300).map(|at| format!("f{at}")).collect();
    (ensemble.outputs, ensemble.base) = (2, Base::First(vec![0.0; 2]));
    ensemble.aggregate = Aggregate::Sum;
    ensemble.trees = (0..150).map(|at| lot.tree(at % 2, 60, 300, true)).collect();
    let data: Vec<f64> = (0..140 * 300).map(|_| lot.number()).collect();
    let rows = Rows::packed(&data, 300).unwrap();
    let wanted: Vec<f64> = (0..140)
        .flat_map(|at| plain(&ensemble, rows.row(at)))
        .collect();
    for kernel in [Kernel::Portable, Kernel::Avx2, Kernel::Avx512] {
        let Some(model) = Model::with_kernel(ensemble.clone(), kernel) else {
            continue;
        };
        assert_eq!(scored(&model, rows), bits(&wanted), "{kernel:?}");
        for (row, wanted) in wanted.chunks(2).enumerate() {
            let one = Rows::packed(rows.row(row), 300).unwrap();
            assert_eq!(scored(&model, one), bits(wanted), "{kernel:?}, row {row}");
        }
    }
}

#[test]
fn least_and_greatest_are_taken_of_leaves() {
    let mut lot = Lot(3);
    for (aggregate, pick) in [
        (Aggregate::Min, f64::min as fn(f64, f64) -> f64),
        (Aggregate::Max, f64::max),
    ] {
        let mut ensemble = lot.ensemble(1);
        (ensemble.outputs, ensemble.base) = (1, Base::Last(vec![1.0]));
        ensemble.precision = Precision::Double;
        ensemble.trees = (0..20).map(|_| lot.tree(0, 1, 1, false)).collect();
        ensemble.aggregate = aggregate;
        let leaves = ensemble.trees.iter().map(|tree| match tree.nodes[0] {
            Node::Leaf { value, .. } => value,
            Node::Split(_) => f64::NAN,
        });
        let wanted = leaves.reduce(pick).unwrap() + 1.0;
        let mut out = [0.0];
        let model = Model::new(ensemble);
        model
            .predict(&vec![0.0; model.features()], &mut out)
            .unwrap();
        assert_eq!(out, [wanted]);
    }
}

#[test]
fn broken_bytes_are_refused_and_never_panic() {
    let mut lot = Lot(11);
    let whole = Model::new(lot.ensemble(20)).to_compact();
    assert_eq!(
        Model::open(Arc::new(b"no model".to_vec())).unwrap_err(),
        ReadError::Unknown
    );
    for cut in (8..whole.len()).step_by(97) {
        let error = Model::open(Arc::new(whole[..cut].to_vec())).unwrap_err();
        assert!(
            matches!(error, ReadError::Malformed { .. }),
            "{cut}: {error}"
        );
    }
    for _ in 0..3000 {
        let mut bytes = whole.clone();
        let at = lot.below(bytes.len() as u64) as usize;
        bytes[at] = lot.below(256) as u8;
        if let Ok(model) = Model::open(Arc::new(bytes)) {
            let _ = model.ensemble();
            let row = vec![0.5_f32; model.features() * 14];
            let mut out = vec![0.0; 14 * model.predictions()];
            let rows = Rows::strided(&row, 14, model.features(), model.features()).unwrap();
            model.predict_rows(rows, &mut out).unwrap();
            model
                .predict_rows(
                    Rows::strided(&row, 1, model.features(), model.features()).unwrap(),
                    &mut out[..model.predictions()],
                )
                .unwrap();
        }
    }
}

#[test]
fn rows_and_room_of_the_wrong_size_are_refused() {
    let mut ensemble = Lot(5).ensemble(4);
    ensemble.feature_names.truncate(1);
    ensemble.trees.clear();
    ensemble.outputs = 1;
    ensemble.base = Base::First(vec![0.5]);
    ensemble.link = Link::SigmoidPair;
    ensemble.aggregate = Aggregate::Sum;
    let model = Model::new(ensemble);
    let error = model.predict(&[1.0, 2.0], &mut [0.0; 2]).unwrap_err();
    assert_eq!(
        error,
        ShapeError::Features {
            given: 2,
            wanted: 1
        }
    );
    let error = model.predict(&[1.0], &mut [0.0]).unwrap_err();
    assert_eq!(
        error,
        ShapeError::Room {
            given: 1,
            wanted: 2
        }
    );
    let mut out = [0.0; 2];
    model.predict(&[1.0], &mut out).unwrap();
    assert!((out[1] - 0.622_459_331).abs() < 1e-6 && (out[0] + out[1] - 1.0).abs() < 1e-6);
    assert!(model.size_bytes() > model.to_compact().len());
    assert!(format!("{model:?}").contains("size_bytes"));
}

#[test]
fn links_make_predictions_of_scores() {
    let one = 1_f64.exp();
    let cases = [
        (Link::Sigmoid { slope: 2.0 }, 1.0 / (1.0 + (-2_f64).exp())),
        (Link::SigmoidEach { slope: 1.0 }, one / (1.0 + one)),
        (Link::Exponential, one),
        (Link::Softmax, 0.5),
        (Link::SoftmaxZero, 0.5),
        (Link::LogOnePlusExp, (1.0 + one).ln()),
        (Link::SignedSquare, 1.0),
        (Link::Step, 1.0),
    ];
    for (link, wanted) in cases {
        let mut ensemble = Lot(1).ensemble(1);
        ensemble.trees.clear();
        (ensemble.outputs, ensemble.base) = (2, Base::Last(vec![1.0; 2]));
        (ensemble.aggregate, ensemble.link) = (Aggregate::Sum, link);
        let model = Model::open(Arc::new(Model::new(ensemble).to_compact())).unwrap();
        let mut out = [0.0; 2];
        model
            .predict(&vec![0.0; model.features()], &mut out)
            .unwrap();
        assert!(
            (out[0] - wanted).abs() < 1e-6 && out[0] == out[1],
            "{link:?} {out:?}"
        );
    }
}

#[test]
fn a_pair_of_several_outputs_is_refused() {
    let mut ensemble = Lot(5).ensemble(4);
    ensemble.trees.clear();
    (ensemble.outputs, ensemble.base) = (3, Base::First(vec![0.5; 3]));
    (ensemble.link, ensemble.aggregate) = (Link::Class, Aggregate::Sum);
    let mut bytes = Model::new(ensemble.clone()).to_compact();
    let other = Ensemble {
        link: Link::Softmax,
        ..ensemble
    };
    let softmax = Model::new(other).to_compact();
    let at = (0..bytes.len())
        .find(|at| bytes[*at] != softmax[*at])
        .unwrap();
    // The code of a pair in the place of the link's.
    bytes[at] = 10;
    let error = Model::open(Arc::new(bytes)).unwrap_err();
    assert!(
        error.to_string().contains("a pair of more than one output"),
        "{error}"
    );
}
