//! Servers on sockets.

use std::net::SocketAddr;

use api::{ApiOptions, Line, LiveOptions, ReadAccess, TakeOver};
use hyper::upgrade::Upgraded;
use hyper_util::{rt::TokioIo, server::conn::auto::upgrade::downcast};
use tokio::net::{TcpListener, TcpStream};

use crate::{
    app::App,
    live::{kick_off, playing_with},
};

/// A server on a socket, and a game under way in it.
pub(super) async fn serving(options: ApiOptions) -> (App, i64, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    serving_on(listener, options).await
}

/// The same on a listener of the test's own.
pub(super) async fn serving_on(
    listener: TcpListener,
    options: ApiOptions,
) -> (App, i64, SocketAddr) {
    let take_over = Some(take_over as TakeOver);
    let options = ApiOptions {
        take_over,
        ..options
    };
    serve(listener, options).await
}

/// What the program does with the connections of its own listener.
fn take_over(upgraded: Upgraded) -> Result<Line, Upgraded> {
    let parts = downcast::<TokioIo<TcpStream>>(upgraded).unwrap();
    Ok(Line::new(
        parts.io.into_inner(),
        parts.read_buf,
        Box::new(()),
    ))
}

/// A server that is not told how to take sockets over.
pub(super) async fn serving_as(options: ApiOptions) -> (App, i64, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    serve(listener, options).await
}

async fn serve(listener: TcpListener, options: ApiOptions) -> (App, i64, SocketAddr) {
    let (app, id) = playing_with(options).await;
    kick_off(&app, id).await;
    let address = listener.local_addr().unwrap();
    let router = app.router.clone();
    tokio::spawn(async move { axum::serve(listener, router).await });
    (app, id, address)
}

pub(super) fn open() -> ApiOptions {
    ApiOptions {
        read_access: ReadAccess::Open,
        ..ApiOptions::default()
    }
}

pub(super) fn keyed(live: LiveOptions) -> ApiOptions {
    ApiOptions {
        read_access: ReadAccess::Keyed,
        live,
        ..ApiOptions::default()
    }
}
