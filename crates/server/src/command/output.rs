//! What commands say on standard output, to whoever still reads it.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

use anyhow::Context;

/// Standard output. Where nobody reads it any more (`| head`), the rest is said to nobody: what the
/// command does is done to its end all the same.
pub(crate) struct Output;

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        heard(io::stdout().write(bytes), bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        heard(io::stdout().flush(), ())
    }
}

/// What was written, or what would have been where nobody reads.
fn heard<T>(written: io::Result<T>, all: T) -> io::Result<T> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(all),
        other => other,
    }
}

/// Says a line.
pub(crate) fn say(line: impl Display) -> anyhow::Result<()> {
    put(format_args!("{line}\n"))
}

/// Says a text that ends its lines itself.
pub(crate) fn put(text: impl Display) -> anyhow::Result<()> {
    write!(Output, "{text}").context("standard output cannot be written")
}
