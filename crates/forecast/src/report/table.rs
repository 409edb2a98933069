//! A report as text for a terminal.

use std::fmt::{self, Write};

use domain::Sport;

use super::{DifferenceRow, Report, ReportRow};
use crate::{BettingReport, Interval};

/// Writes the report as aligned text: scores, distances to the market, betting.
pub fn text_table(report: &Report) -> String {
    let mut text = String::new();
    write_report(&mut text, report).expect("writing to a string never fails");
    text
}

fn write_report(text: &mut String, report: &Report) -> fmt::Result {
    let day = |at: jiff::Timestamp| at.strftime("%Y-%m-%d").to_string();
    writeln!(
        text,
        "{} fixtures, {} to {}; lower is better, intervals cover 95 %\n",
        report.fixtures,
        day(report.from),
        day(report.until)
    )?;
    writeln!(
        text,
        "{:<22} {:<12} {:<9} {:>6} {:>9} {:>19} {:>7} {:>7} {:>7} {:>7}",
        "model", "competition", "season", "n", "log loss", "", "brier", "rps", "ece", "floor"
    )?;
    for row in &report.rows {
        write_row(text, row)?;
    }
    write_differences(text, report)?;
    for betting in &report.betting {
        write_betting(text, betting)?;
    }
    Ok(())
}

fn sport_name(sport: Sport) -> String {
    format!("({})", sport.as_str())
}

fn write_row(text: &mut String, row: &ReportRow) -> fmt::Result {
    let competition = row
        .competition
        .as_ref()
        .map_or_else(|| sport_name(row.sport), ToString::to_string);
    let season = row
        .season
        .as_ref()
        .map_or_else(|| "all".to_owned(), ToString::to_string);
    let it = &row.metrics;
    writeln!(
        text,
        "{:<22} {:<12} {:<9} {:>6} {:>9.4} {:>19} {:>7.4} {:>7.4} {:>7.4} {:>7.4}",
        row.model.as_str(),
        competition,
        season,
        it.n,
        it.log_loss,
        bounds(it.log_loss_interval, 4),
        it.brier,
        it.rps,
        it.ece,
        it.ece_floor_p95
    )
}

fn write_differences(text: &mut String, report: &Report) -> fmt::Result {
    writeln!(
        text,
        "\ndistance in log loss on the same fixtures; positive is worse\n"
    )?;
    let overall = |it: &&DifferenceRow| it.competition.is_none() && it.season.is_none();
    for row in report.differences.iter().filter(overall) {
        writeln!(
            text,
            "{:<22} to {:<13} {:<20} {:>6} {:>+9.4} {:>21}",
            row.model.as_str(),
            row.reference.as_str(),
            sport_name(row.sport),
            row.difference.n,
            row.difference.log_loss,
            bounds(row.difference.interval, 4)
        )?;
    }
    Ok(())
}

fn write_betting(text: &mut String, it: &BettingReport) -> fmt::Result {
    writeln!(
        text,
        "\nbetting on {} at pre-game best prices\n",
        it.sport.as_str()
    )?;
    let percent = |value: f64| format!("{:+.2} %", 100.0 * value);
    let known = |value: Option<f64>| value.map_or_else(nothing, percent);
    let within = |interval: Option<Interval>| {
        interval.map_or_else(nothing, |it| {
            format!("[{:+.2}, {:+.2}]", 100.0 * it.low, 100.0 * it.high)
        })
    };
    let mut line = |name: &str, value: String, interval: String| {
        writeln!(text, "{name:<26} {value:>10} {interval}")
    };
    line("bets", it.bets.to_string(), String::new())?;
    line("flagged, not placed", it.flagged.to_string(), String::new())?;
    line("claimed value", percent(it.claimed_value), String::new())?;
    let value = it.closing_line_value;
    line(
        "closing-line value",
        known(value),
        within(it.closing_line_value_interval),
    )?;
    line(
        "claim less value",
        known(it.claim_error),
        within(it.claim_error_interval),
    )?;
    line(
        "slope of value on claim",
        it.slope.map_or_else(nothing, |it| format!("{it:.2}")),
        bounds(it.slope_interval, 2),
    )?;
    line(
        "turnover, bankrolls",
        format!("{:.2}", it.turnover),
        String::new(),
    )?;
    line(
        "profit, bankrolls",
        format!("{:+.2}", it.profit),
        String::new(),
    )?;
    line("yield", percent(it.yield_), within(it.yield_interval))?;
    line(
        "yield of flat stakes",
        percent(it.yield_flat),
        within(it.yield_flat_interval),
    )?;
    line("largest drawdown", percent(-it.drawdown_max), String::new())
}

fn bounds(interval: Option<Interval>, digits: usize) -> String {
    interval.map_or_else(nothing, |it| {
        format!("[{:.digits$}, {:.digits$}]", it.low, it.high)
    })
}

/// What stands where too little is known for a figure.
fn nothing() -> String {
    "\u{2013}".to_owned()
}
