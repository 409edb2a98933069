//! A plain HTTP/1.1 connection that is kept: as little work as a request can be, so that the
//! server is measured and not its client.

use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

const CONNECT_WAIT_MAX: Duration = Duration::from_secs(5);
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);
/// The longest line of a head, and how many.
const LINE_BYTES_MAX: u64 = 8_192;
const LINES_MAX: usize = 100;
/// The longest answer that is read.
const BODY_BYTES_MAX: usize = 256 << 20;
/// How much of an error's text is kept.
const TEXT_BYTES_MAX: usize = 500;

/// A connection that is kept.
pub(super) struct Connection {
    stream: BufReader<TcpStream>,
    body: Vec<u8>,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    /// What is said of an error; empty for an answer.
    pub(super) text: String,
}

impl Connection {
    pub(super) fn open(address: &str) -> io::Result<Self> {
        let mut error = io::Error::from(ErrorKind::NotFound);
        for address in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, CONNECT_WAIT_MAX) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(Some(ANSWER_WAIT_MAX))?;
                    stream.set_write_timeout(Some(ANSWER_WAIT_MAX))?;
                    return Ok(Self {
                        stream: BufReader::new(stream),
                        body: Vec::new(),
                    });
                }
                Err(it) => error = it,
            }
        }
        Err(error)
    }

    /// Sends a whole request and reads its whole answer.
    pub(super) fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.stream.get_mut().write_all(request)?;
        let status = status(&self.line()?)?;
        let mut length = None;
        for _ in 0..LINES_MAX {
            let line = self.line()?;
            if line.is_empty() {
                return self.rest(status, length);
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().ok();
            }
        }
        Err(ErrorKind::InvalidData.into())
    }

    fn rest(&mut self, status: u16, length: Option<usize>) -> io::Result<Answer> {
        let length = length.filter(|it| *it <= BODY_BYTES_MAX);
        let length = length.ok_or(ErrorKind::InvalidData)?;
        self.body.resize(length, 0);
        self.stream.read_exact(&mut self.body)?;
        let text = if status == 200 {
            String::new()
        } else {
            let shown = &self.body[..length.min(TEXT_BYTES_MAX)];
            String::from_utf8_lossy(shown).into_owned()
        };
        Ok(Answer { status, text })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        (&mut self.stream)
            .take(LINE_BYTES_MAX)
            .read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// The status of `HTTP/1.1 200 OK`.
fn status(line: &str) -> io::Result<u16> {
    let status = line.split(' ').nth(1).and_then(|it| it.parse().ok());
    status.ok_or_else(|| ErrorKind::InvalidData.into())
}
