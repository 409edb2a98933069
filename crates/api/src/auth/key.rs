//! The text of a key: `se_` + public prefix (8) + `_` + secret (30) + checksum (6), all base 62.
//!
//! The prefix finds the key in the store, the checksum tells a mistyped key without asking it.

use std::fmt;

use engine::ApiKeyRecord;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::Scope;

/// What every key begins with.
pub(crate) const START: &str = "se_";
const PREFIX_LEN: usize = 8;
const SECRET_LEN: usize = 30;
const CHECK_LEN: usize = 6;
const LEN: usize = START.len() + PREFIX_LEN + 1 + SECRET_LEN + CHECK_LEN;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// How many random bytes a new key is made of: four for each character, so that the bias of
/// reducing them to 62 values is below one in sixty million.
pub const KEY_RANDOM_BYTES: usize = 4 * (PREFIX_LEN + SECRET_LEN);

/// A well-formed key. Its `Debug` shows the prefix only.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(String);

/// The text is not a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("this is not an API key: its form or its checksum is wrong")]
pub struct ParseKeyError;

impl KeyText {
    /// Checks form and checksum.
    pub fn parse(text: &str) -> Result<Self, ParseKeyError> {
        let formed = text.len() == LEN
            && text.starts_with(START)
            && text.as_bytes()[START.len() + PREFIX_LEN] == b'_'
            && text[START.len()..]
                .bytes()
                .all(|it| it == b'_' || ALPHABET.contains(&it));
        if formed && text[LEN - CHECK_LEN..] == checksum(&text[..LEN - CHECK_LEN]) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseKeyError)
        }
    }

    /// Makes a key of random bytes.
    pub fn from_random(random: &[u8; KEY_RANDOM_BYTES]) -> Self {
        let letters: String = random
            .chunks_exact(4)
            .map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]))
            .map(letter)
            .collect();
        let (prefix, secret) = letters.split_at(PREFIX_LEN);
        let body = format!("{START}{prefix}_{secret}");
        let check = checksum(&body);
        Self(body + &check)
    }

    /// The public part, by which the key is found.
    pub fn prefix(&self) -> &str {
        &self.0[START.len()..START.len() + PREFIX_LEN]
    }

    /// SHA-256 of the whole key: 178 random bits need no slower hash.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// The key itself, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyText({START}{}_…)", self.prefix())
    }
}

/// A key to be made.
#[derive(Debug)]
pub struct NewKey {
    /// A name for people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it is made.
    pub created_at: Timestamp,
}

impl NewKey {
    /// Makes the key and what the store remembers of it.
    pub fn make(self, random: &[u8; KEY_RANDOM_BYTES]) -> (KeyText, ApiKeyRecord) {
        let key = KeyText::from_random(random);
        let record = ApiKeyRecord {
            prefix: key.prefix().to_owned(),
            hash: key.hash(),
            name: self.name,
            scopes: self
                .scopes
                .into_iter()
                .map(|it| it.as_str().to_owned())
                .collect(),
            created_at: self.created_at,
            last_used_at: None,
            revoked_at: None,
        };
        (key, record)
    }
}

fn checksum(body: &str) -> String {
    let digest = Sha256::digest(body);
    digest
        .chunks_exact(4)
        .take(CHECK_LEN)
        .map(|it| letter(u32::from_le_bytes([it[0], it[1], it[2], it[3]])))
        .collect()
}

fn letter(number: u32) -> char {
    char::from(ALPHABET[(number % 62) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> KeyText {
        KeyText::from_random(&std::array::from_fn(|at| u8::try_from(at).unwrap()))
    }

    #[test]
    fn a_key_reads_back_and_never_shows_its_secret_in_debug() {
        let key = key();
        assert_eq!(KeyText::parse(key.reveal()), Ok(key.clone()));
        assert_eq!(key.reveal().len(), 48);
        assert_eq!(
            format!("{key:?}"),
            format!("KeyText(se_{}_…)", key.prefix())
        );
    }

    #[test]
    fn every_single_changed_letter_is_noticed() {
        let good = key().reveal().to_owned();
        for at in 0..good.len() {
            let letter = if &good[at..=at] == "x" { "y" } else { "x" };
            let changed = format!("{}{letter}{}", &good[..at], &good[at + 1..]);
            assert_eq!(KeyText::parse(&changed), Err(ParseKeyError), "{changed}");
        }
    }

    #[test]
    fn anything_of_another_form_is_no_key() {
        let good = key().reveal().to_owned();
        let long = format!("{good}0");
        let wide = format!("se_{}é", &good[3..46]);
        for text in ["", "se_", &good[1..], &long, &wide] {
            assert_eq!(KeyText::parse(text), Err(ParseKeyError), "{text}");
        }
    }

    #[test]
    fn different_bytes_make_different_keys() {
        let zeros = KeyText::from_random(&[0; KEY_RANDOM_BYTES]);
        assert_ne!(zeros.hash(), key().hash());
        assert_eq!(zeros.prefix(), "00000000");
    }

    #[test]
    fn what_is_stored_of_a_key_is_not_the_key() {
        let new = NewKey {
            name: "feed".into(),
            scopes: vec![Scope::Write, Scope::Read],
            created_at: Timestamp::UNIX_EPOCH,
        };
        let (key, record) = new.make(&[7; KEY_RANDOM_BYTES]);
        assert_eq!(
            (record.prefix.as_str(), record.hash),
            (key.prefix(), key.hash())
        );
        assert_eq!(record.scopes, ["write", "read"]);
        let stored = format!("{record:?}");
        assert!(!stored.contains(&key.reveal()[12..42]));
    }
}
