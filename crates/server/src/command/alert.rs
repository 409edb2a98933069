//! `sports-edge alert …`: rules that watch games, of a running server, over its API.

mod rule;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::Value;
use ureq::http::Method;

use self::rule::{ChangeArgs, CreateArgs};
use super::{
    client::{Client, ServerArgs},
    table::Show,
};
use crate::config::Config;

/// Which server, and what to do with its alerts.
#[derive(Debug, Args)]
#[command(after_help = "\
An alert fires when it comes to be what it waits for; what is so already is no news. What fired is on
the page /alerts, in `alert fired`, and sent to a webhook where the alert has one.

list, show and fired need no key where reading is open; the others need one with the scope `write`.
Give it with --key, or as SPORTS_EDGE_KEY in the environment. Levels and sizes are shares: 0.6 is 60 %.

Examples:
  sports-edge alert create 'Home ahead' --on probability --outcome home --level 0.6 --direction up \\
    --competition E0 --quiet 30
  sports-edge alert create 'Value' --on edge --level 0.03 --webhook https://hooks.example.com/odds
  sports-edge alert create 'Turning' --on swing --outcome team --team 7 --by 0.15 --within 10
  sports-edge alert change 3 --level 0.65       what is not given stays
  sports-edge alert change 3 --pause
  sports-edge alert test 3                      tell pages and the webhook of a test
  sports-edge alert fired                       the newest of all
  sports-edge alert fired 3 --limit 50          those of one, with how each was told")]
pub(crate) struct AlertArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    verb: AlertVerb,
}

/// What to do with alerts.
#[derive(Debug, Subcommand)]
enum AlertVerb {
    /// List every alert, whoever made it
    List,
    /// Show one alert
    Show {
        /// Its number
        id: i64,
    },
    /// Make an alert
    Create(CreateArgs),
    /// Change what is given of an alert
    Change(ChangeArgs),
    /// Delete an alert with all it fired
    Delete {
        /// Its number
        id: i64,
    },
    /// Fire an alert as a test
    Test {
        /// Its number
        id: i64,
    },
    /// List what fired, newest first
    Fired {
        /// Only what this alert fired, with every attempt to tell it
        id: Option<i64>,
        /// How many of it
        #[arg(long, default_value_t = 20, requires = "id", value_parser = clap::value_parser!(u32).range(1..=100))]
        limit: u32,
        /// Those before this one: the cursor that the page before ends with
        #[arg(long, requires = "id", value_parser = clap::value_parser!(i64).range(1..))]
        cursor: Option<i64>,
    },
}

/// Does it.
pub(crate) fn run(args: AlertArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let client = Client::of(&args.server, config)?;
    let one = |id: i64| format!("/v1/alerts/{id}");
    let (answer, show): (Value, Show) = match args.verb {
        AlertVerb::List => (client.get("/v1/alerts")?, show::alerts),
        AlertVerb::Show { id } => (client.get(&one(id))?, show::alert),
        AlertVerb::Create(create) => {
            let made = client.send(Method::POST, "/v1/alerts", Some(&create.body()))?;
            (made, show::alert)
        }
        AlertVerb::Change(change) => {
            let path = one(change.id);
            let held = match change.reads() {
                true => client.get(&path)?,
                false => Value::Null,
            };
            let body = change.body(&held)?;
            (client.send(Method::PATCH, &path, Some(&body))?, show::alert)
        }
        AlertVerb::Delete { id } => (client.send(Method::DELETE, &one(id), None)?, show::deleted),
        AlertVerb::Test { id } => {
            let path = format!("/v1/alerts/{id}/test");
            (client.send(Method::POST, &path, None)?, show::tested)
        }
        AlertVerb::Fired { id: None, .. } => (client.get("/v1/alerts/fired")?, show::fired),
        AlertVerb::Fired {
            id: Some(id),
            limit,
            cursor,
        } => {
            let before = cursor.map_or_else(String::new, |it| format!("&cursor={it}"));
            let path = format!("/v1/alerts/{id}/deliveries?limit={limit}{before}");
            (client.get(&path)?, show::deliveries)
        }
    };
    args.server.print(&answer, show)?;
    Ok(ExitCode::SUCCESS)
}
