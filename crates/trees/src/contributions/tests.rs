use std::sync::Arc;

use proptest::prelude::*;

use crate::{
    Aggregate, Base, Categories, Ensemble, Link, Missing, Model, Node, Precision, Rows, ShapeError,
    Side, Split, Test, Tree,
};

const FEATURES: usize = 5;

fn leaf(value: f64, cover: f64) -> Node {
    Node::Leaf { value, cover }
}

fn split(feature: u32, threshold: f64, children: [u32; 2], cover: f64) -> Node {
    Node::Split(Split {
        feature,
        test: Test::AtMost(threshold),
        missing: Missing::Nan(Side::Left),
        left: children[0],
        right: children[1],
        cover,
    })
}

fn ensemble(trees: Vec<Tree>, outputs: usize) -> Ensemble {
    Ensemble {
        feature_names: (0..FEATURES).map(|it| format!("f{it}")).collect(),
        outputs,
        precision: Precision::Double,
        base: Base::First(vec![0.25; outputs]),
        trees,
        aggregate: Aggregate::Sum,
        link: Link::Identity,
    }
}

/// A tree by lot: each number decides about one node, in the order in which nodes are made.
fn tree(lots: &[u32], output: u32) -> Tree {
    let mut nodes = vec![leaf(1.0, 64.0)];
    for (at, lot) in (0_usize..).zip(lots) {
        let Some(Node::Leaf { value, cover }) = nodes.get(at).cloned() else {
            break;
        };
        if lot % 4 == 0 || cover <= 1.0 {
            continue;
        }
        let left = (cover * f64::from(lot / 4 % 5) / 4.0).floor();
        let children = nodes.len() as u32;
        let categories = Categories {
            words: vec![u64::from(lot / 320)],
            fraction_is_zero: lot % 2 == 0,
        };
        nodes[at] = Node::Split(Split {
            feature: lot / 20 % FEATURES as u32,
            test: match lot / 100 % 3 {
                0 => Test::Member(categories),
                1 => Test::Below(f64::from(lot % 7) - 3.0),
                _ => Test::AtMost(f64::from(lot % 7) - 3.0),
            },
            missing: [Missing::Nothing, Missing::NanAndZero(Side::Right)][*lot as usize / 300 % 2],
            left: children,
            right: children + 1,
            cover,
        });
        let change = f64::from(lot % 1000) * 1e-3;
        nodes.push(leaf(value + change, left));
        nodes.push(leaf(value - 2.0 * change, cover - left));
    }
    Tree { output, nodes }
}

/// What is expected of a tree where only some features are known.
fn expected(tree: &Tree, at: u32, row: &[f64], known: usize) -> f64 {
    let cover = |at: u32| match &tree.nodes[at as usize] {
        Node::Leaf { cover, .. } => *cover,
        Node::Split(split) => split.cover,
    };
    match &tree.nodes[at as usize] {
        Node::Leaf { value, .. } => *value,
        Node::Split(split) if known >> split.feature & 1 == 1 => {
            let next = split.next(row[split.feature as usize], Precision::Double);
            expected(tree, next, row, known)
        }
        Node::Split(split) if split.cover > 0.0 => [split.left, split.right]
            .map(|it| cover(it) / split.cover * expected(tree, it, row, known))
            .iter()
            .sum(),
        Node::Split(_) => 0.0,
    }
}

/// Shapley's own formula, over all sets of features.
fn shapley(tree: &Tree, row: &[f64]) -> Vec<f64> {
    let factorial = |it: u32| (1..=it).map(f64::from).product::<f64>();
    let value = |known| expected(tree, 0, row, known);
    let of = |feature: usize| {
        let others = (0..1_usize << FEATURES).filter(|it| it >> feature & 1 == 0);
        let part = |known: usize| {
            let size = known.count_ones();
            let orders = factorial(size) * factorial(FEATURES as u32 - 1 - size);
            orders / factorial(FEATURES as u32) * (value(known | 1 << feature) - value(known))
        };
        others.map(part).sum()
    };
    let mut all: Vec<f64> = (0..FEATURES).map(of).collect();
    all.push(value(0));
    all
}

fn explained(model: &Model, row: &[f64]) -> Result<Vec<f64>, ShapeError> {
    let mut out = vec![f64::NAN; model.contributions_width()];
    model.contributions(Rows::packed(row, row.len())?, &mut out)?;
    Ok(out)
}

