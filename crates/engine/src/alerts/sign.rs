//! Signs what is sent by the Standard Webhooks scheme: HMAC-SHA256 (RFC 2104) over the id, the second
//! and the body, so that a receiver knows who sent it, when, and that it is whole.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The secret as a receiver keeps it.
pub(super) fn secret_text(secret: &[u8]) -> String {
    format!("whsec_{}", BASE64_STANDARD.encode(secret))
}

/// The headers of a message sent at a second since 1970.
pub(super) fn headers(
    secret: &[u8],
    (id, second): (&str, i64),
    body: &str,
) -> Vec<(&'static str, String)> {
    let signed = format!("{id}.{second}.{body}");
    let signature = BASE64_STANDARD.encode(hmac(secret, signed.as_bytes()));
    vec![
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", second.to_string()),
        ("webhook-signature", format!("v1,{signature}")),
    ]
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut hash = Hmac::<Sha256>::new_from_slice(key).expect("any length will do");
    hash.update(message);
    hash.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|it| format!("{it:02x}")).collect()
    }

    /// Test cases 2 and 6 of RFC 4231.
    #[test]
    fn hmac_is_that_of_the_standard() {
        let short = hmac(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(
            hex(&short),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let long = b"Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(
            hex(&hmac(&[0xaa; 131], long)),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }

    /// The example of the Standard Webhooks specification's libraries.
    #[test]
    fn a_message_is_signed_as_its_receivers_expect() {
        let secret = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let secret = secret.unwrap();
        assert_eq!(
            secret_text(&secret),
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        );
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let headers = headers(&secret, (id, 1_614_265_330), r#"{"test": 2432232314}"#);
        assert_eq!(headers[0], ("webhook-id", id.to_owned()));
        assert_eq!(headers[1], ("webhook-timestamp", "1614265330".to_owned()));
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(headers[2], ("webhook-signature", signature.to_owned()));
    }
}
