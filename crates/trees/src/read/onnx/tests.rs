use prost::Message;

use super::proto::{
    Attribute, DOUBLE, Dimension, FLOAT, Graph, Model, Node, Shape, Tensor, TensorType, Type, Value,
};
use super::{Labels, OnnxTrees};
use crate::{Aggregate, Ensemble, Link, Precision, ReadError};

mod names;

fn integers(name: &str, ints: &[i64]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        ints: ints.to_vec(),
        ..Attribute::default()
    }
}

fn integer(name: &str, i: i64) -> Attribute {
    Attribute {
        name: name.to_owned(),
        i,
        ..Attribute::default()
    }
}

fn floats(name: &str, floats: &[f32]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        floats: floats.to_vec(),
        ..Attribute::default()
    }
}

fn text(name: &str, text: &str) -> Attribute {
    Attribute {
        name: name.to_owned(),
        s: text.as_bytes().to_vec(),
        ..Attribute::default()
    }
}

fn texts(name: &str, texts: &[&str]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        strings: texts.iter().map(|it| it.as_bytes().to_vec()).collect(),
        ..Attribute::default()
    }
}

fn doubles(name: &str, numbers: &[f64]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        t: Some(Box::new(Tensor {
            data_type: DOUBLE,
            raw_data: numbers.iter().flat_map(|it| it.to_le_bytes()).collect(),
            ..Tensor::default()
        })),
        ..Attribute::default()
    }
}

/// A regressor of one question and two leaves.
fn regressor() -> Node {
    Node {
        input: vec!["rows".to_owned()],
        output: vec!["scores".to_owned()],
        op_type: "TreeEnsembleRegressor".to_owned(),
        domain: "ai.onnx.ml".to_owned(),
        attribute: vec![
            integer("n_targets", 1),
            integers("nodes_treeids", &[0, 0, 0]),
            integers("nodes_nodeids", &[0, 1, 2]),
            integers("nodes_featureids", &[1, 0, 0]),
            texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
            floats("nodes_values", &[0.5, 0.0, 0.0]),
            integers("nodes_truenodeids", &[1, 0, 0]),
            integers("nodes_falsenodeids", &[2, 0, 0]),
            integers("target_treeids", &[0, 0]),
            integers("target_nodeids", &[1, 2]),
            integers("target_ids", &[0, 0]),
            floats("target_weights", &[0.25, -1.0]),
        ],
    }
}

/// The same of `ai.onnx.ml` 5, whose question is a set.
fn newest() -> Node {
    Node {
        op_type: "TreeEnsemble".to_owned(),
        attribute: vec![
            integer("n_targets", 1),
            integers("tree_roots", &[0]),
            integers("nodes_featureids", &[1]),
            doubles("nodes_modes", &[6.0]),
            doubles("nodes_splits", &[0.0]),
            doubles("membership_values", &[1.0, 2.5, f64::NAN]),
            integers("nodes_truenodeids", &[0]),
            integers("nodes_trueleafs", &[1]),
            integers("nodes_falsenodeids", &[1]),
            integers("nodes_falseleafs", &[1]),
            integers("leaf_targetids", &[0, 0]),
            doubles("leaf_weights", &[0.25, -1.0]),
        ],
        ..regressor()
    }
}

/// The node with attributes of the same names put in the place of its own.
fn with(mut node: Node, changes: &[Attribute]) -> Node {
    for change in changes {
        node.attribute.retain(|it| it.name != change.name);
        node.attribute.push(change.clone());
    }
    node
}

fn value(name: &str, elem_type: i32) -> Value {
    Value {
        name: name.to_owned(),
        r#type: Some(Type {
            tensor_type: Some(TensorType {
                elem_type,
                shape: Some(Shape {
                    dim: vec![Dimension { dim_value: 0 }, Dimension { dim_value: 3 }],
                }),
            }),
        }),
    }
}

fn model(nodes: Vec<Node>, output: &str) -> Vec<u8> {
    let graph = Graph {
        node: nodes,
        initializer: vec![Tensor {
            name: "four".to_owned(),
            data_type: FLOAT,
            float_data: vec![4.0],
            ..Tensor::default()
        }],
        input: vec![value("rows", FLOAT)],
        output: vec![value(output, FLOAT)],
    };
    Model { graph: Some(graph) }.encode_to_vec()
}

