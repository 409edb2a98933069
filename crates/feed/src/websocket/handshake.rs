//! The proof that a server understood a client's wish to speak WebSocket (RFC 6455, 4.2.2).

use base64::prelude::{BASE64_STANDARD, Engine as _};
use sha1_smol::Sha1;

/// Appended to a client's key, by RFC 6455, 1.3.
const MAGIC: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// Bytes that a client's key stands for.
const KEY_BYTES: usize = 16;

/// `Sec-WebSocket-Accept` for a client's `Sec-WebSocket-Key`; nothing where that is no key.
pub fn accept(key: &[u8]) -> Option<String> {
    let bytes = BASE64_STANDARD.decode(key).ok()?;
    if bytes.len() != KEY_BYTES {
        return None;
    }
    let mut digest = Sha1::new();
    digest.update(key);
    digest.update(MAGIC);
    Some(BASE64_STANDARD.encode(digest.digest().bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_accepted_and_no_other_length() {
        let accepted = accept(b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accepted.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        for key in [
            &b""[..],
            b"dGhlIHNhbXBsZQ==",
            b"dGhlIHNhbXBsZSBub25jZSE=",
            b"?",
        ] {
            assert_eq!(accept(key), None);
        }
    }
}
