//! `sports-edge predict`.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use domain::FixtureId;
use jiff::Timestamp;

use super::{open_known_store, output::say, serving_engine};
use crate::config::Config;

/// Which fixture, as of when.
#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// Number of the fixture, as GET /v1/fixtures lists it
    fixture: i64,
    /// The moment whose knowledge counts, such as 2024-05-19T14:00:00Z; without it now, or one
    /// hour before kickoff once that has passed
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    as_of: Option<Timestamp>,
}

fn moment(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| {
        "use a day and a time with its zone, such as 2024-05-19T14:00:00Z or \
         2024-05-19T16:00:00+02:00"
            .to_owned()
    })
}

/// Prints probabilities and fair prices of every market.
pub(crate) async fn run(args: PredictArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let store = open_known_store(&config.settings).await?;
    let (engine, models) = serving_engine(store, &config.settings).await?;
    let id = FixtureId(args.fixture);
    let fixture = engine.fixture(id).await?;
    let prediction = engine.predict(id, args.as_of).await;
    models.close().await;
    let prediction = prediction.context("prediction failed")?;
    say(format_args!(
        "{} – {}, {}",
        fixture.home.name, fixture.away.name, fixture.fixture.kickoff
    ))?;
    say(format_args!(
        "{} {} as of {}",
        prediction.model, prediction.version, prediction.as_of
    ))?;
    for market in prediction.markets {
        let line = market
            .market
            .line()
            .map_or_else(String::new, |it| format!(" {it}"));
        say(format_args!("\n{}{line}", market.market.kind().as_str()))?;
        for outcome in market.outcomes {
            let (name, probability) = (outcome.outcome.to_string(), outcome.probability);
            say(format_args!(
                "  {name:<6} {probability:>7.4}  {:>8.3}",
                probability.recip()
            ))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
