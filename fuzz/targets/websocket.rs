//! Whatever a client sends over a socket: the same messages, and the same goodbye, however the bytes
//! are cut up on their way, and none larger than may be.

#![no_main]

use feed::websocket::{Closing, Decoder, Kind, Message, frame};

const MESSAGE_BYTES_MAX: usize = 1_000;

/// What came of bytes: messages until there are no more, or until the connection has to end.
type Heard = (Vec<Message>, Option<Closing>);

fn hear<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Heard {
    let (mut decoder, mut heard) = (Decoder::new(MESSAGE_BYTES_MAX), Vec::new());
    for piece in pieces {
        decoder.push(piece);
        loop {
            match decoder.next_message() {
                Ok(Some(message)) => heard.push(message),
                Ok(None) => break,
                Err(closing) => return (heard, Some(closing)),
            }
        }
    }
    (heard, None)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&cut, sent)) = bytes.split_first() else {
        return;
    };
    let whole = hear(std::iter::once(sent));
    let pieces = hear(sent.chunks(usize::from(cut % 32) + 1));
    assert_eq!(whole, pieces);
    for message in &whole.0 {
        let (size, answer) = match message {
            Message::Text(text) => (text.len(), None),
            Message::Binary(bytes) => (bytes.len(), None),
            Message::Ping(bytes) => (bytes.len(), Some(frame(Kind::Pong, bytes))),
            Message::Pong(bytes) => (bytes.len(), None),
            Message::Close(closing) => (0, Some(closing.frame())),
        };
        assert!(size <= MESSAGE_BYTES_MAX);
        // What a server sends is not masked: a head of two bytes, as answers are short.
        assert!(answer.is_none_or(|it| usize::from(it[1]) == it.len() - 2));
    }
    if let Some(closing) = whole.1 {
        assert!(closing.frame().len() <= 127);
    }
});
