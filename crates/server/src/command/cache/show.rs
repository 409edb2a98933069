//! What the server says of its cache, as tables of text.

use std::fmt::Write;

use serde_json::Value;

use crate::command::table::{self, kibibytes, table, text};

/// What each kind has done.
pub(super) fn statistics(answer: &Value) -> String {
    let head = [
        "kind", "hits", "shared", "misses", "stale", "hit %", "entries", "memory", "loads",
        "failed", "load s", "saved s",
    ];
    let rows = table::entries(&answer["kinds"]).iter().map(|it| {
        vec![
            text(&it["kind"]),
            text(&it["hits"]),
            text(&it["shared_hits"]),
            text(&it["misses"]),
            text(&it["stale"]),
            number(it["hit_ratio"].as_f64().map(|it| it * 100.0), 1),
            text(&it["entries"]),
            kibibytes(&it["bytes"]),
            text(&it["loads"]),
            text(&it["failures"]),
            number(it["load_seconds"].as_f64(), 2),
            number(it["saved_seconds"].as_f64(), 2),
        ]
    });
    let mut told = format!(
        "{} in memory, {} loads under way\n",
        kibibytes(&answer["memory_bytes"]),
        text(&answer["loads_under_way"])
    );
    let shared = &answer["shared"];
    if shared.is_object() {
        let word = if shared["up"] == true { "up" } else { "away" };
        let trouble = shared["trouble"].as_str().unwrap_or_default();
        let seconds = number(shared["since_seconds"].as_f64(), 0);
        let said = format!("shared cache {word} for {seconds} s {trouble}");
        let _ = writeln!(told, "{}", said.trim_end());
    }
    told + &table(&head, rows.collect())
}

/// What the cache did over time, all kinds together.
pub(super) fn history(answer: &Value) -> String {
    let kinds = table::entries(&answer["kinds"]);
    let times = table::entries(&answer["times"]).iter().enumerate();
    let rows = times.map(|(at, time)| {
        let sum = |name: &str| -> f64 { kinds.iter().filter_map(|it| it[name][at].as_f64()).sum() };
        let (hits, misses) = (sum("hits"), sum("misses"));
        let ratio = (hits + misses > 0.0).then(|| hits / (hits + misses) * 100.0);
        vec![
            text(time),
            number(Some(hits), 0),
            number(Some(misses), 0),
            number(ratio, 1),
            number(Some(sum("saved_seconds")), 3),
            number(Some(sum("bytes") / 1024.0), 0),
        ]
    });
    let head = ["time", "hits", "misses", "hit %", "saved s", "memory KiB"];
    table(&head, rows.collect())
}

/// Entries.
pub(super) fn entries(answer: &Value) -> String {
    let rows = table::entries(&answer["data"]).iter().map(row);
    table(&ENTRY, rows.collect())
}

/// What is kept of an address.
pub(super) fn look(answer: &Value) -> String {
    let entry = &answer["entry"];
    if entry.is_null() {
        return format!(
            "{} ({}) is not kept\n",
            text(&answer["address"]),
            text(&answer["kind"])
        );
    }
    table(&ENTRY, vec![row(entry)])
}

/// What a purge would drop.
pub(super) fn preview(answer: &Value) -> String {
    dropped("would drop", answer)
}

/// What a purge dropped, and who knows.
pub(super) fn purged(answer: &Value) -> String {
    let mut told = dropped("dropped", answer);
    let replicas = answer["replicas"].as_u64().unwrap_or(1);
    if replicas > 1 {
        let _ = writeln!(told, "{replicas} servers have taken note");
    }
    if answer["queued"] == true {
        told.push_str("the shared cache is away: other servers learn of it when it is back\n");
    }
    told
}

/// What warming came to.
pub(super) fn warmed(answer: &Value) -> String {
    let mut told = format!(
        "{} made, {} there and fresh, {} failed, {} left for want of time\n",
        text(&answer["made"]),
        text(&answer["kept"]),
        text(&answer["failed"]),
        text(&answer["left"])
    );
    for it in table::entries(&answer["failures"]) {
        let _ = writeln!(told, "{}: {}", text(&it["address"]), text(&it["detail"]));
    }
    told
}

const ENTRY: [&str; 7] = [
    "kind", "state", "hits", "memory", "age s", "load ms", "address",
];

fn row(it: &Value) -> Vec<String> {
    vec![
        text(&it["kind"]),
        text(&it["state"]),
        text(&it["hits"]),
        kibibytes(&it["bytes"]),
        number(it["age_seconds"].as_f64(), 1),
        number(it["load_seconds"].as_f64().map(|it| it * 1e3), 2),
        text(&it["address"]),
    ]
}

fn dropped(verb: &str, answer: &Value) -> String {
    let mut told = format!(
        "{verb} {} entries, {}\n",
        text(&answer["entries"]),
        kibibytes(&answer["bytes"])
    );
    for it in table::entries(&answer["kinds"]) {
        let _ = writeln!(told, "  {} {}", text(&it["entries"]), text(&it["kind"]));
    }
    told
}

fn number(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(String::new, |it| format!("{it:.decimals$}"))
}
