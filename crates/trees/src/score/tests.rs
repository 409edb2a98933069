use super::*;
use crate::{Link, Tree};

fn stump(test: Test, missing: Missing) -> Ensemble {
    let leaf = |value| Node::Leaf { value, cover: 1.0 };
    let split = Split {
        feature: 0,
        test,
        missing,
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
            nodes: vec![Node::Split(split), leaf(1.0), leaf(-1.0)],
        }],
        aggregate: Aggregate::Sum,
        link: Link::Identity,
    }
}

/// Whether a value goes left.
fn left(ensemble: &Ensemble, value: f64) -> bool {
    let mut out = [f64::NAN];
    ensemble.score(&[value], &mut out);
    out[0] > 0.0
}

#[test]
fn a_threshold_belongs_to_the_side_its_test_says() {
    let at_most = stump(Test::AtMost(0.0), Missing::Nan(Side::Right));
    let below = stump(Test::Below(0.0), Missing::Nan(Side::Right));
    for (value, in_at_most, in_below) in [
        (0.0, true, false),
        (-0.0, true, false),
        (-1e-300, true, true),
        (1e-300, false, false),
    ] {
        assert_eq!(left(&at_most, value), in_at_most, "{value}");
        assert_eq!(left(&below, value), in_below, "{value}");
    }
    let equal = stump(Test::Equal(2.0), Missing::Nan(Side::Right));
    assert!(left(&equal, 2.0) && !left(&equal, 2.5));
}

#[test]
fn missing_values_go_where_the_split_says() {
    for (missing, of_nan, of_zero) in [
        (Missing::Nothing, true, true),
        (Missing::Nan(Side::Left), true, true),
        (Missing::Nan(Side::Right), false, true),
        (Missing::NanAndZero(Side::Left), true, true),
        (Missing::NanAndZero(Side::Right), false, false),
    ] {
        let stump = stump(Test::AtMost(0.5), missing);
        assert_eq!(left(&stump, f64::NAN), of_nan, "{missing:?}");
        assert_eq!(left(&stump, 1e-36), of_zero, "{missing:?}");
        assert!(left(&stump, 0.4) && !left(&stump, 0.6), "{missing:?}");
    }
}

#[test]
fn categories_are_cut_to_whole_numbers() {
    let words = vec![0b101, 1];
    let of = |fraction_is_zero| Categories {
        words: words.clone(),
        fraction_is_zero,
    };
    for (value, member) in [
        (0.0, true),
        (0.9, true),
        (1.0, false),
        (2.0, true),
        (64.0, true),
        (65.0, false),
        (128.0, false),
        (-1.0, false),
        (1e300, false),
        (f64::INFINITY, false),
        (f64::NEG_INFINITY, false),
        (f64::NAN, false),
    ] {
        assert_eq!(of(true).has(value), member, "{value}");
        assert_eq!(of(false).has(value), member, "{value}");
    }
    let nothing = Categories {
        words: Vec::new(),
        fraction_is_zero: true,
    };
    assert!(!nothing.has(-0.5) && !nothing.has(0.0));
    assert!(of(true).has(-0.5) && !of(false).has(-0.5) && of(false).has(-0.0));
}

#[test]
fn single_precision_rounds_features_and_sums() {
    let mut ensemble = stump(Test::Below(f64::from(0.1_f32)), Missing::Nan(Side::Left));
    ensemble.precision = Precision::Single;
    // As an f64 it lies below the threshold, as an f32 on it.
    assert!(!left(&ensemble, 0.1));
    ensemble.base = Base::First(vec![f64::from(2.0_f32.powi(25))]);
    let mut out = [0.0];
    ensemble.score(&[0.0], &mut out);
    assert_eq!(out[0], f64::from(2.0_f32.powi(25)));
}

#[test]
fn trees_are_put_together_as_the_model_says() {
    let mut ensemble = stump(Test::AtMost(0.0), Missing::Nothing);
    let mut second = ensemble.trees[0].clone();
    second.nodes[1] = Node::Leaf {
        value: 4.0,
        cover: 1.0,
    };
    ensemble.trees.push(second);
    for (aggregate, base, wanted) in [
        (Aggregate::Sum, Base::First(vec![10.0]), 15.0),
        (Aggregate::Sum, Base::Last(vec![10.0]), 15.0),
        (Aggregate::Mean(2.0), Base::Last(vec![10.0]), 12.5),
        (Aggregate::Min, Base::First(vec![10.0]), 11.0),
        (Aggregate::Max, Base::Last(vec![10.0]), 14.0),
    ] {
        ensemble.aggregate = aggregate;
        ensemble.base = base;
        let mut out = [0.0];
        ensemble.score(&[-1.0], &mut out);
        assert_eq!(out[0], wanted, "{aggregate:?}");
    }
}
