//! Runs a model on the thread at hand; a panic is a failure, of the rows where others still run.

use std::borrow::Cow;

use super::{Failure, parts};
use crate::{
    InferRequest, Tensor,
    backend::{RunError, contained},
    loader::still_runs,
    resident::Lease,
};

/// Rows explained at a time: they take far longer than scores, and who waited may leave meanwhile.
pub(crate) const EXPLAINED_ROWS: u64 = 256;

/// Runs rows.
pub(super) fn run_once(lease: &Lease, inputs: &[Tensor]) -> Result<Vec<Tensor>, Failure> {
    caught(lease, || lease.backend.run(inputs))
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
        let explained = caught(lease, || lease.explain(&part))?;
        match &mut whole {
            None => whole = Some(explained),
            Some(whole) => parts::append(whole, &explained),
        }
    }
    Ok(whole)
}

fn caught<T>(lease: &Lease, run: impl FnOnce() -> Result<T, RunError>) -> Result<T, Failure> {
    match contained(run) {
        Ok(ran) => ran.map_err(Failure::Model),
        Err(panic) => Err(fault(lease, &panic)),
    }
}

/// What a panic is: a fault of the rows, unless the version panics on those of its warm-up by now.
fn fault(lease: &Lease, panic: &str) -> Failure {
    let reason = format!("it panicked: {panic}");
    let is_of_rows = still_runs(&*lease.backend);
    let (model, version) = (&lease.model, lease.version);
    tracing::warn!(%model, version, reason, is_of_rows, "model_panicked");
    if is_of_rows {
        Failure::Model(RunError::Rows(reason))
    } else {
        Failure::Panic(reason)
    }
}