fn step(operator: &str, inputs: &[&str], output: &str) -> Node {
    Node {
        input: inputs.iter().map(|it| (*it).to_owned()).collect(),
        output: vec![output.to_owned()],
        op_type: operator.to_owned(),
        ..Node::default()
    }
}

fn score(model: &Ensemble, row: &[f64]) -> f64 {
    let mut out = [0.0];
    model.score(row, &mut out);
    out[0]
}

/// What is said of a node after changes.
fn check(node: Node, changes: &[Attribute], said: &str) {
    let bytes = with(node, changes).encode_to_vec();
    let error = OnnxTrees::from_node(&bytes, None, Precision::Single).unwrap_err();
    assert_eq!(error.to_string(), said);
}

#[test]
fn a_node_is_read_and_scores() {
    let bytes = regressor().encode_to_vec();
    let read = OnnxTrees::from_node(&bytes, None, Precision::Double).unwrap();
    assert_eq!(read.ensemble.feature_names, ["f0", "f1"]);
    assert_eq!(read.ensemble.precision, Precision::Double);
    assert_eq!(score(&read.ensemble, &[9.0, 0.5]), 0.25);
    assert_eq!(score(&read.ensemble, &[9.0, 0.6]), -1.0);
    assert_eq!(score(&read.ensemble, &[9.0, f64::NAN]), -1.0);
    assert!(OnnxTrees::is_trees("TreeEnsemble") && !OnnxTrees::is_trees("Gemm"));
}

#[test]
fn a_set_holds_its_members_and_nothing_between_them() {
    let bytes = newest().encode_to_vec();
    let read = OnnxTrees::from_node(&bytes, Some(4), Precision::Single).unwrap();
    for (value, wanted) in [(1.0, 0.25), (2.5, 0.25), (2.0, -1.0), (f64::NAN, -1.0)] {
        assert_eq!(score(&read.ensemble, &[0.0, value, 0.0, 0.0]), wanted);
    }
}

#[test]
fn a_file_around_a_tree_node_is_read() {
    let nodes = vec![
        step("Identity", &["rows"], "same"),
        Node {
            input: vec!["same".to_owned()],
            ..regressor()
        },
        step("Div", &["scores", "four"], "mean"),
        step("Exp", &["mean"], "out"),
    ];
    let read = Ensemble::read(&model(nodes, "out")).unwrap();
    assert_eq!(read.features(), 3);
    assert_eq!(read.aggregate, Aggregate::Mean(4.0));
    assert_eq!(read.link, Link::Exponential);
    let wanted = f64::from((0.25_f32 / 4.0).exp());
    assert_eq!(score(&read, &[0.0; 3]), wanted);
}

#[test]
fn a_cast_before_the_trees_says_how_features_are_compared() {
    let cast = Node {
        attribute: vec![integer("to", i64::from(DOUBLE))],
        ..step("Cast", &["rows"], "wide")
    };
    let trees = Node {
        input: vec!["wide".to_owned()],
        ..regressor()
    };
    let read = Ensemble::read(&model(vec![cast, trees], "scores")).unwrap();
    assert_eq!(read.precision, Precision::Double);
}

#[test]
fn a_graph_of_anything_else_is_refused_by_name() {
    let refused = |nodes: Vec<Node>, output: &str, said: &str| {
        let error = Ensemble::read(&model(nodes, output)).unwrap_err();
        assert_eq!(error.to_string(), said);
    };
    let gemm = "the ONNX operator \"Gemm\", which is not one of trees, is not supported";
    refused(vec![step("Gemm", &["rows"], "out")], "out", gemm);
    let before = Node {
        input: vec!["made".to_owned()],
        ..regressor()
    };
    let nodes = vec![step("Gemm", &["rows"], "made"), before];
    refused(nodes, "scores", gemm);
    let nodes = vec![regressor(), step("Gemm", &["scores"], "out")];
    refused(nodes, "out", gemm);
    let nodes = vec![regressor(), step("Gemm", &["rows"], "out")];
    refused(nodes, "out", gemm);
    refused(
        vec![regressor(), regressor()],
        "scores",
        "a graph of several tree operators is not supported",
    );
    refused(vec![], "scores", "graph: it has no nodes");
    refused(
        vec![regressor()],
        "else",
        "graph: its outputs are not the trees' scores",
    );
    let lost = Node {
        input: vec!["lost".to_owned()],
        ..regressor()
    };
    refused(
        vec![lost],
        "scores",
        "graph: nothing makes the trees' input \"lost\"",
    );
    let circle = Node {
        input: vec!["scores".to_owned()],
        ..step("Identity", &["scores"], "rows")
    };
    assert!(Ensemble::read(&model(vec![circle, regressor()], "scores")).is_err());
}

