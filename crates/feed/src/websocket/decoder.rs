//! Bytes into messages.

use super::{CONTROL_BYTES_MAX, Closing};

/// Codes of RFC 6455, 7.4.1, that this end finds reason for.
const PROTOCOL_ERROR: u16 = 1002;
const NOT_TEXT: u16 = 1007;
const TOO_LARGE: u16 = 1009;

/// What a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// Asks for a pong that carries the same.
    Ping(Vec<u8>),
    /// An answer to a ping, or a sign of life.
    Pong(Vec<u8>),
    /// The end; to be answered with the same code.
    Close(Closing),
}

/// Puts messages together out of a client's bytes. Holds one message at most, and nothing between
/// messages.
#[derive(Debug)]
pub struct Decoder {
    message_bytes_max: usize,
    /// What was pushed and not taken.
    bytes: Vec<u8>,
    taken: usize,
    /// The fragments of a message that is not whole yet; on the heap, as it is mostly not there.
    begun: Option<Box<Begun>>,
}

#[derive(Debug)]
struct Begun {
    is_text: bool,
    bytes: Vec<u8>,
}

/// The head of a frame.
#[derive(Debug, Clone, Copy)]
struct Head {
    is_last: bool,
    opcode: u8,
    mask: [u8; 4],
    /// Of the head itself.
    size: usize,
    length: usize,
}

impl Decoder {
    /// Takes messages of so many bytes, at most.
    pub fn new(message_bytes_max: usize) -> Self {
        Self {
            message_bytes_max,
            bytes: Vec::new(),
            taken: 0,
            begun: None,
        }
    }

    /// Takes what came.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.taken > 0 {
            self.bytes.drain(..self.taken);
            self.taken = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message that is whole; an error ends the connection. To be called until there is
    /// none before more is pushed, as the bound is on what one call leaves.
    pub fn next_message(&mut self) -> Result<Option<Message>, Closing> {
        loop {
            let Some(head) = self.head()? else {
                return Ok(None);
            };
            let Some(payload) = self.payload(head) else {
                return Ok(None);
            };
            if let Some(message) = self.framed(head, payload)? {
                return Ok(Some(message));
            }
        }
    }

    /// The head of the next frame, once it is there.
    fn head(&mut self) -> Result<Option<Head>, Closing> {
        let bytes = &self.bytes[self.taken..];
        if bytes.is_empty() {
            // Nothing is held between messages.
            (self.bytes, self.taken) = (Vec::new(), 0);
            return Ok(None);
        }
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        let (is_last, opcode) = (first & 0x80 != 0, first & 0x0f);
        if first & 0x70 != 0 {
            return Err(broken("a reserved bit is set"));
        }
        if second & 0x80 == 0 {
            return Err(broken("a client's frame is not masked"));
        }
        let short = usize::from(second & 0x7f);
        let is_control = opcode & 8 != 0;
        match opcode {
            0 if self.begun.is_none() => return Err(broken("there is nothing to continue")),
            1 | 2 if self.begun.is_some() => {
                return Err(broken("the message before is not whole"));
            }
            0..=2 | 8..=10 => {}
            _ => return Err(broken("an unknown kind of frame")),
        }
        if is_control && (!is_last || short > CONTROL_BYTES_MAX) {
            return Err(broken("a control frame is short and whole"));
        }
        let (length, more) = match (short, rest) {
            (126, &[a, b, ..]) => (u64::from(u16::from_be_bytes([a, b])), 2),
            (127, &[a, b, c, d, e, f, g, h, ..]) => {
                (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 8)
            }
            (126 | 127, _) => return Ok(None),
            (short, _) => (short as u64, 0),
        };
        let least = match more {
            0 => 0,
            2 => 126,
            _ => 0x1_0000,
        };
        if length < least || length > u64::MAX >> 1 {
            return Err(broken("a length is not written as is due"));
        }
        let begun = self.begun.as_ref().map_or(0, |it| it.bytes.len());
        let room = (self.message_bytes_max - begun) as u64;
        if !is_control && length > room {
            let reason = format!("a message has {} bytes at most", self.message_bytes_max);
            return Err(Closing::new(TOO_LARGE, &reason));
        }
        let Some(&[a, b, c, d]) = rest.get(more..more + 4) else {
            return Ok(None);
        };
        Ok(Some(Head {
            is_last,
            opcode,
            mask: [a, b, c, d],
            size: 2 + more + 4,
            length: usize::try_from(length).expect("it is within the bound"),
        }))
    }

    /// The payload of a frame, once it is there.
    fn payload(&mut self, head: Head) -> Option<Vec<u8>> {
        let begin = self.taken + head.size;
        let masked = self.bytes.get(begin..begin + head.length)?;
        let mask = head.mask.iter().cycle();
        let payload = masked.iter().zip(mask).map(|(byte, mask)| byte ^ mask);
        let payload = payload.collect();
        self.taken = begin + head.length;
        Some(payload)
    }

    /// What a frame makes whole.
    fn framed(&mut self, head: Head, payload: Vec<u8>) -> Result<Option<Message>, Closing> {
        match head.opcode {
            8 => return closing(&payload).map(Message::Close).map(Some),
            9 => return Ok(Some(Message::Ping(payload))),
            10 => return Ok(Some(Message::Pong(payload))),
            _ => {}
        }
        let message = match self.begun.take() {
            None => Begun {
                is_text: head.opcode == 1,
                bytes: payload,
            },
            Some(mut begun) => {
                begun.bytes.extend_from_slice(&payload);
                *begun
            }
        };
        if !head.is_last {
            self.begun = Some(Box::new(message));
            return Ok(None);
        }
        if !message.is_text {
            return Ok(Some(Message::Binary(message.bytes)));
        }
        let text = String::from_utf8(message.bytes);
        let text = text.map_err(|_| Closing::new(NOT_TEXT, "a text is not UTF-8"))?;
        Ok(Some(Message::Text(text)))
    }
}

fn broken(reason: &str) -> Closing {
    Closing::new(PROTOCOL_ERROR, reason)
}

/// What a close frame says.
fn closing(payload: &[u8]) -> Result<Closing, Closing> {
    let &[a, b, ref reason @ ..] = payload else {
        let (code, reason) = (None, String::new());
        let none = Closing { code, reason };
        return payload
            .is_empty()
            .then_some(none)
            .ok_or_else(|| broken("half a code"));
    };
    let code = u16::from_be_bytes([a, b]);
    // Those that may be sent: defined, or given to libraries and applications.
    if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
        return Err(broken("a code that is never sent"));
    }
    let reason = std::str::from_utf8(reason);
    let reason = reason.map_err(|_| Closing::new(NOT_TEXT, "a reason is not UTF-8"))?;
    Ok(Closing::new(code, reason))
}
