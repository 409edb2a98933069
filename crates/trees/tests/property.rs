//! Made-up ensembles of every kind of question, rule for the missing, aggregate, link and
//! arithmetic, on wild rows: the textbook, every kernel, every batch size, the same bits.
//!
//! The long run scores millions of rows and is left out by default:
//! `cargo nextest run --release -p trees --test property --run-ignored only`.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

use proptest::prelude::*;
use trees::{
    Aggregate, Base, Categories, Ensemble, Kernel, Link, Missing, Model, Node, Precision, Rows,
    Side, Split, Test, Tree,
};

const KERNELS: [Kernel; 4] = [Kernel::Walk, Kernel::Portable, Kernel::Avx2, Kernel::Avx512];
const WILD: [f64; 18] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.0,
    -0.0,
    5e-324,
    -5e-324,
    1e-45,
    1e-36,
    1e-35,
    2e-35,
    1e300,
    -1e300,
    3.4e38,
    -0.5,
    -1.0,
    16_777_216.0,
    4_294_967_296.0,
];

/// Numbers by lot.
struct Lot(u64);

impl Lot {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A number that thresholds and rows have in common, or one beside it.
    fn number(&mut self) -> f64 {
        let common = self.below(60) as f64 * 0.25 - 3.0;
        match self.below(8) {
            0 => self.of(&WILD),
            1 => common.next_up(),
            2 => common.next_down(),
            3 => f64::from((common as f32).next_up()),
            _ => common,
        }
    }

    fn threshold(&mut self) -> f64 {
        loop {
            let it = self.number();
            if !it.is_nan() {
                return it;
            }
        }
    }

    fn split(&mut self, features: usize) -> Split {
        let side = self.of(&[Side::Left, Side::Right]);
        let missing = self.of(&[
            Missing::Nothing,
            Missing::Nan(side),
            Missing::NanAndZero(side),
        ]);
        let test = match self.below(8) {
            0 | 1 => Test::Below(self.threshold()),
            2 => Test::Equal(self.threshold()),
            3 => {
                let words = self.below(4);
                Test::Member(Categories {
                    words: (0..words)
                        .map(|_| self.0 ^ (self.below(1 << 30) as u64))
                        .collect(),
                    fraction_is_zero: self.below(2) == 0,
                })
            }
            _ => Test::AtMost(self.threshold()),
        };
        Split {
            feature: self.below(features) as u32,
            test,
            missing,
            left: 0,
            right: 0,
            cover: 1.0,
        }
    }

    fn leaf(&mut self) -> Node {
        let value = match self.below(12) {
            0 => -0.0,
            1 => 1e-300,
            2 => 1e30,
            _ => self.below(1 << 30) as f64 * 1e-9 - 0.5,
        };
        Node::Leaf { value, cover: 1.0 }
    }

    fn tree(&mut self, output: u32, leaves: usize, features: usize) -> Tree {
        let mut nodes = vec![self.leaf()];
        let mut open = vec![0];
        for _ in 1..leaves {
            let place = self.below(open.len());
            let at = open.swap_remove(place);
            let mut split = self.split(features);
            (split.left, split.right) = (nodes.len() as u32, nodes.len() as u32 + 1);
            open.extend([nodes.len(), nodes.len() + 1]);
            let children = [self.leaf(), self.leaf()];
            nodes[at] = Node::Split(split);
            nodes.extend(children);
        }
        Tree { output, nodes }
    }

    fn link(&mut self, outputs: usize) -> Link {
        let slope = 1.5;
        let pairs = [Link::SigmoidPair, Link::IdentityPair, Link::OppositePair];
        if outputs == 1 && self.below(4) == 0 {
            return self.of(&pairs);
        }
        self.of(&[
            Link::Identity,
            Link::Sigmoid { slope },
            Link::Exponential,
            Link::Softmax,
            Link::SigmoidEach { slope },
            Link::LogOnePlusExp,
            Link::SignedSquare,
            Link::Probit,
            Link::Logistic,
            Link::SoftmaxSingle,
            Link::SoftmaxZero,
            Link::Step,
            Link::Class,
        ])
    }

