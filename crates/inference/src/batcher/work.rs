//! Runs a model on the thread at hand; a panic is a failure.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
};

use super::{Failure, parts};
use crate::{InferRequest, Tensor, backend::RunError, resident::Lease};

/// Rows explained at a time: each takes some hundred times as long as a score, and nobody may wait
/// for them any more.
pub(crate) const EXPLAINED_ROWS: u64 = 256;

/// Runs rows.
pub(super) fn run_once(lease: &Lease, inputs: &[Tensor]) -> Result<Vec<Tensor>, Failure> {
    caught(|| lease.backend.run(inputs))
}

/// Runs a request with what moved its scores, as long as it is awaited.
pub(crate) fn run_request(
    lease: &Lease,
    request: &InferRequest,
    is_awaited: impl Fn() -> bool,
) -> Result<Vec<Tensor>, Failure> {
    let mut outputs = run_once(lease, &request.inputs)?;
    if request.explain {
        outputs.extend(explain(lease, &request.inputs, is_awaited)?);
    }
    Ok(outputs)
}

fn explain(
    lease: &Lease,
    inputs: &[Tensor],
    is_awaited: impl Fn() -> bool,
) -> Result<Option<Tensor>, Failure> {
    let rows = inputs.first().map_or(0, Tensor::rows);
    let mut whole: Option<Tensor> = None;
    for start in (0..rows).step_by(EXPLAINED_ROWS as usize) {
        if !is_awaited() {
            return Err(Failure::Late);
        }
        let end = rows.min(start + EXPLAINED_ROWS);
        let part = if end - start == rows {
            Cow::Borrowed(inputs)
        } else {
            Cow::Owned(parts::rows(inputs, start, end))
        };
        let explained = caught(|| lease.explain(&part))?;
        match &mut whole {
            None => whole = Some(explained),
            Some(whole) => parts::append(whole, &explained),
        }
    }
    Ok(whole)
}

fn caught<T>(run: impl FnOnce() -> Result<T, RunError>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(ran) => ran.map_err(Failure::Model),
        Err(_) => Err(Failure::Panic),
    }
}
