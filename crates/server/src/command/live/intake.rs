//! Lines as they come in, and the signal to stop, in one bounded queue.

use std::{
    io::{self, BufRead, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::live::LINE_BYTES_MAX;

/// Lines that may wait to be sent; a source that is faster waits.
const WAITING_MAX: usize = 1_000;

/// What comes in.
#[derive(Debug)]
pub(super) enum Input {
    /// A line and which it is, or what is wrong with it.
    Line(u64, Result<String, String>),
    /// There is no more.
    End,
    /// It cannot be read any further.
    Broken(io::Error),
    /// Somebody wants it to end.
    Stop,
}

/// Reads lines on a thread of their own, and listens for the signals to stop.
pub(super) fn start(
    input: impl BufRead + Send + 'static,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<Receiver<Input>> {
    let (sender, receiver) = sync_channel(WAITING_MAX);
    let told = sender.clone();
    on_signal(stop, move || {
        let _ = told.send(Input::Stop); // Nobody reads any more: it has ended.
    })?;
    let reading = thread::Builder::new().name("lines".to_owned());
    let reading = reading.spawn(move || read(input, &sender));
    reading.context("a thread for reading cannot start")?;
    Ok(receiver)
}

/// Raises `stop` and calls `then` at the first SIGINT or SIGTERM.
pub(super) fn on_signal(
    stop: &Arc<AtomicBool>,
    then: impl FnOnce() + Send + 'static,
) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("the runtime cannot start")?;
    let guard = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be caught")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("SIGINT cannot be caught")?;
    drop(guard);
    let stop = Arc::clone(stop);
    let waiting = thread::Builder::new().name("signals".to_owned());
    let waiting = waiting.spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        });
        stop.store(true, Ordering::Relaxed);
        then();
    });
    waiting.context("a thread for signals cannot start")?;
    Ok(())
}

/// Reads to the end; empty lines are passed over, but counted.
fn read(mut input: impl BufRead, sender: &SyncSender<Input>) {
    for number in 1.. {
        let next = match line(&mut input) {
            Ok(Some(Ok(text))) if text.trim().is_empty() => continue,
            Ok(Some(text)) => Input::Line(number, text),
            Ok(None) => Input::End,
            Err(error) => Input::Broken(error),
        };
        let last = matches!(next, Input::End | Input::Broken(_));
        if sender.send(next).is_err() || last {
            return;
        }
    }
}

/// The next line, or what is wrong with it.
pub(super) fn line(input: &mut impl BufRead) -> io::Result<Option<Result<String, String>>> {
    let mut bytes = Vec::new();
    let limit = LINE_BYTES_MAX as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
        return Ok(None);
    }
    if bytes.len() > LINE_BYTES_MAX && bytes.last() != Some(&b'\n') {
        skip_line(input)?;
        return Ok(Some(Err(format!("longer than {LINE_BYTES_MAX} bytes"))));
    }
    let text = String::from_utf8(bytes);
    Ok(Some(text.map_err(|_| "no UTF-8".to_owned())))
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let ready = input.fill_buf()?;
        if ready.is_empty() {
            return Ok(());
        }
        let end = ready.iter().position(|it| *it == b'\n');
        let read = end.map_or(ready.len(), |it| it + 1);
        input.consume(read);
        if end.is_some() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_a_long_one_costs_only_itself() {
        let long = "x".repeat(LINE_BYTES_MAX + 10);
        let text = format!("a\n{long}\n\nb");
        let mut input = io::BufReader::with_capacity(100, text.as_bytes());
        let mut seen = Vec::new();
        while let Some(next) = line(&mut input).unwrap() {
            seen.push(next);
        }
        let ok = |text: &str| Ok(text.to_owned());
        let too_long = Err(format!("longer than {LINE_BYTES_MAX} bytes"));
        assert_eq!(seen, [ok("a\n"), too_long, ok("\n"), ok("b")]);
        let mut input: &[u8] = &[0xFF, b'\n'];
        assert_eq!(line(&mut input).unwrap(), Some(Err("no UTF-8".to_owned())));
    }
}
