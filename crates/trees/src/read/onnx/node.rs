//! A tree node: its attributes to nodes, outputs, base and link, as ONNX Runtime reads them.

use std::collections::HashMap;

use crate::{
    Aggregate, Base, Ensemble, Link, Precision, ReadError,
    check::{FEATURES_MAX, OUTPUTS_MAX, names},
};

use super::{
    Labels, OnnxTrees,
    attributes::Attributes,
    forest::{Flat, Forest, Mode},
    proto,
};

pub(super) fn read(
    node: &proto::Node,
    features: Option<usize>,
    precision: Precision,
) -> Result<OnnxTrees, ReadError> {
    let model = operator(node, features, precision)?;
    let named = |name: Option<&String>| name.cloned().unwrap_or_default();
    Ok(OnnxTrees {
        input: named(node.input.first()),
        scores: named(node.output.last()),
        label: node
            .output
            .first()
            .filter(|_| node.output.len() > 1)
            .cloned(),
        ..model
    })
}

fn operator(
    node: &proto::Node,
    features: Option<usize>,
    precision: Precision,
) -> Result<OnnxTrees, ReadError> {
    let from = Attributes::of(node);
    match node.op_type.as_str() {
        "TreeEnsembleRegressor" => {
            let aggregate = match from.text("aggregate_function")?.unwrap_or("SUM") {
                "SUM" => 1,
                "AVERAGE" => 0,
                "MIN" => 2,
                "MAX" => 3,
                other => return Err(unknown("aggregate function", other)),
            };
            let (mut forest, _) = named_nodes(&from, "target")?;
            let outputs = targets(&from)?;
            let base = base(&from, outputs)?;
            let link = link(transform(&from)?, outputs);
            let shape = shape(&mut forest, aggregate, outputs, link)?;
            finish(forest, (features, precision), Shape { base, ..shape })
        }
        "TreeEnsembleClassifier" => classifier(&from, features, precision),
        "TreeEnsemble" => {
            let mut forest = numbered_nodes(&from)?;
            let outputs = targets(&from)?;
            let transform = match from.integer("post_transform").unwrap_or(0) {
                0 => "NONE",
                1 => "LOGISTIC",
                2 => "SOFTMAX",
                3 => "SOFTMAX_ZERO",
                4 => "PROBIT",
                other => return Err(unknown("post transform", &other.to_string())),
            };
            let aggregate = from.integer("aggregate_function").unwrap_or(1);
            let shape = shape(&mut forest, aggregate, outputs, link(transform, outputs))?;
            finish(forest, (features, precision), shape)
        }
        other => Err(unknown("operator", other)),
    }
}

fn unknown(what: &str, name: &str) -> ReadError {
    ReadError::Unsupported(format!("the ONNX {what} {name:?}"))
}

/// What an ensemble has beside trees.
struct Shape {
    outputs: usize,
    base: Vec<f64>,
    aggregate: Aggregate,
    link: Link,
}

fn shape(
    forest: &mut Forest,
    aggregate: i64,
    outputs: usize,
    link: Link,
) -> Result<Shape, ReadError> {
    let aggregate = match aggregate {
        0 => Aggregate::Mean(forest.roots.len().max(1) as f64),
        1 => Aggregate::Sum,
        2 => Aggregate::Min,
        3 => Aggregate::Max,
        other => return Err(unknown("aggregate function", &other.to_string())),
    };
    forest.picks = matches!(aggregate, Aggregate::Min | Aggregate::Max);
    Ok(Shape {
        outputs,
        base: vec![0.0; outputs],
        aggregate,
        link,
    })
}

fn finish(
    forest: Forest,
    (features, precision): (Option<usize>, Precision),
    shape: Shape,
) -> Result<OnnxTrees, ReadError> {
    let asked = forest.nodes.iter().filter_map(|it| match it {
        Flat::Split { feature, .. } => Some(*feature as usize + 1),
        Flat::Leaf { .. } => None,
    });
    let features = features.unwrap_or_else(|| asked.max().unwrap_or(1));
    let ensemble = Ensemble {
        feature_names: names(Vec::new(), features)?,
        outputs: shape.outputs,
        precision,
        base: Base::Last(shape.base),
        trees: forest.trees()?,
        aggregate: shape.aggregate,
        link: shape.link,
    };
    Ok(OnnxTrees {
        ensemble: ensemble.checked()?,
        labels: None,
        input: String::new(),
        scores: String::new(),
        label: None,
    })
}

