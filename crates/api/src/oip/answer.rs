//! Writes an inference answer: JSON, and raw bytes after it for outputs that were asked for so.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, header},
    response::Response,
};
use engine::serving::{Fallback, InferReply, Tensor, Values};
use serde::{Serialize, Serializer};

use super::{error::OipError, request::Format, values};

/// How many bytes of a body are JSON, where raw bytes follow.
pub(super) const JSON_LENGTH: HeaderName =
    HeaderName::from_static("inference-header-content-length");

#[derive(Serialize)]
struct Answer<'a> {
    model_name: &'a str,
    model_version: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Notes::is_empty")]
    parameters: Notes,
    outputs: Vec<Output<'a>>,
}

/// What a client should know of where an answer came from.
#[derive(Default, Serialize)]
pub(super) struct Notes {
    #[serde(skip_serializing_if = "Option::is_none")]
    fallback: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cached: Option<bool>,
}

#[derive(Serialize)]
struct Output<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: &'a [u64],
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
}

#[derive(Serialize)]
struct Size {
    binary_data_size: usize,
}

/// A number the protocol writes as a text.
struct Decimal(u64);

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Bool(&'a [bool]),
    Int64(&'a [i64]),
    Uint64(&'a [u64]),
    Fp32(&'a [f32]),
    Fp64(&'a [f64]),
    Text(Vec<&'a str>),
}

impl Notes {
    pub(super) fn of(reply: &InferReply) -> Self {
        Self {
            fallback: reply.fallback.as_ref().map(|it| match it {
                Fallback::PreviousVersion => "previous_version",
                Fallback::OtherModel => "other_model",
                Fallback::LastGood => "last_good",
            }),
            stale: (reply.fallback == Some(Fallback::LastGood)).then_some(true),
            cached: reply.cached.then_some(true),
        }
    }

    fn is_empty(&self) -> bool {
        self.fallback.is_none() && self.cached.is_none()
    }

    /// Each note with its name.
    pub(super) fn named(self) -> impl Iterator<Item = (&'static str, Note)> {
        let fallback = self.fallback.map(|it| ("fallback", Note::Text(it)));
        let stale = self.stale.map(|it| ("stale", Note::Flag(it)));
        let cached = self.cached.map(|it| ("cached", Note::Flag(it)));
        [fallback, stale, cached].into_iter().flatten()
    }
}

/// A note's value.
pub(super) enum Note {
    Text(&'static str),
    Flag(bool),
}

/// Writes an answer. NaN and infinities become `null` in JSON.
pub(super) fn write(
    reply: &InferReply,
    id: Option<&str>,
    format: &Format,
) -> Result<Response, OipError> {
    let mut raw = Vec::new();
    let mut outputs = Vec::with_capacity(reply.outputs.len());
    let mut any_raw = false;
    for tensor in &reply.outputs {
        let (mut parameters, mut data) = (None, None);
        if format.is_raw(&tensor.name) {
            let before = raw.len();
            values::write_raw(&mut raw, &tensor.values, tensor.datatype);
            let binary_data_size = raw.len() - before;
            parameters = Some(Size { binary_data_size });
            any_raw = true;
        } else {
            data = Some(data_of(tensor)?);
        }
        outputs.push(Output {
            name: &tensor.name,
            datatype: values::name_of(tensor.datatype),
            shape: &tensor.shape,
            parameters,
            data,
        });
    }
    let answer = Answer {
        model_name: &reply.model,
        model_version: Decimal(reply.version),
        id,
        parameters: Notes::of(reply),
        outputs,
    };
    let mut body = Vec::with_capacity(256 + raw.len());
    serde_json::to_writer(&mut body, &answer).expect("an answer has only texts and numbers");
    Ok(if any_raw {
        let length = HeaderValue::from(body.len());
        body.extend_from_slice(&raw);
        let mut response = response(body, "application/octet-stream");
        response.headers_mut().insert(JSON_LENGTH, length);
        response
    } else {
        response(body, "application/json")
    })
}

fn response(body: Vec<u8>, kind: &'static str) -> Response {
    let mut response = Response::new(Body::from(body));
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn data_of(tensor: &Tensor) -> Result<Data<'_>, OipError> {
    Ok(match &tensor.values {
        Values::Bool(it) => Data::Bool(it),
        Values::Int64(it) => Data::Int64(it),
        Values::Uint64(it) => Data::Uint64(it),
        Values::Fp32(it) => Data::Fp32(it),
        Values::Fp64(it) => Data::Fp64(it),
        Values::Bytes(all) => {
            let texts = all.iter().map(|it| std::str::from_utf8(it).ok());
            let texts: Option<Vec<_>> = texts.collect();
            Data::Text(texts.ok_or_else(|| {
                let name = &tensor.name;
                OipError::bad(format!("output {name} is not text: ask for binary_data"))
            })?)
        }
    })
}
