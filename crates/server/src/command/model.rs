//! `sports-edge model …`: models of a running server, over its API.

mod bench;
mod push;
mod show;
mod traffic;

use std::{process::ExitCode, str::FromStr};

use clap::{Args, Subcommand};
use serde_json::json;
use ureq::http::Method;

use super::{
    client::{Client, ServerArgs},
    table::Show,
};
use crate::config::Config;

/// Which server, and what to do with its models.
#[derive(Debug, Args)]
#[command(after_help = "\
Changes need an API key with the scope `models`: --key, or SPORTS_EDGE_KEY in the environment.

Examples:
  sports-edge model push goals model.txt          a new version of the model goals
  sports-edge model list
  sports-edge model promote goals 2               version 2 serves
  sports-edge model rollback goals                what served before serves again
  sports-edge model canary goals 3 --share 0.1    a tenth of the traffic for version 3
  sports-edge model shadow goals 3                a copy of all of it, to be compared
  sports-edge model delete goals 1                with its files
  sports-edge model bench goals --rate 2000 --seconds 10")]
pub(crate) struct ModelArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    verb: ModelVerb,
}

/// What to do with models.
#[derive(Debug, Subcommand)]
enum ModelVerb {
    /// List models
    List,
    /// Show a model and its versions
    Show {
        /// Name of the model
        name: Name,
    },
    /// Upload a version
    Push(push::PushArgs),
    /// Load the version that serves, or another, whatever stood in its way before
    #[command(disable_version_flag = true)]
    Load {
        /// Name of the model
        name: Name,
        /// Number of the version
        #[arg(long)]
        version: Option<u64>,
    },
    /// Let go of a model's memory until it is told to load
    Unload {
        /// Name of the model
        name: Name,
    },
    /// Make a version the one that serves
    #[command(disable_version_flag = true)]
    Promote {
        /// Name of the model
        name: Name,
        /// Number of the version
        version: u64,
        /// Even where the gate of its shadow would refuse, or it takes or gives something else than what
        /// serves
        #[arg(long)]
        force: bool,
    },
    /// Make what served before the last promotion serve again
    Rollback {
        /// Name of the model
        name: Name,
    },
    /// Give a version a share of the traffic, or end that
    #[command(disable_version_flag = true)]
    Canary(traffic::CanaryArgs),
    /// Give a version a copy of a share of the traffic, or end that
    ///
    /// It answers nobody; what it would have said is compared with what was said.
    #[command(disable_version_flag = true)]
    Shadow(traffic::ShadowArgs),
    /// Point a label at a version, by which it may be asked for, or take it away
    #[command(disable_version_flag = true)]
    Label(traffic::LabelArgs),
    /// Delete a version that is not needed, or a whole model, with its files
    #[command(disable_version_flag = true)]
    Delete {
        /// Name of the model
        name: Name,
        /// Number of the version
        #[arg(required_unless_present = "all")]
        version: Option<u64>,
        /// Every version, and the model's settings and labels with them
        #[arg(long, conflicts_with = "version")]
        all: bool,
    },
    /// Tell what came true for a request that had a routing key, to score who answered it
    Observe {
        /// Name of the model
        name: Name,
        /// The routing key of the request
        routing_key: String,
        /// The class that came true, counted from zero
        #[arg(long, required_unless_present = "value")]
        class: Option<u32>,
        /// The value that came true
        #[arg(long, conflicts_with = "class", allow_negative_numbers = true)]
        value: Option<f64>,
    },
    /// Show what a model's versions have done
    Stats {
        /// Name of the model
        name: Name,
    },
    /// Measure a model by requests at a steady rate, late or not (open loop)
    Bench(bench::BenchArgs),
}

/// The name of a model, which may stand in a path as it is.
#[derive(Debug, Clone)]
pub(crate) struct Name(String);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fine = |it: u8| it.is_ascii_alphanumeric() || b"_-.".contains(&it);
        if (1..=64).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(fine) {
            return Ok(Self(text.to_owned()));
        }
        Err("a name has 1 to 64 letters, digits, `_`, `-`, `.`".to_owned())
    }
}

/// The path of something of a model's.
fn of(name: &Name, path: &str) -> String {
    format!("/v1/models/{}{path}", name.0)
}

/// Does it.
pub(crate) fn run(args: ModelArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let client = Client::of(&args.server, config)?;
    let change = |name: &Name, path: &str, body| client.send(Method::POST, &of(name, path), body);
    let told = match args.verb {
        ModelVerb::List => (client.get("/v1/models")?, show::models as Show),
        ModelVerb::Show { name } => (client.get(&of(&name, "/versions"))?, show::model as _),
        ModelVerb::Stats { name } => (
            client.get(&of(&name, "/statistics"))?,
            show::statistics as _,
        ),
        ModelVerb::Push(args) => (push::run(&args, &client)?, show::version as _),
        ModelVerb::Load { name, version } => {
            let path = version.map_or_else(
                || "/load".to_owned(),
                |version| format!("/versions/{version}/load"),
            );
            (change(&name, &path, None)?, show::model as _)
        }
        ModelVerb::Unload { name } => (change(&name, "/unload", None)?, show::model as _),
        ModelVerb::Rollback { name } => (change(&name, "/rollback", None)?, show::model as _),
        ModelVerb::Promote {
            name,
            version,
            force,
        } => {
            let body = json!({"version": version, "force": force});
            (change(&name, "/promote", Some(&body))?, show::model as _)
        }
        ModelVerb::Canary(args) => (args.run(&client)?, show::model as _),
        ModelVerb::Shadow(args) => (args.run(&client)?, show::model as _),
        ModelVerb::Label(args) => (args.run(&client)?, show::model as _),
        ModelVerb::Delete { name, version, .. } => {
            let version = version.map(|it| format!("/versions/{it}"));
            let show = version
                .as_ref()
                .map_or(show::deleted as _, |_| show::model as _);
            let path = of(&name, &version.unwrap_or_default());
            (client.send(Method::DELETE, &path, None)?, show)
        }
        ModelVerb::Observe {
            name,
            routing_key,
            class,
            value,
        } => {
            let entry = json!({"routing_key": routing_key, "class": class, "value": value});
            let body = json!({"data": [entry]});
            let answer = change(&name, "/observations", Some(&body))?;
            if let Some(reason) = answer["data"][0]["problem"].as_str() {
                anyhow::bail!("{routing_key} cannot be scored: {reason}");
            }
            (answer, show::observed as _)
        }
        ModelVerb::Bench(bench) => return bench::run(&bench, &client, args.server.json),
    };
    let (answer, show) = told;
    args.server.print(&answer, show)?;
    Ok(ExitCode::SUCCESS)
}
