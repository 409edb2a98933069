//! A connection that speaks WebSocket messages: bytes in and out, and no more of either than need
//! be held.
//!
//! Nothing is read while something is to be written, so who does not listen is not listened to.

use std::{
    future::poll_fn,
    io,
    mem::{self, MaybeUninit},
    pin::Pin,
    task::{Context, Poll, ready},
};

use axum::body::Bytes;
use engine::feeding::websocket::{Closing, Decoder, Message};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Bytes read at once; they stand on the stack, as most connections are idle.
const READ_BYTES: usize = 4 << 10;

/// Messages over a stream of bytes.
#[derive(Debug)]
pub(crate) struct Socket<Io> {
    io: Io,
    decoder: Decoder,
    /// What is being written, and what goes after it.
    out: Bytes,
    after: Vec<u8>,
}

/// What happened on a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Something came.
    Read,
    /// Something was written.
    Wrote,
    /// The client is gone.
    Ended,
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Socket<Io> {
    pub(crate) fn new(io: Io, message_bytes_max: usize) -> Self {
        Self {
            io,
            decoder: Decoder::new(message_bytes_max),
            out: Bytes::new(),
            after: Vec::new(),
        }
    }

    /// Whether nothing is to be written.
    pub(crate) fn is_idle(&self) -> bool {
        self.out.is_empty() && self.after.is_empty()
    }

    /// Bytes that are to be written after those that are being written.
    pub(crate) fn waiting(&self) -> usize {
        self.after.len()
    }

    /// Puts a message that many get last in line; it is not copied where it is the only one.
    pub(crate) fn share(&mut self, message: &Bytes) {
        if self.is_idle() {
            self.out = message.clone();
        } else {
            self.after.extend_from_slice(message);
        }
    }

    /// Puts a message last in line.
    pub(crate) fn put(&mut self, message: &[u8]) {
        self.after.extend_from_slice(message);
    }

    /// The next message that came whole.
    pub(crate) fn next_message(&mut self) -> Result<Option<Message>, Closing> {
        self.decoder.next_message()
    }

    /// Writes what is to be written, or else reads.
    pub(crate) fn poll_step(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Step>> {
        if self.out.is_empty() && !self.after.is_empty() {
            self.out = mem::take(&mut self.after).into();
        }
        if self.out.is_empty() {
            let decoder = &mut self.decoder;
            return poll_receive(&mut self.io, context, |bytes| decoder.push(bytes));
        }
        let count = ready!(Pin::new(&mut self.io).poll_write(context, &self.out))?;
        if count == 0 {
            return Err(io::ErrorKind::WriteZero.into()).into();
        }
        // What was written whole is let go.
        self.out = if count == self.out.len() {
            Bytes::new()
        } else {
            self.out.slice(count..)
        };
        Ok(Step::Wrote).into()
    }

    /// Says goodbye, and lets by what still comes until the client has gone, too: were it left
    /// unread, the goodbye could be lost. To be bounded in time.
    pub(crate) async fn close(&mut self, closing: &Closing) -> io::Result<()> {
        self.put(&closing.frame());
        while !self.is_idle() {
            poll_fn(|context| self.poll_step(context)).await?;
        }
        self.io.shutdown().await?;
        while poll_fn(|context| poll_receive(&mut self.io, context, |_| {})).await? == Step::Read {}
        Ok(())
    }
}

/// Takes what comes next.
fn poll_receive<Io: AsyncRead + Unpin>(
    io: &mut Io,
    context: &mut Context<'_>,
    take: impl FnOnce(&[u8]),
) -> Poll<io::Result<Step>> {
    let mut room = [MaybeUninit::uninit(); READ_BYTES];
    let mut room = ReadBuf::uninit(&mut room);
    ready!(Pin::new(&mut *io).poll_read(context, &mut room))?;
    if room.filled().is_empty() {
        return Ok(Step::Ended).into();
    }
    take(room.filled());
    Ok(Step::Read).into()
}