fn transform<'a>(from: &Attributes<'a>) -> Result<&'a str, ReadError> {
    Ok(from.text("post_transform")?.unwrap_or("NONE"))
}

/// ONNX Runtime transforms a single score by the quantile alone and passes over the others.
fn link(transform: &str, outputs: usize) -> Link {
    match transform {
        "PROBIT" => Link::Probit,
        _ if outputs == 1 => Link::Identity,
        "LOGISTIC" => Link::Logistic,
        "SOFTMAX" => Link::SoftmaxSingle,
        "SOFTMAX_ZERO" => Link::SoftmaxZero,
        _ => Link::Identity,
    }
}

fn targets(from: &Attributes<'_>) -> Result<usize, ReadError> {
    let found = from.integer("n_targets").unwrap_or(0);
    match usize::try_from(found) {
        Ok(outputs) if (1..=OUTPUTS_MAX).contains(&outputs) => Ok(outputs),
        _ => Err(from.fault("n_targets", &format!("{found} outputs"))),
    }
}

/// One base value for each output, zeros where there are none.
fn base(from: &Attributes<'_>, outputs: usize) -> Result<Vec<f64>, ReadError> {
    let base = from.numbers("base_values")?;
    match base.len() {
        0 => Ok(vec![0.0; outputs]),
        count if count == outputs => Ok(base),
        count => {
            let reason = format!("{count} values where {outputs} are due");
            Err(from.fault("base_values", &reason))
        }
    }
}

fn classifier(
    from: &Attributes<'_>,
    features: Option<usize>,
    precision: Precision,
) -> Result<OnnxTrees, ReadError> {
    let texts = from.texts("classlabels_strings")?;
    let numbers = from.integers("classlabels_int64s");
    let (classes, labels) = match texts.is_empty() {
        true => (numbers.len(), Labels::Numbers(numbers.to_vec())),
        false => {
            let names = texts.iter().map(|it| (*it).to_owned());
            (texts.len(), Labels::Texts(names.collect()))
        }
    };
    let (mut forest, weights) = named_nodes(from, "class")?;
    let transform = transform(from)?;
    let shape = match classes {
        0 => return Err(from.fault("classlabels_int64s", "there are no classes")),
        1 => {
            return Err(ReadError::Unsupported(
                "an ONNX classifier of one class".to_owned(),
            ));
        }
        2 => binary(from, &mut forest, &weights, transform)?,
        classes if classes <= OUTPUTS_MAX => {
            let mut shape = shape(&mut forest, 1, classes, link(transform, classes))?;
            shape.base = base(from, classes)?;
            shape
        }
        _ => return Err(from.fault("classlabels_int64s", "there are too many classes")),
    };
    let model = finish(forest, (features, precision), shape)?;
    Ok(OnnxTrees {
        labels: Some(labels),
        ..model
    })
}

/// Two classes: of one score where leaves vote for the first class alone, else of two.
fn binary(
    from: &Attributes<'_>,
    forest: &mut Forest,
    weights: &[f64],
    transform: &str,
) -> Result<Shape, ReadError> {
    let mut base = from.numbers("base_values")?;
    if base.len() > 2 {
        let reason = format!("{} values for two classes", base.len());
        return Err(from.fault("base_values", &reason));
    }
    let votes = |it: &Flat, class: u32| match it {
        Flat::Leaf { votes, .. } => votes.iter().any(|it| it.0 == class),
        Flat::Split { .. } => false,
    };
    let first = forest.nodes.iter().any(|it| votes(it, 0));
    let second = forest.nodes.iter().any(|it| votes(it, 1));
    if second && base.len() == 2 {
        let what =
            "an ONNX classifier of two classes with two base values and votes for the second";
        return Err(ReadError::Unsupported(what.to_owned()));
    }
    if second || base.len() == 2 {
        // ONNX Runtime adds a base value to the first class alone, and only where it has votes.
        base.truncate(usize::from(first));
        let never = |it: &Flat| matches!(it, Flat::Leaf { .. }) && !votes(it, 1);
        if second && forest.nodes.iter().any(never) {
            let what = "an ONNX classifier whose leaves do not all vote for the second class";
            return Err(ReadError::Unsupported(what.to_owned()));
        }
        base.resize(2, 0.0);
        let shape = shape(forest, 1, 2, link(transform, 2))?;
        return Ok(Shape { base, ..shape });
    }
    base.resize(1, 0.0);
    let link = match transform {
        "PROBIT" => return Err(unknown("post transform of one score", transform)),
        "LOGISTIC" => Link::SigmoidPair,
        _ if weights.iter().all(|it| *it >= 0.0) => Link::IdentityPair,
        _ => Link::OppositePair,
    };
    let shape = shape(forest, 1, 1, link)?;
    Ok(Shape { base, ..shape })
}

