//! WebSocket messages as RFC 6455 has them, from the server's end, without IO.
//!
//! [`Decoder`] takes bytes as they come and gives whole messages; what breaks the rules, or is
//! larger than the bound, ends the connection with the code that is due. There are no extensions.

mod decoder;
mod handshake;

pub use decoder::{Decoder, Message};
pub use handshake::accept;

/// The largest header of a frame that is not masked.
pub(crate) const HEADER_BYTES_MAX: usize = 10;
/// What a control frame carries, at most.
const CONTROL_BYTES_MAX: usize = 125;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text in UTF-8, whole.
    Text,
    /// Bytes, whole.
    Binary,
    /// The end.
    Close,
    /// Asks whether the other end is there.
    Ping,
    /// Says that it is.
    Pong,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// Why a connection ends: a code of RFC 6455, or of the application from 4000, and a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closing {
    /// The code; none where the client closed without one.
    pub code: Option<u16>,
    /// A few words for people.
    pub reason: String,
}

impl Closing {
    /// An end with a code.
    pub fn new(code: u16, reason: &str) -> Self {
        Self {
            code: Some(code),
            reason: reason.to_owned(),
        }
    }

    /// The frame that says so; words beyond what fits are left out.
    pub fn frame(&self) -> Vec<u8> {
        let Some(code) = self.code else {
            return frame(Kind::Close, &[]);
        };
        let mut end = self.reason.len().min(CONTROL_BYTES_MAX - 2);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        let mut payload = code.to_be_bytes().to_vec();
        payload.extend_from_slice(&self.reason.as_bytes()[..end]);
        frame(Kind::Close, &payload)
    }
}

/// The header of a whole message of `length` bytes, and how much of it counts: the end.
pub(crate) fn header(kind: Kind, length: usize) -> ([u8; HEADER_BYTES_MAX], usize) {
    let mut header = [0; HEADER_BYTES_MAX];
    let first = 0x80 | kind.code();
    let size = match length {
        0..=125 => {
            header[8] = first;
            header[9] = length as u8;
            2
        }
        126..=0xffff => {
            header[6..8].copy_from_slice(&[first, 126]);
            header[8..].copy_from_slice(&(length as u16).to_be_bytes());
            4
        }
        _ => {
            header[..2].copy_from_slice(&[first, 127]);
            header[2..].copy_from_slice(&(length as u64).to_be_bytes());
            10
        }
    };
    (header, size)
}

/// A whole message in one frame.
pub fn frame(kind: Kind, payload: &[u8]) -> Vec<u8> {
    let (header, size) = header(kind, payload.len());
    let mut frame = Vec::with_capacity(size + payload.len());
    frame.extend_from_slice(&header[HEADER_BYTES_MAX - size..]);
    frame.extend_from_slice(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_the_shortest_header_there_is() {
        for (length, begin) in [
            (0, &[0x81, 0][..]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65_535, &[0x81, 126, 0xff, 0xff]),
            (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let frame = frame(Kind::Text, &vec![b'x'; length]);
            assert!(frame.starts_with(begin), "{length}");
            assert_eq!(frame.len(), begin.len() + length);
        }
        assert_eq!(frame(Kind::Ping, b"a"), [0x89, 1, b'a']);
        assert_eq!(frame(Kind::Binary, b"a"), [0x82, 1, b'a']);
        assert_eq!(frame(Kind::Pong, b""), [0x8a, 0]);
    }

    #[test]
    fn a_long_reason_is_cut_between_letters() {
        let frame = Closing::new(4429, &"é".repeat(100)).frame();
        assert_eq!(frame[..4], [0x88, 124, 0x11, 0x4d]);
        assert_eq!(std::str::from_utf8(&frame[4..]), Ok(&*"é".repeat(61)));
        let (code, reason) = (None, String::new());
        assert_eq!(Closing { code, reason }.frame(), [0x88, 0]);
    }
}
