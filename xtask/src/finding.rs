//! A rule that is broken, and where.

use std::fmt;

/// One broken rule: the place to mend, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// A file, with a line where one helps, or a crate.
    pub(crate) place: String,
    /// What is wrong, as a sentence without its subject.
    pub(crate) text: String,
}

impl Finding {
    pub(crate) fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.text)
    }
}

/// Findings one to a line, for the message of a failing test.
#[cfg(test)]
pub(crate) fn list(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| format!("\n  {finding}"))
        .collect()
}