/// The nodes of `ai.onnx.ml` 1 to 4: named by tree and number, votes in lists of their own. The
/// weights of the votes come beside them.
fn named_nodes(from: &Attributes<'_>, votes: &str) -> Result<(Forest, Vec<f64>), ReadError> {
    let numbers = from.integers("nodes_nodeids");
    let count = numbers.len();
    let trees = from.columns("nodes_treeids", count)?;
    let mut places: HashMap<(i64, i64), usize> = HashMap::with_capacity(count);
    let mut roots: Vec<usize> = Vec::new();
    for (at, (tree, number)) in trees.iter().zip(numbers).enumerate() {
        if places.insert((*tree, *number), at).is_some() {
            let reason = format!("node {number} of tree {tree} stands twice");
            return Err(from.fault("nodes_nodeids", &reason));
        }
        if at == 0 || trees[at - 1] != *tree {
            roots.push(at);
        }
    }
    let place = |tree: i64, number: i64, name: &str| {
        let missing = || from.fault(name, &format!("tree {tree} has no node {number}"));
        places.get(&(tree, number)).copied().ok_or_else(missing)
    };
    let modes = from.texts("nodes_modes")?;
    if modes.len() != count {
        let reason = format!("{} values where {count} are due", modes.len());
        return Err(from.fault("nodes_modes", &reason));
    }
    let columns = Columns::read(from, count, "nodes_values")?;
    let mut nodes = Vec::with_capacity(count);
    for (at, tree) in trees.iter().enumerate() {
        if modes[at] == "LEAF" {
            nodes.push(columns.leaf(at));
            continue;
        }
        let yes = place(*tree, columns.yes[at], "nodes_truenodeids")?;
        let no = place(*tree, columns.no[at], "nodes_falsenodeids")?;
        let mode = mode_of(modes[at], columns.values[at])?;
        nodes.push(columns.split(at, mode, (yes, no), from)?);
    }
    let key = |end: &str| format!("{votes}_{end}");
    let outputs = from.integers(&key("ids"));
    let of_tree = from.columns(&key("treeids"), outputs.len())?;
    let of_node = from.columns(&key("nodeids"), outputs.len())?;
    let weights = from.reals(&key("weights"), outputs.len())?;
    for (vote, output) in outputs.iter().enumerate() {
        let at = place(of_tree[vote], of_node[vote], &key("nodeids"))?;
        let Ok(output) = u32::try_from(*output) else {
            return Err(from.fault(&key("ids"), &format!("there is no output {output}")));
        };
        // ONNX Runtime passes over what a split votes.
        if let Flat::Leaf { votes, .. } = &mut nodes[at] {
            votes.push((output, weights[vote]));
        }
    }
    let forest = Forest {
        nodes,
        roots,
        picks: false,
    };
    Ok((forest, weights))
}

fn mode_of(name: &str, value: f64) -> Result<Mode, ReadError> {
    Ok(match name {
        "BRANCH_LEQ" => Mode::AtMost(value),
        "BRANCH_LT" => Mode::Below(value),
        "BRANCH_GTE" => Mode::AtLeast(value),
        "BRANCH_GT" => Mode::Above(value),
        "BRANCH_EQ" => Mode::Equal(value),
        "BRANCH_NEQ" => Mode::Unequal(value),
        other => return Err(unknown("node mode", other)),
    })
}

/// What all versions have of a node.
struct Columns<'a> {
    features: &'a [i64],
    values: Vec<f64>,
    yes: &'a [i64],
    no: &'a [i64],
    tracks: &'a [i64],
    cover: Vec<f64>,
}

