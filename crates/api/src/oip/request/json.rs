//! Reads any JSON that is a request, and says of any other what is wrong and where.

use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use super::{Parameter, Read, Wishes, elements, tensor};
use crate::oip::{error::OipError, values};
use engine::serving::Tensor;

/// Parameters of a request or a tensor; those nobody here knows are passed over.
type Parameters<'a> = BTreeMap<Cow<'a, str>, Value>;

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(default)]
    id: Option<String>,
    #[serde(default, borrow)]
    parameters: Parameters<'a>,
    #[serde(borrow)]
    inputs: Vec<Input<'a>>,
    #[serde(default, borrow)]
    outputs: Vec<Output<'a>>,
}

#[derive(Deserialize)]
struct Input<'a> {
    name: String,
    shape: Vec<u64>,
    #[serde(borrow)]
    datatype: Cow<'a, str>,
    #[serde(default, borrow)]
    parameters: Parameters<'a>,
    #[serde(default, borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Output<'a> {
    name: String,
    #[serde(default, borrow)]
    parameters: Parameters<'a>,
}

/// Reads `json` and the raw bytes that follow it.
pub(super) fn read(json: &[u8], mut raw: &[u8]) -> Result<Read, OipError> {
    let body: Body<'_> = serde_json::from_slice(json).map_err(|error| {
        let more = strange_number(json).map(|it| format!("; {it}"));
        let more = more.unwrap_or_default();
        OipError::bad(format!("the request cannot be read: {error}{more}"))
    })?;
    let mut wishes = Wishes::default();
    for (name, value) in &body.parameters {
        wishes.take(name, parameter(value))?;
    }
    let mut inputs = Vec::with_capacity(body.inputs.len());
    for input in body.inputs {
        inputs.push(input.read(&mut raw)?);
    }
    if !raw.is_empty() {
        let left = raw.len();
        return Err(OipError::bad(format!(
            "{left} bytes after the JSON belong to no input"
        )));
    }
    let mut outputs = Vec::with_capacity(body.outputs.len());
    for output in body.outputs {
        let as_raw = output.is_raw()?;
        outputs.push((output.name, as_raw));
    }
    Ok(Read {
        id: body.id,
        wishes,
        inputs,
        outputs,
    })
}

/// What to send for a number that JSON does not have, where there is one; many clients write it.
fn strange_number(json: &[u8]) -> Option<&'static str> {
    let (mut at, mut in_text) = (0, false);
    while let Some(rest) = json.get(at..).filter(|it| !it.is_empty()) {
        match rest[0] {
            b'\\' if in_text => at += 1,
            b'"' => in_text = !in_text,
            b'N' if !in_text && rest.starts_with(b"NaN") => {
                return Some("JSON has no NaN: send null for it, or binary data");
            }
            b'I' if !in_text && rest.starts_with(b"Infinity") => {
                return Some("JSON has no Infinity: send binary data");
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn parameter(value: &Value) -> Parameter<'_> {
    match value {
        Value::Bool(it) => Parameter::Bool(*it),
        Value::String(it) => Parameter::Text(it),
        value => value.as_u64().map_or(Parameter::Other, Parameter::Number),
    }
}

impl Input<'_> {
    /// Reads the tensor; takes its bytes off `raw` where it is not JSON.
    fn read(self, raw: &mut &[u8]) -> Result<Tensor, OipError> {
        let place = format!("input {}", self.name);
        let datatype = values::datatype(&self.datatype).ok_or_else(|| {
            OipError::bad(format!("{place}: datatype {} is not known", self.datatype))
        })?;
        refuse_shared_memory(&self.parameters, &place)?;
        let size = match self.parameters.get("binary_data_size") {
            None => None,
            Some(size) => Some(size.as_u64().ok_or_else(|| {
                OipError::bad(format!("{place}: binary_data_size is not a whole number"))
            })?),
        };
        let values = match (self.data, size) {
            (Some(data), None) => {
                let count = elements(&self.shape, &place)?;
                values::from_json(data, datatype, count, &place)?
            }
            (None, Some(size)) => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let (own, rest) = raw.split_at_checked(size).ok_or_else(|| {
                    let left = raw.len();
                    OipError::bad(format!(
                        "{place}: binary_data_size is {size}, {left} bytes are left"
                    ))
                })?;
                *raw = rest;
                values::from_raw(own, datatype, &place)?
            }
            _ => {
                return Err(OipError::bad(format!(
                    "{place}: either data or binary_data_size is wanted"
                )));
            }
        };
        tensor(self.name, datatype, self.shape, values)
    }
}

impl Output<'_> {
    /// Whether it is to come as raw bytes; `None` where that is left to the request.
    fn is_raw(&self) -> Result<Option<bool>, OipError> {
        let place = format!("output {}", self.name);
        refuse_shared_memory(&self.parameters, &place)?;
        if let Some(count) = self.parameters.get("classification")
            && count.as_u64() != Some(0)
        {
            return Err(OipError::bad(format!(
                "{place}: the classification extension is not there"
            )));
        }
        match self.parameters.get("binary_data") {
            None => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or_else(|| {
                OipError::bad(format!("{place}: binary_data is neither true nor false"))
            }),
        }
    }
}

fn refuse_shared_memory(parameters: &Parameters<'_>, place: &str) -> Result<(), OipError> {
    if parameters.contains_key("shared_memory_region") {
        return Err(OipError::bad(format!(
            "{place}: the shared memory extension is not there"
        )));
    }
    Ok(())
}
