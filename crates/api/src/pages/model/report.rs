//! What a trainer left beside a version (`report.json`), made readable whatever its fields:
//! figures as a list, names as tags, records as tables. What is no JSON object is shown as it is.

use serde_json::{Map, Value};

use crate::pages::{models::Told, text};

/// The most that is shown of each kind of thing; a report may be any length.
const FACTS_MAX: usize = 60;
const TAGS_MAX: usize = 80;
const ROWS_MAX: usize = 40;
const COLUMNS_MAX: usize = 10;
const TEXT_MAX: usize = 120;
const RAW_MAX: usize = 4_000;

/// A report, ready to be written.
pub(super) struct Report {
    pub(super) version: u64,
    /// Other versions that have one.
    pub(super) others: Vec<u64>,
    pub(super) facts: Vec<(String, String)>,
    pub(super) parts: Vec<Part>,
    /// The text itself, where it cannot be read.
    pub(super) raw: Option<String>,
}

/// A part of a report under its own heading.
pub(super) struct Part {
    pub(super) title: String,
    pub(super) body: Body,
    /// How many entries are not shown.
    pub(super) more: usize,
}

/// How a part is shown.
pub(super) enum Body {
    Facts(Vec<(String, String)>),
    Tags(Vec<String>),
    Table(Vec<String>, Vec<Vec<String>>),
}

impl Report {
    /// The report of the version asked for, else of what serves, else of the newest that has one.
    pub(super) fn of(told: &Told, wanted: Option<u64>) -> Option<Self> {
        let reported = || told.versions.iter().filter(|it| it.report.is_some());
        let find = |number: Option<u64>| reported().find(|it| Some(it.version) == number);
        let view = find(wanted)
            .or_else(|| find(told.model.serving))
            .or_else(|| reported().next_back())?;
        let mut report = Self::new(view.version, view.report.as_deref().unwrap_or_default());
        let others = reported().map(|it| it.version).rev();
        report.others = others.filter(|it| *it != view.version).take(20).collect();
        Some(report)
    }

    pub(super) fn new(version: u64, json: &str) -> Self {
        let mut report = Self {
            version,
            others: Vec::new(),
            facts: Vec::new(),
            parts: Vec::new(),
            raw: None,
        };
        match serde_json::from_str(json) {
            Ok(Value::Object(fields)) if !fields.is_empty() => {
                for (name, value) in &fields {
                    report.add(&title(name), value, 0);
                }
                report.facts.truncate(FACTS_MAX);
            }
            _ => report.raw = Some(cut(json, RAW_MAX)),
        }
        report
    }

    /// Adds a field: a figure, or a part of its own; records within records get their own parts.
    fn add(&mut self, name: &str, value: &Value, depth: usize) {
        match value {
            Value::Object(fields) if fields.is_empty() => {}
            Value::Object(fields) if fields.values().all(is_plain) => {
                self.part(name, facts(fields), fields.len(), FACTS_MAX);
            }
            Value::Object(fields) if fields.values().all(is_record) => {
                let rows: Vec<_> = fields
                    .iter()
                    .filter_map(|(key, it)| Some((Some(title(key)), it.as_object()?)))
                    .collect();
                self.part(name, table(&rows), rows.len(), ROWS_MAX);
            }
            Value::Object(fields) if depth < 2 => {
                let plain: Map<_, _> = fields
                    .iter()
                    .filter(|it| is_plain(it.1))
                    .map(|(key, it)| (key.clone(), it.clone()))
                    .collect();
                if !plain.is_empty() {
                    self.part(name, facts(&plain), plain.len(), FACTS_MAX);
                }
                for (key, it) in fields.iter().filter(|it| !is_plain(it.1)) {
                    self.add(&format!("{name}: {}", text::words(key)), it, depth + 1);
                }
            }
            Value::Array(items) if items.is_empty() => {}
            Value::Array(items) if items.iter().all(is_plain) => {
                let tags = items.iter().take(TAGS_MAX).map(plain).collect();
                self.part(name, Body::Tags(tags), items.len(), TAGS_MAX);
            }
            Value::Array(items) if items.iter().all(is_record) => {
                let records = items.iter().filter_map(Value::as_object);
                let rows: Vec<_> = records.map(|it| (None, it)).collect();
                self.part(name, table(&rows), rows.len(), ROWS_MAX);
            }
            other => self.facts.push((name.to_owned(), plain(other))),
        }
    }

    fn part(&mut self, name: &str, body: Body, count: usize, most: usize) {
        self.parts.push(Part {
            title: name.to_owned(),
            body,
            more: count.saturating_sub(most),
        });
    }
}

