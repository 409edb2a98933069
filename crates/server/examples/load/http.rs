//! Enough of HTTP/1.1 to ask on a kept connection.

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Answer;

/// A kept connection and what was read from it.
pub(super) struct Connection {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Connection {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            read: Vec::with_capacity(1 << 16),
        }
    }

    /// Sends a whole request and reads its whole answer.
    pub(super) async fn call(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.read.clear();
        let head = loop {
            if let Some(at) = self.read.windows(4).position(|it| it == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let text = std::str::from_utf8(&self.read[..head]).context("an answer's head")?;
        let status = text.get(9..12).and_then(|it| it.parse().ok());
        let status = status.context("an answer's status")?;
        let text = text.to_ascii_lowercase();
        if text.contains("transfer-encoding: chunked") {
            while !self.read.ends_with(b"0\r\n\r\n") {
                self.more().await?;
            }
            let body = &self.read[head..];
            return Ok(Answer { status, body });
        }
        let length = text.split("content-length:").nth(1);
        let length = length.and_then(|it| it.split("\r\n").next());
        let length: usize = length.map_or(Ok(0), |it| it.trim().parse())?;
        while self.read.len() < head + length {
            self.more().await?;
        }
        let body = &self.read[head..head + length];
        Ok(Answer { status, body })
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.read).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}
