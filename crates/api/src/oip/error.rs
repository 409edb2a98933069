//! Why the protocol gets no answer: one text, and the status of each face.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::serving::InferenceError;
use tonic::{Code, Status};

use crate::{error::ApiError, guard::Reason, problem};

/// When to come again where an error does not say.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An error as the protocol tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OipError {
    pub(super) status: StatusCode,
    pub(super) code: Code,
    pub(super) text: String,
    pub(super) retry_after: Option<Duration>,
}

impl OipError {
    /// The request cannot be taken, whoever it is for.
    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::InvalidArgument, text.into())
    }

    /// There is no such thing.
    pub(super) fn unknown(text: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, Code::NotFound, text.into())
    }

    /// It would not answer now.
    pub(super) fn not_ready() -> Self {
        let text = "not ready".to_owned();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, text)
    }

    /// The bodies of others take all the memory there is for them.
    pub(super) fn no_room() -> Self {
        let text = "the bodies of other requests leave no room for this one".to_owned();
        Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable, text).after(RETRY_AFTER)
    }

    /// The request came too slowly.
    pub(super) fn late(bound: Duration) -> Self {
        let text = format!("the body was not here whole within {} s", bound.as_secs());
        Self::new(StatusCode::REQUEST_TIMEOUT, Code::DeadlineExceeded, text)
    }

    pub(super) fn new(status: StatusCode, code: Code, text: String) -> Self {
        let retry_after = None;
        Self {
            status,
            code,
            text,
            retry_after,
        }
    }

    fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl From<InferenceError> for OipError {
    fn from(error: InferenceError) -> Self {
        use InferenceError as E;
        let text = match &error {
            // Without the server's own path.
            E::Folder { .. } => ApiError::Serving(error.clone()).detail(),
            _ => error.to_string(),
        };
        let of = |status, code| Self::new(status, code, text);
        match error {
            E::UnknownModel(_) | E::UnknownVersion { .. } => {
                of(StatusCode::NOT_FOUND, Code::NotFound)
            }
            E::BadRequest(_) | E::BadModel(_) => of(StatusCode::BAD_REQUEST, Code::InvalidArgument),
            E::ModelBusy { retry_after, .. } => {
                of(StatusCode::TOO_MANY_REQUESTS, Code::ResourceExhausted).after(retry_after)
            }
            E::ServerBusy { retry_after, .. } | E::BreakerOpen { retry_after, .. } => {
                of(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable).after(retry_after)
            }
            E::Deadline => of(StatusCode::GATEWAY_TIMEOUT, Code::DeadlineExceeded),
            E::NotLoaded { retry_after, .. } => {
                let error = of(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable);
                retry_after.map_or(error.clone(), |wait| error.after(wait))
            }
            E::Loading { .. } | E::NoRoom { .. } | E::Stopping => {
                of(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable).after(RETRY_AFTER)
            }
            E::Unloaded(_) => of(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable),
            E::Failed {
                transient: true, ..
            } => of(StatusCode::SERVICE_UNAVAILABLE, Code::Unavailable).after(RETRY_AFTER),
            E::Failed { .. } | E::Folder { .. } => {
                of(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal)
            }
            E::TooLarge { .. } => of(StatusCode::PAYLOAD_TOO_LARGE, Code::InvalidArgument),
            E::VersionTaken { .. } => of(StatusCode::CONFLICT, Code::AlreadyExists),
            E::Refused(_) => of(StatusCode::CONFLICT, Code::FailedPrecondition),
        }
    }
}

impl From<&ApiError> for OipError {
    fn from(error: &ApiError) -> Self {
        let status = error.kind().status;
        let code = match status {
            StatusCode::UNAUTHORIZED => Code::Unauthenticated,
            StatusCode::FORBIDDEN => Code::PermissionDenied,
            StatusCode::NOT_FOUND => Code::NotFound,
            StatusCode::SERVICE_UNAVAILABLE => Code::Unavailable,
            _ if status.is_client_error() => Code::InvalidArgument,
            _ => Code::Internal,
        };
        let after = error.kind() == problem::OVERLOADED;
        let error = Self::new(status, code, error.detail());
        if after {
            error.after(RETRY_AFTER)
        } else {
            error
        }
    }
}

impl IntoResponse for OipError {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "error": self.text }).to_string();
        let json = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (self.status, json, body).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            let value = HeaderValue::from_str(&seconds.to_string()).expect("digits are ASCII");
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response.extensions_mut().insert(Reason(self.text));
        response
    }
}

impl From<OipError> for Status {
    fn from(error: OipError) -> Self {
        let mut status = Self::new(error.code, error.text);
        if let Some(wait) = error.retry_after {
            let value = wait.as_millis().to_string();
            let value = value.parse().expect("digits are ASCII");
            status
                .metadata_mut()
                .insert("grpc-retry-pushback-ms", value);
        }
        status
    }
}

#[cfg(test)]
mod tests;