fn is_plain(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

/// Whether a value is an object of nothing but figures and texts.
fn is_record(value: &Value) -> bool {
    value
        .as_object()
        .is_some_and(|it| !it.is_empty() && it.values().all(is_plain))
}

fn facts(fields: &Map<String, Value>) -> Body {
    Body::Facts(
        fields
            .iter()
            .take(FACTS_MAX)
            .map(|(name, it)| (title(name), plain(it)))
            .collect(),
    )
}

/// Records as rows; a column for each field that any of them has.
fn table(rows: &[(Option<String>, &Map<String, Value>)]) -> Body {
    let mut keys: Vec<&str> = Vec::new();
    for (_, record) in rows.iter().take(ROWS_MAX) {
        for key in record.keys() {
            if !keys.contains(&key.as_str()) && keys.len() < COLUMNS_MAX {
                keys.push(key);
            }
        }
    }
    let named = rows.iter().any(|it| it.0.is_some());
    let corner = named.then(String::new);
    let columns = corner.into_iter().chain(keys.iter().map(|it| title(it)));
    let cells = rows.iter().take(ROWS_MAX).map(|(name, record)| {
        let cells = keys
            .iter()
            .map(|key| record.get(*key).map_or(String::new(), plain));
        name.clone().into_iter().chain(cells).collect()
    });
    Body::Table(columns.collect(), cells.collect())
}

/// A value as text: numbers with six digits that count.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "\u{2013}".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            // A year or a seed reads better without separators.
            (Some(whole), _) if whole < 10_000 => whole.to_string(),
            (Some(whole), _) => text::count(whole),
            (None, Some(real)) => real_number(real),
            (None, None) => number.to_string(),
        },
        Value::String(text) => cut(text, TEXT_MAX),
        other => cut(&other.to_string(), TEXT_MAX),
    }
}

fn real_number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e9).contains(&size) {
        return format!("{value:.3e}").replace('-', "\u{2212}");
    }
    let before = size.log10().floor().max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 8"
    )]
    let decimals = 6_usize.saturating_sub(before as usize + 1);
    let text = text::number(value, decimals);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// `log_loss` becomes `Log loss`, `rps` becomes `RPS`.
fn title(key: &str) -> String {
    // Scores that are known by their first letters.
    if let "rps" | "ece" | "auc" = key {
        return key.to_uppercase();
    }
    let words = text::words(&cut(key, TEXT_MAX));
    let mut signs = words.chars();
    signs.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(signs).collect()
    })
}

/// The beginning of a long text.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Report {
        Report::new(1, json)
    }

    #[test]
    fn figures_names_and_records_each_find_their_form() {
        let report = read(
            r#"{"seed": 7, "log_loss": 0.58123456, "rows": 120345, "digest": null, "kept": true,
                "window": {"from": "2019-08-01", "until": "2024-05-19"},
                "features": ["elo_home", "elo_away"],
                "models": [{"name": "a", "brier": 0.19}, {"name": "b", "rps": -0.0000012}],
                "folds": {"train": {"n": 10}, "test": {"n": 5}}, "none": {}, "nothing": []}"#,
        );
        let facts: Vec<_> = report
            .facts
            .iter()
            .map(|it| (it.0.as_str(), it.1.as_str()))
            .collect();
        assert_eq!(
            facts,
            [
                ("Digest", "\u{2013}"),
                ("Kept", "yes"),
                ("Log loss", "0.58123"),
                ("Rows", "120,345"),
                ("Seed", "7"),
            ]
        );
        let titles: Vec<_> = report.parts.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(titles, ["Features", "Folds", "Models", "Window"]);
        assert!(
            matches!(&report.parts[0].body, Body::Tags(tags) if tags == &["elo_home", "elo_away"])
        );
        let Body::Table(columns, rows) = &report.parts[1].body else {
            panic!("folds are a table");
        };
        assert_eq!(
            (columns.join("|"), rows[0].join("|")),
            ("|N".to_owned(), "Test|5".to_owned())
        );
        let Body::Table(columns, rows) = &report.parts[2].body else {
            panic!("models are a table");
        };
        assert_eq!(columns.join("|"), "Brier|Name|RPS");
        assert_eq!(rows[1].join("|"), "|b|\u{2212}1.200e\u{2212}6");
    }

    #[test]
    fn records_within_records_get_their_own_headings_and_what_is_deeper_is_text() {
        let report = read(
            r#"{"fit": {"loss": 0.5, "by": {"E0": {"n": 3}}, "deep": {"a": {"b": {"c": {"d": 1}}}}}}"#,
        );
        let titles: Vec<_> = report.parts.iter().map(|it| it.title.as_str()).collect();
        assert_eq!(titles, ["Fit", "Fit: by"]);
        assert_eq!(
            report.facts,
            [(
                "Fit: deep: a".to_owned(),
                r#"{"b":{"c":{"d":1}}}"#.to_owned()
            )]
        );
    }

    #[test]
    fn what_is_no_object_is_shown_as_it_is_and_long_things_are_cut() {
        assert_eq!(read("not json").raw.unwrap(), "not json");
        assert_eq!(read("[1, 2]").raw.unwrap(), "[1, 2]");
        let long = "x".repeat(RAW_MAX + 1);
        assert_eq!(read(&long).raw.unwrap().chars().count(), RAW_MAX + 1);
        let tags: Vec<u32> = (0..100).collect();
        let report = read(&format!(r#"{{"tags": {tags:?}}}"#));
        assert_eq!(report.parts[0].more, 20);
    }

    #[test]
    fn numbers_have_six_digits_that_count() {
        let texts = [0.5, 123.456_789, -0.25, 12_345_678.9, 1e-7, 2e12].map(real_number);
        assert_eq!(
            texts,
            [
                "0.5",
                "123.457",
                "\u{2212}0.25",
                "12345679",
                "1.000e\u{2212}7",
                "2.000e12"
            ]
        );
    }
}
