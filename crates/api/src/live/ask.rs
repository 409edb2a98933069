//! What a client asks for over a socket.

use std::collections::BTreeMap;

use engine::feeding::{Mode, Revision};
use serde::Deserialize;

/// A message of a client.
#[derive(Debug, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase", deny_unknown_fields)]
enum Words {
    Sub {
        k: Vec<String>,
        #[serde(default)]
        since: BTreeMap<String, String>,
        #[serde(default)]
        mode: ModeWord,
    },
    Unsub {
        k: Vec<String>,
    },
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeWord {
    #[default]
    Latest,
    All,
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// To follow keys.
    Sub(Vec<Wish>),
    /// Not to follow keys any more.
    Unsub(Vec<String>),
}

/// A key to be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wish {
    pub(crate) key: String,
    /// What is held of it.
    pub(crate) since: Option<Revision>,
    pub(crate) mode: Mode,
}

impl Ask {
    /// Reads a message; the error is a sentence for who wrote it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let words = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let (keys, since, mode) = match words {
            Words::Unsub { k } => return Ok(Self::Unsub(k)),
            Words::Sub { k, since, mode } => (k, since, mode),
        };
        let mode = match mode {
            ModeWord::Latest => Mode::Latest,
            ModeWord::All => Mode::All,
        };
        let wish = |key: String| {
            let since = since.get(&key).map(|it| it.parse()).transpose()?;
            Ok(Wish { key, since, mode })
        };
        let wishes: Result<_, String> = keys.into_iter().map(wish).collect();
        wishes.map(Self::Sub)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_strictly() {
        let read = |text: &str| Ask::read(text);
        let wish = |key: &str, since, mode| Wish {
            key: key.to_owned(),
            since,
            mode,
        };
        let (moment, digest) = (7, 3);
        let held = Some(Revision { moment, digest });
        assert_eq!(
            read(r#"{"op":"sub","k":["board","edges"],"since":{"edges":"7.3"}}"#),
            Ok(Ask::Sub(vec![
                wish("board", None, Mode::Latest),
                wish("edges", held, Mode::Latest)
            ]))
        );
        assert_eq!(
            read(r#"{"k":["board"],"mode":"all","op":"sub"}"#),
            Ok(Ask::Sub(vec![wish("board", None, Mode::All)]))
        );
        let gone = Ask::Unsub(vec!["board".to_owned()]);
        assert_eq!(read(r#"{"op":"unsub","k":["board"]}"#), Ok(gone));
        for text in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"op":"sub"}"#,
            r#"{"op":"all","k":[]}"#,
            r#"{"op":"sub","k":"board"}"#,
            r#"{"op":"sub","k":["board"],"since":{"board":"now"}}"#,
            r#"{"op":"sub","k":["board"],"mode":"none"}"#,
            r#"{"op":"unsub","k":["board"],"more":1}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
