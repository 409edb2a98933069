//! Rows as text, for snapshots.

use std::fmt::Write;

use domain::{KickoffPrecision, Quote};
use engine::import::{RejectedRow, Row};

/// One line a row, one indented line a quote.
pub(crate) fn show(rows: &[Result<Row, RejectedRow>]) -> String {
    let mut text = String::new();
    for row in rows {
        match row {
            Ok(row) => show_row(&mut text, row),
            Err(it) => {
                let column = it.column.as_deref().unwrap_or("-");
                writeln!(text, "{}:{} {column}: {}", it.file, it.line, it.reason).unwrap();
            }
        }
    }
    text
}

fn show_row(text: &mut String, row: &Row) {
    let precision = match row.kickoff_precision {
        KickoffPrecision::Day => "~",
        KickoffPrecision::Minute => "",
    };
    write!(
        text,
        "{} {} {} {precision}{} {} - {}",
        row.line, row.competition, row.season, row.kickoff, row.home, row.away
    )
    .unwrap();
    if let Some(season_type) = row.season_type {
        write!(text, " {}", season_type.as_str()).unwrap();
    }
    if row.neutral {
        text.push_str(" neutral");
    }
    if let Some(status) = row.status {
        write!(text, " {status:?}").unwrap();
    }
    if let Some(result) = &row.result {
        let stats = serde_json::to_value(result.stats).unwrap();
        let told: Vec<String> = stats
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| format!(" {name}={value}"))
            .collect();
        write!(
            text,
            " {}:{}{}",
            result.score.home,
            result.score.away,
            told.concat()
        )
        .unwrap();
    }
    text.push('\n');
    for quote in &row.quotes {
        writeln!(text, "    {}", show_quote(quote)).unwrap();
    }
}

fn show_quote(quote: &Quote) -> String {
    let line = quote
        .market
        .line()
        .map(|it| format!(" {it}"))
        .unwrap_or_default();
    let prices: Vec<String> = quote
        .prices
        .iter()
        .map(|it| it.map_or("-".to_owned(), |price| price.to_string()))
        .collect();
    format!(
        "{} {}{line} {:?} {} {}",
        quote.bookmaker,
        quote.market.kind().as_str(),
        quote.stage,
        quote.taken_at,
        prices.join(" ")
    )
}
