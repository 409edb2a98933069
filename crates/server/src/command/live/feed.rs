//! `sports-edge live feed`: lines of standard input, sent as they come.

use std::{
    io::{self, BufReader},
    sync::{
        Arc,
        atomic::AtomicBool,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use engine::Clock;
use serde_json::Value;

use super::{
    TOGETHER_MAX, Work,
    intake::{self, Input},
};
use crate::{
    SystemClock,
    live::{Line, Numbered},
};

/// Their bytes at most, well below what a body may have.
const TOGETHER_BYTES_MAX: usize = 512 * 1024;
/// How long the first of them waits for others.
const GATHER_MAX: Duration = Duration::from_millis(20);
/// How often progress is told while nothing comes.
const IDLE: Duration = Duration::from_secs(1);

/// Sends lines until they end or a signal comes.
pub(super) fn run(work: &mut Work, stop: &Arc<AtomicBool>) -> anyhow::Result<()> {
    let queue = intake::start(BufReader::new(io::stdin()), stop)?;
    loop {
        let (lines, end) = gather(work, &queue);
        work.sender.send(lines)?;
        work.tell();
        match end {
            None => {}
            Some(Input::Broken(error)) => {
                return Err(anyhow::Error::new(error).context("standard input cannot be read"));
            }
            Some(_) => return Ok(()),
        }
    }
}

/// Lines that came close together, and what ended them for good.
fn gather(work: &mut Work, queue: &Receiver<Input>) -> (Vec<Numbered>, Option<Input>) {
    let (mut lines, mut bytes) = (Vec::new(), 0);
    while lines.len() < TOGETHER_MAX && bytes < TOGETHER_BYTES_MAX {
        let wait = if lines.is_empty() { IDLE } else { GATHER_MAX };
        match queue.recv_timeout(wait) {
            Ok(Input::Line(number, text)) => {
                work.sender.tally.lines += 1;
                bytes += text.as_ref().map_or(0, String::len);
                match text.and_then(|it| Line::parse(&it)) {
                    Ok(line) => lines.push(Numbered {
                        number,
                        line: dated(line),
                    }),
                    Err(reason) => work.sender.aside(number, reason),
                }
            }
            Ok(end) => return (lines, Some(end)),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return (lines, Some(Input::End)),
        }
    }
    (lines, None)
}

/// A quote without a moment was taken when it was read, however often it is sent.
fn dated(mut line: Line) -> Line {
    if let Line::Quote(members) = &mut line {
        let now = || Value::String(SystemClock.now().to_string());
        members.entry("taken_at").or_insert_with(now);
    }
    line
}
