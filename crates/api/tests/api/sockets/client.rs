//! A client's end of a socket, which may break any rule.

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::live::PATIENCE;

pub(super) const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
pub(super) const FIN: u8 = 0x80;

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) opcode: u8,
    pub(super) payload: Vec<u8>,
}

/// A client's end, which may break any rule.
pub(super) struct Client(pub(super) TcpStream);

/// What a request to upgrade says.
pub(super) struct Wish<'a> {
    pub(super) query: &'a str,
    pub(super) headers: &'a [(&'a str, &'a str)],
}

impl Client {
    /// Sends a request to upgrade; what comes back, less what follows a head of 101.
    pub(super) async fn ask(address: SocketAddr, wish: Wish<'_>) -> (String, Self) {
        Self::ask_over(TcpStream::connect(address).await.unwrap(), wish).await
    }

    pub(super) async fn ask_over(mut stream: TcpStream, wish: Wish<'_>) -> (String, Self) {
        let address = stream.peer_addr().unwrap();
        let mut request = format!("GET /v1/live{} HTTP/1.1\r\nhost: {address}\r\n", wish.query);
        let mut headers = vec![
            ("upgrade", "WebSocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        for (name, value) in wish.headers {
            headers.retain(|it| it.0 != *name);
            headers.push((name, value));
        }
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        stream
            .write_all((request + "\r\n").as_bytes())
            .await
            .unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(PATIENCE, stream.read_u8())
                .await
                .expect("an answer");
            head.push(byte.unwrap());
        }
        (String::from_utf8(head).unwrap(), Self(stream))
    }

    pub(super) async fn open(address: SocketAddr, query: &str) -> Self {
        let headers = &[];
        let (head, mut client) = Self::ask(address, Wish { query, headers }).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let accept = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
        assert!(head.contains(accept), "{head}");
        // The server speaks first.
        assert_eq!(client.next().await["t"], "hb");
        client
    }

    pub(super) async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(
            payload
                .iter()
                .zip(MASK.iter().cycle())
                .map(|it| it.0 ^ it.1),
        );
        self.0.write_all(&frame).await.unwrap();
    }

    pub(super) async fn say(&mut self, ask: Value) {
        self.send(FIN | 1, ask.to_string().as_bytes()).await;
    }

    pub(super) async fn sub(&mut self, keys: &[&str]) {
        self.say(json!({"op": "sub", "k": keys})).await;
    }

    /// The next frame; `None` where the server ended the connection.
    pub(super) async fn frame(&mut self) -> Option<Frame> {
        timeout(PATIENCE, self.frame_at_last())
            .await
            .expect("a frame comes")
    }

    pub(super) async fn frame_at_last(&mut self) -> Option<Frame> {
        let first = self.0.read_u8().await.ok()?;
        assert_eq!(first & 0xf0, FIN, "frames are whole");
        let length = match self.0.read_u8().await.unwrap() {
            126 => u64::from(self.0.read_u16().await.unwrap()),
            127 => self.0.read_u64().await.unwrap(),
            short => u64::from(short),
        };
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).await.unwrap();
        let opcode = first & 0x0f;
        Some(Frame { opcode, payload })
    }

    /// The next text; the server's pings are let by.
    pub(super) async fn next(&mut self) -> Value {
        loop {
            let frame = self.frame().await.expect("the connection goes on");
            if frame.opcode == 1 {
                return serde_json::from_slice(&frame.payload).unwrap();
            }
            assert_eq!(frame.opcode, 9, "{frame:?}");
        }
    }

    pub(super) async fn next_of(&mut self, kind: &str) -> Value {
        loop {
            let frame = self.next().await;
            if frame["t"] == kind {
                return frame;
            }
        }
    }

    /// The same, by a client that shows that it is alive.
    pub(super) async fn end_alive(&mut self) -> (u16, String) {
        loop {
            let frame = self.frame().await.expect("a goodbye comes");
            match frame.opcode {
                9 => self.send(FIN | 10, &frame.payload).await,
                8 => return goodbye(&frame),
                _ => {}
            }
        }
    }

    /// The code and words the server ends it with.
    pub(super) async fn end(&mut self) -> (u16, String) {
        loop {
            let frame = self.frame().await.expect("a goodbye comes");
            if frame.opcode == 8 {
                assert_eq!(self.frame().await, None, "nothing follows a goodbye");
                return goodbye(&frame);
            }
        }
    }
}

/// Code and words of a goodbye.
fn goodbye(frame: &Frame) -> (u16, String) {
    let (code, reason) = frame.payload.split_at(2);
    let code = u16::from_be_bytes([code[0], code[1]]);
    (code, String::from_utf8(reason.to_vec()).unwrap())
}