    fn ensemble(&mut self, trees_max: usize) -> Ensemble {
        let features = 1 + self.below(50);
        let outputs = 1 + self.below(4);
        let most = self.of(&[1, 2, 8, 9, 16, 31, 64, 65, 130]);
        let trees = (0..self.below(trees_max)).map(|_| {
            let (output, leaves) = (self.below(outputs), 1 + self.below(most));
            self.tree(output as u32, leaves, features)
        });
        let trees = trees.collect();
        let base: Vec<f64> = (0..outputs).map(|_| self.below(100) as f64 * 0.1).collect();
        let first = self.below(2) == 0;
        Ensemble {
            feature_names: (0..features).map(|at| format!("f{at}")).collect(),
            outputs,
            precision: self.of(&[Precision::Double, Precision::Single]),
            base: if first {
                Base::First(base)
            } else {
                Base::Last(base)
            },
            trees,
            aggregate: self.of(&[
                Aggregate::Sum,
                Aggregate::Sum,
                Aggregate::Mean(7.0),
                Aggregate::Min,
                Aggregate::Max,
            ]),
            link: self.link(outputs),
        }
        .checked()
        .unwrap()
    }
}

/// The bits of a number; all that are none are the same.
fn bits(numbers: &[f64]) -> Vec<u64> {
    let one = |it: &f64| if it.is_nan() { u64::MAX } else { it.to_bits() };
    numbers.iter().map(one).collect()
}

/// Scores so many rows every way there is; the number of rows that were held.
fn hold(seed: u64, trees_max: usize, count: usize, sizes: &[usize]) -> usize {
    let mut lot = Lot(seed);
    let ensemble = lot.ensemble(trees_max);
    let (features, predictions) = (ensemble.features(), ensemble.predictions());
    let rows: Vec<f64> = (0..count * features).map(|_| lot.number()).collect();
    let narrow: Vec<f32> = rows.iter().map(|it| *it as f32).collect();
    let mut wanted = vec![0.0; count * predictions];
    for (row, out) in rows.chunks(features).zip(wanted.chunks_mut(predictions)) {
        ensemble.score(row, out);
    }
    let mut held = 0;
    for kernel in KERNELS {
        let Some(model) = Model::with_kernel(ensemble.clone(), kernel) else {
            continue;
        };
        for size in sizes {
            let wide = rows.chunks(size * features);
            let batches = wide.zip(narrow.chunks(size * features));
            for ((wide, narrow), wanted) in batches.zip(wanted.chunks(size * predictions)) {
                let mut out = vec![0.0; wanted.len()];
                let batch = Rows::packed(wide, features).unwrap();
                model.predict_rows(batch, &mut out).unwrap();
                assert_eq!(
                    bits(&out),
                    bits(wanted),
                    "{kernel:?}, seed {seed}, {size} rows"
                );
                if ensemble.precision == Precision::Single {
                    let batch = Rows::packed(narrow, features).unwrap();
                    model.predict_rows(batch, &mut out).unwrap();
                    assert_eq!(bits(&out), bits(wanted), "{kernel:?} of f32, seed {seed}");
                }
            }
            held += count;
        }
    }
    held
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn every_kernel_and_batch_size_gives_the_bits_of_the_textbook(
        seed: u64,
        count in 1_usize..120,
        size in prop::sample::select(vec![2_usize, 11, 12, 13, 31, 32, 33, 44, 64, 96]),
    ) {
        hold(seed, 80, count, &[1, size, count]);
    }
}

#[test]
#[ignore = "takes minutes; see the top of this file"]
fn millions_of_rows_give_the_bits_of_the_textbook() {
    let mut held = 0;
    let mut seed = 1;
    while held < 10_000_000 {
        held += hold(seed, 120, 4_000, &[1, 32, 45, 4_000]);
        seed += 1;
    }
    assert!(seed > 10, "several ensembles took part");
}
