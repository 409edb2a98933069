//! Which addresses can be followed.

use serde_json::Value;

/// A key in bytes, at most.
pub(crate) const KEY_BYTES_MAX: usize = 300;
/// What of a fixture can be followed.
const OF_FIXTURE: [&str; 5] = ["play", "prediction", "insight", "quotes", "events"];
/// What of a fixture can be asked for as of a moment.
const AS_OF: [&str; 4] = ["play", "prediction", "insight", "events"];
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

/// The address of what a key was at a moment, in milliseconds since 1970, where that can be asked
/// for.
pub(crate) fn back_then(key: &str, moment: u64) -> Option<String> {
    let mut steps = key.split('/');
    let (Some("fixtures"), Some(_), Some(of), None) =
        (steps.next(), steps.next(), steps.next(), steps.next())
    else {
        return None;
    };
    let moment = jiff::Timestamp::from_millisecond(moment.try_into().ok()?).ok()?;
    AS_OF.contains(&of).then(|| format!("{key}?as_of={moment}"))
}

/// The moment that a state is of, in milliseconds since 1970, where it says so.
pub(crate) fn moment_of(state: &Value) -> Option<u64> {
    let as_of = state
        .get("as_of")
        .or_else(|| state.pointer("/prediction/as_of"))?;
    let moment: jiff::Timestamp = as_of.as_str()?.parse().ok()?;
    moment.as_millisecond().try_into().ok()
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
    fn the_past_of_a_key_is_asked_for_where_there_is_one() {
        let play = "fixtures/8/play?as_of=1970-01-01T00:00:01.5Z";
        assert_eq!(back_then("fixtures/8/play", 1_500).as_deref(), Some(play));
        for key in [
            "board",
            "fixtures/8",
            "fixtures/8/quotes",
            "fixtures/8/play?x=1",
        ] {
            assert_eq!(back_then(key, 1_500), None, "{key}");
        }
        assert_eq!(back_then("fixtures/8/play", u64::MAX), None);
        let state = serde_json::json!({"as_of": "1970-01-01T00:00:01.5Z"});
        assert_eq!(moment_of(&state), Some(1_500));
        assert_eq!(
            moment_of(&serde_json::json!({"prediction": state})),
            Some(1_500)
        );
        for state in [serde_json::json!({"as_of": null}), serde_json::json!([])] {
            assert_eq!(moment_of(&state), None);
        }
    }

    #[test]
    fn silence_is_read_off_a_state() {
        let state = serde_json::json!({"play": {"stale": {"since": "1970-01-01T00:00:01Z"}}});
        assert_eq!(stale_since(&state), Some(1_000));
        assert_eq!(stale_since(&serde_json::json!({"play": null})), None);
    }
}
