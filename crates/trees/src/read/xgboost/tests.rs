use crate::{Ensemble, ReadError};

const MODEL: &str = r#"{"learner":{"attributes":{},"feature_names":["form","rest"],
"gradient_booster":{"model":{"tree_info":[0],"trees":[{
"categories":[1,3],"categories_nodes":[1],"categories_segments":[0],"categories_sizes":[2],
"default_left":[1,0,0,0,0],"left_children":[1,3,-1,-1,-1],"right_children":[2,4,-1,-1,-1],
"split_conditions":[0.5,NaN,-1.0,0.25,0.5],"split_indices":[0,1,0,0,0],
"split_type":[0,1,0,0,0],"sum_hessian":[15.0,9.0,6.0,4.0,5.0],
"tree_param":{"num_nodes":"5","size_leaf_vector":"1"}}]},"name":"gbtree"},
"learner_model_param":{"base_score":"[5E-1]","num_class":"0","num_feature":"2","num_target":"1"},
"objective":{"name":"reg:squarederror"}},"version":[3,2,0]}"#;

fn check(from: &str, to: &str, said: &str) {
    let changed = MODEL.replacen(from, to, 1);
    assert_ne!(changed, MODEL, "{from} is there");
    let error = Ensemble::read(changed.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), said);
}

/// UBJSON of a JSON value, as plain as can be.
fn ubjson(value: &serde_json::Value, to: &mut Vec<u8>) {
    use serde_json::Value;
    let text = |it: &str, to: &mut Vec<u8>| {
        to.push(b'L');
        to.extend((it.len() as i64).to_be_bytes());
        to.extend(it.as_bytes());
    };
    match value {
        Value::Null => to.push(b'Z'),
        Value::Bool(it) => to.push(if *it { b'T' } else { b'F' }),
        Value::Number(it) if it.is_f64() => {
            to.push(b'D');
            to.extend(it.as_f64().unwrap().to_be_bytes());
        }
        Value::Number(it) => {
            to.push(b'i');
            to.extend((it.as_i64().unwrap() as i8).to_be_bytes());
        }
        Value::String(it) => {
            to.push(b'S');
            text(it, to);
        }
        Value::Array(all) => {
            to.push(b'[');
            all.iter().for_each(|it| ubjson(it, to));
            to.extend(b"N]");
        }
        Value::Object(all) => {
            to.extend(b"{#i");
            to.push(all.len() as u8);
            for (key, it) in all {
                text(key, to);
                ubjson(it, to);
            }
        }
    }
}

fn model_as_ubjson() -> Vec<u8> {
    let value = serde_json::from_str(&MODEL.replace("NaN", "0.0")).unwrap();
    let mut bytes = Vec::new();
    ubjson(&value, &mut bytes);
    bytes
}

fn score(model: &Ensemble, row: [f64; 2]) -> f64 {
    let mut out = [0.0];
    model.score(&row, &mut out);
    out[0]
}

#[test]
fn a_model_is_read_and_scores() {
    let model = Ensemble::read(MODEL.as_bytes()).unwrap();
    assert_eq!(model.feature_names, ["form", "rest"]);
    for (row, wanted) in [
        ([0.4, 0.0], 0.75),
        ([0.4, 1.0], 1.0),
        ([0.4, 3.9], 1.0),
        ([0.4, -1.0], 0.75),
        ([0.4, 1e9], 0.75),
        ([f64::NAN, 0.0], 0.75),
        // Members go to the right, and so does what is missing, as the default says.
        ([0.4, f64::NAN], 1.0),
        ([0.5, 0.0], -0.5),
    ] {
        assert_eq!(score(&model, row), wanted, "{row:?}");
    }
}

#[test]
fn ubjson_says_the_same() {
    let model = Ensemble::read(&model_as_ubjson()).unwrap();
    assert_eq!(model, Ensemble::read(MODEL.as_bytes()).unwrap());
}

