//! Names of things: small integers for what the store numbers, short checked texts for the rest.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A fixture's number in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FixtureId(pub i64);

/// A team's number in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TeamId(pub i64);

impl fmt::Display for FixtureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for TeamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A competition's key, such as `E0` or `nfl`.
pub type CompetitionKey = Key<kind::Competition>;
/// A season's key as its competition writes it, such as `2022/23` or `2023`.
pub type SeasonKey = Key<kind::Season>;
/// A bookmaker's key, such as `pinnacle`; `market_average` and `market_best` name aggregates.
pub type BookmakerKey = Key<kind::Bookmaker>;
/// Where a record came from, such as `football-data` or `api`.
pub type SourceKey = Key<kind::Source>;

/// What a [`Key`] names; it keeps a season from being taken for a bookmaker.
pub trait KeyKind: Clone {
    /// The name of the kind in messages.
    const WHAT: &'static str;
}

/// The kinds of keys.
pub mod kind {
    use super::KeyKind;

    /// Marks keys of competitions.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Competition {}
    /// Marks keys of seasons.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Season {}
    /// Marks keys of bookmakers.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Bookmaker {}
    /// Marks keys of sources.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Source {}

    impl KeyKind for Competition {
        const WHAT: &'static str = "competition key";
    }
    impl KeyKind for Season {
        const WHAT: &'static str = "season key";
    }
    impl KeyKind for Bookmaker {
        const WHAT: &'static str = "bookmaker key";
    }
    impl KeyKind for Source {
        const WHAT: &'static str = "source key";
    }
}

/// A short checked text that names a thing of kind `K`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String", bound = "K: KeyKind")]
pub struct Key<K> {
    text: String,
    kind: PhantomData<K>,
}

/// Why a text cannot be a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not a {what}: use 1 to 64 of the letters A-Z, a-z, 0-9 and the signs _ - / .")]
pub struct InvalidKey {
    /// What the text was meant to name.
    pub what: &'static str,
    /// The text as it came.
    pub text: String,
}

impl<K: KeyKind> Key<K> {
    /// Accepts 1 to 64 ASCII letters, digits and `_ - / .`.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidKey> {
        let text = text.into();
        if is_key(&text) {
            Ok(Self {
                text,
                kind: PhantomData,
            })
        } else {
            Err(InvalidKey {
                what: K::WHAT,
                text,
            })
        }
    }
}

impl<K> Key<K> {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<K: KeyKind> TryFrom<String> for Key<K> {
    type Error = InvalidKey;
    fn try_from(text: String) -> Result<Self, InvalidKey> {
        Self::new(text)
    }
}

impl<K> From<Key<K>> for String {
    fn from(key: Key<K>) -> String {
        key.text
    }
}

impl<K> fmt::Display for Key<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<K> fmt::Debug for Key<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'/' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_takes_letters_digits_and_four_signs() {
        for text in [
            "E0",
            "2022/23",
            "market_best",
            "football-data.co.uk",
            &"x".repeat(64),
        ] {
            assert_eq!(CompetitionKey::new(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn a_key_refuses_anything_else_and_says_what_it_was_meant_to_be() {
        for text in ["", " ", "a b", "é", "a:b", &"x".repeat(65)] {
            let error = SeasonKey::new(text).unwrap_err();
            assert_eq!(
                error,
                InvalidKey {
                    what: "season key",
                    text: text.to_owned()
                }
            );
        }
        let says = |what| {
            format!(
                "\"a b\" is not a {what}: use 1 to 64 of the letters A-Z, a-z, 0-9 and the signs _ - / ."
            )
        };
        assert_eq!(
            CompetitionKey::new("a b").unwrap_err().to_string(),
            says("competition key")
        );
        assert_eq!(
            BookmakerKey::new("a b").unwrap_err().to_string(),
            says("bookmaker key")
        );
        assert_eq!(
            SourceKey::new("a b").unwrap_err().to_string(),
            says("source key")
        );
    }

    #[test]
    fn a_key_is_a_plain_string_in_json_and_is_checked_on_the_way_in() {
        let key = BookmakerKey::new("pinnacle").unwrap();
        assert_eq!(serde_json::to_string(&key).unwrap(), "\"pinnacle\"");
        assert_eq!(
            serde_json::from_str::<BookmakerKey>("\"pinnacle\"").unwrap(),
            key
        );
        assert!(serde_json::from_str::<BookmakerKey>("\"\"").is_err());
        assert_eq!(
            (format!("{key}"), format!("{key:?}")),
            ("pinnacle".into(), "\"pinnacle\"".into())
        );
        assert_eq!(String::from(key.clone()), "pinnacle");
        assert!(key < BookmakerKey::new("z").unwrap());
    }

    #[test]
    fn ids_are_plain_numbers_in_json_and_text() {
        assert_eq!(serde_json::to_string(&FixtureId(7)).unwrap(), "7");
        assert_eq!(serde_json::from_str::<TeamId>("-3").unwrap(), TeamId(-3));
        assert_eq!(format!("{} {}", FixtureId(7), TeamId(8)), "7 8");
    }
}
