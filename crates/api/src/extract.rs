//! What comes in, parsed at the edge: strict queries, paths and batches, with faults that name
//! the parameter or point into the body.

use axum::{
    body::{Bytes, HttpBody as _},
    extract::{FromRequest, FromRequestParts, Request, path::ErrorKind},
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::{ApiState, error::ApiError, problem::FieldError};

/// Entries of a batch at most.
pub(crate) const BATCH_ENTRIES_MAX: usize = 1_000;
/// Faults reported of a batch at most.
const FAULTS_MAX: usize = 100;

/// A query whose every parameter is known to `T`.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

/// The query of a route that takes no parameter.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, ApiError> {
        let text = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(text.as_bytes());
        let query = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(query)
            .map(Self)
            .map_err(|error| {
                let detail = error.inner().to_string();
                ApiError::BadQuery(query_fault(&error.path().to_string(), &detail))
            })
    }
}

/// Says what is wrong with a query in the words of queries.
fn query_fault(path: &str, detail: &str) -> FieldError {
    if let Some(name) = detail.strip_prefix("duplicate field `") {
        return FieldError::of_parameter(name.trim_end_matches('`'), "given twice".to_owned());
    }
    if let Some(name) = detail.strip_prefix("missing field `") {
        return FieldError::of_parameter(name.trim_end_matches('`'), "is missing".to_owned());
    }
    let detail = words::plain(detail).replacen("unknown field", "unknown parameter", 1);
    FieldError::of_parameter(
        path,
        detail.replace("there are no fields", "there are none here"),
    )
}

/// The one variable part of a path.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        use axum::extract::rejection::PathRejection;
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|it| Self(it.0)).map_err(|rejection| {
            let (name, detail) = match rejection {
                PathRejection::FailedToDeserializePathParams(it) => match it.into_kind() {
                    ErrorKind::ParseErrorAtKey {
                        key,
                        value,
                        expected_type,
                    } => (
                        key,
                        format!("{value:?} is not {}", words::kind(expected_type)),
                    ),
                    ErrorKind::ParseError {
                        value,
                        expected_type,
                    } => (
                        "id".to_owned(),
                        format!("{value:?} is not {}", words::kind(expected_type)),
                    ),
                    kind => ("path".to_owned(), kind.to_string()),
                },
                other => ("path".to_owned(), other.to_string()),
            };
            ApiError::BadPath(FieldError::of_parameter(&name, detail))
        })
    }
}

/// The bytes of a JSON body within the bound, and the query and the headers they came with.
#[derive(Debug)]
pub(crate) struct JsonBody {
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl FromRequest<ApiState> for JsonBody {
    type Rejection = ApiError;

    async fn from_request(mut request: Request, state: &ApiState) -> Result<Self, ApiError> {
        let headers = std::mem::take(request.headers_mut());
        if !is_json(&headers) {
            return Err(ApiError::UnsupportedMediaType);
        }
        if let Some(coding) = coded(&headers) {
            return Err(ApiError::EncodedBody(coding));
        }
        if request.body().size_hint().lower() > state.options.body_bytes_max as u64 {
            // Said, before it is sent where its sender waits to be told to.
            return Err(ApiError::BodyTooLarge(state.options.body_bytes_max));
        }
        let query = request.uri().query().map(str::to_owned);
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| {
                if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                    ApiError::BodyTooLarge(state.options.body_bytes_max)
                } else {
                    malformed(String::new(), rejection.body_text())
                }
            })?;
        // Some programs begin whatever they write with a mark of its encoding.
        let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
            Some(rest) => bytes.slice_ref(rest),
            None => bytes,
        };
        Ok(Self {
            query,
            headers,
            bytes,
        })
    }
}

/// What a body was compressed by, where it was.
fn coded(headers: &HeaderMap) -> Option<String> {
    let coding = headers.get(header::CONTENT_ENCODING)?;
    let coding = String::from_utf8_lossy(coding.as_bytes()).into_owned();
    (!coding.eq_ignore_ascii_case("identity")).then_some(coding)
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|it| it.to_str().ok());
    let essence = value
        .and_then(|it| it.split(';').next())
        .unwrap_or_default()
        .trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Reads the entries of `{"data": […]}`; reports every entry at fault, not only the first.
