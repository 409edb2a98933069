//! What the log says of why a request was refused.

use std::sync::Arc;

use axum::response::Response;

use crate::{auth::KEY_START, error::ApiError};

/// So much of a reason is told; a batch may have thousands of them.
const CHARS_MAX: usize = 400;
/// So many faults of a batch are told.
const FAULTS_MAX: usize = 3;

/// Why, in the words that the client was told; an extension of an answer whose error is not
/// [`ApiError`].
#[derive(Debug, Clone)]
pub(crate) struct Reason(pub(crate) String);

/// Why an answer is an error, where it says; the kind of problem and what is wrong this time.
pub(super) fn of(response: &Response) -> Option<String> {
    let extensions = response.extensions();
    if let Some(reason) = extensions.get::<Reason>() {
        return Some(bounded(reason.0.clone()));
    }
    let error = extensions.get::<Arc<ApiError>>()?;
    let mut text = format!("{}: {}", error.kind().slug, error.detail());
    if let ApiError::InvalidEntries(faults) = &**error {
        for (number, fault) in faults.iter().take(FAULTS_MAX).enumerate() {
            text.push_str(if number == 0 { ": " } else { "; " });
            text.push_str(&fault.to_string());
        }
    }
    Some(bounded(text))
}

/// A text without keys, for a body that is refused may hold one, cut where it is too long.
pub(super) fn bounded(text: String) -> String {
    let mut text = without_keys(text);
    if let Some((end, _)) = text.char_indices().nth(CHARS_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

fn without_keys(text: String) -> String {
    if !text.contains(KEY_START) {
        return text;
    }
    let is_apart = |it: char| !(it.is_ascii_alphanumeric() || it == '_' || it == '-');
    let words = text.split_inclusive(is_apart).map(|word| {
        let end = word.strip_suffix(is_apart).unwrap_or(word).len();
        match word.starts_with(KEY_START) {
            true => format!("{KEY_START}…{}", &word[end..]),
            false => word.to_owned(),
        }
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_keys_nor_more_than_a_line_bears_are_told() {
        let told = |text: &str| bounded(text.to_owned());
        assert_eq!(
            told("/key: \"se_a1_B-2\", not (se_x)"),
            "/key: \"se_…\", not (se_…)"
        );
        assert_eq!(told("these_are no keys"), "these_are no keys");
        assert_eq!(told("se_x"), "se_…");
        let long = told(&"ä".repeat(500));
        assert_eq!((long.chars().count(), long.ends_with("ä…")), (401, true));
    }
}
