//! Whether a request was read to its end before its answer ends the connection.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use hyper::body::{Body, Frame, SizeHint};

/// Whether there is more of the request at hand than was read; its connection asks.
pub(super) type Unread = Arc<AtomicBool>;

/// A body that notes whether it was read to its end.
#[derive(Debug)]
pub(super) struct Noted<B> {
    inner: B,
    unread: Unread,
}

impl<B: Body> Noted<B> {
    pub(super) fn new(inner: B, unread: &Unread) -> Self {
        unread.store(!inner.is_end_stream(), Ordering::Relaxed);
        Self {
            inner,
            unread: Arc::clone(unread),
        }
    }
}

impl<B: Body + Unpin> Body for Noted<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.inner.is_end_stream() {
            self.unread.store(false, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
