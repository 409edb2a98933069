//! Names of things: small integers for what the store numbers, short checked texts for the rest.

use std::fmt;

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

/// Why a text cannot be a key.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{text:?} is not a {what}: use 1 to 64 of the letters A-Z, a-z, 0-9 and the signs _ - / .")]
pub struct InvalidKey {
    /// What the text was meant to name.
    pub what: &'static str,
    /// The text as it came.
    pub text: String,
}

fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'/' | b'.'))
}

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Accepts 1 to 64 ASCII letters, digits and `_ - / .`.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidKey> {
                let text = text.into();
                if is_key(&text) { Ok(Self(text)) } else { Err(InvalidKey { what: $what, text }) }
            }

            /// The key as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidKey;
            fn try_from(text: String) -> Result<Self, InvalidKey> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(key: $name) -> String {
                key.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

keys! {
    /// A competition's key, such as `E0` or `nfl`.
    CompetitionKey = "competition key";
    /// A season's key as its competition writes it, such as `2022/23` or `2023`.
    SeasonKey = "season key";
    /// A bookmaker's key, such as `pinnacle`; `market_average` and `market_best` name aggregates.
    BookmakerKey = "bookmaker key";
    /// Where a record came from, such as `football-data` or `api`.
    SourceKey = "source key";
}
