//! Where events go: standard error, for people or as JSON.

use std::io::{self, IsTerminal};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// Who writes events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// A server, whose events are collected.
    Server,
    /// Any other verb, whose user reads along.
    Command,
}

/// Sends events to standard error from now on; only the first call counts.
pub(crate) fn start(settings: &LogSettings, speaker: Speaker) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&settings.level)
        .with_context(|| format!("log.level {:?} cannot be read", settings.level))?;
    let is_terminal = io::stderr().is_terminal();
    let json = match settings.format {
        LogFormat::Human => false,
        LogFormat::Json => true,
        LogFormat::Auto => !is_terminal && speaker == Speaker::Server,
    };
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        // Where nobody reads events, nobody would read of that either.
        .log_internal_errors(false);
    // A second start can only happen in tests, which share one process.
    let _ = if json {
        log.json()
            .flatten_event(true)
            .with_span_list(false)
            .try_init()
    } else {
        log.with_ansi(is_terminal)
            .with_target(false)
            .compact()
            .try_init()
    };
    Ok(())
}
