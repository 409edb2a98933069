//! Reads an inference request: JSON, and the raw bytes that may follow it.

mod json;
mod quick;

use std::time::Duration;

use engine::serving::{DataType, InferRequest, Tensor, VersionRef};
use tokio::time::Instant;

use super::error::OipError;

/// Dimensions of a tensor, at most.
pub(super) const DIMENSIONS_MAX: usize = 16;

/// A request and how its answer is to be written.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) request: InferRequest,
    pub(super) id: Option<String>,
    pub(super) format: Format,
}

/// Which outputs come as raw bytes.
#[derive(Debug)]
pub(super) struct Format {
    /// Outputs named, and whether each does.
    named: Vec<(String, bool)>,
    /// Whether the others do.
    others: bool,
}

impl Format {
    /// Whether an output comes as raw bytes.
    pub(super) fn is_raw(&self, name: &str) -> bool {
        let named = self.named.iter().find(|it| it.0 == name);
        named.map_or(self.others, |it| it.1)
    }
}

/// What the parameters of a request say, on either face.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Wishes {
    pub(super) priority: u64,
    pub(super) timeout: Option<Duration>,
    pub(super) label: Option<String>,
    pub(super) key: Option<String>,
    pub(super) raw: bool,
    pub(super) explain: bool,
}

/// A parameter's value, on either face.
#[derive(Debug, Clone, Copy)]
pub(super) enum Parameter<'a> {
    Bool(bool),
    Number(u64),
    Text(&'a str),
    Other,
}

impl Wishes {
    /// Takes one parameter of a request.
    pub(super) fn take(&mut self, name: &str, value: Parameter<'_>) -> Result<(), OipError> {
        let wrong = |wanted| OipError::bad(format!("parameter {name}: {wanted} is wanted"));
        let number = || match value {
            Parameter::Number(it) => Ok(it),
            _ => Err(wrong("a whole number from 0")),
        };
        let flag = || match value {
            Parameter::Bool(it) => Ok(it),
            _ => Err(wrong("true or false")),
        };
        let text = || match value {
            Parameter::Text(it) => Ok(it.to_owned()),
            _ => Err(wrong("a text")),
        };
        match name {
            "priority" => self.priority = number()?,
            // Zero is none, as with Triton.
            "timeout" => {
                self.timeout = Some(number()?)
                    .filter(|it| *it > 0)
                    .map(Duration::from_micros);
            }
            "version_label" => self.label = Some(text()?),
            "routing_key" => self.key = Some(text()?),
            "binary_data_output" => self.raw = flag()?,
            "explain" => self.explain = flag()?,
            "sequence_id" if matches!(value, Parameter::Number(0) | Parameter::Text("")) => {}
            "sequence_start" | "sequence_end" if matches!(value, Parameter::Bool(false)) => {}
            "sequence_id" | "sequence_start" | "sequence_end" => {
                return Err(OipError::bad(format!(
                    "parameter {name}: no model here keeps state over a sequence of requests"
                )));
            }
            _ => {}
        }
        Ok(())
    }

    /// The moment after which nobody waits.
    pub(super) fn deadline(&self) -> Option<Instant> {
        Instant::now().checked_add(self.timeout?)
    }

    /// The version asked for: a label beats the highest, and nothing beats a number.
    pub(super) fn version(&mut self, version: Option<&str>) -> Result<VersionRef, OipError> {
        match (version_of(version), self.label.take()) {
            (VersionRef::Serving, Some(label)) => Ok(VersionRef::Label(label)),
            (_, Some(_)) => Err(OipError::bad(
                "parameter version_label: the request names a version, too",
            )),
            (version, None) => Ok(version),
        }
    }
}

/// Reads a version: a number, a label, or nothing.
pub(super) fn version_of(text: Option<&str>) -> VersionRef {
    match text {
        None | Some("") => VersionRef::Serving,
        Some(text) => text
            .parse()
            .map_or_else(|_| VersionRef::Label(text.to_owned()), VersionRef::Number),
    }
}

/// How many elements a shape has; `place` names the tensor in errors.
pub(super) fn elements(shape: &[u64], place: &str) -> Result<usize, OipError> {
    if shape.is_empty() || shape.len() > DIMENSIONS_MAX {
        let got = shape.len();
        return Err(OipError::bad(format!(
            "{place}: shape has {got} dimensions, not 1 to {DIMENSIONS_MAX}"
        )));
    }
    let count = shape.iter().try_fold(1u64, |all, it| all.checked_mul(*it));
    count
        .and_then(|it| usize::try_from(it).ok())
        .ok_or_else(|| OipError::bad(format!("{place}: shape has more elements than can be")))
}

/// Joins what was read of a tensor once its elements agree with its shape.
pub(super) fn tensor(
    name: String,
    datatype: DataType,
    shape: Vec<u64>,
    values: engine::serving::Values,
) -> Result<Tensor, OipError> {
    let place = format!("input {name}");
    let wanted = elements(&shape, &place)?;
    if values.len() != wanted {
        let got = values.len();
        return Err(OipError::bad(format!(
            "{place}: {got} elements for a shape of {wanted}"
        )));
    }
    Ok(Tensor {
        name,
        datatype,
        shape,
        values,
    })
}

/// What a body says.
#[derive(Debug)]
struct Read {
    id: Option<String>,
    wishes: Wishes,
    inputs: Vec<Tensor>,
    /// Outputs named, and whether each was asked for as raw bytes.
    outputs: Vec<(String, Option<bool>)>,
}

/// Reads a body whose first `json_bytes` are JSON; all of it where there is no such number.
pub(super) fn read(
    body: &[u8],
    json_bytes: Option<usize>,
    model: String,
    version: Option<&str>,
) -> Result<Asked, OipError> {
    let (json, raw) = match json_bytes {
        None => (body, &[][..]),
        Some(length) => body.split_at_checked(length).ok_or_else(|| {
            let all = body.len();
            OipError::bad(format!(
                "Inference-Header-Content-Length is {length}, the body {all} bytes"
            ))
        })?,
    };
    let read = quick::read(json, raw).map_or_else(|| json::read(json, raw), Ok)?;
    let mut wishes = read.wishes;
    let version = wishes.version(version)?;
    let deadline = wishes.deadline();
    let others = wishes.raw;
    Ok(Asked {
        request: InferRequest {
            model,
            version,
            inputs: read.inputs,
            outputs: read.outputs.iter().map(|it| it.0.clone()).collect(),
            key: wishes.key,
            priority: wishes.priority,
            deadline,
            explain: wishes.explain,
        },
        id: read.id,
        format: Format {
            named: read
                .outputs
                .into_iter()
                .map(|(name, raw)| (name, raw.unwrap_or(others)))
                .collect(),
            others,
        },
    })
}

#[cfg(test)]
mod tests;
