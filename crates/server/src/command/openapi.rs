//! `sports-edge openapi`.

use std::process::ExitCode;

use super::output::put;

/// Prints the document.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    put(api::openapi_json())?;
    Ok(ExitCode::SUCCESS)
}
