//! Problems (RFC 9457): every kind of error the API answers with, listed once.
//!
//! The list is also the page at `/docs/problems`, so a `type` always leads to its explanation.

mod kinds;

use std::{borrow::Cow, fmt};

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

pub(crate) use kinds::*;

/// The page that explains every kind; a problem's `type` is this with the kind's slug.
pub const PROBLEMS_PATH: &str = "/docs/problems";

/// One kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProblemKind {
    /// The stable end of `type`.
    pub slug: &'static str,
    /// The HTTP status it is answered with.
    pub status: StatusCode,
    /// The same words for every problem of the kind.
    pub title: &'static str,
    /// What it means and what to do.
    pub help: &'static str,
}

/// Everything that goes wrong, in the order of its status.
pub const PROBLEM_KINDS: [ProblemKind; 50] = [
    BAD_QUERY,
    BAD_CURSOR,
    BAD_PATH,
    BAD_HEADER,
    MALFORMED_BODY,
    UPLOAD_BROKEN,
    KEY_MISSING,
    KEY_REFUSED,
    SESSION_ENDED,
    TICKET_REFUSED,
    SCOPE_MISSING,
    FOREIGN_ALERT,
    OTHER_SITE,
    TICKET_NEEDLESS,
    FOREIGN_ORIGIN,
    UNKNOWN_ROUTE,
    UNKNOWN_ALERT,
    UNKNOWN_FIXTURE,
    UNKNOWN_COMPETITION,
    UNKNOWN_SEASON,
    UNKNOWN_TEAM,
    UNKNOWN_MODEL,
    NO_REPORT,
    UNKNOWN_VERSION,
    METHOD_NOT_ALLOWED,
    IDEMPOTENCY_IN_PROGRESS,
    VERSION_TAKEN,
    CHANGE_REFUSED,
    BODY_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    FOREIGN_HOST,
    INVALID_ENTRIES,
    INVALID_ALERT,
    TOO_MANY_ALERTS,
    NOT_PREDICTABLE,
    IDEMPOTENCY_MISMATCH,
    BAD_MODEL,
    OTHER_VERSION,
    TOO_MANY_STREAMS,
    TOO_MANY_REQUESTS,
    MODEL_BUSY,
    INTERNAL,
    MODEL_UNAVAILABLE,
    NO_MODEL,
    NOT_READY,
    OVERLOADED,
    TIMED_OUT,
    STORE_FAILED,
    MODELS_FOLDER_AWAY,
    MODELS_FOLDER_FULL,
];

/// What is wrong with one field, parameter or header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Where in the body, as a JSON pointer (RFC 6901).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "/data/0/kickoff")]
    pub pointer: Option<String>,
    /// Which part of the query or path.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "limit")]
    pub parameter: Option<String>,
    /// Which header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "idempotency-key")]
    pub header: Option<String>,
    /// What is wrong with it.
    #[schema(example = "a limit lies between 1 and 200")]
    pub detail: String,
}

impl FieldError {
    /// A fault at a JSON pointer.
    pub(crate) fn at(pointer: String, detail: String) -> Self {
        Self {
            pointer: Some(pointer),
            parameter: None,
            header: None,
            detail,
        }
    }

    /// A fault of a query or path parameter.
    pub(crate) fn of_parameter(name: &str, detail: String) -> Self {
        Self {
            pointer: None,
            parameter: Some(name.to_owned()),
            header: None,
            detail,
        }
    }

    /// A fault of a header.
    pub(crate) fn of_header(name: &str, detail: &str) -> Self {
        Self {
            pointer: None,
            parameter: None,
            header: Some(name.to_owned()),
            detail: detail.to_owned(),
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = [&self.pointer, &self.parameter, &self.header]
            .into_iter()
            .flatten()
            .next();
        match name.filter(|it| !it.is_empty()) {
            Some(name) => write!(f, "{name}: {}", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}

/// What went wrong, in the form of RFC 9457.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem<'a> {
    /// Which kind of problem: a stable reference that leads to its explanation.
    #[schema(example = "/docs/problems#unknown-fixture", format = "uri-reference")]
    pub r#type: String,
    /// The same words for every problem of the kind.
    #[schema(example = "The fixture is not known")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What happened this time.
    #[schema(example = "fixture 8 is not known")]
    pub detail: String,
    /// The path that was asked for.
    #[schema(value_type = String, example = "/v1/fixtures/8")]
    pub instance: Cow<'a, str>,
    /// The request's id, as in the `X-Request-Id` header and the log.
    #[schema(value_type = String, example = "req_5f0c8a1e00000007")]
    pub request_id: Cow<'a, str>,
    /// What is wrong with which field, where there is more to say.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
}

impl Problem<'_> {
    /// The same, on its own.
    pub(crate) fn into_owned(self) -> Problem<'static> {
        Problem {
            instance: Cow::Owned(self.instance.into_owned()),
            request_id: Cow::Owned(self.request_id.into_owned()),
            ..self
        }
    }
}

impl ProblemKind {
    /// The problem's `type`.
    pub fn uri(&self) -> String {
        format!("{PROBLEMS_PATH}#{}", self.slug)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_kind_has_a_slug_of_its_own_and_kinds_stand_in_order_of_status() {
        let slugs: HashSet<_> = PROBLEM_KINDS.iter().map(|it| it.slug).collect();
        assert_eq!(slugs.len(), PROBLEM_KINDS.len());
        assert!(PROBLEM_KINDS.is_sorted_by_key(|it| it.status));
        assert!(PROBLEM_KINDS.iter().all(|it| it.status.as_u16() >= 400));
    }

    #[test]
    fn a_type_leads_to_the_page_of_problems() {
        assert_eq!(UNKNOWN_FIXTURE.uri(), "/docs/problems#unknown-fixture");
    }
}
