//! `sports-edge backtest`.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use clap::Args;
use domain::CompetitionKey;
use engine::BacktestOptions;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    Misuse, engine, open_known_store,
    output::{put, say},
    progress,
};
use crate::config::Config;

/// What to walk through and how to report.
#[derive(Debug, Args)]
#[command(after_help = "\
Every fixture is predicted with what was known an hour before its kickoff, nothing later.

Examples:
  sports-edge backtest
  sports-edge backtest --competition E0,SP1 --from 2021-07-01 --json > report.json
  sports-edge backtest --from 2019-07-01 --until 2023-07-01 --html report.html")]
pub(crate) struct BacktestArgs {
    /// Competitions to report on, by key, separated by commas; all where not given
    #[arg(long, value_name = "KEYS", value_delimiter = ',', value_parser = competition)]
    competition: Vec<CompetitionKey>,
    /// Only fixtures from this day on (UTC)
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<Timestamp>,
    /// Only fixtures before this day (UTC)
    #[arg(long, value_name = "DATE", value_parser = day)]
    until: Option<Timestamp>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    /// Write the report as a page with pictures
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn competition(text: &str) -> Result<CompetitionKey, String> {
    CompetitionKey::new(text).map_err(|error| error.to_string())
}

/// The first moment of a day such as `2021-07-01`.
fn day(text: &str) -> Result<Timestamp, String> {
    let date: Date = text
        .parse()
        .map_err(|_| "use a date such as 2021-07-01".to_owned())?;
    let start = TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0));
    start.map_err(|error| error.to_string())
}

/// Walks forward through history and reports.
pub(crate) async fn run(args: BacktestArgs, config: &Config) -> anyhow::Result<ExitCode> {
    if let (Some(from), Some(until)) = (args.from, args.until)
        && until <= from
    {
        bail!(Misuse("--until must be a later day than --from".to_owned()));
    }
    let store = open_known_store(&config.settings).await?;
    let engine = engine(store, &config.settings);
    let known = engine.competitions().await?;
    for key in &args.competition {
        if !known.iter().any(|it| it.competition.key == *key) {
            let known: Vec<_> = known.iter().map(|it| it.competition.key.as_str()).collect();
            bail!(
                "competition {key} is not known; there are: {}",
                known.join(", ")
            );
        }
    }
    let options = BacktestOptions {
        competitions: args.competition,
        from: args.from,
        until: args.until,
        ..BacktestOptions::default()
    };
    let report = engine
        .backtest(options, progress::sink())
        .await
        .context("backtest failed")?;
    if let Some(path) = &args.html {
        write_page(path, &report)?;
    }
    if args.json {
        say(serde_json::to_string_pretty(&report)?)?;
    } else {
        put(forecast::text_table(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_page(path: &PathBuf, report: &engine::Report) -> anyhow::Result<()> {
    let page = api::backtest_report_html(report);
    fs::write(path, page).with_context(|| format!("{} cannot be written", path.display()))
}
