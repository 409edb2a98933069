//! Where lines are written: a server, by its API.

use std::time::Duration;

use serde_json::Value;

/// Takes batches.
pub(crate) trait Door {
    /// Writes a batch at a path of the API.
    fn post(&self, path: &str, body: &Value) -> Result<Value, Refusal>;
}

/// Why a batch was not taken.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It may be taken later; the server may have said when.
    Passing {
        /// What happened.
        error: anyhow::Error,
        /// How long to wait, as far as the server says.
        pause: Option<Duration>,
    },
    /// Entries of it cannot be taken, ever.
    Entries(Value),
    /// Nothing of this sender will be taken.
    Lasting(anyhow::Error),
}
