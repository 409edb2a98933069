//! What a page hands to its program.

use serde::Serialize;
use serde_json::Value;

use super::{board::Board, preferences::Preferences};
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
    rows: Vec<Value>,
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
            limit: board.limit,
            rows: board
                .rows
                .iter()
                .map(|it| slim(BoardRow::seen_at(it.clone(), board.now)))
                .collect(),
        }
    }
}

/// Fields of the API's row that the board does not show.
const UNSHOWN: [&str; 14] = [
    "age_seconds",
    "best",
    "bookmakers",
    "country",
    "fair_price",
    "flags",
    "neutral",
    "prices",
    "probability",
    "raw_value",
    "season",
    "sport",
    "stake",
    "stats",
];
/// Decimals kept of a number: more than are shown, fewer than a double has. Digits of chance are
/// what cannot be compressed, and a first page has to fit in what a connection sends at once.
const DECIMALS: f64 = 1e7;

/// The row as the API would send it, less what the board does not show.
fn slim(row: BoardRow) -> Value {
    let mut row = serde_json::to_value(row).expect("a row is plain data");
    if let Some(edge) = row.get_mut("edge").and_then(Value::as_object_mut) {
        edge.remove("fixture");
    }
    trim(&mut row);
    row
}

fn trim(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !UNSHOWN.contains(&name.as_str()));
            fields.values_mut().for_each(trim);
        }
        Value::Array(items) => items.iter_mut().for_each(trim),
        Value::Number(number) if number.is_f64() => {
            let exact = number.as_f64().expect("a double is one");
            *value = ((exact * DECIMALS).round() / DECIMALS).into();
        }
        _ => {}
    }
}
