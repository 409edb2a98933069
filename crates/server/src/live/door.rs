//! Where lines are written, and asked what is known: a server, by its API.

use std::time::Duration;

use serde_json::Value;

/// Takes batches, and answers.
pub(crate) trait Door {
    /// Writes a batch at a path of the API.
    fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal>;

    /// Reads what is at a path of the API.
    fn get(&self, path: &str) -> Result<Value, Refusal>;
}

/// Why a batch was not taken, or a question not answered.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It may be taken later; the server may have said when.
    Passing {
        /// What happened.
        error: anyhow::Error,
        /// How long to wait, as far as the server says.
        pause: Option<Duration>,
    },
    /// Entries of it cannot be taken, or what was asked for is not there or not for this key.
    Entries(Value),
    /// Nothing of this sender will be taken.
    Lasting(anyhow::Error),
}
