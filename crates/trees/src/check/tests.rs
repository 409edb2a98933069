use super::*;
use crate::{Link, Missing, Precision};

fn sound() -> Ensemble {
    let leaf = Node::Leaf {
        value: 1.0,
        cover: 1.0,
    };
    let split = Split {
        feature: 0,
        test: Test::AtMost(0.5),
        missing: Missing::Nothing,
        left: 1,
        right: 2,
        cover: 2.0,
    };
    Ensemble {
        feature_names: vec!["f0".to_owned()],
        outputs: 1,
        precision: Precision::Double,
        base: Base::First(vec![0.0]),
        trees: vec![Tree {
            output: 0,
            nodes: vec![Node::Split(split), leaf.clone(), leaf],
        }],
        aggregate: Aggregate::Sum,
        link: Link::Identity,
    }
}

/// What is said of an ensemble after a change.
fn check(change: impl FnOnce(&mut Ensemble), said: &str) {
    let mut ensemble = sound();
    change(&mut ensemble);
    assert_eq!(ensemble.checked().unwrap_err().to_string(), said);
}

fn root(ensemble: &mut Ensemble) -> &mut Split {
    match &mut ensemble.trees[0].nodes[0] {
        Node::Split(split) => split,
        Node::Leaf { .. } => unreachable!("the root asks"),
    }
}

#[test]
fn a_sound_ensemble_passes() {
    assert_eq!(sound().checked().unwrap(), sound());
}

#[test]
fn what_is_broken_is_named_with_its_place() {
    check(|it| it.outputs = 0, "outputs: there are none");
    check(
        |it| it.outputs = OUTPUTS_MAX + 1,
        "outputs: there are too many",
    );
    check(
        |it| it.base = Base::Last(vec![]),
        "base score: there is not one for each output",
    );
    check(
        |it| it.base = Base::First(vec![f64::NAN]),
        "base score: it is not finite",
    );
    check(
        |it| it.aggregate = Aggregate::Mean(0.0),
        "aggregate: the divisor is not positive",
    );
    check(
        |it| (it.link, it.outputs, it.base) = (Link::SigmoidPair, 2, Base::First(vec![0.0; 2])),
        "link: a pair needs one output",
    );
    check(|it| it.trees[0].output = 1, "tree 0: output 1 of 1");
    check(|it| it.trees[0].nodes.clear(), "tree 0: it has no nodes");
    check(|it| root(it).feature = 1, "tree 0, node 0: feature 1 of 1");
    check(
        |it| root(it).test = Test::Below(f64::NAN),
        "tree 0, node 0: its threshold is not a number",
    );
    check(
        |it| root(it).left = 0,
        "tree 0, node 0: child 0 is no node after it of its own",
    );
    check(
        |it| root(it).left = 2,
        "tree 0, node 0: child 2 is no node after it of its own",
    );
    check(
        |it| root(it).right = 3,
        "tree 0, node 0: child 3 is no node after it of its own",
    );
    check(
        |it| {
            it.trees[0].nodes.push(Node::Leaf {
                value: 0.0,
                cover: 0.0,
            })
        },
        "tree 0, node 3: nothing leads to it",
    );
    check(
        |it| {
            it.trees[0].nodes[2] = Node::Leaf {
                value: f64::INFINITY,
                cover: 0.0,
            }
        },
        "tree 0, node 2: its value is inf",
    );
}

#[test]
fn a_base_is_held_in_the_arithmetic_of_its_sums() {
    let mut ensemble = sound();
    ensemble.precision = Precision::Single;
    ensemble.base = Base::First(vec![0.1]);
    let wanted = Base::First(vec![f64::from(0.1_f32)]);
    assert_eq!(ensemble.checked().unwrap().base, wanted);
}
