//! What the server says of models, as tables of text.

use std::fmt::Write;

use serde_json::Value;

use crate::command::table::{entries, kibibytes, table, tenth, text};

/// That a model is gone.
pub(super) fn deleted(answer: &Value) -> String {
    let versions = entries(&answer["versions"]).len();
    let name = text(&answer["name"]);
    format!("{name} is deleted, {versions} version(s) with it\n")
}

/// The list of models.
pub(super) fn models(answer: &Value) -> String {
    let rows = entries(&answer["data"]).iter().map(|it| {
        let serving = if it["serving"] == true { "yes" } else { "no" };
        vec![
            text(&it["name"]),
            text(&it["kind"]),
            text(&it["version"]),
            serving.to_owned(),
        ]
    });
    table(&["model", "kind", "version", "serving"], rows.collect())
}

/// How many versions an observation scored.
pub(super) fn observed(answer: &Value) -> String {
    let rows = entries(&answer["data"])
        .iter()
        .map(|it| vec![text(&it["routing_key"]), text(&it["versions_scored"])]);
    table(&["routing key", "versions scored"], rows.collect())
}

/// A model and its versions.
pub(super) fn model(answer: &Value) -> String {
    let mut head = format!("{}: ", text(&answer["name"]));
    match answer["serving"].as_u64() {
        Some(version) => write!(head, "version {version} serves"),
        None => write!(head, "nothing serves"),
    }
    .expect("a string takes all that is written");
    if let Some(previous) = answer["previous"].as_u64() {
        head.push_str(&format!(", a roll-back brings back {previous}"));
    }
    for (role, gets) in [("canary", "of the requests"), ("shadow", "of them, copied")] {
        let tried = &answer[role];
        if let (Some(version), Some(share)) = (tried["version"].as_u64(), tried["share"].as_f64()) {
            let share = share * 100.0;
            head.push_str(&format!(
                "\n{role}: version {version} gets {share:.0} % {gets}"
            ));
        }
    }
    if let Some(problem) = answer["problem"].as_str() {
        head.push_str(&format!("\nproblem: {problem}"));
    }
    let rows = entries(&answer["versions"]).iter().map(version_row);
    format!("{head}\n{}", table(&VERSION, rows.collect()))
}

/// One version.
pub(super) fn version(answer: &Value) -> String {
    let name = text(&answer["model"]);
    format!("{name}\n{}", table(&VERSION, vec![version_row(answer)]))
}

/// What versions have done.
pub(super) fn statistics(answer: &Value) -> String {
    let head = [
        "version",
        "answered",
        "failed",
        "refused",
        "rows",
        "p50 µs",
        "p90 µs",
        "p99 µs",
        "queue p99",
        "compute p99",
    ];
    let rows = entries(&answer["data"]).iter().map(|it| {
        let latency = &it["latency"];
        vec![
            text(&it["version"]),
            text(&it["requests_answered"]),
            text(&it["requests_failed"]),
            text(&it["requests_refused"]),
            text(&it["rows"]),
            tenth(&latency["p50_us"]),
            tenth(&latency["p90_us"]),
            tenth(&latency["p99_us"]),
            tenth(&it["queue"]["p99_us"]),
            tenth(&it["compute"]["p99_us"]),
        ]
    });
    table(&head, rows.collect())
}

const VERSION: [&str; 8] = [
    "version", "state", "traffic", "labels", "memory", "row µs", "runs", "reason",
];

fn version_row(it: &Value) -> Vec<String> {
    let labels: Vec<_> = entries(&it["labels"]).iter().map(text).collect();
    let share = it["traffic_share"].as_f64().unwrap_or(0.0) * 100.0;
    let mut reason = text(&it["reason"]);
    if let (true, Some(why)) = (reason.is_empty(), it["canary_stopped"].as_str()) {
        reason = format!("stopped as canary: {why}");
    }
    vec![
        text(&it["version"]),
        text(&it["state"]),
        format!("{share:.0} %"),
        labels.join(","),
        kibibytes(&it["memory_bytes"]),
        tenth(&it["row_us"]),
        text(&it["platform"]),
        reason,
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn who_is_tried_out_and_why_a_canary_was_stopped_is_shown() {
        let shown = model(&json!({
            "name": "goals",
            "serving": 1,
            "canary": {"version": 2, "share": 0.0},
            "shadow": {"version": 3, "share": 0.5},
            "versions": [{"version": 2, "canary_stopped": "it failed 3 times in a row"}],
        }));
        for words in [
            "canary: version 2 gets 0 % of the requests\n",
            "shadow: version 3 gets 50 % of them, copied\n",
            "stopped as canary: it failed 3 times in a row\n",
        ] {
            assert!(shown.contains(words), "{words}: {shown}");
        }
    }
}