/// How many of four equal trees count, by what was noted of their training.
fn counted(attributes: &str, of_trees: &str) -> Result<usize, String> {
    let mut value: serde_json::Value = serde_json::from_str(&MODEL.replace("NaN", "0")).unwrap();
    let learner = &mut value["learner"];
    learner["attributes"] = serde_json::from_str(attributes).unwrap();
    let model = &mut learner["gradient_booster"]["model"];
    let tree = model["trees"][0].clone();
    model["trees"] = vec![tree; 4].into();
    model["tree_info"] = vec![0; 4].into();
    let more: serde_json::Value = serde_json::from_str(of_trees).unwrap();
    for (key, value) in more.as_object().unwrap() {
        model[key] = value.clone();
    }
    let read = Ensemble::read(value.to_string().as_bytes());
    read.map(|it| it.trees.len()).map_err(|it| it.to_string())
}

#[test]
fn trees_after_the_best_iteration_count_as_in_what_saved_the_file() {
    let best = |it: &str| format!(r#"{{"best_iteration":"{it}","scikit_learn":"{{}}"}}"#);
    let two = r#"{"gbtree_model_param":{"num_parallel_tree":"2"}}"#;
    let starts = r#"{"iteration_indptr":[0,3,4]}"#;
    assert_eq!(counted(r#"{"best_iteration":"1"}"#, "{}"), Ok(4));
    assert_eq!(counted(r#"{"scikit_learn":"{}"}"#, "{}"), Ok(4));
    assert_eq!(counted(&best("1"), "{}"), Ok(2));
    assert_eq!(counted(&best("3"), "{}"), Ok(4));
    assert_eq!(counted(&best("0"), two), Ok(2));
    assert_eq!(counted(&best("0"), starts), Ok(3));
    for (it, more) in [("4", "{}"), ("2", two), ("2", starts)] {
        let said = format!("best_iteration: {it} lies beyond the 4 trees");
        assert_eq!(counted(&best(it), more), Err(said));
    }
    let said = "best_iteration: \"soon\" is no such number";
    assert_eq!(counted(&best("soon"), "{}"), Err(said.to_owned()));
}

#[test]
fn what_is_not_scored_is_refused_by_name() {
    check(
        r#""gbtree"}"#,
        r#""gblinear"}"#,
        "the XGBoost booster \"gblinear\" is not supported",
    );
    check(
        "reg:squarederror",
        "reg:sorcery",
        "the XGBoost objective \"reg:sorcery\" is not supported",
    );
    check(
        r#"vector":"1""#,
        r#"vector":"2""#,
        "an XGBoost model of multi-output trees is not supported",
    );
}

#[test]
fn what_is_broken_is_named_with_its_place() {
    check("[1,3,-1", "[0,3,-1", "tree 0, node 0: it has two parents");
    check(
        "[1,3,-1",
        "[1,9,-1",
        "tree 0, node 9: there is no such node",
    );
    check(
        "[1,3,-1",
        "[1,-7,-1",
        "tree 0, node 1: a child of it is below zero",
    );
    check(
        "[1,3,-1,-1,-1]",
        "[1,3,-1,-1]",
        "tree 0, right_children: 5 numbers for 4 nodes",
    );
    check(
        "[0,1,0,0,0],\n",
        "[2,1,0,0,0],\n",
        "tree 0, node 0: feature 2 of 2",
    );
    check(
        "[0.5,NaN",
        "[NaN,NaN",
        "tree 0, node 0: its threshold is not a number",
    );
    check(
        "-1.0,0.25",
        "-Infinity,0.25",
        "tree 0, node 4: its value is -inf",
    );
    check(
        r#""split_type":[0,1"#,
        r#""split_type":[1,1"#,
        "tree 0, node 0: it has no categories",
    );
    check(
        r#""split_type":[0,1"#,
        r#""split_type":[2,1"#,
        "tree 0, node 0: split type 2 is none",
    );
}

#[test]
fn columns_and_parameters_that_do_not_fit_are_named() {
    check(
        "sizes\":[2]",
        "sizes\":[3]",
        "tree 0, categories_segments: segment 0 of 3 lies outside",
    );
    check(
        "segments\":[0]",
        "segments\":[]",
        "tree 0, categories_nodes: not one segment and size for each node",
    );
    check(
        "[1,3],",
        "[1,16777216],",
        "tree 0, categories: 16777216 is none",
    );
    check("info\":[0]", "info\":[1]", "tree 0: output 1 of 1");
    check(
        "info\":[0]",
        "info\":[]",
        "tree_info: 0 numbers for 1 trees",
    );
    check("[5E-1]", "[5E-1,1]", "base_score: 2 numbers for 1 outputs");
    check("[5E-1]", "[x]", "base_score: \"x\" is no number");
    check("[5E-1]", "inf", "base score: it is not finite");
    check(
        "class\":\"0",
        "class\":\"99999",
        "num_class: 99999 are more than 65536",
    );
    check(
        "feature\":\"2",
        "feature\":\"3",
        "feature_names: 2 names for 3 features",
    );
    check(
        "feature\":\"2",
        "feature\":\"-2",
        "num_feature: \"-2\" is no such number",
    );
    check(
        "\"gbtree\"}",
        "\"dart\"}",
        "gradient_booster: it has no model",
    );
    check(
        "[1,3,-1",
        "[1,true,-1",
        "line 4, column 50: invalid type: boolean `true`, expected i32",
    );
}

#[test]
fn sets_of_categories_have_a_bound() {
    let many: Vec<&str> = vec!["16777215"; 17];
    let numbers = |from: fn(usize) -> usize| {
        let all: Vec<String> = (0..17).map(|it| from(it).to_string()).collect();
        all.join(",")
    };
    let model = MODEL
        .replace("[1,3]", &format!("[{}]", many.join(",")))
        .replace("nodes\":[1]", &format!("nodes\":[{}]", numbers(|it| it)))
        .replace(
            "segments\":[0]",
            &format!("segments\":[{}]", numbers(|it| it)),
        )
        .replace("sizes\":[2]", &format!("sizes\":[{}]", numbers(|_| 1)));
    let error = Ensemble::read(model.as_bytes()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "tree 0, categories: their sets are too large"
    );
}

#[test]
fn what_is_cut_off_is_refused() {
    for end in 1..MODEL.len() {
        let error = Ensemble::read(&MODEL.as_bytes()[..end]);
        assert!(error.is_err(), "JSON cut at {end}");
    }
    let bytes = model_as_ubjson();
    for end in 1..bytes.len() {
        assert!(Ensemble::read(&bytes[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn ubjson_that_is_broken_is_named_with_its_byte() {
    let check = |bytes: &[u8], said: &str| {
        let error = Ensemble::read(bytes).unwrap_err();
        assert_eq!(error.to_string(), said, "{bytes:?}");
    };
    check(b"{i\x01aS", "byte 5: cut off");
    check(b"{i\xffa", "byte 3: a length below zero");
    check(b"{SU\x01a", "byte 2: a length that is no integer");
    check(b"{i\x01\xffZ}", "byte 4: it is not text");
    check(b"{i\x01aX}", "byte 5: 'X' is no kind of value");
    check(
        b"{i\x01a[$Z#L\x7f\xff\xff\xff\xff\xff\xff\xff}",
        "byte 7: values of a kind that takes no bytes",
    );
    check(b"{i\x01a[$i]", "byte 7: a kind without a number of values");
    check(b"{#L\x7f\xff\xff\xff\xff\xff\xff\xff", "byte 11: cut off");
    let deep = [b"{i\x01a".as_slice(), &[b'['; 100]].concat();
    check(&deep, "byte 68: values lie in each other too deep");
    let more = [model_as_ubjson(), vec![0]].concat();
    let said = format!("byte {}: more than a model", more.len() - 1);
    check(&more, &said);
    assert_eq!(Ensemble::read(b"{").unwrap_err(), ReadError::Unknown);
}
