//! What goes wrong in the API, and the problem each error becomes.
//!
//! The only place that knows status codes. An error travels as an extension of its response until
//! [`crate::guard`] writes the problem, which needs the request's path and id.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use engine::{EngineError, feeding::websocket::Closing, serving::InferenceError};
use thiserror::Error;

use crate::{
    auth::Scope,
    problem::{self, FieldError, ProblemKind},
    rate::Verdict,
};

/// Why a request gets no answer.
#[derive(Debug, Error)]
pub(crate) enum ApiError {
    #[error("there is nothing at this path")]
    UnknownRoute,
    #[error("the path does not take this method")]
    MethodNotAllowed,
    #[error("the query cannot be read: {0}")]
    BadQuery(FieldError),
    #[error("the path cannot be read: {0}")]
    BadPath(FieldError),
    #[error("a header cannot be read: {0}")]
    BadHeader(FieldError),
    #[error("the body cannot be read: {0}")]
    MalformedBody(FieldError),
    #[error("{} of the batch's entries cannot be taken, so none was", .0.len())]
    InvalidEntries(Vec<FieldError>),
    #[error("there can be no such alert: {0}")]
    BadAlert(FieldError),
    #[error("the body must be application/json")]
    UnsupportedMediaType,
    #[error("the body must be as it is, without the content-encoding {0:?}")]
    EncodedBody(String),
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),
    #[error(
        "this needs an API key with the scope {scope}; on the server's machine `sports-edge key \
         create --name NAME --scope {scope}` makes one",
        scope = .0.as_str()
    )]
    KeyMissing(Scope),
    #[error("the API key is {0}")]
    KeyRefused(&'static str),
    #[error(
        "the API key lacks the scope {scope} (the first run's key has write and models alone); on \
         the server's machine `sports-edge key create --name NAME --scope {scope}` makes one that \
         has it",
        scope = .0.as_str()
    )]
    ScopeMissing(Scope),
    #[error("the session has ended; sign in again")]
    SessionEnded,
    #[error("{0} sign-ins an hour are all that one API key has; try again in a minute")]
    TooManySignIns(u32),
    #[error("who is signed in needs no ticket: the cookie goes with a socket, too")]
    TicketNeedless,
    #[error("a page of {0:?} may not do this with the rights of who looks at it")]
    OtherSite(String),
    #[error("the ticket is made up, used or older than 30 s")]
    TicketRefused,
    #[error(
        "pages of the origin {0:?} may not open sockets here; more origins than the server's own \
         are listed in the setting `allowed_origins`"
    )]
    ForeignOrigin(String),
    #[error("the WebSocket protocol is spoken in version 13")]
    OtherVersion,
    #[error("this API key has {0} streams or tickets already")]
    TooManyStreams(usize),
    #[error("this address, without an API key, has {0} streams already")]
    TooManyStreamsOfAddress(usize),
    #[error(
        "{} may send {} requests a minute; this one may be sent again in {} s",
        .0.whose(), .0.requests, .0.retry_seconds()
    )]
    TooManyRequests(Verdict),
    #[error("the first request with this idempotency key is still at work")]
    IdempotencyInProgress,
    #[error("this idempotency key came with another body or query before")]
    IdempotencyMismatch,
    #[error(
        "this server listens on loopback and does not answer to the host {0:?}; names it may \
         answer to are listed in the setting `allowed_hosts`"
    )]
    ForeignHost(String),
    #[error("the answer took longer than {} s", .0.as_secs_f64())]
    TimedOut(Duration),
    #[error("{0} requests are at work already")]
    Overloaded(usize),
    #[error("{0}")]
    NotReady(&'static str),
    #[error("a handler panicked: {0}")]
    Panicked(String),
    #[error("an answer could not be written as JSON")]
    Encode(#[from] serde_json::Error),
    #[error("status {0} without an explanation")]
    Unexplained(StatusCode),
    #[error("the upload broke off")]
    UploadBroken,
    #[error("model {0} has no report")]
    NoReport(String),
    #[error(transparent)]
    Serving(#[from] InferenceError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl ApiError {
    /// The kind of problem this is.
    pub(crate) fn kind(&self) -> ProblemKind {
        match self {
            Self::UnknownRoute => problem::UNKNOWN_ROUTE,
            Self::MethodNotAllowed => problem::METHOD_NOT_ALLOWED,
            Self::BadQuery(_) => problem::BAD_QUERY,
            Self::BadPath(_) => problem::BAD_PATH,
            Self::BadHeader(_) => problem::BAD_HEADER,
            Self::MalformedBody(_) => problem::MALFORMED_BODY,
            Self::InvalidEntries(_) => problem::INVALID_ENTRIES,
            Self::BadAlert(_) => problem::INVALID_ALERT,
            Self::UnsupportedMediaType | Self::EncodedBody(_) => problem::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge(_) => problem::BODY_TOO_LARGE,
            Self::KeyMissing(_) => problem::KEY_MISSING,
            Self::KeyRefused(_) => problem::KEY_REFUSED,
            Self::SessionEnded => problem::SESSION_ENDED,
            Self::OtherSite(_) => problem::OTHER_SITE,
            Self::TooManySignIns(_) => problem::TOO_MANY_REQUESTS,
            Self::TicketNeedless => problem::TICKET_NEEDLESS,
            Self::TicketRefused => problem::TICKET_REFUSED,
            Self::ForeignOrigin(_) => problem::FOREIGN_ORIGIN,
            Self::OtherVersion => problem::OTHER_VERSION,
            Self::TooManyStreams(_) | Self::TooManyStreamsOfAddress(_) => problem::TOO_MANY_STREAMS,
            Self::TooManyRequests(_) => problem::TOO_MANY_REQUESTS,
            Self::ScopeMissing(_) => problem::SCOPE_MISSING,
            Self::IdempotencyInProgress => problem::IDEMPOTENCY_IN_PROGRESS,
            Self::IdempotencyMismatch => problem::IDEMPOTENCY_MISMATCH,
            Self::ForeignHost(_) => problem::FOREIGN_HOST,
            Self::TimedOut(_) => problem::TIMED_OUT,
            Self::Overloaded(_) => problem::OVERLOADED,
            Self::NotReady(_) => problem::NOT_READY,
            Self::Panicked(_) | Self::Encode(_) | Self::Unexplained(_) => problem::INTERNAL,
            Self::UploadBroken => problem::UPLOAD_BROKEN,
            Self::NoReport(_) => problem::NO_REPORT,
            Self::Serving(error) => serving_kind(error),
            Self::Engine(error) => engine_kind(error),
        }
    }

    /// What the client is told of this time; the causes of our own faults stay in the log.
    pub(crate) fn detail(&self) -> String {
        let kind = self.kind();
        if kind == problem::INTERNAL || kind == problem::STORE_FAILED {
            return format!("{}; the log has more", kind.title.to_lowercase());
        }
        if let Self::Serving(InferenceError::Folder { action, source, .. }) = self {
            let why = source.kind();
            return format!("a file cannot be {action} in the server's folder of models: {why}");
        }
        self.to_string()
    }

    /// What is wrong with which field.
    pub(crate) fn errors(&self) -> Vec<FieldError> {
        match self {
            Self::BadQuery(error)
            | Self::BadPath(error)
            | Self::BadHeader(error)
            | Self::MalformedBody(error)
            | Self::BadAlert(error) => vec![error.clone()],
            Self::InvalidEntries(errors) => errors.clone(),
            Self::Engine(EngineError::BadCursor(_)) => {
                let detail =
                    "this cursor was not given out for this list: parameters other than `limit` \
                              must be those of the page before"
                        .to_owned();
                vec![FieldError::of_parameter("cursor", detail)]
            }
            _ => Vec::new(),
        }
    }

    /// A header the status calls for.
    fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let retry_after = |seconds| (header::RETRY_AFTER, HeaderValue::from_static(seconds));
        match self {
            Self::KeyMissing(_) => Some(challenge(r#"Bearer realm="sports-edge""#)),
            Self::KeyRefused(_) | Self::SessionEnded => Some(challenge(
                r#"Bearer realm="sports-edge", error="invalid_token""#,
            )),
            Self::ScopeMissing(_) => Some(challenge(
                r#"Bearer realm="sports-edge", error="insufficient_scope""#,
            )),
            Self::Overloaded(_) | Self::IdempotencyInProgress | Self::NotReady(_) => {
                Some(retry_after("1"))
            }
            Self::TooManySignIns(_) => Some(retry_after("60")),
            Self::TimedOut(_) | Self::TooManyStreams(_) | Self::TooManyStreamsOfAddress(_) => {
                Some(retry_after("5"))
            }
            Self::OtherVersion => {
                let version = HeaderValue::from_static("13");
                Some((header::SEC_WEBSOCKET_VERSION, version))
            }
            Self::Serving(error) => serving_retry_after(error),
            _ if self.kind() == problem::STORE_FAILED => Some(retry_after("1")),
            _ => None,
        }
    }
}

impl ApiError {
    /// The error as the end of a socket: 4000 and the status's number where a client can do
    /// something about it.
    pub(crate) fn closing(&self) -> Closing {
        let code = match self.kind().status {
            StatusCode::UNAUTHORIZED => 4401,
            StatusCode::FORBIDDEN => 4403,
            StatusCode::TOO_MANY_REQUESTS => 4429,
            StatusCode::SERVICE_UNAVAILABLE => 1013,
            _ => 1011,
        };
        Closing::new(code, &self.to_string())
    }
}

fn challenge(text: &'static str) -> (HeaderName, HeaderValue) {
    (header::WWW_AUTHENTICATE, HeaderValue::from_static(text))
}

fn engine_kind(error: &EngineError) -> ProblemKind {
    match error {
        EngineError::UnknownFixture(_) => problem::UNKNOWN_FIXTURE,
        EngineError::UnknownCompetition(_) => problem::UNKNOWN_COMPETITION,
        EngineError::UnknownSeason(..) => problem::UNKNOWN_SEASON,
        EngineError::UnknownTeam(_) => problem::UNKNOWN_TEAM,
        EngineError::UnknownModel(_) => problem::UNKNOWN_MODEL,
        EngineError::NoModel => problem::NO_MODEL,
        EngineError::NotPredictable { .. } => problem::NOT_PREDICTABLE,
        EngineError::BadSupposition { .. } => problem::BAD_QUERY,
        EngineError::UnknownAlert(_) => problem::UNKNOWN_ALERT,
        EngineError::ForeignAlert(_) => problem::FOREIGN_ALERT,
        EngineError::TooManyAlerts(_) => problem::TOO_MANY_ALERTS,
        EngineError::BadAlert(_) => problem::INVALID_ALERT,
        EngineError::BadCursor(_) => problem::BAD_CURSOR,
        EngineError::BadBatch(_) => problem::INVALID_ENTRIES,
        EngineError::Store(_) => problem::STORE_FAILED,
        EngineError::Forecast(_) | EngineError::Worker => problem::INTERNAL,
    }
}

fn serving_kind(error: &InferenceError) -> ProblemKind {
    use InferenceError as E;
    match error {
        E::UnknownModel(_) => problem::UNKNOWN_MODEL,
        E::UnknownVersion { .. } => problem::UNKNOWN_VERSION,
        E::VersionTaken { .. } => problem::VERSION_TAKEN,
        E::Refused(_) => problem::CHANGE_REFUSED,
        E::TooLarge { .. } => problem::BODY_TOO_LARGE,
        E::BadRequest(_) | E::BadModel(_) | E::NotLoaded { .. } | E::Failed { .. } => {
            problem::BAD_MODEL
        }
        E::ModelBusy { .. } => problem::MODEL_BUSY,
        E::ServerBusy { .. } => problem::OVERLOADED,
        E::Stopping => problem::NOT_READY,
        E::Deadline
        | E::Loading { .. }
        | E::NoRoom { .. }
        | E::Unloaded(_)
        | E::BreakerOpen { .. } => problem::MODEL_UNAVAILABLE,
        E::Folder { source, .. } => match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => problem::MODELS_FOLDER_FULL,
            _ => problem::MODELS_FOLDER_AWAY,
        },
    }
}

/// When to come again to a model that is busy or away.
fn serving_retry_after(error: &InferenceError) -> Option<(HeaderName, HeaderValue)> {
    use InferenceError as E;
    let wait = match error {
        E::ModelBusy { retry_after, .. }
        | E::ServerBusy { retry_after, .. }
        | E::BreakerOpen { retry_after, .. } => *retry_after,
        E::Loading { .. } | E::NoRoom { .. } | E::Stopping => Duration::from_secs(1),
        _ => return None,
    };
    let seconds = wait.as_millis().div_ceil(1_000).max(1);
    let seconds = HeaderValue::from_str(&seconds.to_string()).expect("digits are ASCII");
    Some((header::RETRY_AFTER, seconds))
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.kind().status.into_response();
        if let Some((name, value)) = self.header() {
            response.headers_mut().insert(name, value);
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_full_disk_of_models_is_told_from_a_folder_that_is_away() {
        for (cause, slug, status) in [
            (ErrorKind::StorageFull, "models-folder-full", 507),
            (ErrorKind::QuotaExceeded, "models-folder-full", 507),
            (ErrorKind::ReadOnlyFilesystem, "models-folder-away", 503),
        ] {
            let error = ApiError::Serving(InferenceError::Folder {
                path: "/srv/models/.uploads/x".into(),
                action: "written",
                source: Arc::new(io::Error::from(cause)),
            });
            let kind = error.kind();
            assert_eq!((kind.slug, kind.status.as_u16()), (slug, status));
            let detail = error.detail();
            assert!(
                detail.ends_with(&cause.to_string()) && !detail.contains("/srv"),
                "{detail}"
            );
        }
    }
}
