//! The floor: connections that are upgraded, and a bare loop of sends on one thread.

use std::{
    env,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use crate::Result;

const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
    sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Takes a first connection that says when, and then readers; sends to all for each word of the
/// first. `MESSAGE_BYTES` is the size of a message.
pub fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let length: usize = env::var("MESSAGE_BYTES")?.parse()?;
    let readers_count: usize = env::var("READERS")?.parse()?;
    let mut message = vec![0x81, 126];
    message.extend(u16::try_from(length)?.to_be_bytes());
    message.resize(4 + length, b'x');
    let mut first = upgraded(&listener)?;
    let mut readers = Vec::with_capacity(readers_count);
    for _ in 0..readers_count {
        readers.push(upgraded(&listener)?);
    }
    let mut word = [0; 8];
    while first.read_exact(&mut word).is_ok() {
        for reader in &mut readers {
            reader.write_all(&message)?;
        }
    }
    Ok(())
}

fn upgraded(listener: &TcpListener) -> Result<TcpStream> {
    let (mut stream, _) = listener.accept()?;
    stream.set_nodelay(true)?;
    let mut request = Vec::new();
    let mut piece = [0; 1024];
    while !request.ends_with(b"\r\n\r\n") {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err("a client left".into());
        }
        request.extend_from_slice(&piece[..count]);
    }
    stream.write_all(ACCEPTED)?;
    Ok(stream)
}
