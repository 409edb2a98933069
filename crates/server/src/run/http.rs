//! Serves HTTP and gRPC on the connections of a listener, until told to stop.

use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};

use api::{Front, Grpc, Line, Peer};
use hyper::{
    Request,
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
    upgrade::Upgraded,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::watch;

use super::{
    cores::Cores,
    listener::{BoundedListener, Connection},
    origin,
    unread::Noted,
};
use crate::network::Network;

/// Calls at work on one gRPC connection, at most.
const CALLS_PER_CONNECTION_MAX: u32 = 256;
/// How often a silent gRPC connection is asked whether it is still there: before its silence ends it.
const ASK_EVERY: Duration = Duration::from_secs(20);
/// Bytes of a call, and of all calls of a connection, that may be under way unread: a thousand
/// rows fit.
const CALL_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 4 << 20;

/// Serves HTTP/1.1.
pub(super) async fn serve(
    listener: BoundedListener,
    cores: &Cores,
    (front, proxies): (Front, &[Network]),
    stopping: impl Future<Output = ()>,
) {
    let (front, proxies) = (Arc::new(front), Arc::<[Network]>::from(proxies));
    let silence_max = listener.silence_max();
    let open = move |connection: Connection| {
        let (front, proxies) = (Arc::clone(&front), Arc::clone(&proxies));
        let (peer, unread) = (connection.peer(), connection.unread());
        let service = service_fn(move |request: Request<Incoming>| {
            let front = Arc::clone(&front);
            let mut request = request.map(|it| Noted::new(it, &unread));
            if let Some(peer) = peer {
                let client = origin::client(peer, request.headers(), &proxies);
                request.extensions_mut().insert(Peer(client));
            }
            async move { Ok::<_, Infallible>(front.answer(request).await) }
        });
        http1::Builder::new()
            // One buffer is sent in less time than two, and answers are small.
            .writev(false)
            // From the answer before on: a byte now and then keeps no place.
            .timer(TokioTimer::new())
            .header_read_timeout(silence_max)
            .serve_connection(TokioIo::new(connection), service)
            .with_upgrades()
    };

    accept(
        (listener, cores),
        open,
        |it| it.graceful_shutdown(),
        stopping,
    )
    .await;
}

/// Takes the socket out of a connection that speaks another protocol from here on.
pub(super) fn take_over(upgraded: Upgraded) -> Result<Line, Upgraded> {
    let parts = upgraded.downcast::<TokioIo<Connection>>()?;
    let (stream, place) = parts.io.into_inner().into_parts();
    Ok(Line::new(stream, parts.read_buf, Box::new(place)))
}

/// Serves gRPC, which is HTTP/2 from the first byte.
pub(super) async fn serve_grpc(
    listener: BoundedListener,
    cores: &Cores,
    grpc: Grpc,
    stopping: impl Future<Output = ()>,
) {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .keep_alive_interval(Some(ASK_EVERY))
        .max_concurrent_streams(CALLS_PER_CONNECTION_MAX)
        .initial_stream_window_size(CALL_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES);
    let open = move |connection| {
        let grpc = grpc.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let grpc = grpc.clone();
            async move { Ok::<_, Infallible>(grpc.answer(request).await) }
        });
        builder.serve_connection(TokioIo::new(connection), service)
    };

    accept(
        (listener, cores),
        open,
        |it| it.graceful_shutdown(),
        stopping,
    )
    .await;
}

/// Takes connections to the cores until `stopping` is done, then waits for those there are to
/// finish what is at work.
async fn accept<C: Future<Output: Send> + Send + 'static>(
    (mut listener, cores): (BoundedListener, &Cores),
    open: impl Fn(Connection) -> C + Clone + Send + 'static,
    drain: impl FnOnce(Pin<&mut C>) + Copy + Send + 'static,
    stopping: impl Future<Output = ()>,
) {
    let (stop, stopped) = watch::channel(());
    let (all, one) = watch::channel(());
    tokio::pin!(stopping);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stopping => break,
        };
        let (core, seat) = cores.seat();
        let (open, stop, one) = (open.clone(), stop.clone(), one.clone());
        core.spawn(async move {
            // What cannot be opened is closed; its client sees that.
            if let Ok(connection) = accepted.open() {
                keep(open(connection), drain, &stop).await;
            }
            drop((seat, one));
        });
    }
    drop((listener, stopped, one));
    all.closed().await;
}

/// Serves one connection; lets it finish what is at work once `stop` has no receiver any more.
async fn keep<C: Future>(served: C, drain: impl FnOnce(Pin<&mut C>), stop: &watch::Sender<()>) {
    tokio::pin!(served);
    let told = stop.closed();
    tokio::pin!(told);
    tokio::select! {
        biased;
        // A client that breaks off is no fault of ours.
        _ = &mut served => return,
        () = told => drain(served.as_mut()),
    }
    let _ = served.await;
}