pub(crate) fn read_batch<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, ApiError> {
    let (entries, _) = read_batch_beside::<T, ()>(bytes, None)?;
    Ok(entries)
}

/// Reads the entries of `{"data": […], "name": …}`, and the one member that may stand beside them.
pub(crate) fn read_batch_beside<T: DeserializeOwned, U: DeserializeOwned>(
    bytes: &[u8],
    name: Option<&str>,
) -> Result<(Vec<T>, Option<U>), ApiError> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| malformed(String::new(), error.to_string()))?;
    let Value::Object(mut members) = value else {
        return Err(malformed(
            String::new(),
            "the body must be an object".to_owned(),
        ));
    };
    let data = members.remove("data");
    let beside = name.and_then(|it| members.remove(it));
    let beside = beside.filter(|it| !it.is_null());
    refuse_others(&members, name)?;
    let Some(Value::Array(entries)) = data else {
        return Err(malformed(
            "/data".to_owned(),
            "`data` must be a list".to_owned(),
        ));
    };
    let beside = beside.map(|it| member(it, name.unwrap_or_default()));
    Ok((read_entries(entries)?, beside.transpose()?))
}

/// Reads a JSON object of known members.
pub(crate) fn read_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let object = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| malformed(pointer(error.path()), error.inner().to_string()))?;
    let end = reader.end();
    end.map_err(|error| malformed(String::new(), error.to_string()))?;
    Ok(object)
}

fn member<T: DeserializeOwned>(value: Value, name: &str) -> Result<T, ApiError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let pointer = format!("/{name}{}", pointer(error.path()));
        malformed(pointer, error.inner().to_string())
    })
}

fn read_entries<T: DeserializeOwned>(entries: Vec<Value>) -> Result<Vec<T>, ApiError> {
    if entries.is_empty() || entries.len() > BATCH_ENTRIES_MAX {
        let detail = format!(
            "`data` has {} entries; it must have 1 to {BATCH_ENTRIES_MAX}",
            entries.len()
        );
        return Err(malformed("/data".to_owned(), detail));
    }
    let mut faults = Vec::new();
    let mut parsed = Vec::with_capacity(entries.len());
    for (index, mut entry) in entries.into_iter().enumerate() {
        make_whole(&mut entry);
        match serde_path_to_error::deserialize(entry) {
            Ok(entry) => parsed.push(entry),
            Err(error) if faults.len() < FAULTS_MAX => {
                let pointer = format!("/data/{index}{}", pointer(error.path()));
                faults.push(FieldError::at(
                    pointer,
                    words::plain(&error.inner().to_string()),
                ));
            }
            Err(_) => break,
        }
    }
    if faults.is_empty() {
        Ok(parsed)
    } else {
        Err(ApiError::InvalidEntries(faults))
    }
}

/// Writes whole numbers without a fraction: to JSON `2.0` is the integer 2.
fn make_whole(value: &mut Value) {
    /// Above this not every whole number can be told from its neighbours.
    const WHOLE_MAX: f64 = 9_007_199_254_740_991.0;
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number
                .as_f64()
                .filter(|it| it.fract() == 0.0 && it.abs() <= WHOLE_MAX);
            if let Some(whole) = whole {
                #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
                let whole = whole as i64;
                *value = whole.into();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(make_whole),
        Value::Object(members) => members.values_mut().for_each(make_whole),
        _ => {}
    }
}

fn refuse_others(members: &Map<String, Value>, beside: Option<&str>) -> Result<(), ApiError> {
    match members.keys().next() {
        None => Ok(()),
        Some(name) => {
            let pointer = format!("/{}", escape(name));
            let known = beside.map_or_else(
                || "expected only `data`".to_owned(),
                |it| format!("expected `data` and `{it}`"),
            );
            Err(malformed(
                pointer,
                format!("unknown member `{name}`, {known}"),
            ))
        }
    }
}

fn malformed(pointer: String, detail: String) -> ApiError {
    ApiError::MalformedBody(FieldError::at(pointer, words::plain(&detail)))
}

/// Writes where a fault lies as a JSON pointer.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", escape(key)),
            Segment::Enum { .. } | Segment::Unknown => String::new(),
        })
        .collect()
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

mod words;

#[cfg(test)]
mod tests;
