use crate::{Ensemble, ReadError};

const HEADER: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n\
    max_feature_idx=1\nobjective=binary sigmoid:1\nfeature_names=form rest\n\n";
const TREE: &str = "Tree=0\nnum_leaves=3\nnum_cat=0\nsplit_feature=0 1\nthreshold=0.5 2\n\
    decision_type=2 8\nleft_child=1 -1\nright_child=-3 -2\nleaf_value=0.25 0.5 -1\n\
    leaf_count=4 5 6\ninternal_count=15 9\nis_linear=0\nshrinkage=1\n\n";

fn text() -> String {
    format!("{HEADER}{TREE}end of trees\n\nfeature_importances:\n")
}

fn check(from: &str, to: &str, said: &str) {
    let changed = text().replacen(from, to, 1);
    assert_ne!(changed, text(), "{from} is there");
    let error = Ensemble::read(changed.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), said);
}

#[test]
fn a_model_is_read_and_scores() {
    let model = Ensemble::read(text().as_bytes()).unwrap();
    assert_eq!(model.feature_names, ["form", "rest"]);
    let score = |row: [f64; 2]| {
        let mut out = [0.0];
        model.raw_scores(&row, &mut out);
        out[0]
    };
    assert_eq!(score([0.5, 2.0]), 0.25);
    assert_eq!(score([0.5, 2.5]), 0.5);
    assert_eq!(score([0.5, f64::NAN]), 0.5);
    assert_eq!(score([f64::NAN, 0.0]), 0.25);
    assert_eq!(score([1.0, 0.0]), -1.0);
}

#[test]
fn what_is_broken_is_named_with_its_line() {
    check(
        "end of trees",
        "",
        "end of file: the line \"end of trees\" is missing",
    );
    check(
        "leaf_value=0.25 0.5 -1",
        "leaf_value=0.25",
        "line 18, leaf_value: 1 numbers for 3 leaves",
    );
    check(
        "left_child=1 -1",
        "left_child=0 -1",
        "line 16, left_child: a node has two parents",
    );
    check(
        "left_child=1 -1",
        "left_child=-1 -1",
        "line 16, left_child: a node has no parent",
    );
    check(
        "left_child=1 -1",
        "left_child=7 -1",
        "line 16, left_child: there is no node 7",
    );
    check(
        "left_child=1 -1",
        "left_child=-9 -1",
        "line 16, left_child: there is no leaf 8",
    );
    check(
        "split_feature=0 1",
        "split_feature=0 2",
        "tree 0, node 1: feature 2 of 2",
    );
    check(
        "threshold=0.5 2",
        "threshold=nan 2",
        "tree 0, node 0: its threshold is not a number",
    );
    check(
        "threshold=0.5 2",
        "threshold=x 2",
        "line 14, threshold: \"x\" is no such number",
    );
    check(
        "threshold=0.5 2\n",
        "",
        "line 10, tree 0, threshold: 0 numbers where 2 are due",
    );
    check(
        "decision_type=2 8",
        "decision_type=12 8",
        "line 15, decision_type: 12 is none",
    );
    check(
        "decision_type=2 8",
        "decision_type=1 8",
        "line 10, tree 0, cat_boundaries: there is no set 0.5",
    );
    check(
        "num_leaves=3\n",
        "",
        "line 10, tree 0, num_leaves: it is missing",
    );
    check(
        "num_leaves=3",
        "num_leaves=99999999999",
        "line 18, leaf_value: 3 numbers for 99999999999 leaves",
    );
}

#[test]
fn a_header_that_is_broken_is_named_with_its_line() {
    check(
        "max_feature_idx=1",
        "max_feature_idx=4294967295",
        "line 8, feature_names: 2 names for 4294967296 features",
    );
    for count in ["0", "65537", "1000000000000"] {
        check(
            "num_tree_per_iteration=1",
            &format!("num_tree_per_iteration={count}"),
            &format!("line 4, num_tree_per_iteration: {count} is not from 1 to 65536"),
        );
    }
    check(
        "num_tree_per_iteration=1",
        "num_tree_per_iteration=2",
        "line 4, num_tree_per_iteration: 2 do not divide 1 trees",
    );
    check(
        "sigmoid:1",
        "sigmoid:x",
        "line 7, objective: sigmoid \"x\" is no number",
    );
    check(
        "binary",
        "sorcery",
        "the LightGBM objective \"sorcery\" is not supported",
    );
    check(
        "is_linear=0",
        "is_linear=1",
        "a LightGBM model of linear trees is not supported",
    );
}

#[test]
fn what_is_cut_off_is_refused() {
    let text = text();
    let whole = text.find("end of trees").unwrap() + "end of trees".len();
    for end in 0..whole {
        assert!(
            Ensemble::read(&text.as_bytes()[..end]).is_err(),
            "cut at {end}"
        );
    }
}

#[test]
fn what_is_no_text_is_refused() {
    let mut bytes = text().into_bytes();
    bytes[40] = 0xff;
    let error = Ensemble::read(&bytes).unwrap_err();
    assert_eq!(error.to_string(), "byte 40: it is not text");
    assert_eq!(Ensemble::read(b"PK").unwrap_err(), ReadError::Unknown);
}
