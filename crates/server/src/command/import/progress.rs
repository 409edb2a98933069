//! How far an import is: a bar on a terminal, a line every few seconds elsewhere; on standard
//! error, for standard output holds the result.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::PLAIN_EVERY;

const TEMPLATE: &str = "{prefix:.bold} {wide_bar:.cyan/dim} {percent:>3} %  {msg}  {eta} left";

/// The progress of one file.
pub(super) struct Progress {
    location: String,
    size_bytes: u64,
    read: Arc<AtomicU64>,
    started: Instant,
    shown: Shown,
}

enum Shown {
    Bar(ProgressBar),
    Lines(Mutex<Instant>),
}

impl Progress {
    /// Starts to show the reading of a file of `size_bytes`, of which `read` counts what is done.
    pub(super) fn start(location: &str, size_bytes: u64, read: Arc<AtomicU64>) -> Self {
        let started = Instant::now();
        let shown = if std::io::stderr().is_terminal() {
            let style = ProgressStyle::with_template(TEMPLATE)
                .expect("the template is a constant that parses");
            let bar = ProgressBar::new(size_bytes).with_style(style);
            bar.set_prefix(location.to_owned());
            bar.enable_steady_tick(Duration::from_millis(100));
            Shown::Bar(bar)
        } else {
            Shown::Lines(Mutex::new(started))
        };
        Self {
            location: location.to_owned(),
            size_bytes,
            read,
            started,
            shown,
        }
    }

    /// Says that `rows` have been read.
    pub(super) fn rows(&self, rows: u64) {
        let read = self.read.load(Ordering::Relaxed);
        let elapsed = self.started.elapsed();
        match &self.shown {
            Shown::Bar(bar) => {
                bar.set_position(read.min(self.size_bytes));
                bar.set_message(format!("{rows} rows, {:.0} rows/s", rate(rows, elapsed)));
            }
            Shown::Lines(last) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= PLAIN_EVERY {
                    *last = Instant::now();
                    let line = line(&self.location, rows, elapsed, (read, self.size_bytes));
                    // Nobody reads standard error any more: no reason to stop importing.
                    let _ = writeln!(std::io::stderr(), "{line}");
                }
            }
        }
    }

    /// Takes the bar away.
    pub(super) fn stop(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

/// One plain line of progress.
fn line(location: &str, rows: u64, elapsed: Duration, (read, size): (u64, u64)) -> String {
    let seconds = elapsed.as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "shown to the second")]
    let left = seconds * size.saturating_sub(read) as f64 / read.max(1) as f64;
    format!(
        "{location}: {rows} rows, {:.0} rows/s, {left:.0} s left",
        rate(rows, elapsed)
    )
}

#[expect(clippy::cast_precision_loss, reason = "shown without decimals")]
fn rate(rows: u64, elapsed: Duration) -> f64 {
    rows as f64 / elapsed.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_tells_rows_rate_and_time_left() {
        assert_eq!(
            line("a.csv", 500, Duration::from_secs(5), (25, 100)),
            "a.csv: 500 rows, 100 rows/s, 15 s left"
        );
    }

    #[test]
    fn lines_come_every_few_seconds_only() {
        let progress = Progress::start("a.csv", 100, Arc::new(AtomicU64::new(50)));
        progress.rows(1);
        if let Shown::Lines(last) = &progress.shown {
            let long_ago = Instant::now().checked_sub(PLAIN_EVERY).unwrap();
            *last.lock().unwrap() = long_ago;
            progress.rows(2);
            assert!(*last.lock().unwrap() > long_ago);
        }
        progress.stop();
    }

    #[test]
    fn a_bar_follows_the_bytes_read() {
        let bar = ProgressBar::hidden();
        bar.set_length(100);
        let progress = Progress {
            location: "a.csv".to_owned(),
            size_bytes: 100,
            read: Arc::new(AtomicU64::new(40)),
            started: Instant::now(),
            shown: Shown::Bar(bar.clone()),
        };
        progress.rows(7);
        assert_eq!(bar.position(), 40);
        assert!(bar.message().starts_with("7 rows"));
        progress.stop();
        assert!(bar.is_finished());
    }
}
