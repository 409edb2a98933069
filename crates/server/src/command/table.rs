//! What a server says, as tables of text.

use serde_json::Value;

/// Turns an answer into text.
pub(crate) type Show = fn(&Value) -> String;

/// The entries of a list; none of what is no list.
pub(crate) fn entries(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A value as it stands in a cell.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A number with one decimal.
pub(crate) fn tenth(value: &Value) -> String {
    value
        .as_f64()
        .map_or_else(String::new, |it| format!("{it:.1}"))
}

/// Bytes in KiB, rounded up.
pub(crate) fn kibibytes(value: &Value) -> String {
    let bytes = value.as_u64().unwrap_or(0);
    format!("{} KiB", bytes.div_ceil(1024))
}

/// Columns as wide as what stands in them.
pub(crate) fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let head = head.iter().map(|it| (*it).to_owned()).collect();
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(rows).collect();
    let columns = lines[0].len();
    let width = |column: usize| {
        let cells = lines.iter().map(|it| it[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths);
        let cells: Vec<_> = cells.map(|(it, width)| format!("{it:width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}
