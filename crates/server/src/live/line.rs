//! A line of a feed or a recording: a game that is named, an event or a quote, as JSON.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// The longest line.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;
/// The longest word by which a game is named.
const KEY_BYTES_MAX: usize = 128;

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line {
    /// An entry of `POST /v1/fixtures`, and the word that later lines call the game by.
    Fixture(String, Map<String, Value>),
    /// An entry of `POST /v1/events`.
    Event(Map<String, Value>),
    /// An entry of `POST /v1/quotes`.
    Quote(Map<String, Value>),
}

/// A line and which it is, counted from one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Numbered {
    pub(crate) number: u64,
    pub(crate) line: Line,
}

impl Line {
    /// Reads a line, told by its members to be what it is.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let value: Value =
            serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
        let Value::Object(mut members) = value else {
            return Err("it must be a JSON object".to_owned());
        };
        if members.contains_key("competition") {
            return match members.remove("fixture") {
                Some(Value::String(key)) if !key.is_empty() && key.len() <= KEY_BYTES_MAX => {
                    Ok(Self::Fixture(key, members))
                }
                _ => Err(format!(
                    "a game is named by `fixture`, a word of 1 to {KEY_BYTES_MAX} bytes"
                )),
            };
        }
        if members.contains_key("kind") {
            return Ok(Self::Event(members));
        }
        if members.contains_key("bookmaker") {
            return Ok(Self::Quote(members));
        }
        Err(
            "it has neither `kind` (an event), `bookmaker` (a quote) nor `competition` (a game)"
                .to_owned(),
        )
    }

    /// When it was told: of an event `told_at`, else `at`, of a quote `taken_at`; none of a game.
    pub(crate) fn moment(&self) -> Option<Timestamp> {
        match self {
            Self::Fixture(..) => None,
            Self::Event(it) => time(it, "told_at").or_else(|| time(it, "at")),
            Self::Quote(it) => time(it, "taken_at"),
        }
    }

    /// Its members.
    pub(crate) fn members_mut(&mut self) -> &mut Map<String, Value> {
        let (Self::Fixture(_, members) | Self::Event(members) | Self::Quote(members)) = self;
        members
    }
}

/// A member that is a moment (RFC 3339).
pub(crate) fn time(members: &Map<String, Value>, name: &str) -> Option<Timestamp> {
    members.get(name)?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_told_by_its_members_and_a_bad_one_says_what_is_wrong() {
        let game = r#"{"fixture": "a", "competition": "E0"}"#;
        assert!(
            matches!(Line::parse(game), Ok(Line::Fixture(key, it)) if key == "a" && it.len() == 1)
        );
        let event = Line::parse(r#"{"kind": "clock", "at": "2024-05-19T15:00:00Z"}"#).unwrap();
        assert_eq!(event.moment(), "2024-05-19T15:00:00Z".parse().ok());
        let quote = Line::parse(r#"{"bookmaker": "b"}"#).unwrap();
        assert_eq!(
            (&quote, quote.moment()),
            (
                &Line::Quote(Map::from_iter([("bookmaker".to_owned(), "b".into())])),
                None
            )
        );
        for (text, wanted) in [
            ("{", "no JSON"),
            ("[]", "must be a JSON object"),
            ("{}", "neither `kind`"),
            (r#"{"competition": "E0"}"#, "named by `fixture`"),
            (
                r#"{"competition": "E0", "fixture": ""}"#,
                "named by `fixture`",
            ),
        ] {
            let fault = Line::parse(text).unwrap_err();
            assert!(fault.contains(wanted), "{text}: {fault}");
        }
    }
}
