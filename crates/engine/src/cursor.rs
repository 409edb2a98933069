//! Opaque positions in lists: hex with a checksum over them and what list it is, so that a made-up
//! cursor is refused, and so is that of another list.

use std::fmt::Debug;

use sha2::{Digest, Sha256};

use crate::EngineError;

/// Makes a cursor of numbers, a place in the list that `filter` makes.
pub(crate) fn encode(filter: &impl Debug, parts: &[i64]) -> String {
    let body: Vec<u8> = parts.iter().flat_map(|it| it.to_be_bytes()).collect();
    body.iter()
        .chain(&checksum(&body, filter))
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Reads the `N` numbers of a cursor of the list that `filter` makes back.
pub(crate) fn decode<const N: usize>(
    filter: &impl Debug,
    cursor: &str,
) -> Result<[i64; N], EngineError> {
    let bad = || EngineError::BadCursor(cursor.to_owned());
    let bytes = from_hex(cursor).ok_or_else(bad)?;
    let (body, check) = bytes.split_at_checked(N * 8).ok_or_else(bad)?;
    if check != checksum(body, filter) {
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

fn checksum(body: &[u8], filter: &impl Debug) -> [u8; 4] {
    let digest = Sha256::new()
        .chain_update(body)
        .chain_update(format!("{filter:?}"))
        .finalize();
    [digest[0], digest[1], digest[2], digest[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was() {
        let parts = [i64::MIN, -1, 0];
        assert_eq!(decode(&"E0", &encode(&"E0", &parts)).unwrap(), parts);
    }

    #[test]
    fn a_changed_short_or_foreign_cursor_is_refused() {
        let good = encode(&"E0", &[1, 2]);
        let changed = good.replace('2', "3");
        for bad in [
            changed.as_str(),
            &good[2..],
            "",
            "zz",
            "é",
            "1",
            &encode(&"E0", &[1, 2, 3]),
            &encode(&"SP1", &[1, 2]),
        ] {
            assert!(
                matches!(decode::<2>(&"E0", bad), Err(EngineError::BadCursor(_))),
                "{bad}"
            );
        }
    }
}