fn close(given: &[f64], wanted: &[f64]) {
    let size = wanted.iter().fold(1.0, |it: f64, next| it.max(next.abs()));
    assert_eq!(given.len(), wanted.len());
    for (given, wanted) in given.iter().zip(wanted) {
        assert!(
            (given - wanted).abs() <= 1e-13 * size,
            "{given} for {wanted}"
        );
    }
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![Just(f64::NAN), Just(0.0), -4.0..4.0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn shapleys_formula_gives_the_same(
        lots in prop::collection::vec(0_u32..100_000, 0..40),
        row in prop::collection::vec(value(), FEATURES),
    ) {
        let tree = tree(&lots, 0);
        let mut wanted = shapley(&tree, &row);
        wanted[FEATURES] += 0.25;
        close(&explained(&Model::new(ensemble(vec![tree], 1)), &row).unwrap(), &wanted);
    }

    #[test]
    fn contributions_add_up_to_raw_scores_and_rows_do_not_know_of_each_other(
        lots in prop::collection::vec(prop::collection::vec(0_u32..100_000, 0..90), 1..9),
        rows in prop::collection::vec(value(), 3 * FEATURES),
        single: bool,
        mean: bool,
        last: bool,
    ) {
        let trees = (0..).zip(&lots).map(|(at, lots)| tree(lots, at % 2)).collect();
        let mut ensemble = ensemble(trees, 2);
        if single {
            ensemble.precision = Precision::Single;
        }
        if mean {
            ensemble.aggregate = Aggregate::Mean(3.0);
        }
        if last {
            ensemble.base = Base::Last(vec![0.5, -0.5]);
        }
        let model = Model::new(ensemble.clone());
        let mut out = vec![0.0; 3 * model.contributions_width()];
        model.contributions(Rows::packed(&rows, FEATURES).unwrap(), &mut out).unwrap();
        for (row, given) in rows.chunks(FEATURES).zip(out.chunks(model.contributions_width())) {
            prop_assert_eq!(given, explained(&model, row).unwrap());
            let mut raw = [0.0; 2];
            ensemble.raw_scores(row, &mut raw);
            let sums: Vec<f64> = given.chunks(FEATURES + 1).map(|it| it.iter().sum()).collect();
            let size = raw[0].abs().max(raw[1].abs()).max(1.0);
            let bound = size * if single { 1e-5 } else { 1e-13 };
            for (sum, raw) in sums.iter().zip(raw) {
                prop_assert!((sum - raw).abs() <= bound, "{} for {}", sum, raw);
            }
        }
    }
}

/// A chain that asks another feature at each node.
fn chain(length: u32) -> Ensemble {
    let mut nodes = Vec::new();
    for at in 0..length {
        let cover = f64::from(length - at) + 1.0;
        nodes.push(split(at, 0.0, [2 * at + 1, 2 * at + 2], cover));
        nodes.push(leaf(f64::from(at), 1.0));
    }
    nodes.push(leaf(-1.0, 1.0));
    Ensemble {
        feature_names: (0..length).map(|it| format!("f{it}")).collect(),
        ..ensemble(vec![Tree { output: 0, nodes }], 1)
    }
}

#[test]
fn a_path_of_a_thousand_features_is_explained_and_a_longer_one_refused() {
    let model = Model::new(chain(1000));
    let row: Vec<f64> = (0..1000).map(|it| 1.0 - f64::from(it % 2)).collect();
    let given = explained(&model, &row).unwrap();
    let mut raw = [0.0];
    chain(1000).raw_scores(&row, &mut raw);
    let sum: f64 = given.iter().sum();
    assert!((sum - raw[0]).abs() < 1e-9, "{sum} for {}", raw[0]);
    let error = explained(&Model::new(chain(1025)), &[0.0; 1025]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a path asks 1025 different features, 1024 can be explained"
    );
}

#[test]
fn what_cannot_be_explained_is_said() {
    let tree = |cover| Tree {
        output: 0,
        nodes: vec![split(0, 0.0, [1, 2], 2.0), leaf(1.0, cover), leaf(2.0, 1.0)],
    };
    let row = [0.0; FEATURES];
    for cover in [f64::NAN, -1.0, f64::INFINITY] {
        let model = Model::new(ensemble(vec![tree(cover)], 1));
        assert_eq!(explained(&model, &row), Err(ShapeError::NoCover), "{cover}");
    }
    let mut least = ensemble(vec![tree(1.0)], 1);
    least.aggregate = Aggregate::Min;
    assert_eq!(explained(&Model::new(least), &row), Err(ShapeError::NoSum));
    let model = Model::new(ensemble(vec![tree(1.0)], 1));
    assert!(matches!(
        explained(&model, &row[1..]),
        Err(ShapeError::Features {
            given: 4,
            wanted: 5
        })
    ));
    let rows = Rows::packed(&row, FEATURES).unwrap();
    assert_eq!(
        model.contributions(rows, &mut [0.0; 5]),
        Err(ShapeError::Room {
            given: 5,
            wanted: 6
        })
    );
}

#[test]
fn broken_trees_of_a_compact_file_are_found_when_they_are_needed() {
    let nodes = vec![split(0, 0.0, [1, 2], 2.0), leaf(1.0, 1.0), leaf(2.0, 1.0)];
    let tree = Tree { output: 0, nodes };
    let mut bytes = Model::new(ensemble(vec![tree], 1)).to_compact();
    // The trees come last; the last node is a leaf of 17 bytes.
    let at = bytes.len() - 17;
    bytes[at] = 99;
    let model = Model::open(Arc::new(bytes)).unwrap();
    let error = explained(&model, &[0.0; FEATURES]).unwrap_err();
    assert!(matches!(error, ShapeError::Trees(_)), "{error}");
}

#[test]
fn explaining_counts_in_the_size_and_a_tree_of_one_leaf_only_adds_to_the_average() {
    let tree = Tree {
        output: 0,
        nodes: vec![leaf(2.0, f64::NAN)],
    };
    let model = Model::new(ensemble(vec![tree], 1));
    let before = model.size_bytes();
    let given = explained(&model, &[1.0; FEATURES]).unwrap();
    assert_eq!(given, [0.0, 0.0, 0.0, 0.0, 0.0, 2.25]);
    assert!(model.size_bytes() > before);
}
