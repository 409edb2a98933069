//! XGBoost's models as JSON and UBJSON, `gbtree` and `dart`, from version 1.0 on. Linear boosters
//! and trees whose leaves are vectors are refused. A file predicts as what saved it does: up to the
//! best iteration where the scikit-learn interface did, by all trees where a `Booster` did.

mod file;
mod objective;
mod tree;
mod ubjson;

use crate::{
    Aggregate, Base, Ensemble, Precision, ReadError, Tree,
    check::{OUTPUTS_MAX, malformed, names},
};

use self::file::{Attributes, File, Learner, Parameters, Trees};

/// Reads a model's JSON.
pub(crate) fn read_json(bytes: &[u8]) -> Result<Ensemble, ReadError> {
    let file: File = serde_json::from_slice(&file::plain_json(bytes)).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        let text = error.to_string();
        // The place stands at the front already.
        let reason = text.split(" at line ").next().unwrap_or(&text);
        malformed(&place, reason)
    })?;
    ensemble(file.learner)
}

/// Reads a model's UBJSON.
pub(crate) fn read_ubjson(bytes: &[u8]) -> Result<Ensemble, ReadError> {
    let file: File = ubjson::from_bytes(bytes)?;
    ensemble(file.learner)
}

fn ensemble(learner: Learner) -> Result<Ensemble, ReadError> {
    let parameters = &learner.learner_model_param;
    let outputs = outputs(parameters)?;
    let features = whole("num_feature", &parameters.num_feature)?;
    let objective = objective::known(&learner.objective.name)?;
    let booster = learner.gradient_booster;
    let (model, weights) = match booster.name.as_str() {
        "gbtree" => (booster.model, None),
        "dart" => (
            booster.gbtree.and_then(|it| it.model),
            Some(booster.weight_drop),
        ),
        other => {
            return Err(ReadError::Unsupported(format!(
                "the XGBoost booster {other:?}"
            )));
        }
    };
    let Some(model) = model else {
        return Err(malformed("gradient_booster", "it has no model"));
    };
    let count = model.trees.len();
    if model.tree_info.len() != count {
        let reason = format!("{} numbers for {count} trees", model.tree_info.len());
        return Err(malformed("tree_info", &reason));
    }
    if let Some(weights) = weights.as_ref().filter(|it| it.len() != count) {
        let reason = format!("{} numbers for {count} trees", weights.len());
        return Err(malformed("weight_drop", &reason));
    }
    let counted = counted(&learner.attributes, &model, outputs)?;
    let mut sets = tree::SetRoom::default();
    let read = |(index, (columns, output)): (usize, (file::Columns, u32))| {
        let weight = weights.as_ref().map(|it| it[index].0);
        let nodes = tree::nodes(&columns, weight, index, &mut sets)?;
        Ok(Tree { output, nodes })
    };
    let trees: Result<_, ReadError> = model
        .trees
        .into_iter()
        .zip(model.tree_info)
        .take(counted)
        .enumerate()
        .map(read)
        .collect();
    Ensemble {
        feature_names: names(learner.feature_names, features)?,
        outputs,
        precision: Precision::Single,
        base: Base::First(base(parameters, outputs, objective.margin)?),
        trees: trees?,
        aggregate: Aggregate::Sum,
        link: objective.link,
    }
    .checked()
}

/// How many trees count: the scikit-learn interface asks those up to the best iteration of a
/// training that stopped early, a `Booster` all.
fn counted(attributes: &Attributes, model: &Trees, outputs: usize) -> Result<usize, ReadError> {
    let count = model.trees.len();
    let (Some(best), Some(_)) = (&attributes.best_iteration, &attributes.scikit_learn) else {
        return Ok(count);
    };
    let iterations = whole("best_iteration", best)?.saturating_add(1);
    let end = if model.iteration_indptr.is_empty() {
        let parallel = model.gbtree_model_param.num_parallel_tree.as_deref();
        let parallel = whole("num_parallel_tree", parallel.unwrap_or("1"))?;
        Some(iterations.saturating_mul(outputs.saturating_mul(parallel)))
    } else {
        model.iteration_indptr.get(iterations).copied()
    };
    match end {
        Some(end) if end <= count => Ok(end),
        _ => {
            let reason = format!("{best} lies beyond the {count} trees");
            Err(malformed("best_iteration", &reason))
        }
    }
}

/// Raw scores of a row: classes, or targets.
fn outputs(parameters: &Parameters) -> Result<usize, ReadError> {
    let classes = whole("num_class", &parameters.num_class)?;
    let targets = whole(
        "num_target",
        parameters.num_target.as_deref().unwrap_or("1"),
    )?;
    match classes.max(1).max(targets) {
        outputs if outputs <= OUTPUTS_MAX => Ok(outputs),
        outputs => Err(malformed(
            "num_class",
            &format!("{outputs} are more than {OUTPUTS_MAX}"),
        )),
    }
}

/// What sums begin with: one number for all outputs, or `[…]` with one for each (from version 3.1
/// on), as a prediction, not as a raw score.
fn base(
    parameters: &Parameters,
    outputs: usize,
    margin: fn(f32) -> f32,
) -> Result<Vec<f64>, ReadError> {
    let text = parameters.base_score.trim();
    let inner = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let given: Result<Vec<f32>, ReadError> = inner
        .unwrap_or(text)
        .split(',')
        .map(|it| {
            let reason = || format!("{it:?} is no number");
            it.trim()
                .parse()
                .map_err(|_| malformed("base_score", &reason()))
        })
        .collect();
    let given: Vec<f64> = given?.into_iter().map(|it| margin(it).into()).collect();
    match given.as_slice() {
        [one] => Ok(vec![*one; outputs]),
        each if each.len() == outputs => Ok(given),
        each => {
            let reason = format!("{} numbers for {outputs} outputs", each.len());
            Err(malformed("base_score", &reason))
        }
    }
}

/// A whole number in a text, as XGBoost writes parameters.
fn whole(place: &str, text: &str) -> Result<usize, ReadError> {
    text.trim()
        .parse()
        .map_err(|_| malformed(place, &format!("{text:?} is no such number")))
}

#[cfg(test)]
mod tests;
