//! `sports-edge train`.

use std::process::ExitCode;

use anyhow::{Context, bail};

use super::{open_known_store, output::say, progress, serving_engine};
use crate::config::Config;

/// Trains on everything known and keeps the new version.
pub(crate) async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let store = open_known_store(&config.settings).await?;
    let (engine, models) = serving_engine(store, &config.settings).await?;
    let known = engine.competitions().await?;
    if known.iter().all(|it| it.fixtures == 0) {
        bail!("there is nothing to train on: import games first, see `sports-edge import --help`");
    }
    let trained = engine.train(progress::sink()).await;
    models.close().await;
    let trained = trained.context("training failed")?;
    say(format_args!(
        "trained version {} on {} games",
        trained.version, trained.games
    ))?;
    say("a running server takes it over by itself; `sports-edge backtest` judges it")?;
    Ok(ExitCode::SUCCESS)
}
