//! From a graph to something that runs, and the signature that comes with it.

use tract_onnx::prelude::{
    InferenceFact, InferenceModelExt, IntoRunnable, Symbol, TDim, ToDim, TractResult, TypedModel,
};

use super::{
    Plan, contained,
    graph::Graph,
    limits,
    values::{datatype_of, held_of},
};
use crate::{Signature, TensorSpec};

/// Makes a plan and the signature; `given` is what the model's settings say, held against it.
pub(super) fn make(graph: Graph, given: Option<&Signature>) -> Result<(Plan, Signature), String> {
    let inputs = match given {
        Some(given) => agreed(&graph.inputs, &given.inputs)?,
        None => graph.inputs.clone(),
    };
    let names: Vec<String> = match given {
        Some(given) => given.outputs.iter().map(|it| it.name.clone()).collect(),
        None => graph.outputs.clone(),
    };
    if let Some(strange) = names.iter().find(|it| !graph.outputs.contains(it)) {
        return Err(format!(
            "the signature's output {strange} is not the model's"
        ));
    }
    let attempt = |many| contained(|| attempt(&graph, &inputs, &names, many)).and_then(|it| it);
    let (plan, outputs) = match rows(&inputs)? {
        // Recurrent operators are known for a fixed number of rows alone.
        true => attempt(true).or_else(|_| attempt(false))?,
        false => attempt(false)?,
    };
    if let Some(given) = given {
        for (own, given) in outputs.iter().zip(&given.outputs) {
            fits(own, given, "output")?;
        }
    }
    let inputs = inputs.into_iter().map(|it| TensorSpec {
        shape: open(&it.shape),
        ..it
    });
    let signature = Signature {
        inputs: inputs.collect(),
        outputs,
        features: given.map_or_else(Vec::new, |it| it.features.clone()),
    };
    Ok((plan, signature))
}

/// Makes a plan for any number of rows, or for one, and tells what it gives.
fn attempt(
    graph: &Graph,
    inputs: &[TensorSpec],
    names: &[String],
    many: bool,
) -> Result<(Plan, Vec<TensorSpec>), String> {
    let (mut model, symbol) = typed(graph, inputs, names, many).map_err(fault)?;
    let outputs = outputs(&model, names, symbol.as_ref())?;
    limits::keep(&mut model);
    let mut model = model.into_optimized().map_err(fault)?;
    limits::keep_sequences(&mut model);
    let plan = model.into_runnable().map_err(fault)?;
    Ok(match many {
        true => (Plan::Many(plan), outputs),
        false => (Plan::One(plan), outputs),
    })
}

fn fault(error: impl std::fmt::Display) -> String {
    format!("it cannot be run: {error:#}")
}

/// A shape with its first dimension left open.
fn open(shape: &[i64]) -> Vec<i64> {
    let rest = shape.iter().skip(1).copied();
    std::iter::once(-1).chain(rest).collect()
}

/// The model's inputs with what the settings fix; refuses what is not the model's.
fn agreed(own: &[TensorSpec], given: &[TensorSpec]) -> Result<Vec<TensorSpec>, String> {
    if own.len() != given.len() {
        let (given, own) = (given.len(), own.len());
        return Err(format!(
            "the signature has {given} inputs where the model has {own}"
        ));
    }
    let agreed = own.iter().map(|own| {
        let given = given.iter().find(|it| it.name == own.name);
        let given = given.ok_or_else(|| format!("the signature has no input {}", own.name))?;
        fits(own, given, "input")?;
        let both = own.shape.iter().zip(&given.shape);
        Ok(TensorSpec {
            shape: both.map(|(own, given)| *own.max(given)).collect(),
            ..own.clone()
        })
    });
    agreed.collect()
}

fn fits(own: &TensorSpec, given: &TensorSpec, what: &str) -> Result<(), String> {
    let alike = |(own, given): (&i64, &i64)| *own < 0 || *given < 0 || own == given;
    let same = own.shape.len() == given.shape.len()
        && own.shape.iter().zip(&given.shape).skip(1).all(alike);
    if own.datatype == given.datatype && same {
        return Ok(());
    }
    Err(format!(
        "the signature's {what} {} is {:?} of {:?} where the model has {:?} of {:?}",
        own.name, given.datatype, given.shape, own.datatype, own.shape
    ))
}

/// Whether any number of rows may be given, or one at a time.
fn rows(inputs: &[TensorSpec]) -> Result<bool, String> {
    let first = |it: &TensorSpec| it.shape.first().copied();
    let all = |wanted| inputs.iter().all(|it| first(it) == Some(wanted));
    if all(-1) || all(1) {
        return Ok(all(-1));
    }
    let odd = inputs.iter().find(|it| first(it) != Some(-1));
    Err(match odd.map(|it| (&it.name, first(it))) {
        Some((name, Some(rows))) => format!(
            "input {name} takes {rows} rows at a time: export it with an open first dimension"
        ),
        _ => "an input has no dimension that counts rows".to_owned(),
    })
}

/// The graph with the types and shapes of everything in it, and the symbol that counts rows.
fn typed(
    graph: &Graph,
    inputs: &[TensorSpec],
    outputs: &[String],
    many: bool,
) -> TractResult<(TypedModel, Option<Symbol>)> {
    let parsed = graph.onnx.parse(&graph.proto, None)?;
    let mut model = parsed.model;
    let outlets: Vec<_> = outputs
        .iter()
        .filter_map(|it| parsed.outlets_by_name.get(it).copied())
        .collect();
    model.select_output_outlets(&outlets)?;
    let symbol = many.then(|| model.symbols.sym("rows"));
    for (at, spec) in inputs.iter().enumerate() {
        let mut shape: Vec<TDim> = vec![symbol.as_ref().map_or(1.to_dim(), Symbol::to_dim)];
        for (place, &dimension) in spec.shape.iter().enumerate().skip(1) {
            shape.push(match dimension {
                -1 => model.symbols.sym(&format!("d{at}_{place}")).to_dim(),
                known => known.to_dim(),
            });
        }
        let held = held_of(spec.datatype).expect("texts were refused");
        model.set_input_fact(at, InferenceFact::dt_shape(held, shape))?;
    }
    let typed = model.into_typed()?.into_decluttered()?;
    Ok((typed, symbol))
}

/// What the graph gives; refuses what has no row for each row.
fn outputs(
    model: &TypedModel,
    names: &[String],
    symbol: Option<&Symbol>,
) -> Result<Vec<TensorSpec>, String> {
    let rows = symbol.map_or(1.to_dim(), Symbol::to_dim);
    let spec = |(at, name): (usize, &String)| {
        let fact = model.output_fact(at).map_err(fault)?;
        let datatype = datatype_of(fact.datum_type)
            .ok_or_else(|| format!("output {name} has a type that is not known"))?;
        if fact.shape.first() != Some(&rows) {
            return Err(format!("output {name} has no row for each row"));
        }
        let dims = fact
            .shape
            .iter()
            .skip(1)
            .map(|it| it.to_i64().unwrap_or(-1));
        Ok(TensorSpec {
            name: name.clone(),
            datatype,
            shape: std::iter::once(-1).chain(dims).collect(),
        })
    };
    names.iter().enumerate().map(spec).collect()
}
