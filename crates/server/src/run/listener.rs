//! A listener with bounds: so many connections at a time, and none that stays silent for long while
//! it speaks HTTP.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Sleep, sleep},
};

use super::unread::Unread;

/// Connections at a time; more wait in the system's queue.
pub(super) const CONNECTIONS_MAX: usize = 1_024;
/// How long a connection may neither send nor take a byte.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(60);
/// How often within that time a connection is looked at: noting progress must cost next to
/// nothing, so an end can come late by one part.
const LOOKS: u32 = 8;

/// How long, and how much, is read on of a request that was answered before it was all there. A
/// connection that is closed over what was sent takes its answer along.
const LINGER_MAX: Duration = Duration::from_secs(5);
const LINGER_BYTES_MAX: usize = 64 << 20;

/// A listener that accepts only so many connections at a time.
pub(super) struct BoundedListener {
    inner: TcpListener,
    places: Arc<Semaphore>,
    silence_max: Duration,
}

impl BoundedListener {
    pub(super) fn new(inner: TcpListener, connections_max: usize, silence_max: Duration) -> Self {
        Self {
            inner,
            places: Arc::new(Semaphore::new(connections_max)),
            silence_max,
        }
    }
}

impl BoundedListener {
    /// How long a connection may be silent, and the head of its next request be on its way.
    pub(super) fn silence_max(&self) -> Duration {
        self.silence_max
    }

    /// Waits for a place, and for a connection to take it.
    pub(super) async fn accept(&mut self) -> Accepted {
        let place = Arc::clone(&self.places).acquire_owned().await;
        let place = place.expect("the semaphore is never closed");
        let (stream, _) = Listener::accept(&mut self.inner).await;
        // Answers are written whole, so waiting to join small packets only delays them. A socket
        // that refuses the option works all the same.
        let _ = stream.set_nodelay(true);
        Accepted {
            stream,
            silence_max: self.silence_max,
            place,
        }
    }
}

/// A connection that was accepted, and is to be opened where it will be served.
pub(super) struct Accepted {
    stream: TcpStream,
    silence_max: Duration,
    place: OwnedSemaphorePermit,
}

impl Accepted {
    /// Opens it on the runtime at hand.
    pub(super) fn open(self) -> io::Result<Connection> {
        let look_every = self.silence_max / LOOKS;
        Ok(Connection {
            stream: TcpStream::from_std(self.stream.into_std()?)?,
            look: Box::pin(sleep(look_every)),
            look_every,
            silent_looks: 0,
            unread: Unread::default(),
            lingering: None,
            place: self.place,
        })
    }
}

/// A connection that gives its place back when it is dropped.
pub(super) struct Connection {
    stream: TcpStream,
    look: Pin<Box<Sleep>>,
    look_every: Duration,
    silent_looks: u32,
    unread: Unread,
    lingering: Option<Lingering>,
    place: OwnedSemaphorePermit,
}

/// Reads on what nobody wants.
struct Lingering {
    until: Pin<Box<Sleep>>,
    bytes_left: usize,
}

impl Connection {
    /// Whether there is more of a request than was read, for who reads it to say.
    pub(super) fn unread(&self) -> Unread {
        Arc::clone(&self.unread)
    }

    /// Reads on until there is no more, or enough.
    fn linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let lingering = self.lingering.get_or_insert_with(|| Lingering {
            until: Box::pin(sleep(LINGER_MAX)),
            bytes_left: LINGER_BYTES_MAX,
        });
        if lingering.until.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        let mut unwanted = [0; 16 << 10];
        while lingering.bytes_left > 0 {
            let mut buffer = ReadBuf::new(&mut unwanted);
            match Pin::new(&mut self.stream).poll_read(context, &mut buffer) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let read = buffer.filled().len();
                    lingering.bytes_left = lingering.bytes_left.saturating_sub(read);
                }
                Poll::Ready(_) => return Poll::Ready(()),
            }
        }
        Poll::Ready(())
    }

    /// The address it came from; `None` once it is gone.
    pub(super) fn peer(&self) -> Option<IpAddr> {
        self.stream.peer_addr().ok().map(|it| it.ip())
    }

    /// The socket alone, and its place; nobody watches it any more.
    pub(super) fn into_parts(self) -> (TcpStream, OwnedSemaphorePermit) {
        (self.stream, self.place)
    }

    /// Notes progress, and ends the connection after too much silence.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.silent_looks = 0;
            return polled;
        }
        while self.look.as_mut().poll(context).is_ready() {
            // The part in which the silence began is not counted.
            if self.silent_looks >= LOOKS {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            self.silent_looks += 1;
            self.look.as_mut().reset(Instant::now() + self.look_every);
        }
        Poll::Pending
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watch(context, polled)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            let polled = Pin::new(&mut self.stream).poll_shutdown(context);
            let is_done = matches!(polled, Poll::Ready(Ok(())));
            if !is_done || !self.unread.load(Ordering::Relaxed) {
                return polled;
            }
        }
        self.linger(context).map(Ok)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.watch(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        time::timeout,
    };

    use super::*;

    async fn listener(connections_max: usize, silence_max: Duration) -> BoundedListener {
        let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
        BoundedListener::new(inner, connections_max, silence_max)
    }

    #[tokio::test]
    async fn one_connection_too_many_waits_until_another_is_gone() {
        let mut listener = listener(1, SILENCE_MAX).await;
        let address = listener.inner.local_addr().unwrap();
        let _first = TcpStream::connect(address).await.unwrap();
        let held = listener.accept().await.open().unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        let waiting = timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(waiting.is_err());
        drop(held);
        assert!(
            timeout(Duration::from_secs(5), listener.accept())
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_silent_connection_ends_and_a_lively_one_stays() {
        let mut listener = listener(2, Duration::from_millis(200)).await;
        let mut client = TcpStream::connect(listener.inner.local_addr().unwrap())
            .await
            .unwrap();
        let mut connection = listener.accept().await.open().unwrap();
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            client.write_all(b"x").await.unwrap();
            assert_eq!(connection.read_u8().await.unwrap(), b'x');
            connection.write_all(b"y").await.unwrap();
            connection.flush().await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), b'y');
        }
        let silent = connection.read_u8().await.unwrap_err();
        assert_eq!(silent.kind(), io::ErrorKind::TimedOut);
        connection.shutdown().await.unwrap();
    }
}
