//! A peer: axum's own handler for WebSockets and a broadcast channel.

use std::env;

use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, Utf8Bytes, WebSocket},
    },
    routing::get,
};
use tokio::sync::broadcast;

use crate::Result;

/// Serves; every text from a client makes a message of `MESSAGE_BYTES` go to all.
pub fn serve(port: u16) -> Result<()> {
    let message = Utf8Bytes::from("x".repeat(env::var("MESSAGE_BYTES")?.parse()?));
    let (sender, _) = broadcast::channel::<Utf8Bytes>(64);
    let open = move |State(sender): State<broadcast::Sender<Utf8Bytes>>, asked: WebSocketUpgrade| async move {
        asked.on_upgrade(move |socket| talk(socket, sender, message))
    };
    let routes = Router::new().route("/v1/live", get(open)).with_state(sender);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        axum::serve(listener, routes).await?;
        Ok(())
    })
}

async fn talk(mut socket: WebSocket, sender: broadcast::Sender<Utf8Bytes>, message: Utf8Bytes) {
    let mut news = sender.subscribe();
    loop {
        tokio::select! {
            heard = news.recv() => match heard {
                Ok(text) => {
                    if socket.send(Message::Text(text)).await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Text(_))) => {
                    let _ = sender.send(message.clone());
                }
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
}
