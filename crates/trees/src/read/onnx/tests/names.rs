//! Names that a file gives what it takes and gives.

use super::super::proto::{INT32, INT64, STRING};
use super::*;

/// A classifier between steps, as converters write it: the label as this type, scores in a map.
fn converted(trees: Node, label: i32) -> OnnxTrees {
    let mut map = value("output_probability", FLOAT);
    map.r#type = None;
    let graph = Graph {
        node: vec![
            step("Identity", &["X"], "rows"),
            trees,
            step("Cast", &["label"], "output_label"),
            step("ZipMap", &["scores"], "output_probability"),
        ],
        initializer: Vec::new(),
        input: vec![value("X", FLOAT)],
        output: vec![value("output_label", label), map],
    };
    let bytes = Model { graph: Some(graph) }.encode_to_vec();
    OnnxTrees::read(&bytes).unwrap()
}

#[test]
fn a_file_names_its_input_its_scores_and_its_label() {
    let read = converted(classifier(&[3, 5], &[0, 0], &[]), INT64);
    assert_eq!(
        (&*read.input, &*read.scores, read.label.as_deref()),
        ("X", "output_probability", Some("output_label"))
    );
    assert_eq!(read.labels, Some(Labels::Numbers(vec![3, 5])));
    let read = OnnxTrees::read(&model(vec![regressor()], "scores")).unwrap();
    assert_eq!(
        (&*read.input, &*read.scores, read.label, read.labels),
        ("rows", "scores", None, None)
    );
}

#[test]
fn a_label_of_another_type_than_its_classes_is_left_out() {
    let names = [texts("classlabels_strings", &["A", "H"])];
    let named = || classifier(&[], &[0, 0], &names);
    let read = converted(named(), STRING);
    let classes = ["A", "H"].map(str::to_owned).to_vec();
    assert_eq!(read.labels, Some(Labels::Texts(classes)));
    assert_eq!(read.label.as_deref(), Some("output_label"));
    assert_eq!(converted(named(), INT64).label, None);
    let numbered = classifier(&[3, 5], &[0, 0], &[]);
    assert_eq!(converted(numbered, INT32).label, None);
}
