//! Serves the file `BODY` under any address, as the shortest program for it would: `kept PORT BODY`.

use std::env;

use axum::{Router, body::Bytes, http::header};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = env::args().collect();
    let [_, port, body] = &arguments[..] else {
        return Err("say: kept PORT BODY".into());
    };
    let body = Bytes::from(std::fs::read(body)?);
    let port: u16 = port.parse()?;
    let answer = move || async move { ([(header::CONTENT_TYPE, "application/json")], body.clone()) };
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        axum::serve(listener, Router::new().fallback(answer)).await
    })?;
    Ok(())
}