#[test]
fn what_is_not_scored_is_refused_by_name() {
    check(
        regressor(),
        &[texts("nodes_modes", &["BRANCH_MAYBE", "LEAF", "LEAF"])],
        "the ONNX node mode \"BRANCH_MAYBE\" is not supported",
    );
    check(
        regressor(),
        &[text("aggregate_function", "MEDIAN")],
        "the ONNX aggregate function \"MEDIAN\" is not supported",
    );
    check(
        newest(),
        &[integer("aggregate_function", 9)],
        "the ONNX aggregate function \"9\" is not supported",
    );
    check(
        newest(),
        &[integer("post_transform", 9)],
        "the ONNX post transform \"9\" is not supported",
    );
    check(
        newest(),
        &[doubles("nodes_modes", &[7.0])],
        "the ONNX node mode \"7\" is not supported",
    );
    let other = Node {
        op_type: "Gemm".to_owned(),
        ..regressor()
    };
    check(other, &[], "the ONNX operator \"Gemm\" is not supported");
    check(
        regressor(),
        &[
            text("aggregate_function", "MIN"),
            integers("target_treeids", &[0]),
            integers("target_nodeids", &[1]),
            integers("target_ids", &[0]),
            floats("target_weights", &[0.5]),
        ],
        "the least or greatest of leaves that do not all vote is not supported",
    );
}

/// A classifier of so many classes, whose leaves vote as told.
fn classifier(classes: &[i64], votes: &[i64], more: &[Attribute]) -> Node {
    let node = Node {
        op_type: "TreeEnsembleClassifier".to_owned(),
        output: vec!["label".to_owned(), "scores".to_owned()],
        ..regressor()
    };
    let own = [
        integers("classlabels_int64s", classes),
        integers("class_treeids", &[0, 0]),
        integers("class_nodeids", &[1, 2]),
        integers("class_ids", votes),
        floats("class_weights", &[0.25, -1.0]),
    ];
    with(with(node, &own), more)
}

#[test]
fn a_classifier_has_a_prediction_for_each_label() {
    let bytes = classifier(&[3, 5], &[0, 0], &[text("post_transform", "LOGISTIC")]).encode_to_vec();
    let read = OnnxTrees::from_node(&bytes, None, Precision::Single).unwrap();
    assert_eq!(read.labels, Some(Labels::Numbers(vec![3, 5])));
    assert_eq!(read.ensemble.link, Link::SigmoidPair);
    assert_eq!(read.ensemble.predictions(), 2);
    let refused = |node: Node, said: &str| check(node, &[], said);
    refused(
        classifier(&[], &[0, 0], &[]),
        "TreeEnsembleClassifier, classlabels_int64s: there are no classes",
    );
    refused(
        classifier(&[1], &[0, 0], &[]),
        "an ONNX classifier of one class is not supported",
    );
    refused(
        classifier(&[0, 1], &[0, 1], &[]),
        "an ONNX classifier whose leaves do not all vote for the second class is not supported",
    );
    refused(
        classifier(&[0, 1], &[1, 1], &[floats("base_values", &[0.1, 0.2])]),
        "an ONNX classifier of two classes with two base values and votes for the second is not \
         supported",
    );
    refused(
        classifier(&[0, 1], &[0, 0], &[floats("base_values", &[0.1; 3])]),
        "TreeEnsembleClassifier, base_values: 3 values for two classes",
    );
    refused(
        classifier(&[0, 1], &[0, 0], &[text("post_transform", "PROBIT")]),
        "the ONNX post transform of one score \"PROBIT\" is not supported",
    );
    refused(
        classifier(&[0, 1, 2], &[0, 3], &[]),
        "tree 1: output 3 of 3",
    );
}

