//! What the server says of its alerts, as text.

use std::fmt::Write;

use serde_json::Value;

use crate::command::table::{entries, table, text};

/// Every alert.
pub(super) fn alerts(answer: &Value) -> String {
    let all = entries(&answer["data"]);
    if all.is_empty() {
        return "no alerts yet: `sports-edge alert create --help` says how to make one\n"
            .to_owned();
    }
    let rows = all.iter().map(|it| {
        vec![
            text(&it["id"]),
            text(&it["state"]),
            text(&it["name"]),
            condition(&it["condition"]),
            text(&it["about"]),
            again(it),
            text(&it["webhook"]),
            text(&it["fired_at"]),
        ]
    });
    let head = [
        "id",
        "state",
        "name",
        "fires when",
        "looks at",
        "again",
        "tells",
        "last fired",
    ];
    table(&head, rows.collect())
}

/// One alert.
pub(super) fn alert(answer: &Value) -> String {
    let mut told = String::new();
    for (name, value) in [
        (
            "alert",
            format!("{} {}", answer["id"], text(&answer["name"])),
        ),
        ("state", text(&answer["state"])),
        ("fires when", condition(&answer["condition"])),
        ("looks at", text(&answer["about"])),
        ("again", again(answer)),
        ("hysteresis", text(&answer["hysteresis"])),
        ("tells", text(&answer["webhook"])),
        (
            "made",
            format!(
                "{} by {}",
                text(&answer["created_at"]),
                text(&answer["made_by"])
            ),
        ),
        ("last fired", text(&answer["fired_at"])),
    ] {
        let value = if value.is_empty() { "-" } else { &value };
        let _ = writeln!(told, "{name:<10}  {value}");
    }
    if let Some(secret) = answer["webhook_secret"].as_str() {
        let _ = writeln!(
            told,
            "\nThe secret that signs what is told, shown this once:\n{secret}"
        );
    }
    told
}

/// That an alert is gone.
pub(super) fn deleted(answer: &Value) -> String {
    format!("alert {} is deleted\n", answer["id"])
}

/// What a test came to.
pub(super) fn tested(answer: &Value) -> String {
    let firing = &answer["firing"];
    let told = match answer["status"].as_str() {
        Some("none") => "pages and the live feed show it".to_owned(),
        _ => format!(
            "pages and the live feed show it, the webhook is told: `sports-edge alert fired {}` \
             says how that went",
            firing["alert_id"]
        ),
    };
    format!(
        "fired {} as a test of {}: {told}\n",
        firing["id"],
        text(&firing["alert"])
    )
}

/// The newest firings of all alerts.
pub(super) fn fired(answer: &Value) -> String {
    let all = entries(&answer["data"]);
    if all.is_empty() {
        return "nothing fired yet\n".to_owned();
    }
    table(&FIRED, all.iter().map(row).collect())
}

/// What one alert fired and how each was told.
pub(super) fn deliveries(answer: &Value) -> String {
    let all = entries(&answer["data"]);
    if all.is_empty() {
        return "nothing fired yet\n".to_owned();
    }
    let head = [&FIRED[..], &["told", "attempts", "last answer"]].concat();
    let rows = all.iter().map(|it| {
        let attempts = entries(&it["attempts"]);
        let last = attempts.last().map_or_else(String::new, |it| {
            let fault = text(&it["fault"]);
            let status = text(&it["status"]);
            format!("{status} {fault}").trim().to_owned()
        });
        let mut row = row(&it["firing"]);
        row.extend([text(&it["status"]), attempts.len().to_string(), last]);
        row
    });
    let mut told = table(&head, rows.collect());
    if let Some(cursor) = answer["next_cursor"].as_str() {
        let _ = writeln!(told, "older ones: --cursor {cursor}");
    }
    told
}

const FIRED: [&str; 7] = ["id", "when", "alert", "game", "what", "before", "after"];

