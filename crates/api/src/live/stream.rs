//! Frames as server-sent events, for as long as the client listens.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::body::{Bytes, HttpBody};
use engine::feeding::{Frame, Reader as FeedReader};
use tokio::{sync::watch, time::Interval};

use super::{Live, Place, follow::Holding};

/// Bytes written at once, about; more frames wait for the next turn.
pub(crate) const WRITE_BYTES: usize = 32 << 10;

/// The bytes that come next and where those after them come from; nothing at the end.
type Next = Pin<Box<dyn Future<Output = Option<(Source, Bytes)>> + Send>>;

/// The body of an answer that goes on.
pub(crate) struct Events(Next);

/// Where the events come from.
struct Source {
    live: Arc<Live>,
    reader: FeedReader,
    holding: Holding,
    /// Frames that go before those of the reader.
    first: VecDeque<String>,
    beat: Interval,
    stopped: watch::Receiver<bool>,
    place: Place,
}

impl Events {
    /// Begins with `first`, then goes on with what the reader is owed.
    pub(crate) fn new(
        live: Arc<Live>,
        (reader, place): (FeedReader, Place),
        holding: Holding,
        first: Vec<String>,
    ) -> Self {
        let every = live.options.beat;
        let start = tokio::time::Instant::now() + every;
        let source = Source {
            stopped: live.stopped(),
            live,
            reader,
            holding,
            first: first.into(),
            beat: tokio::time::interval_at(start, every),
            place,
        };
        Self(Box::pin(source.next()))
    }
}

impl Source {
    /// The next bytes; nothing once the server stops.
    async fn next(mut self) -> Option<(Self, Bytes)> {
        if self.place.pass().lost().is_some() {
            return None; // Who begins anew is told why not.
        }
        let mut text = String::new();
        while let Some(frame) = self.first.pop_front() {
            self.write(&frame, &mut text);
        }
        if text.is_empty() {
            let news = tokio::select! {
                biased;
                _ = self.stopped.wait_for(|it| *it) => return None,
                frame = self.reader.next() => Some(frame),
                _ = self.beat.tick() => None,
            };
            match news {
                Some(frame) => self.write_frame(&frame, &mut text),
                None => {
                    let beat = format!("{{\"t\":\"hb\",\"ts\":{}}}", self.live.now_ms());
                    self.write(&beat, &mut text);
                }
            }
        }
        if self.place.pass().lost().is_some() {
            return None; // It came to count no longer while nothing happened.
        }
        while text.len() < WRITE_BYTES {
            let Some(frame) = self.reader.try_next() else {
                break;
            };
            self.write_frame(&frame, &mut text);
        }
        Some((self, text.into()))
    }

    fn write_frame(&mut self, frame: &Frame, text: &mut String) {
        self.holding.note(frame);
        self.write(&String::from_utf8_lossy(&frame.bytes), text);
    }

    fn write(&self, frame: &str, text: &mut String) {
        text.push_str("id: ");
        text.push_str(&self.holding.text());
        text.push_str("\ndata: ");
        text.push_str(frame);
        text.push_str("\n\n");
    }
}

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Infallible>>> {
        match self.0.as_mut().poll(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some((source, bytes))) => {
                self.0 = Box::pin(source.next());
                Poll::Ready(Some(Ok(http_body::Frame::data(bytes))))
            }
        }
    }
}
