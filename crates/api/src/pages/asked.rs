//! What the address of a page asks for, and what is said where that cannot be shown: a page never
//! passes over a word of its address in silence.

use axum::{
    extract::{FromRequestParts, Query},
    http::{StatusCode, request::Parts},
    response::Response,
};
use serde::de::DeserializeOwned;

use super::{Pages, problem};

/// Letters of what was asked for that are said again.
const SAID_MAX: usize = 40;

/// The query of a page. One that cannot be read at all is a page that says so.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Pages> for Asked<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, pages: &Pages) -> Result<Self, Response> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|Query(it)| Self(it))
            .map_err(|_| problem::of_status(pages, StatusCode::BAD_REQUEST, &parts.headers))
    }
}

/// Says that `text` was asked for and is not what it should be, and what is shown for it; nothing
/// where it was left empty or is `known`.
pub(super) fn misread(text: &str, known: bool, what: &str, shown: &str) -> Option<String> {
    if known || text.is_empty() {
        return None;
    }
    let mut said: String = text.chars().take(SAID_MAX).collect();
    if said.len() < text.len() {
        said.push('\u{2026}');
    }
    Some(format!("\u{201c}{said}\u{201d} is not {what}: {shown}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_in_vain_is_said_again_and_not_at_length() {
        let say = |text: &str, known| misread(text, known, "a day", "what comes next is shown");
        assert_eq!(say("", false), None);
        assert_eq!(say("2024-05-01", true), None);
        let said = say("foo", false).unwrap();
        assert_eq!(said, "“foo” is not a day: what comes next is shown.");
        let said = say(&"ö".repeat(1_000), false).unwrap();
        assert!(
            said.starts_with(&format!("“{}…”", "ö".repeat(SAID_MAX))),
            "{said}"
        );
    }
}
