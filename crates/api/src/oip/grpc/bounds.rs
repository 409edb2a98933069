//! What a call may send, and how slowly.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{BoxError, body::HttpBody};
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::{Status, codegen::Bytes};

use super::super::{BODY_BYTES_MAX, room::Held};

/// How long a message may take to come once it has begun, and the only one of a call from its start.
const MESSAGE_TIME_MAX: Duration = Duration::from_secs(60);
/// Bytes of a call that brings no tensors.
const SMALL_BYTES_MAX: usize = 64 << 10;
/// Bytes before each message: whether it is compressed, and its length.
const HEAD_BYTES: usize = 5;

/// The body of a call within its bounds.
pub(super) struct Bounded<B> {
    inner: B,
    /// How many bytes more there may be, and how many were here.
    left: usize,
    seen: usize,
    /// The memory for a message that may be large.
    held: Option<Held>,
    kind: Kind,
    /// When what has begun must be here.
    due: Option<Instant>,
    /// Rings then; made where a body keeps us waiting.
    alarm: Option<Pin<Box<Sleep>>>,
}

/// How a call brings its messages.
enum Kind {
    /// One, right away.
    One,
    /// Any number, whenever it likes.
    Many(Place),
}

/// Where in a row of messages the bytes that came last end.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place {
    head: [u8; HEAD_BYTES],
    head_read: usize,
    body_left: u32,
}

impl<B> Bounded<B> {
    /// A call of one message that may be large, for which room is held.
    pub(super) fn large(inner: B, held: Held) -> Self {
        Self {
            held: Some(held),
            ..Self::new(inner, usize::MAX, Kind::One)
        }
    }

    /// A call of one small message.
    pub(super) fn small(inner: B) -> Self {
        Self::new(inner, SMALL_BYTES_MAX, Kind::One)
    }

    /// A call of many messages, for one of which at a time room is held.
    pub(super) fn many(inner: B, held: Held) -> Self {
        Self {
            held: Some(held),
            ..Self::new(inner, usize::MAX, Kind::Many(Place::default()))
        }
    }

    fn new(inner: B, left: usize, kind: Kind) -> Self {
        let due = matches!(kind, Kind::One).then(|| Instant::now() + MESSAGE_TIME_MAX);
        Self {
            inner,
            left,
            seen: 0,
            held: None,
            kind,
            due,
            alarm: None,
        }
    }

    fn took(&mut self, data: &[u8]) -> Result<(), Status> {
        self.left = self.left.checked_sub(data.len()).ok_or_else(|| {
            Status::out_of_range(format!(
                "a call of this kind has at most {SMALL_BYTES_MAX} bytes"
            ))
        })?;
        self.seen = self.seen.saturating_add(data.len());
        let mut wanted = self.seen;
        if let Kind::Many(place) = &mut self.kind {
            // A message that ended made room for the next, which has all the time again.
            let ended = place.pass(data);
            if place.is_between() {
                (self.due, self.alarm) = (None, None);
            } else if ended || self.due.is_none() {
                (self.due, self.alarm) = (Some(Instant::now() + MESSAGE_TIME_MAX), None);
            }
            if ended && let Some(held) = &self.held {
                held.clear();
            }
            wanted = (place.body_left as usize).min(BODY_BYTES_MAX);
        }
        match &self.held {
            Some(held) => held.fit(wanted).map_err(Status::from),
            None => Ok(()),
        }
    }

    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let Some(due) = self.due else { return false };
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
        alarm.as_mut().poll(context).is_ready()
    }
}

impl Place {
    /// Whether nothing of a message is here of which more must come.
    fn is_between(&self) -> bool {
        self.head_read == 0 && self.body_left == 0
    }

    /// Goes past bytes; says whether a message ended in them.
    fn pass(&mut self, mut data: &[u8]) -> bool {
        let mut ended = false;
        while !data.is_empty() {
            if self.body_left == 0 {
                let take = data.len().min(HEAD_BYTES - self.head_read);
                let (head, rest) = data.split_at(take);
                self.head[self.head_read..][..take].copy_from_slice(head);
                self.head_read += take;
                data = rest;
                if self.head_read < HEAD_BYTES {
                    break;
                }
                let [_, length @ ..] = self.head;
                (self.head_read, self.body_left) = (0, u32::from_be_bytes(length));
            } else {
                let take = data.len().min(self.body_left as usize);
                self.body_left -= u32::try_from(take).expect("it is no more than what was left");
                data = &data[take..];
            }
            ended |= self.body_left == 0;
        }
        ended
    }
}

