//! The command line: verbs, flags, exit codes.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use engine::chain;
use tracing::warn;

use crate::{
    command::{self, Misuse},
    config::{Config, Inputs},
    log::{self, Speaker},
};

const ABOUT: &str = "Sports predictions you can trust, beside the market's prices.";

const LONG_ABOUT: &str = "\
Sports predictions you can trust, beside the market's prices.

Sports Edge reads results and bookmakers' prices, trains models on them, and serves calibrated \
probabilities, fair prices and honest edges over HTTP, with a dashboard. It is one program and \
one database file.";

const AFTER_HELP: &str = "\
From nothing to predictions:
  sports-edge import E0.csv                 read results and prices
  sports-edge train                         train the models on them
  sports-edge serve                         serve on http://127.0.0.1:8080

More:
  sports-edge backtest --competition E0,SP1 --from 2021-07-01
                                            how good the models would have been
  sports-edge key create --name feed --scope write
                                            let a program write over the API
  sports-edge model push goals model.txt    serve a model of your own
  sports-edge live replay data/sample/recording.ndjson --speed 60
                                            watch a game on the dashboard
  sports-edge db backup FILE                save everything while the server runs
  sports-edge cache stats                   what is kept to answer sooner, and what it saved
  sports-edge alert fired                   what the rules that watch games have fired
  sports-edge doctor                        check the installation, say what to fix

Settings come from a file, the environment (SPORTS_EDGE_LISTEN, SPORTS_EDGE_DATA_DIR, …) and
flags, the later the stronger; `sports-edge config` prints what is in force and from where.

Exit codes:
  0  done
  1  failed; standard error says why
  2  the command line, a setting or a file to import is wrong
  3  done, but something needs attention: rows set aside by import, lines set aside by
     live, findings of doctor, requests that failed in model bench, answers that cache warm
     could not make";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "sports-edge", version, about = ABOUT, long_about = LONG_ABOUT)]
#[command(after_help = AFTER_HELP, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    /// Settings file to use; without it ./sports-edge.toml, then
    /// ~/.config/sports-edge/sports-edge.toml
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
    /// Folder of the database, in place of the setting `data_dir`
    #[arg(long, value_name = "DIR", global = true)]
    data_dir: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve the API and the dashboard
    Serve(command::serve::ServeArgs),
    /// Import fixtures, results and prices from files, folders or URLs
    Import(command::import::ImportArgs),
    /// Train the models on everything imported
    Train,
    /// Walk forward through history and report how the models would have done
    Backtest(command::backtest::BacktestArgs),
    /// Predict one fixture
    Predict(command::predict::PredictArgs),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(command::key::KeyVerb),
    /// The database: status, migrate, back up, restore, copy to another
    #[command(subcommand)]
    Db(command::db::DbVerb),
    /// Models of a running server: list, upload, promote, roll back, measure
    Model(command::model::ModelArgs),
    /// Events and prices of games under way: feed a running server, replay a recording
    Live(command::live::LiveArgs),
    /// The cache of a running server: statistics, look, preview, purge, warm
    Cache(command::cache::CacheArgs),
    /// List, make, change, test and delete the alerts of a running server
    Alert(command::alert::AlertArgs),
    /// Print every setting in force and where it comes from
    Config(command::config::ConfigArgs),
    /// Check the installation and say what to fix
    Doctor,
    /// Print the OpenAPI document
    Openapi,
}

/// The command line or a setting is wrong.
const EXIT_USAGE: u8 = 2;

pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut inputs = Inputs {
        file: cli.config,
        ..Inputs::of_process()
    };
    if let Some(folder) = cli.data_dir {
        inputs.flags.push(("data_dir", "--data-dir", folder));
    }
    if let Verb::Serve(args) = &cli.verb
        && let Some(listen) = &args.listen
    {
        inputs.flags.push(("listen", "--listen", listen.clone()));
    }
    let config = match Config::load(&inputs) {
        Ok(config) => config,
        Err(error) => return fail(&error.into(), EXIT_USAGE),
    };
    let speaker = match cli.verb {
        Verb::Serve(_) => Speaker::Server,
        _ => Speaker::Command,
    };
    if let Err(error) = log::start(&config.settings.log, speaker) {
        return fail(&error, EXIT_USAGE);
    }
    warn_of_strangers(&cli.verb, &config);
    match perform(cli.verb, &config) {
        Ok(code) => code,
        Err(error) => {
            let code = if error.is::<Misuse>() { EXIT_USAGE } else { 1 };
            fail(&error, code)
        }
    }
}

/// Names the variables that were meant for us and set nothing; some verbs say it in their answer.
fn warn_of_strangers(verb: &Verb, config: &Config) {
    if matches!(verb, Verb::Config(_) | Verb::Doctor | Verb::Openapi) {
        return;
    }
    for name in &config.strangers {
        warn!(name, "environment variable names no setting");
    }
}

fn perform(verb: Verb, config: &Config) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Config(args) => command::config::run(&args, config),
        Verb::Openapi => command::openapi::run(),
        Verb::Model(args) => command::model::run(args, config),
        Verb::Cache(args) => command::cache::run(args, config),
        Verb::Alert(args) => command::alert::run(args, config),
        Verb::Live(args) => command::live::run(args, config),
        Verb::Doctor => command::block_on(command::doctor::run(config)),
        Verb::Serve(_) => {
            crate::memory::prepare();
            command::block_on(command::serve::run(config))
        }
        Verb::Import(args) => command::block_on(command::import_into(args, config)),
        Verb::Train => command::block_on(command::train::run(config)),
        Verb::Backtest(args) => command::block_on(command::backtest::run(args, config)),
        Verb::Predict(args) => command::block_on(command::predict::run(args, config)),
        Verb::Db(verb) => command::block_on(command::db::run(verb, config)),
        Verb::Key(verb) => command::block_on(command::key::run(verb, config)),
    }
}

fn fail(error: &anyhow::Error, code: u8) -> ExitCode {
    // Where nobody reads it, the code says it.
    let _ = writeln!(io::stderr(), "sports-edge: {}", chain(error.as_ref()));
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_first_steps_that_pages_show_are_commands() {
        let verb = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap().verb;
        let [import, train] = api::FIRST_STEPS.map(verb);
        let Verb::Import(import) = import else {
            panic!("{import:?}")
        };
        // Whatever stands there is taken for the name of a file.
        assert_eq!(import.locations, ["E0.csv"]);
        assert!(matches!(train, Verb::Train));
    }
}
