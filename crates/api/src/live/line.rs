//! A socket that was taken over from HTTP, and the way by which the feed writes to it at once.

use std::{
    any::Any,
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::Bytes;
use engine::feeding::Outlet;
use hyper::upgrade::Upgraded;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::place::Pass;

/// Takes the socket itself out of a connection that changed its protocol; the connection where it is
/// of another kind.
pub type TakeOver = fn(Upgraded) -> Result<Line, Upgraded>;

/// A socket that speaks no HTTP any more.
pub struct Line {
    shared: Arc<Shared>,
    /// What had come already.
    begun: Option<Box<Bytes>>,
    _place: Box<dyn Any + Send>,
}

impl Line {
    /// Takes over a socket of which `begun` was read. `place` is kept as long as it is used.
    pub fn new(stream: TcpStream, begun: Bytes, place: Box<dyn Any + Send>) -> Self {
        Self {
            shared: Arc::new(Shared {
                stream,
                pass: Pass::default(),
            }),
            begun: (!begun.is_empty()).then(|| Box::new(begun)),
            _place: place,
        }
    }

    /// The way out for what is told to whoever was let in by `pass`; one for each line.
    pub(super) fn outlet(&mut self, pass: &Pass) -> Option<Arc<dyn Outlet>> {
        Arc::get_mut(&mut self.shared)?.pass = pass.clone();
        Some(Arc::clone(&self.shared) as Arc<dyn Outlet>)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut it = formatter.debug_struct("Line");
        it.field("stream", &self.shared.stream)
            .finish_non_exhaustive()
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(begun) = &mut self.begun {
            let count = begun.len().min(buffer.remaining());
            buffer.put_slice(&begun.split_to(count));
            if begun.is_empty() {
                self.begun = None;
            }
            return Ok(()).into();
        }
        loop {
            ready!(self.shared.stream.poll_read_ready(context))?;
            match self.shared.stream.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Ok(()).into();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).into(),
            }
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.shared.stream.poll_write_ready(context))?;
            match self.shared.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return written.into(),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Ok(()).into()
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Arc::get_mut(&mut self.shared) {
            Some(shared) => Pin::new(&mut shared.stream).poll_shutdown(context),
            // As long as there is an outlet, it is not for the reader to end.
            None => Ok(()).into(),
        }
    }
}

/// A socket that whoever serves it and the feed write to in turn.
#[derive(Debug)]
struct Shared {
    stream: TcpStream,
    pass: Pass,
}

impl Outlet for Shared {
    fn offer(&self, message: &[u8]) -> usize {
        if !self.pass.counts() {
            return 0;
        }
        // Whoever serves the line finds what is wrong with it.
        self.stream.try_write(message).unwrap_or(0)
    }
}
