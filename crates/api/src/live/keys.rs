//! Which addresses can be followed.

use serde_json::Value;

/// A key in bytes, at most.
pub(crate) const KEY_BYTES_MAX: usize = 300;
/// What of a fixture can be followed.
const OF_FIXTURE: [&str; 5] = ["play", "prediction", "insight", "quotes", "events"];
/// What can be followed of alerts.
const OF_ALERTS: &str = "fired";
/// What can be followed beside fixtures.
const LISTS: [&str; 4] = ["board", "edges", "fixtures", "scoreboard"];

/// Whether a key is the address of an answer that changes with games and prices.
pub(crate) fn can_be_followed(key: &str) -> bool {
    let (path, _) = key.split_once('?').unwrap_or((key, ""));
    if key.len() > KEY_BYTES_MAX || !key.bytes().all(|it| it.is_ascii_graphic()) {
        return false;
    }
    let mut steps = path.split('/');
    match (steps.next(), steps.next(), steps.next(), steps.next()) {
        (Some(list), None, None, None) => LISTS.contains(&list),
        (Some("fixtures"), Some(id), of, None) => {
            id.parse::<i64>().is_ok() && of.is_none_or(|it| OF_FIXTURE.contains(&it))
        }
        (Some("alerts"), Some(of), None, None) => of == OF_ALERTS,
        _ => false,
    }
}

/// Since when the source of a state has been silent, in milliseconds since 1970.
pub(crate) fn stale_since(state: &Value) -> Option<i64> {
    let since = state.pointer("/play/stale/since")?.as_str()?;
    since
        .parse::<jiff::Timestamp>()
        .ok()
        .map(|it| it.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_answers_that_change_can_be_followed() {
        for key in [
            "board",
            "board?competition=E0",
            "scoreboard?limit=30",
            "fixtures/8",
            "fixtures/8/play",
            "edges",
            "alerts/fired",
        ] {
            assert!(can_be_followed(key), "{key}");
        }
        let long = format!("board?competition={}", "x".repeat(300));
        for key in [
            "",
            "teams",
            "fixtures/x",
            "fixtures/8/names",
            "fixtures/8/play/now",
            "/board",
            "../health/live",
            "board x",
            "cache",
            "alerts",
            "alerts/3",
            &long,
        ] {
            assert!(!can_be_followed(key), "{key}");
        }
    }

    #[test]
    fn silence_is_read_off_a_state() {
        let state = serde_json::json!({"play": {"stale": {"since": "1970-01-01T00:00:01Z"}}});
        assert_eq!(stale_since(&state), Some(1_000));
        assert_eq!(stale_since(&serde_json::json!({"play": null})), None);
    }
}
