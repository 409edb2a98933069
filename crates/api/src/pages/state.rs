//! What a page hands to its program.

use serde::Serialize;
use serde_json::Value;

use super::{board::Board, preferences::Preferences};

/// State of the board.
#[derive(Serialize)]
pub(super) struct BoardState<'a> {
    /// The server's clock, so that ages are right where the device's clock is wrong.
    now: String,
    odds: &'static str,
    zone: String,
    /// What to follow; null where nothing will change any more.
    key: Option<&'a str>,
    /// The revision that the answer is told as; null where it was not read from the feed.
    rev: Option<&'a str>,
    /// The moment of the answer, in milliseconds since 1970.
    at: i64,
    /// What a `GET` of the key answers.
    data: &'a Value,
}

impl<'a> BoardState<'a> {
    pub(super) fn new(board: &'a Board, preferences: &Preferences) -> Self {
        let told = &board.told;
        let held = told.held.as_ref();
        Self {
            now: board.now.to_string(),
            odds: preferences.odds.as_str(),
            zone: preferences.zone_name().to_owned(),
            key: told.key.as_deref(),
            rev: held.map(|it| it.0.as_str()),
            at: held.map_or(board.now.as_millisecond(), |it| it.1),
            data: &told.answer,
        }
    }
}