impl<B> HttpBody for Bounded<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let took = frame.data_ref().map_or(Ok(()), |it| self.took(it));
                Poll::Ready(Some(took.map(|()| frame).map_err(Into::into)))
            }
            Poll::Ready(other) => Poll::Ready(other.map(|it| it.map_err(Into::into))),
            Poll::Pending if self.is_late(context) => {
                let seconds = MESSAGE_TIME_MAX.as_secs();
                let late = format!("the message was not here whole within {seconds} s");
                Poll::Ready(Some(Err(Status::deadline_exceeded(late).into())))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, io};

    use tokio::{sync::mpsc, time::advance};

    use super::*;
    use crate::oip::room::Room;

    /// A body that is sent by hand.
    struct ByHand(mpsc::UnboundedReceiver<&'static [u8]>);

    impl HttpBody for ByHand {
        type Data = Bytes;
        type Error = io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
            let next = self.0.poll_recv(context);
            next.map(|it| it.map(|it| Ok(Frame::data(Bytes::from_static(it)))))
        }
    }

    fn by_hand(
        bound: fn(ByHand) -> Bounded<ByHand>,
    ) -> (mpsc::UnboundedSender<&'static [u8]>, Bounded<ByHand>) {
        let (sender, pieces) = mpsc::unbounded_channel();
        (sender, bound(ByHand(pieces)))
    }

    /// Looks once: `None` where there is nothing yet, else bytes or why there are none.
    async fn look(body: &mut Bounded<ByHand>) -> Option<Result<usize, Status>> {
        poll_fn(|context| {
            let next = Pin::new(&mut *body).poll_frame(context);
            Poll::Ready(match next {
                Poll::Pending => None,
                Poll::Ready(None) => Some(Ok(0)),
                Poll::Ready(Some(Ok(frame))) => Some(Ok(frame.into_data().unwrap().len())),
                Poll::Ready(Some(Err(error))) => Some(Err(*error.downcast().unwrap())),
            })
        })
        .await
    }

    fn is_late(seen: Option<Result<usize, Status>>) -> bool {
        matches!(seen, Some(Err(status)) if status.code() == tonic::Code::DeadlineExceeded)
    }

    #[tokio::test(start_paused = true)]
    async fn one_message_has_its_time_however_it_drips() {
        let (pieces, mut body) = by_hand(|it| Bounded::large(it, Room::default().hold()));
        for _ in 0..5 {
            assert!(look(&mut body).await.is_none());
            pieces.send(b"drip").unwrap();
            assert!(matches!(look(&mut body).await, Some(Ok(4))));
            advance(MESSAGE_TIME_MAX / 6).await;
        }
        assert!(look(&mut body).await.is_none());
        advance(MESSAGE_TIME_MAX / 6).await;
        assert!(is_late(look(&mut body).await));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_may_be_silent_between_messages_and_not_within_one() {
        let (pieces, mut body) = by_hand(|it| Bounded::many(it, Room::default().hold()));
        assert!(look(&mut body).await.is_none());
        advance(MESSAGE_TIME_MAX * 9).await;
        pieces.send(b"\0\0\0\0\x02ab\0\0\0\0\0").unwrap();
        assert!(matches!(look(&mut body).await, Some(Ok(12))));
        assert!(look(&mut body).await.is_none());
        advance(MESSAGE_TIME_MAX * 9).await;
        assert!(look(&mut body).await.is_none());
        pieces.send(b"\0\0\0").unwrap();
        assert!(matches!(look(&mut body).await, Some(Ok(3))));
        advance(MESSAGE_TIME_MAX / 2).await;
        // It ends, and the next one begins, which has all the time again.
        pieces.send(b"\0\x01a\0").unwrap();
        assert!(matches!(look(&mut body).await, Some(Ok(4))));
        advance(MESSAGE_TIME_MAX * 3 / 4).await;
        assert!(look(&mut body).await.is_none());
        advance(MESSAGE_TIME_MAX / 4).await;
        assert!(is_late(look(&mut body).await));
    }

    #[tokio::test]
    async fn what_brings_no_tensors_is_small() {
        let (pieces, mut body) = by_hand(Bounded::small);
        pieces.send(&[0; SMALL_BYTES_MAX]).unwrap();
        assert!(matches!(look(&mut body).await, Some(Ok(SMALL_BYTES_MAX))));
        pieces.send(b"x").unwrap();
        let Some(Err(status)) = look(&mut body).await else {
            panic!("one byte too many");
        };
        assert_eq!(status.code(), tonic::Code::OutOfRange);
    }

    #[test]
    fn messages_are_told_apart_wherever_they_are_cut() {
        let bytes = b"\0\0\0\0\x03abc\x01\0\0\0\0\0\0\0\0\x01x";
        for first in 0..bytes.len() {
            let mut place = Place::default();
            let (head, tail) = bytes.split_at(first);
            place.pass(head);
            assert_eq!(place.is_between(), [0, 8, 13].contains(&first), "{first}");
            assert!(place.pass(tail));
            assert!(place.is_between());
        }
    }
}
