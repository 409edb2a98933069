//! What the three writes have in common: their answer, and faults that point into the body.

use engine::{BatchOutcome, BatchProblem, EngineError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{error::ApiError, idempotency::Answer, problem::FieldError};

/// A batch: 1 to 1,000 entries, all written or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "documents the body, which `read_batch` reads entry by entry"
)]
pub(crate) struct Batch<T> {
    /// The entries.
    #[schema(min_items = 1, max_items = 1000)]
    data: Vec<T>,
}

/// The header that makes a write happen once.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "documents the header, which `once` reads")]
pub(crate) struct IdempotencyHeader {
    /// Repeating a request with the same key within 24 hours gives the first answer again.
    #[param(
        rename = "Idempotency-Key",
        min_length = 1,
        max_length = 255,
        example = "batch-2024-08-17"
    )]
    key: Option<String>,
}

/// What a batch did.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Written {
    /// The fixture of each entry, in the order given.
    data: Vec<WrittenEntry>,
    /// Fixtures that were new.
    #[schema(example = 1)]
    fixtures_added: u64,
    /// Fixtures of which something changed.
    #[schema(example = 0)]
    fixtures_changed: u64,
    /// Single prices that were new or corrected.
    #[schema(example = 0)]
    prices_written: u64,
    /// Names never seen before, each a new team now: look for mistyped ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["Wrexham"]))]
    teams_added: Vec<String>,
}

/// What became of an entry.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WrittenEntry {
    /// Number of its fixture.
    #[schema(example = 8)]
    fixture_id: i64,
}

impl Answer for Written {}

impl From<BatchOutcome> for Written {
    fn from(outcome: BatchOutcome) -> Self {
        let entry = |id: domain::FixtureId| WrittenEntry { fixture_id: id.0 };
        Self {
            data: outcome.fixtures.into_iter().map(entry).collect(),
            fixtures_added: outcome.fixtures_added,
            fixtures_changed: outcome.fixtures_changed,
            prices_written: outcome.prices_written,
            teams_added: outcome.teams_added,
        }
    }
}

/// Turns the entries of a batch into commands; where some cannot be, all of those are told.
pub(crate) fn commands<T, C>(
    entries: Vec<T>,
    command: impl Fn(usize, T) -> Result<C, BatchProblem>,
) -> Result<Vec<C>, EngineError> {
    let mut commands = Vec::with_capacity(entries.len());
    let mut problems = Vec::new();
    for (index, entry) in entries.into_iter().enumerate() {
        match command(index, entry) {
            Ok(command) => commands.push(command),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(commands)
    } else {
        Err(EngineError::BadBatch(problems))
    }
}

/// Turns an engine's answer to a batch into the wire's.
pub(crate) fn written(outcome: Result<BatchOutcome, EngineError>) -> Result<Written, ApiError> {
    outcome.map(Written::from).map_err(refused)
}

/// Turns an engine's refusal of a batch into the wire's, with pointers into the body.
pub(crate) fn refused(error: EngineError) -> ApiError {
    let EngineError::BadBatch(problems) = error else {
        return error.into();
    };
    let fault =
        |it: BatchProblem| FieldError::at(format!("/data/{}/{}", it.index, it.field), it.detail);
    ApiError::InvalidEntries(problems.into_iter().take(100).map(fault).collect())
}
