//! What a page hands to its program.

use serde::Serialize;

use super::{
    board::{Board, ROWS_MAX},
    preferences::Preferences,
};
use crate::routes::board::BoardRow;

/// State of the board.
#[derive(Serialize)]
pub(super) struct BoardState {
    /// The server's clock, so that ages are right where the device's clock is wrong.
    now: String,
    odds: &'static str,
    zone: String,
    competition: Option<String>,
    day: Option<String>,
    /// The window the rows are from, where one was asked for.
    from: Option<String>,
    until: Option<String>,
    limit: u32,
    rows: Vec<BoardRow>,
}

impl BoardState {
    pub(super) fn new(board: &Board, preferences: &Preferences) -> Self {
        Self {
            now: board.now.to_string(),
            odds: preferences.odds.as_str(),
            zone: preferences.zone_name().to_owned(),
            competition: board.competition.as_ref().map(ToString::to_string),
            day: board.day.map(|it| it.to_string()),
            from: board.window.0.map(|it| it.to_string()),
            until: board.window.1.map(|it| it.to_string()),
            limit: ROWS_MAX,
            rows: board
                .rows
                .iter()
                .map(|it| BoardRow::seen_at(it.clone(), board.now))
                .collect(),
        }
    }
}
