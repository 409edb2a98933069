//! Bodies of which the first piece, mostly all there is, was taken where the connection is read.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    BoxError,
    body::{Body, Bytes, HttpBody},
    http::{header, request::Parts},
};
use http_body::{Frame, SizeHint};

/// Bytes of a body that may come with its request.
const BODY_BYTES_MAX: u64 = 64 << 10;

/// A body whose first frame may be there already.
struct Begun<B: HttpBody> {
    first: Option<Result<Frame<Bytes>, B::Error>>,
    rest: B,
}

/// Takes what has come of a small body with the request: another runtime would have to ask for it
/// and wait, once there and once back.
pub(super) async fn begun<B>(parts: &Parts, mut rest: B) -> Body
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError> + Send,
{
    let length = rest.size_hint().upper();
    let is_small = length.is_some_and(|it| (1..=BODY_BYTES_MAX).contains(&it));
    // Who asks whether it may go on is told so by the first look at the body.
    if !is_small || parts.headers.contains_key(header::EXPECT) {
        return Body::new(rest);
    }
    let next = poll_fn(|context| Pin::new(&mut rest).poll_frame(context));
    let first = tokio::select! {
        biased;
        first = next => first,
        // Once the connection has looked at what it has read.
        () = tokio::task::yield_now() => None,
    };
    Body::new(Begun { first, rest })
}

// Nothing points into it.
impl<B: HttpBody> Unpin for Begun<B> {}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Begun<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let taken = match &self.first {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len) as u64,
            _ => 0,
        };
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + taken);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + taken);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    use axum::{body::to_bytes, http::Request};

    use super::*;

    /// Gives its pieces one by one, and none before it was asked twice where it is late.
    #[derive(Default)]
    struct Pieces {
        left: Vec<&'static [u8]>,
        late: bool,
        asked: Arc<AtomicBool>,
    }

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            self.asked.store(true, Ordering::Relaxed);
            if std::mem::take(&mut self.late) {
                let waker = context.waker().clone();
                tokio::spawn(async move { waker.wake() });
                return Poll::Pending;
            }
            let next = (!self.left.is_empty()).then(|| self.left.remove(0));
            Poll::Ready(next.map(|it| match it {
                b"fault" => Err(std::io::Error::other("it broke off")),
                piece => Ok(Frame::data(Bytes::from_static(piece))),
            }))
        }

        fn is_end_stream(&self) -> bool {
            self.left.is_empty()
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.left.iter().map(|it| it.len() as u64).sum())
        }
    }

    fn parts(expects: bool) -> Parts {
        let mut request = Request::builder();
        if expects {
            request = request.header("expect", "100-continue");
        }
        request.body(()).unwrap().into_parts().0
    }

    #[tokio::test]
    async fn a_body_is_what_it_was_however_much_of_it_was_there() {
        for pieces in ["", "abc", "abc de f"] {
            let pieces: Vec<_> = pieces.split_whitespace().map(str::as_bytes).collect();
            for (late, expects) in [(false, false), (true, false), (false, true)] {
                let whole = pieces.concat();
                let body = Pieces {
                    left: pieces.clone(),
                    late,
                    ..Pieces::default()
                };
                let body = begun(&parts(expects), body).await;
                assert_eq!(body.size_hint().exact(), Some(whole.len() as u64));
                assert_eq!(body.is_end_stream(), whole.is_empty());
                assert_eq!(to_bytes(body, 100).await.unwrap(), whole);
            }
        }
        let body = Pieces {
            left: vec![b"abc", b"fault"],
            ..Pieces::default()
        };
        let body = begun(&parts(false), body).await;
        let fault = to_bytes(body, 100).await.unwrap_err();
        assert!(format!("{fault:?}").contains("it broke off"));
    }

    #[tokio::test]
    async fn who_waits_to_be_told_to_go_on_is_not_told_so_before_the_request_is_let_in() {
        for expects in [true, false] {
            let body = Pieces {
                left: vec![b"abc"],
                ..Pieces::default()
            };
            let asked = Arc::clone(&body.asked);
            let body = begun(&parts(expects), body).await;
            assert_eq!(asked.load(Ordering::Relaxed), !expects);
            assert_eq!(to_bytes(body, 100).await.unwrap(), "abc");
        }
    }
}
