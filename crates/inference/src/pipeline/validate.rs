//! Holds a request against what a model takes, and says which tensor does not fit and why.

use crate::{DataType, InferRequest, InferenceError, Signature, Tensor, TensorSpec, Values};

/// Rows of a request that fits; refuses any other, naming the tensor.
pub(super) fn rows(
    request: &InferRequest,
    signature: &Signature,
    rows_max: u32,
) -> Result<u64, InferenceError> {
    let inputs = &request.inputs;
    let wanted = signature.inputs.len();
    if inputs.len() != wanted {
        return refuse(format!(
            "{} inputs given where the model takes {wanted}",
            inputs.len()
        ));
    }
    for (at, tensor) in inputs.iter().enumerate() {
        let Some(spec) = signature.inputs.iter().find(|it| it.name == tensor.name) else {
            return refuse(format!("the model has no input {}", tensor.name));
        };
        if inputs[..at].iter().any(|it| it.name == tensor.name) {
            return refuse(format!("input {} is given twice", tensor.name));
        }
        fits(tensor, spec)?;
    }
    for (at, name) in request.outputs.iter().enumerate() {
        if !signature.outputs.iter().any(|it| &it.name == name) {
            return refuse(format!("the model has no output {name}"));
        }
        // Each would be a copy of the whole tensor.
        if request.outputs[..at].contains(name) {
            return refuse(format!("output {name} is asked for twice"));
        }
    }
    let rows = inputs.first().map_or(0, Tensor::rows);
    if let Some(other) = inputs.iter().find(|it| it.rows() != rows) {
        let given = other.rows();
        return refuse(format!(
            "input {} has {given} rows where others have {rows}",
            other.name
        ));
    }
    if rows == 0 || rows > u64::from(rows_max) {
        return refuse(format!("{rows} rows given where 1 to {rows_max} are taken"));
    }
    Ok(rows)
}

fn fits(tensor: &Tensor, spec: &TensorSpec) -> Result<(), InferenceError> {
    let name = &tensor.name;
    let float = |it| matches!(it, DataType::Fp16 | DataType::Fp32 | DataType::Fp64);
    let alike = float(tensor.datatype) && float(spec.datatype);
    if !alike && tensor.datatype != spec.datatype {
        let (given, wanted) = (tensor.datatype, spec.datatype);
        return refuse(format!(
            "input {name} is {given:?} where the model takes {wanted:?}"
        ));
    }
    if !holds(tensor) {
        return refuse(format!(
            "input {name} has values of another type than it says"
        ));
    }
    let same = tensor.shape.len() == spec.shape.len()
        && tensor
            .shape
            .iter()
            .zip(&spec.shape)
            .all(|(given, wanted)| *wanted < 0 || i64::try_from(*given) == Ok(*wanted));
    if !same {
        let (given, wanted) = (&tensor.shape, &spec.shape);
        return refuse(format!(
            "input {name} has shape {given:?} where the model takes {wanted:?}"
        ));
    }
    let elements = tensor
        .shape
        .iter()
        .try_fold(1_u64, |all, it| all.checked_mul(*it));
    let given = tensor.values.len();
    if elements != Some(given as u64) {
        let shape = &tensor.shape;
        return refuse(format!(
            "input {name} has {given} values, which shape {shape:?} does not hold"
        ));
    }
    Ok(())
}

fn holds(tensor: &Tensor) -> bool {
    match tensor.values {
        Values::Bool(_) => tensor.datatype == DataType::Bool,
        Values::Int64(_) => matches!(
            tensor.datatype,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64
        ),
        Values::Uint64(_) => matches!(
            tensor.datatype,
            DataType::Uint8 | DataType::Uint16 | DataType::Uint32 | DataType::Uint64
        ),
        Values::Fp32(_) => matches!(tensor.datatype, DataType::Fp16 | DataType::Fp32),
        Values::Fp64(_) => tensor.datatype == DataType::Fp64,
        Values::Bytes(_) => tensor.datatype == DataType::Bytes,
    }
}

fn refuse<T>(reason: String) -> Result<T, InferenceError> {
    Err(InferenceError::BadRequest(reason))
}
