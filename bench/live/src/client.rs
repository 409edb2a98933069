//! A reader over a WebSocket, and a source of events.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc::UnboundedSender,
    time::Instant,
};

use crate::Result;

/// Bytes at the end of a frame in which its kind and time stand.
const TAIL_BYTES: usize = 48;

/// A reader.
pub struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A change, or a message of a peer.
    Change,
    /// A whole state.
    Snapshot,
    /// What was held is still true.
    Same,
    /// What was held is of no use.
    Gap,
    /// A sign of life or another frame of a protocol.
    Other,
    /// The connection ended.
    End,
}

/// A frame that a reader got.
#[derive(Debug)]
pub struct Watched {
    pub reader: usize,
    pub at: Instant,
    pub kind: Kind,
    pub bytes: usize,
    /// How old it was by the clock of the machine, in milliseconds, where it says.
    pub age_ms: Option<i64>,
    /// Its number within its history, where it has one.
    pub id: Option<(u64, u64)>,
}

impl Client {
    /// Connects, with an API key where there is one.
    pub async fn open(address: &str, path: &str, key: Option<&str>) -> Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let key = key.map_or_else(String::new, |it| format!("authorization: Bearer {it}\r\n"));
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{key}\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut read = Vec::new();
        let end = loop {
            if stream.read_buf(&mut read).await? == 0 {
                return Err("the server ended the connection".into());
            }
            if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
                break end + 4;
            }
        };
        if !read.starts_with(b"HTTP/1.1 101") {
            return Err(String::from_utf8_lossy(&read[..end]).into());
        }
        let read = read.split_off(end);
        Ok(Self { stream, read })
    }

    /// Sends a text; its mask is zeros.
    pub async fn say(&mut self, text: &str) -> Result<()> {
        let mut frame = vec![0x81];
        match u8::try_from(text.len()) {
            Ok(length @ 0..=125) => frame.push(0x80 | length),
            _ => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(text.len())?.to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(text.as_bytes());
        self.stream.write_all(&frame).await?;
        Ok(())
    }

    /// Tells of every frame that comes, and answers pings.
    pub async fn watch(mut self, reader: usize, news: UnboundedSender<Watched>) {
        loop {
            while let Some((opcode, size, length)) = head(&self.read)
                && self.read.len() >= size + length
            {
                let payload = &self.read[size..size + length];
                let kind = if opcode == 1 { kind(payload) } else { Kind::Other };
                let frame = Watched {
                    reader,
                    at: Instant::now(),
                    kind,
                    bytes: length,
                    age_ms: told(payload, b"\"ts\":").map(|ts| now_ms() - ts.cast_signed()),
                    id: id(payload),
                };
                self.read.drain(..size + length);
                if opcode == 9 {
                    let _ = self.stream.write_all(&[0x8a, 0x80, 0, 0, 0, 0]).await;
                }
                let _ = news.send(frame);
            }
            if self.read.is_empty() {
                self.read = Vec::new();
            }
            if !matches!(self.stream.read_buf(&mut self.read).await, Ok(1..)) {
                let _ = news.send(Watched {
                    reader,
                    at: Instant::now(),
                    kind: Kind::End,
                    bytes: 0,
                    age_ms: None,
                    id: None,
                });
                return;
            }
        }
    }
}

/// Kind, size of the head and of the rest of the frame at the beginning of bytes.
fn head(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let opcode = bytes.first()? & 0x0f;
    Some(match *bytes.get(1)? {
        126 => {
            let length = u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?);
            (opcode, 4, usize::from(length))
        }
        127 => {
            let length = u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?);
            (opcode, 10, usize::try_from(length).ok()?)
        }
        short => (opcode, 2, usize::from(short)),
    })
}

fn kind(payload: &[u8]) -> Kind {
    let tail = &payload[payload.len().saturating_sub(TAIL_BYTES)..];
    let says = |word: &[u8]| find(tail, word).is_some();
    match payload.first() {
        Some(b'x') => Kind::Change,                        // a peer's
        Some(b'4') if payload.starts_with(b"42") => Kind::Change, // Socket.IO's
        Some(b'{') if says(b"\"t\":\"d\"") => Kind::Change,
        Some(b'{') if says(b"\"t\":\"snap\"") => Kind::Snapshot,
        Some(b'{') if says(b"\"t\":\"same\"") => Kind::Same,
        Some(b'{') if says(b"\"t\":\"gap\"") => Kind::Gap,
        _ => Kind::Other,
    }
}

/// The id of a frame, `moment.digest`.
fn id(payload: &[u8]) -> Option<(u64, u64)> {
    let at = find(payload, b"\"id\":\"")? + 6;
    let end = at + payload[at..].iter().position(|it| *it == b'"')?;
    let (moment, digest) = std::str::from_utf8(&payload[at..end]).ok()?.split_once('.')?;
    Some((moment.parse().ok()?, u64::from_str_radix(digest, 16).ok()?))
}

/// The number after a word that stands near the end.
fn told(payload: &[u8], word: &[u8]) -> Option<u64> {
    let tail = &payload[payload.len().saturating_sub(TAIL_BYTES)..];
    let digits = &tail[find(tail, word)? + word.len()..];
    let end = digits.iter().position(|it| !it.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

fn find(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|it| it == word)
}

pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |it| i64::try_from(it.as_millis()).unwrap_or(i64::MAX))
}

/// Tells of one game: in turn two scores.
pub struct Source {
    stream: TcpStream,
    address: String,
    key: String,
    fixture: i64,
    sequence: u64,
}

impl Source {
    /// Begins a game whose clock stands, so that nothing changes but by what is told.
    pub async fn begin(address: &str, key: &str, fixture: i64) -> Result<Self> {
        let mut source = Self {
            stream: TcpStream::connect(address).await?,
            address: address.to_owned(),
            key: key.to_owned(),
            fixture,
            sequence: u64::try_from(now_ms())?,
        };
        source.stream.set_nodelay(true)?;
        source.tell(json!({"kind": "period_start", "period": 1})).await?;
        source.tell(json!({"kind": "clock", "running": false})).await?;
        Ok(source)
    }

    /// Sets the score, one to nil at even numbers, nil to nil at odd ones. Returns once the server has
    /// taken it.
    pub async fn next(&mut self, number: usize) -> Result<()> {
        let home = 1 - number % 2;
        self.tell(json!({"kind": "score", "home": home, "away": 0})).await
    }

    async fn tell(&mut self, mut event: Value) -> Result<()> {
        self.sequence += 1;
        event["fixture_id"] = self.fixture.into();
        event["sequence"] = self.sequence.into();
        event["at"] = jiff::Timestamp::from_millisecond(now_ms())?.to_string().into();
        let body = json!({"data": [event]}).to_string();
        let request = format!(
            "POST /v1/events HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            self.key,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let answer = self.answer().await?;
        match answer.starts_with("HTTP/1.1 200") {
            true => Ok(()),
            false => Err(answer.into()),
        }
    }

    async fn answer(&mut self) -> Result<String> {
        let mut read = Vec::new();
        loop {
            if self.stream.read_buf(&mut read).await? == 0 {
                return Err("the server ended the connection of the source".into());
            }
            let text = String::from_utf8_lossy(&read);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    let (name, value) = line.split_once(':')?;
                    let is_length = name.eq_ignore_ascii_case("content-length");
                    is_length.then(|| value.trim().parse::<usize>().ok())?
                });
                if body.len() >= length.ok_or("no content-length")? {
                    return Ok(text.into_owned());
                }
            }
        }
    }
}
