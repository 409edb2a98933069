//! Where events go: standard error, for people or as JSON.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    io::{self, IsTerminal},
    panic::{self, PanicHookInfo},
};

use anyhow::{Context, bail};
use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, LogSettings};

/// What `log.level` may be, besides directives by part.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

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
    let filter = filter(&settings.level)?;
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
    if speaker == Speaker::Server {
        panic::set_hook(Box::new(panicked));
    }
    Ok(())
}

/// Tells a panic as an event, for who collects events.
fn panicked(panic: &PanicHookInfo<'_>) {
    let text = panic.payload_as_str().unwrap_or("without a word");
    let place = panic.location().map(tracing::field::display);
    let backtrace = Backtrace::capture();
    let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(backtrace);
    let backtrace = backtrace.as_ref().map(tracing::field::display);
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("unnamed");
    tracing::error!(text, place, thread, backtrace, "panicked");
}

/// What is written at a level, which is one word or directives such as `info,api=debug`.
///
/// A word that is no level would be the name of a part, and all others were silent.
fn filter(level: &str) -> anyhow::Result<EnvFilter> {
    let is_level = |it: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(it));
    let mut words = level.split(',').filter(|it| !it.is_empty());
    // What has brackets is the name of a span.
    if let Some(word) = words.find(|it| !it.contains(['=', '[']) && !is_level(it)) {
        let levels = LEVELS.join(", ");
        bail!("log.level: {word:?} is none of {levels}; a part has one as in info,api=debug");
    }
    EnvFilter::try_new(level).with_context(|| format!("log.level {level:?} cannot be read"))
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Said(Arc<Mutex<Vec<u8>>>);

    impl Write for Said {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_an_event_like_any_other() {
        let said = Said::default();
        let writer = said.clone();
        let log = tracing_subscriber::fmt().json().flatten_event(true);
        let log = log.with_writer(move || writer.clone()).finish();
        let before = panic::take_hook();
        panic::set_hook(Box::new(panicked));
        tracing::subscriber::with_default(log, || {
            panic::catch_unwind(|| panic!("row {}", 7)).unwrap_err();
        });
        panic::set_hook(before);
        let said = said.0.lock().unwrap().clone();
        let said: serde_json::Value = serde_json::from_slice(&said).unwrap();
        assert_eq!(
            (&said["message"], &said["text"]),
            (&"panicked".into(), &"row 7".into())
        );
        assert!(said["place"].as_str().unwrap().contains("log.rs"), "{said}");
    }

    #[test]
    fn a_level_is_one_of_six_words_or_directives() {
        for fine in [
            "info",
            "WARN",
            "off",
            "info,api=debug",
            "warn,engine::follow=trace,store=off",
            "info,[request]",
            "",
        ] {
            assert!(filter(fine).is_ok(), "{fine}");
        }
        for (wrong, word) in [
            ("loud", "loud"),
            ("debgu", "debgu"),
            ("warning", "warning"),
            ("info,api", "api"),
        ] {
            let error = filter(wrong).unwrap_err().to_string();
            assert!(
                error.contains(&format!("{word:?}")) && error.contains("warn, info, debug"),
                "{error}"
            );
        }
        assert!(filter("api=loud").is_err());
    }
}
