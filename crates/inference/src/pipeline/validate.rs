//! Holds a request against what a model takes, and says which tensor does not fit and why.

use crate::{DataType, InferRequest, InferenceError, Signature, Tensor, TensorSpec, Values};

/// Rows of a request that fits; refuses any other, naming the tensor.
pub(super) fn rows(
    request: &InferRequest,
    signature: &Signature,
    rows_max: u32,
) -> Result<u64, InferenceError> {
    let inputs = &request.inputs;
    for (at, tensor) in inputs.iter().enumerate() {
        let Some(spec) = signature.inputs.iter().find(|it| it.name == tensor.name) else {
            return refuse(format!("the model has no input {}", tensor.name));
        };
        if inputs[..at].iter().any(|it| it.name == tensor.name) {
            return refuse(format!("input {} is given twice", tensor.name));
        }
        fits(tensor, spec)?;
    }
    let is_given = |it: &&TensorSpec| inputs.iter().any(|given| given.name == it.name);
    if let Some(missing) = signature.inputs.iter().find(|it| !is_given(it)) {
        let (name, given, wanted) = (&missing.name, inputs.len(), signature.inputs.len());
        return refuse(format!(
            "input {name} is missing: {given} given where the model takes {wanted}"
        ));
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
            "input {name} is {} where the model takes {}",
            told(given),
            told(wanted)
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

/// A type by its name in the protocol.
fn told(datatype: DataType) -> String {
    format!("{datatype:?}").to_uppercase()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VersionRef;

    fn refused(inputs: &[(&str, DataType, Values)]) -> String {
        let spec = |name: &str| TensorSpec {
            name: name.to_owned(),
            datatype: DataType::Fp64,
            shape: vec![-1],
        };
        let signature = Signature {
            inputs: ["elo", "rest"].map(spec).to_vec(),
            outputs: Vec::new(),
            features: Vec::new(),
        };
        let tensors = inputs.iter().map(|(name, datatype, values)| Tensor {
            name: (*name).to_owned(),
            datatype: *datatype,
            shape: vec![1],
            values: values.clone(),
        });
        let request = InferRequest {
            model: "m".to_owned(),
            version: VersionRef::Serving,
            inputs: tensors.collect(),
            outputs: Vec::new(),
            key: None,
            priority: 0,
            deadline: None,
            explain: false,
        };
        rows(&request, &signature, 8).unwrap_err().to_string()
    }

    #[test]
    fn a_refusal_names_the_input_and_types_as_the_protocol_does() {
        let one = || ("elo", DataType::Fp32, Values::Fp32(vec![1.0]));
        let whole = ("rest", DataType::Int64, Values::Int64(vec![1]));
        let told = "input rest is missing: 1 given where the model takes 2";
        assert_eq!(refused(&[one()]), told);
        assert_eq!(refused(&[one(), one()]), "input elo is given twice");
        let told = "input rest is INT64 where the model takes FP64";
        assert_eq!(refused(&[one(), whole]), told);
    }
}
