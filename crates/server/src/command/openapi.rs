//! `sports-edge openapi`.

use std::process::ExitCode;

/// Prints the document.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    print!("{}", api::openapi_json());
    Ok(ExitCode::SUCCESS)
}
