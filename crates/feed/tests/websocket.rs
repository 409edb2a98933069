//! The rules of RFC 6455 for what a client sends, by section, in whatever pieces it arrives.

use feed::websocket::{Closing, Decoder, Message};
use proptest::prelude::*;

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const FIN: u8 = 0x80;
const BOUND: usize = 70_000;

/// A client's frame; `first` is its first byte.
fn sent(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    frame.extend(
        payload
            .iter()
            .zip(MASK.iter().cycle())
            .map(|it| it.0 ^ it.1),
    );
    frame
}

/// What comes of bytes that arrive `piece` at a time: messages, and the end where there is one.
fn read(bytes: &[u8], piece: usize) -> (Vec<Message>, Option<Closing>) {
    let mut decoder = Decoder::new(BOUND);
    let mut messages = Vec::new();
    for piece in bytes.chunks(piece) {
        decoder.push(piece);
        loop {
            match decoder.next_message() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(closing) => return (messages, Some(closing)),
            }
        }
    }
    (messages, None)
}

fn check(frames: &[Vec<u8>], messages: &[Message]) {
    let bytes = frames.concat();
    for piece in [1, 2, 7, 4_096, usize::MAX] {
        assert_eq!(read(&bytes, piece), (messages.to_vec(), None), "by {piece}");
    }
}

/// Frames end the connection with a code, after so many messages.
fn refused(frames: &[Vec<u8>], code: u16, before: usize) {
    let bytes = frames.concat();
    for piece in [1, 3, usize::MAX] {
        let (messages, closing) = read(&bytes, piece);
        assert_eq!(closing.expect("it ends").code, Some(code), "by {piece}");
        assert_eq!(messages.len(), before, "by {piece}");
    }
}

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

#[test]
fn section_5_2_lengths_of_every_form_are_read() {
    for length in [0, 1, 125, 126, 127, 128, 65_535, 65_536, BOUND] {
        let payload = "x".repeat(length);
        check(&[sent(FIN | 1, payload.as_bytes())], &[text(&payload)]);
        let payload = vec![0xfe; length];
        check(&[sent(FIN | 2, &payload)], &[Message::Binary(payload)]);
    }
}

#[test]
fn section_5_2_reserved_bits_and_kinds_lengths_of_the_wrong_form_and_bare_frames_are_refused() {
    for bit in [0x40, 0x20, 0x10, 0x70] {
        refused(&[sent(FIN | 1, b"a"), sent(FIN | bit | 1, b"b")], 1002, 1);
    }
    for kind in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        refused(&[sent(FIN | kind, b"")], 1002, 0);
    }
    let long = |second: u8, length: &[u8]| [&[0x81, 0x80 | second], length, &MASK].concat();
    refused(&[long(126, &[0, 125])], 1002, 0);
    refused(&[long(127, &65_535_u64.to_be_bytes())], 1002, 0);
    refused(&[long(127, &u64::MAX.to_be_bytes())], 1002, 0);
    refused(&[vec![0x81, 1, b'a']], 1002, 0);
}

#[test]
fn section_5_4_fragments_are_joined_with_control_frames_among_them() {
    check(
        &[
            sent(1, b"He"),
            sent(FIN | 9, b"now"),
            sent(0, b""),
            sent(0, b"l"),
            sent(FIN | 10, b""),
            sent(FIN, b"lo"),
            sent(FIN | 1, b"!"),
        ],
        &[
            Message::Ping(b"now".to_vec()),
            Message::Pong(Vec::new()),
            text("Hello"),
            text("!"),
        ],
    );
    check(
        &[sent(2, b"\xff"), sent(FIN, b"\xfe")],
        &[Message::Binary(vec![0xff, 0xfe])],
    );
    refused(&[sent(FIN, b"nothing before")], 1002, 0);
    refused(&[sent(0, b"nothing before")], 1002, 0);
    refused(&[sent(1, b"a"), sent(FIN | 1, b"b")], 1002, 0);
    refused(&[sent(1, b"a"), sent(2, b"b")], 1002, 0);
}

#[test]
fn section_5_5_control_frames_are_short_and_whole() {
    let most = vec![7; 125];
    check(&[sent(FIN | 9, &most)], &[Message::Ping(most.clone())]);
    for kind in [8, 9, 10] {
        refused(&[sent(kind, b"")], 1002, 0);
        refused(&[sent(FIN | kind, &[7; 126])], 1002, 0);
    }
}

#[test]
fn section_5_5_1_and_7_4_a_close_has_a_code_that_may_be_sent() {
    let close = |code: u16, reason: &[u8]| sent(FIN | 8, &[&code.to_be_bytes(), reason].concat());
    let none = Closing {
        code: None,
        reason: String::new(),
    };
    check(&[sent(FIN | 8, b"")], &[Message::Close(none)]);
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000,
        4999,
    ] {
        let closing = Closing::new(code, "né");
        check(&[close(code, "né".as_bytes())], &[Message::Close(closing)]);
    }
    for code in [
        0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        refused(&[close(code, b"")], 1002, 0);
    }
    refused(&[sent(FIN | 8, b"\x03")], 1002, 0);
    refused(&[close(1000, b"\xc0")], 1007, 0);
}

#[test]
fn section_8_1_text_is_utf_8_even_where_fragments_cut_letters() {
    let word = "κόσμε 😀 \u{10ffff}\0";
    for cut in 0..word.len() {
        let (a, b) = word.as_bytes().split_at(cut);
        check(&[sent(1, a), sent(FIN, b)], &[text(word)]);
    }
    for bytes in [
        &b"\xce\xba\xed\xa0\x80"[..], // a surrogate
        b"\xf4\x90\x80\x80",          // past the last letter
        b"\xc0\x80",                  // longer than it need be
        b"\xe2\x82",                  // not whole
        b"\x80",                      // no beginning
        b"\xfe",
    ] {
        refused(&[sent(FIN | 1, bytes)], 1007, 0);
        refused(&[sent(1, bytes), sent(FIN, b"")], 1007, 0);
    }
}

#[test]
fn section_10_4_a_message_is_bounded_before_it_is_there() {
    let mut head = sent(FIN | 1, &vec![b'x'; BOUND + 1]);
    head.truncate(14);
    refused(&[head], 1009, 0);
    let half = vec![b'x'; BOUND / 2 + 1];
    refused(&[sent(1, &half), sent(FIN, &half)], 1009, 0);
    let mut endless = sent(FIN | 2, b"");
    endless.splice(1..2, [0x80 | 127, 0x7f, 255, 255, 255, 255, 255, 255, 255]);
    refused(&[endless], 1009, 0);
}

proptest! {
    /// Whatever comes, in whatever pieces, is read the same way, and nothing panics.
    #[test]
    fn pieces_make_no_difference(
        frames in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..140)), 0..6),
        noise in prop::collection::vec(any::<u8>(), 0..20),
        piece in 1_usize..50,
    ) {
        let mut bytes: Vec<u8> = frames.iter().flat_map(|it| sent(it.0 & 0x8f, &it.1)).collect();
        bytes.extend(noise);
        prop_assert_eq!(read(&bytes, piece), read(&bytes, usize::MAX));
    }
}