impl<'a> Columns<'a> {
    fn read(from: &Attributes<'a>, count: usize, values: &str) -> Result<Self, ReadError> {
        let tracks = "nodes_missing_value_tracks_true";
        let cover = from.numbers("nodes_hitrates")?;
        Ok(Self {
            features: from.columns("nodes_featureids", count)?,
            values: from.reals(values, count)?,
            yes: from.columns("nodes_truenodeids", count)?,
            no: from.columns("nodes_falsenodeids", count)?,
            tracks: match from.has(tracks) {
                true => from.columns(tracks, count)?,
                false => &[],
            },
            cover: if cover.len() == count {
                cover
            } else {
                Vec::new()
            },
        })
    }

    fn leaf(&self, at: usize) -> Flat {
        Flat::Leaf {
            votes: Vec::new(),
            cover: self.cover.get(at).copied().unwrap_or(f64::NAN),
        }
    }

    fn split(
        &self,
        at: usize,
        mode: Mode,
        (yes, no): (usize, usize),
        from: &Attributes<'_>,
    ) -> Result<Flat, ReadError> {
        let feature = u32::try_from(self.features[at]).ok();
        let Some(feature) = feature.filter(|it| (*it as usize) < FEATURES_MAX) else {
            let reason = format!("there is no feature {}", self.features[at]);
            return Err(from.fault("nodes_featureids", &reason));
        };
        Ok(Flat::Split {
            feature,
            mode,
            missing_passes: self.tracks.get(at).is_some_and(|it| *it == 1),
            yes,
            no,
            cover: self.cover.get(at).copied().unwrap_or(f64::NAN),
        })
    }
}

/// The nodes of `ai.onnx.ml` 5: numbered through all trees, leaves apart.
fn numbered_nodes(from: &Attributes<'_>) -> Result<Forest, ReadError> {
    let count = from.integers("nodes_featureids").len();
    let columns = Columns::read(from, count, "nodes_splits")?;
    let modes = from.reals("nodes_modes", count)?;
    let yes_is_leaf = from.columns("nodes_trueleafs", count)?;
    let no_is_leaf = from.columns("nodes_falseleafs", count)?;
    let outputs = from.integers("leaf_targetids");
    let weights = from.reals("leaf_weights", outputs.len())?;
    let mut members = from.numbers("membership_values")?.into_iter();
    let mut forest = Forest {
        nodes: Vec::with_capacity(2 * count + 1),
        roots: Vec::new(),
        picks: false,
    };
    // Splits come first, then a leaf for each side that is one, as leaves may be shared.
    let mut leaves = Vec::with_capacity(count + 1);
    for at in 0..count {
        let mut child = |number: i64, is_leaf: i64, name: &str| {
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            let known = if is_leaf == 0 { count } else { outputs.len() };
            if number >= known {
                return Err(from.fault(name, &format!("there is no node or leaf {number}")));
            }
            if is_leaf == 0 {
                return Ok(number);
            }
            let Ok(output) = u32::try_from(outputs[number]) else {
                let reason = format!("there is no output {}", outputs[number]);
                return Err(from.fault("leaf_targetids", &reason));
            };
            leaves.push(Flat::Leaf {
                votes: vec![(output, weights[number])],
                cover: f64::NAN,
            });
            Ok(count + leaves.len() - 1)
        };
        let yes = child(columns.yes[at], yes_is_leaf[at], "nodes_truenodeids")?;
        let no = child(columns.no[at], no_is_leaf[at], "nodes_falsenodeids")?;
        let value = columns.values[at];
        let mode = match modes[at] {
            0.0 => Mode::AtMost(value),
            1.0 => Mode::Below(value),
            2.0 => Mode::AtLeast(value),
            3.0 => Mode::Above(value),
            4.0 => Mode::Equal(value),
            5.0 => Mode::Unequal(value),
            6.0 => Mode::Member(members.by_ref().take_while(|it| !it.is_nan()).collect()),
            other => return Err(unknown("node mode", &other.to_string())),
        };
        if mode == Mode::Member(Vec::new()) {
            return Err(from.fault("membership_values", &format!("node {at} has no set")));
        }
        forest.nodes.push(columns.split(at, mode, (yes, no), from)?);
    }
    forest.nodes.extend(leaves);
    for root in from.integers("tree_roots") {
        match usize::try_from(*root).ok().filter(|it| *it < count) {
            Some(root) => forest.roots.push(root),
            None => return Err(from.fault("tree_roots", &format!("there is no node {root}"))),
        }
    }
    Ok(forest)
}
