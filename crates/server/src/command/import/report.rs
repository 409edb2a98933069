//! What an import tells at its end.

use std::io::Write;

use anyhow::Result;
use engine::import::{ImportSummary, NewName, RejectedRow};
use serde_json::json;

use super::{FileOutcome, ImportStatus};

/// How many of the rows and quotes set aside, and of the new names, are shown; `--json` has more.
const SHOWN_MAX: usize = 20;

/// Writes what became of one file.
pub(super) fn write(out: &mut (dyn Write + Send), outcome: &FileOutcome) -> Result<()> {
    match outcome {
        FileOutcome::Imported { summary, seconds } => write_summary(out, summary, *seconds),
        FileOutcome::Unchanged { location } => {
            writeln!(out, "{location}: not changed since it was fetched last")?;
            Ok(())
        }
        FileOutcome::Refused { location, problem } => {
            writeln!(out, "{location}: {problem}")?;
            Ok(())
        }
    }
}

fn write_summary(
    out: &mut (dyn Write + Send),
    summary: &ImportSummary,
    seconds: f64,
) -> Result<()> {
    let prices = summary.prices_added + summary.prices_changed;
    #[expect(clippy::cast_precision_loss, reason = "shown without decimals")]
    let rate = |count: u64| count as f64 / seconds.max(1e-9);
    writeln!(out, "{} ({})", summary.location, summary.source)?;
    writeln!(
        out,
        "  rows      {} read, {} set aside",
        summary.rows_read, summary.rows_rejected
    )?;
    writeln!(
        out,
        "  fixtures  {} added, {} changed, {} unchanged",
        summary.fixtures_added, summary.fixtures_changed, summary.fixtures_unchanged
    )?;
    writeln!(
        out,
        "  prices    {} added, {} changed, {} quotes set aside",
        summary.prices_added, summary.prices_changed, summary.quotes_rejected
    )?;
    writeln!(
        out,
        "  time      {seconds:.1} s, {:.0} rows/s, {:.0} prices/s",
        rate(summary.rows_read),
        rate(prices)
    )?;
    write_rejected(out, "set aside", &summary.rejected)?;
    write_more(out, summary.rows_rejected, "rows")?;
    write_rejected(
        out,
        "quotes set aside of rows that went in",
        &summary.rejected_quotes,
    )?;
    write_more(out, summary.quotes_rejected, "quotes")?;
    write_names(out, &summary.new_names)
}

fn write_rejected(
    out: &mut (dyn Write + Send),
    what: &str,
    rejected: &[RejectedRow],
) -> Result<()> {
    if !rejected.is_empty() {
        writeln!(out, "  {what}")?;
    }
    for it in rejected.iter().take(SHOWN_MAX) {
        let column = it.column.as_deref().map(|it| format!(" {it}:"));
        let column = column.unwrap_or_default();
        writeln!(out, "    {}:{}:{column} {}", it.file, it.line, it.reason)?;
    }
    Ok(())
}

/// New names: those like a known one first, for they are the ones to look at.
fn write_names(out: &mut (dyn Write + Send), names: &[NewName]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    writeln!(out, "  new names {} never seen before", names.len())?;
    let (alike, alone): (Vec<&NewName>, Vec<&NewName>) =
        names.iter().partition(|it| !it.nearest.is_empty());
    for name in alike.iter().chain(&alone).take(SHOWN_MAX) {
        write!(out, "    {} ({})", name.name, name.competition)?;
        if name.team != name.name {
            write!(out, ", now {}", name.team)?;
        }
        if !name.nearest.is_empty() {
            write!(out, "; like {}", name.nearest.join(", "))?;
        }
        writeln!(out)?;
    }
    write_more(out, names.len() as u64, "names")
}

fn write_more(out: &mut (dyn Write + Send), count: u64, what: &str) -> Result<()> {
    if let Some(more) = count.checked_sub(SHOWN_MAX as u64).filter(|it| *it > 0) {
        writeln!(out, "    and {more} {what} more; --json lists them")?;
    }
    Ok(())
}

/// Writes the sum over several files.
pub(super) fn write_total(out: &mut (dyn Write + Send), outcomes: &[FileOutcome]) -> Result<()> {
    if outcomes.len() < 2 {
        return Ok(());
    }
    let refused = |it: &&FileOutcome| matches!(it, FileOutcome::Refused { .. });
    let sum = |field: fn(&ImportSummary) -> u64| -> u64 {
        outcomes
            .iter()
            .map(|it| match it {
                FileOutcome::Imported { summary, .. } => field(summary),
                FileOutcome::Unchanged { .. } | FileOutcome::Refused { .. } => 0,
            })
            .sum()
    };
    writeln!(
        out,
        "{} files, {} refused: {} rows read, {} set aside, {} fixtures and {} prices added, {} quotes set \
         aside",
        outcomes.len(),
        outcomes.iter().filter(refused).count(),
        sum(|it| it.rows_read),
        sum(|it| it.rows_rejected),
        sum(|it| it.fixtures_added),
        sum(|it| it.prices_added),
        sum(|it| it.quotes_rejected),
    )?;
    Ok(())
}

/// Writes everything for machines.
pub(super) fn write_json(
    out: &mut (dyn Write + Send),
    status: ImportStatus,
    outcomes: &[FileOutcome],
) -> Result<()> {
    let document = json!({ "status": status, "files": outcomes });
    serde_json::to_writer_pretty(&mut *out, &document)?;
    writeln!(out)?;
    Ok(())
}
