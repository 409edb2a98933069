//! Enough of HTTP/2 to make unary gRPC calls, one at a time on a connection.

use anyhow::{Context, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::Answer;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const ACKNOWLEDGED: u8 = 1;
const END_HEADERS: u8 = 4;
const INITIAL_WINDOW: u16 = 4;
const FRAME_MAX: usize = 16_384;
const WINDOW_MAX: u32 = (1 << 31) - 1;

/// A connection and how much may be sent on it.
pub(super) struct Connection {
    stream: TcpStream,
    headers: Vec<u8>,
    read: Vec<u8>,
    at: usize,
    written: Vec<u8>,
    call: u32,
    window: i64,
    call_window: i64,
    first_window: i64,
    unacknowledged: u32,
    body: Vec<u8>,
}

struct Frame {
    kind: u8,
    flags: u8,
    call: u32,
    payload: std::ops::Range<usize>,
}

impl Connection {
    /// Opens a connection; `headers` is the block that every call sends.
    pub(super) async fn open(mut stream: TcpStream, headers: Vec<u8>) -> anyhow::Result<Self> {
        let mut hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        let mut settings = INITIAL_WINDOW.to_be_bytes().to_vec();
        settings.extend(WINDOW_MAX.to_be_bytes());
        frame(&mut hello, SETTINGS, 0, 0, &settings);
        let more = WINDOW_MAX - 65_535;
        frame(&mut hello, WINDOW_UPDATE, 0, 0, &more.to_be_bytes());
        stream.write_all(&hello).await?;
        Ok(Self {
            stream,
            headers,
            read: Vec::with_capacity(1 << 16),
            at: 0,
            written: Vec::new(),
            call: u32::MAX,
            window: 65_535,
            call_window: 0,
            first_window: 65_535,
            unacknowledged: 0,
            body: Vec::new(),
        })
    }

    /// Sends a message and reads the answer to it.
    pub(super) async fn call(&mut self, message: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.call = self.call.wrapping_add(2);
        self.call_window = self.first_window;
        self.body.clear();
        let mut whole = vec![0];
        whole.extend((message.len() as u32).to_be_bytes());
        whole.extend_from_slice(message);
        let headers = std::mem::take(&mut self.headers);
        frame(&mut self.written, HEADERS, END_HEADERS, self.call, &headers);
        self.headers = headers;
        let (mut sent, mut ended) = (0, false);
        while !ended {
            while sent < whole.len() {
                let room = self.window.min(self.call_window).max(0) as usize;
                let part = room.min(FRAME_MAX).min(whole.len() - sent);
                if part == 0 {
                    break;
                }
                let last = sent + part == whole.len();
                let flags = if last { END_STREAM } else { 0 };
                let payload = &whole[sent..sent + part];
                frame(&mut self.written, DATA, flags, self.call, payload);
                sent += part;
                self.window -= part as i64;
                self.call_window -= part as i64;
            }
            if !self.written.is_empty() {
                self.stream.write_all(&self.written).await?;
                self.written.clear();
            }
            ended = self.take().await?;
        }
        let status = if self.body.len() > 5 { 200 } else { 500 };
        let body = self.body.get(5..).unwrap_or_default();
        Ok(Answer { status, body })
    }

    /// Takes the next frame; whether the call ended with it.
    async fn take(&mut self) -> anyhow::Result<bool> {
        let it = self.next().await?;
        let payload = &self.read[it.payload.clone()];
        let word = |at: usize| {
            let bytes = payload.get(at..at + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        match it.kind {
            DATA => {
                self.unacknowledged += payload.len() as u32;
                self.body.extend_from_slice(payload);
                if self.unacknowledged > WINDOW_MAX / 2 {
                    let more = std::mem::take(&mut self.unacknowledged).to_be_bytes();
                    frame(&mut self.written, WINDOW_UPDATE, 0, 0, &more);
                }
            }
            SETTINGS if it.flags & ACKNOWLEDGED == 0 => {
                for setting in payload.chunks_exact(6) {
                    if setting[..2] == INITIAL_WINDOW.to_be_bytes() {
                        let value = setting[2..].try_into().context("four bytes")?;
                        let value = i64::from(u32::from_be_bytes(value));
                        self.call_window += value - self.first_window;
                        self.first_window = value;
                    }
                }
                frame(&mut self.written, SETTINGS, ACKNOWLEDGED, 0, &[]);
            }
            PING if it.flags & ACKNOWLEDGED == 0 => {
                let payload = payload.to_vec();
                frame(&mut self.written, PING, ACKNOWLEDGED, 0, &payload);
            }
            WINDOW_UPDATE => {
                let more = i64::from(word(0).context("a window's update")?);
                if it.call == 0 {
                    self.window += more;
                } else if it.call == self.call {
                    self.call_window += more;
                }
            }
            RESET | GO_AWAY => bail!("the server ended the call: {:?}", word(0)),
            _ => {}
        }
        let ours = it.call == self.call && matches!(it.kind, DATA | HEADERS);
        Ok(ours && it.flags & END_STREAM != 0)
    }

    async fn next(&mut self) -> anyhow::Result<Frame> {
        loop {
            let left = &self.read[self.at..];
            if let Some((head, rest)) = left.split_first_chunk::<9>() {
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
                if rest.len() >= length {
                    let start = self.at + 9;
                    self.at = start + length;
                    let call = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
                    return Ok(Frame {
                        kind: head[3],
                        flags: head[4],
                        call,
                        payload: start..self.at,
                    });
                }
            }
            self.read.drain(..self.at);
            self.at = 0;
            if self.stream.read_buf(&mut self.read).await? == 0 {
                bail!("the server closed the connection");
            }
        }
    }
}

fn frame(out: &mut Vec<u8>, kind: u8, flags: u8, call: u32, payload: &[u8]) {
    out.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    out.extend([kind, flags]);
    out.extend(call.to_be_bytes());
    out.extend_from_slice(payload);
}