#[test]
fn what_is_broken_is_named_with_its_attribute() {
    let place = |name: &str, reason: &str| format!("TreeEnsembleRegressor, {name}: {reason}");
    let cases = [
        (
            integers("nodes_nodeids", &[0, 1, 1]),
            place("nodes_nodeids", "node 1 of tree 0 stands twice"),
        ),
        (
            integers("nodes_treeids", &[0, 0]),
            place("nodes_treeids", "2 values where 3 are due"),
        ),
        (
            texts("nodes_modes", &["LEAF"]),
            place("nodes_modes", "1 values where 3 are due"),
        ),
        (
            floats("nodes_values", &[0.5]),
            place("nodes_values", "1 values where 3 are due"),
        ),
        (
            integers("nodes_truenodeids", &[7, 0, 0]),
            place("nodes_truenodeids", "tree 0 has no node 7"),
        ),
        (
            integers("nodes_featureids", &[-1, 0, 0]),
            place("nodes_featureids", "there is no feature -1"),
        ),
        (
            integers("target_nodeids", &[1, 9]),
            place("target_nodeids", "tree 0 has no node 9"),
        ),
        (
            integers("target_ids", &[-1, 0]),
            place("target_ids", "there is no output -1"),
        ),
        (integer("n_targets", 0), place("n_targets", "0 outputs")),
        (
            floats("base_values", &[1.0, 2.0]),
            place("base_values", "2 values where 1 are due"),
        ),
        (
            integers("target_ids", &[0, 4]),
            "tree 1: output 4 of 1".to_owned(),
        ),
        (
            integers("target_nodeids", &[1, 1]),
            "tree 0, node 1: it votes twice for an output".to_owned(),
        ),
        (
            integers("nodes_truenodeids", &[0, 0, 0]),
            "tree 0, node 0: it has two parents".to_owned(),
        ),
        (
            floats("nodes_values", &[f32::NAN, 0.0, 0.0]),
            "tree 0, node 0: its threshold is not a number".to_owned(),
        ),
    ];
    for (change, said) in cases {
        check(regressor(), &[change], &said);
    }
}

#[test]
fn what_is_broken_in_the_newest_is_named_too() {
    let place = |name: &str, reason: &str| format!("TreeEnsemble, {name}: {reason}");
    let cases = [
        (
            integers("tree_roots", &[1]),
            place("tree_roots", "there is no node 1"),
        ),
        (
            integers("nodes_truenodeids", &[2]),
            place("nodes_truenodeids", "there is no node or leaf 2"),
        ),
        (
            integers("leaf_targetids", &[-1, 0]),
            place("leaf_targetids", "there is no output -1"),
        ),
        (
            doubles("membership_values", &[]),
            place("membership_values", "node 0 has no set"),
        ),
        (
            integers("nodes_trueleafs", &[0]),
            "tree 0, node 0: it has two parents".to_owned(),
        ),
    ];
    for (change, said) in cases {
        check(newest(), &[change], &said);
    }
    let strange = Attribute {
        name: "leaf_weights".to_owned(),
        t: Some(Box::new(Tensor::default())),
        ..Attribute::default()
    };
    let said = place("leaf_weights", "a tensor of type 0 or cut off");
    check(newest(), &[strange], &said);
}

#[test]
fn copies_of_nodes_have_a_bound() {
    let many: Vec<f64> = (0..500).map(f64::from).collect();
    check(
        newest(),
        &[doubles("membership_values", &many)],
        "tree 0: sets or outputs make too many nodes of the file's",
    );
}

#[test]
fn what_is_cut_off_or_no_message_is_refused() {
    let bytes = model(vec![regressor()], "scores");
    for end in 0..bytes.len() {
        assert!(Ensemble::read(&bytes[..end]).is_err(), "cut at {end}");
    }
    let error = Ensemble::read(b"\x08\x08\x00").unwrap_err();
    assert!(matches!(error, ReadError::Malformed { .. }), "{error}");
    let error = Ensemble::read(b"\x08\x08").unwrap_err();
    assert_eq!(error.to_string(), "ONNX: there is no graph");
}
