//! As much of a client as a test needs to command a server: one question, one answer.

use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long an answer may take.
const TIME_MAX: Duration = Duration::from_secs(2);

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// A string.
    Text(Vec<u8>),
    /// A whole number.
    Number(i64),
    /// Nothing there.
    Nil,
    /// Several answers.
    List(Vec<Reply>),
    /// An error.
    Error(String),
}

impl Reply {
    /// The string it holds.
    ///
    /// # Panics
    /// Where it is something else.
    pub fn text(&self) -> String {
        match self {
            Self::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other => panic!("not a string: {other:?}"),
        }
    }

    /// The number it holds.
    ///
    /// # Panics
    /// Where it is something else.
    pub fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            other => panic!("not a number: {other:?}"),
        }
    }
}

/// One connection.
pub(super) struct Client(BufReader<TcpStream>);

impl Client {
    pub(super) fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(TIME_MAX))?;
        stream.set_write_timeout(Some(TIME_MAX))?;
        Ok(Self(BufReader::new(stream)))
    }

    pub(super) fn run(&mut self, words: &[&str]) -> Result<Reply> {
        let mut text = format!("*{}\r\n", words.len());
        for word in words {
            text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.0.get_mut().write_all(text.as_bytes())?;
        self.reply()
    }

    fn reply(&mut self) -> Result<Reply> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let line = line.trim_end();
        let odd = || Error::new(ErrorKind::InvalidData, format!("an odd answer: {line:?}"));
        let (kind, rest) = line.split_at_checked(1).ok_or_else(odd)?;
        let number = || rest.parse::<i64>().map_err(|_| odd());
        Ok(match kind {
            "+" => Reply::Text(rest.as_bytes().to_vec()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Number(number()?),
            "$" => match usize::try_from(number()?) {
                Err(_) => Reply::Nil,
                Ok(size) => {
                    let mut bytes = vec![0; size + 2];
                    self.0.read_exact(&mut bytes)?;
                    bytes.truncate(size);
                    Reply::Text(bytes)
                }
            },
            "*" => match usize::try_from(number()?) {
                Err(_) => Reply::Nil,
                Ok(count) => Reply::List((0..count).map(|_| self.reply()).collect::<Result<_>>()?),
            },
            _ => return Err(odd()),
        })
    }
}
