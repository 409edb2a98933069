//! How far long work has come: a bar on a terminal, plain lines elsewhere; always on standard
//! error.

use std::{
    io::{self, IsTerminal},
    sync::{Arc, Mutex, PoisonError},
};

use engine::{Progress, ProgressSink};
use indicatif::{ProgressBar, ProgressStyle};
use tracing::info;

/// Stages at whose every tenth a line is written where there is no terminal.
const LINES_PER_STAGE: u64 = 10;

/// A sink that shows progress to whoever watches.
pub(crate) fn sink() -> ProgressSink {
    if io::stderr().is_terminal() {
        bar()
    } else {
        lines()
    }
}

fn bar() -> ProgressSink {
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{msg:<12} {wide_bar} {pos}/{len}  {eta} left");
    bar.set_style(style.expect("the template is well formed"));
    let stage = Mutex::new("");
    Arc::new(move |progress: Progress| {
        let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
        if *stage != progress.stage {
            *stage = progress.stage;
            bar.reset();
            bar.set_message(progress.stage);
        }
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    })
}

fn lines() -> ProgressSink {
    let last = Mutex::new(("", 0));
    Arc::new(move |progress: Progress| {
        let step = progress.done * LINES_PER_STAGE / progress.total.max(1);
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != (progress.stage, step) {
            *last = (progress.stage, step);
            let Progress { stage, done, total } = progress;
            info!(stage, done, total, "progress");
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sinks_take_progress_of_any_length() {
        for sink in [bar(), lines()] {
            for (done, total) in [(0, 0), (0, 2), (1, 2), (2, 2)] {
                sink(Progress {
                    stage: "walk",
                    done,
                    total,
                });
            }
            sink(Progress {
                stage: "judge",
                done: 1,
                total: 1,
            });
        }
    }
}