fn row(it: &Value) -> Vec<String> {
    let game = match it["test"] == true {
        true => "a test".to_owned(),
        false => format!("{} – {}", text(&it["home"]), text(&it["away"])),
    };
    let offer = match it["price"].as_f64() {
        Some(price) => format!("{price} at {}", text(&it["bookmaker"])),
        None => text(&it["direction"]),
    };
    let what = [
        text(&it["market"]),
        text(&it["line"]),
        text(&it["outcome"]),
        offer,
    ];
    let what: Vec<_> = what.into_iter().filter(|it| !it.is_empty()).collect();
    vec![
        text(&it["id"]),
        text(&it["fired_at"]),
        format!("{} {}", text(&it["alert_id"]), text(&it["alert"])),
        game,
        what.join(" "),
        percent(&it["before"]),
        percent(&it["after"]),
    ]
}

/// What an alert waits for, in words.
fn condition(it: &Value) -> String {
    let what = [&it["market"], &it["line"], &it["outcome"]];
    let what: Vec<_> = what
        .map(text)
        .into_iter()
        .filter(|it| !it.is_empty())
        .collect();
    let what = what.join(" ");
    match it["on"].as_str() {
        Some("edge") if what.is_empty() => format!("an edge reaches {}", percent(&it["level"])),
        Some("edge") => format!("an edge in {what} reaches {}", percent(&it["level"])),
        Some("swing") => format!(
            "{what} moves by {} within {} min",
            percent(&it["by"]),
            it["within_minutes"]
        ),
        _ => {
            let way = match it["direction"].as_str() {
                Some(way @ ("up" | "down")) => format!(" {way}"),
                _ => String::new(),
            };
            format!("{what} crosses {}{way}", percent(&it["level"]))
        }
    }
}

/// Whether it fires again for a fixture.
fn again(it: &Value) -> String {
    match it["quiet_minutes"].as_u64() {
        Some(minutes) => format!("after {minutes} min"),
        None => "never".to_owned(),
    }
}

/// A share in percent, with no more decimals than it has of the first two.
fn percent(value: &Value) -> String {
    value.as_f64().map_or_else(String::new, |it| {
        let text = format!("{:.2}", it * 100.0);
        format!("{}%", text.trim_end_matches('0').trim_end_matches('.'))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_alert_waits_for_is_said_in_words() {
        for (it, words) in [
            (
                json!({"on": "probability", "market": "h2h", "line": null, "outcome": "home",
                    "level": 0.6, "direction": "up"}),
                "h2h home crosses 60% up",
            ),
            (
                json!({"on": "probability", "market": "totals", "line": 2.5, "outcome": "over",
                    "level": 0.525, "direction": "either"}),
                "totals 2.5 over crosses 52.5%",
            ),
            (
                json!({"on": "edge", "market": null, "level": 0.03}),
                "an edge reaches 3%",
            ),
            (
                json!({"on": "edge", "market": "h2h", "level": 0.1}),
                "an edge in h2h reaches 10%",
            ),
            (
                json!({"on": "swing", "market": "h2h", "outcome": "team", "by": 0.15,
                    "within_minutes": 10}),
                "h2h team moves by 15% within 10 min",
            ),
        ] {
            assert_eq!(condition(&it), words);
        }
    }

    #[test]
    fn what_fired_is_told_with_the_game_the_numbers_and_the_last_answer() {
        let firing = json!({"id": 17, "alert_id": 3, "alert": "Value", "test": false,
            "fired_at": "2026-05-02T16:04:11Z", "home": "Arsenal", "away": "Wolves", "market": "h2h",
            "line": null, "outcome": "home", "direction": "up", "before": null, "after": 0.041,
            "bookmaker": "one", "price": 2.4});
        let told = fired(&json!({"data": [firing]}));
        for words in [
            "17",
            "3 Value",
            "Arsenal – Wolves",
            "h2h home 2.4 at one",
            "4.1%",
        ] {
            assert!(told.contains(words), "{words}: {told}");
        }
        let attempts = json!([{"attempt": 1, "status": null, "fault": "refused"},
            {"attempt": 2, "status": 500, "fault": null}]);
        let told = deliveries(&json!({"data": [{"firing": firing, "status": "pending",
            "attempts": attempts}], "next_cursor": "17"}));
        assert!(told.contains("pending  2         500"), "{told}");
        assert!(told.ends_with("older ones: --cursor 17\n"), "{told}");
        assert_eq!(deliveries(&json!({"data": []})), "nothing fired yet\n");
    }
}
