//! Opaque positions in lists: hex with a checksum, so that a made-up cursor is refused.

use sha2::{Digest, Sha256};

use crate::EngineError;

/// Makes a cursor of numbers.
pub(crate) fn encode(parts: &[i64]) -> String {
    let body: Vec<u8> = parts.iter().flat_map(|it| it.to_be_bytes()).collect();
    body.iter()
        .chain(&checksum(&body))
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Reads the `N` numbers of a cursor back.
pub(crate) fn decode<const N: usize>(cursor: &str) -> Result<[i64; N], EngineError> {
    let bad = || EngineError::BadCursor(cursor.to_owned());
    let bytes = from_hex(cursor).ok_or_else(bad)?;
    let (body, check) = bytes.split_at_checked(N * 8).ok_or_else(bad)?;
    if check != checksum(body) {
        return Err(bad());
    }
    Ok(std::array::from_fn(|index| {
        let part = &body[index * 8..][..8];
        i64::from_be_bytes(part.try_into().expect("the part is eight bytes long"))
    }))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

fn checksum(body: &[u8]) -> [u8; 4] {
    let digest = Sha256::digest(body);
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let parts = [i64::MIN, -1, 0];
        assert_eq!(decode(&encode(&parts)).unwrap(), parts);
    }

    #[test]
    fn a_changed_short_or_foreign_cursor_is_refused() {
        let good = encode(&[1, 2]);
        let changed = good.replace('2', "3");
        for bad in [
            changed.as_str(),
            &good[2..],
            "",
            "zz",
            "é",
            "1",
            &encode(&[1, 2, 3]),
        ] {
            assert!(
                matches!(decode::<2>(bad), Err(EngineError::BadCursor(_))),
                "{bad}"
            );
        }
    }
}
