//! `sports-edge config`.

use std::process::ExitCode;

use clap::Args;

use super::output::{put, say};
use crate::config::{Config, defaults};

/// What to print.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Print the commented defaults instead, to start a settings file from
    #[arg(long)]
    defaults: bool,
}

/// Prints every setting in force and where it comes from.
pub(crate) fn run(args: &ConfigArgs, config: &Config) -> anyhow::Result<ExitCode> {
    if args.defaults {
        put(defaults())?;
        return Ok(ExitCode::SUCCESS);
    }
    let lines = config
        .origins
        .iter()
        .map(|(key, (value, source))| (format!("{key} = {value}"), source.to_string()));
    let lines: Vec<_> = lines.collect();
    let width = lines
        .iter()
        .map(|(setting, _)| setting.chars().count())
        .max()
        .unwrap_or(0);
    for (setting, source) in lines {
        say(format_args!("{setting:width$}  # {source}"))?;
    }
    for name in &config.strangers {
        say(format_args!("# {name} in the environment names no setting"))?;
    }
    Ok(ExitCode::SUCCESS)
}
