//! `sports-edge cache …`: the cache of a running server, over its API.

mod show;

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};
use ureq::http::Method;

use super::{
    EXIT_ATTENTION,
    client::{Client, ServerArgs},
    table::Show,
};
use crate::config::Config;

/// Which server, and what to do with its cache.
#[derive(Debug, Args)]
#[command(after_help = "\
All of it needs an API key with the scope `admin`, which the first run's key has not. On the
server's machine this makes one:
  sports-edge key create --name me --scope admin
Give it with --key, or as SPORTS_EDGE_KEY in the environment.

An ADDRESS is the path and query of a read, to the letter; scheme and host before it are dropped.

Examples:
  sports-edge cache stats
  sports-edge cache top --by bytes
  sports-edge cache look '/v1/board?limit=20'
  sports-edge cache preview --tag fixture:8             what a purge would drop
  sports-edge cache purge --tag fixture:8 --kind answer.board
  sports-edge cache warm /v1/board /v1/competitions
  sports-edge cache warm --hottest 50
  sports-edge cache warm --file addresses.txt           one on each line, - for standard input")]
pub(crate) struct CacheArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(subcommand)]
    verb: CacheVerb,
}

/// What to do with the cache.
#[derive(Debug, Subcommand)]
enum CacheVerb {
    /// Show what each kind of values has done, and what it saved
    Stats,
    /// Show what the cache did over the last hour, or day
    History {
        /// The last day, every five minutes, in place of the last hour, every 15 seconds
        #[arg(long)]
        day: bool,
    },
    /// List the hottest or heaviest entries
    Top {
        /// What comes first
        #[arg(long, value_enum, default_value_t = By::Hits)]
        by: By,
        /// How many
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
    },
    /// Look at what is kept of an address
    Look {
        /// Path and query of a read
        address: String,
    },
    /// Say what a purge would drop
    Preview(Targets),
    /// Forget kept values; the server's log says who did
    Purge(Targets),
    /// Make answers before they are asked for
    Warm(WarmArgs),
}

/// What comes first.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum By {
    /// Answered most often
    Hits,
    /// Most bytes
    Bytes,
}

/// What to forget.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Targets {
    /// Every value of a kind, such as answer.board
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Every value made from this: fixture:ID, team:ID, competition:KEY, history:SPORT:POOL,
    /// fixtures, names, model
    #[arg(long, value_name = "TAG")]
    tag: Vec<String>,
    /// The answer to this address
    #[arg(long, value_name = "ADDRESS")]
    address: Vec<String>,
    /// Everything
    #[arg(long, conflicts_with_all = ["kind", "tag", "address"])]
    everything: bool,
}

/// What to make.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct WarmArgs {
    /// Paths and queries of reads, the most wanted first
    #[arg(value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// How many of the answers that were asked for most over the last hour
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    hottest: Option<u32>,
    /// A file with an address on each line; - is standard input
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Does it.
pub(crate) fn run(args: CacheArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let client = Client::of(&args.server, config)?;
    let post = |path: &str, body: &Value| client.send(Method::POST, path, Some(body));
    let (answer, show): (Value, Show) = match args.verb {
        CacheVerb::Stats => (client.get("/v1/cache")?, show::statistics),
        CacheVerb::History { day } => {
            let window = if day { "day" } else { "hour" };
            let path = format!("/v1/cache/history?window={window}");
            (client.get(&path)?, show::history)
        }
        CacheVerb::Top { by, limit } => {
            let order = match by {
                By::Hits => "hits",
                By::Bytes => "bytes",
            };
            let path = format!("/v1/cache/entries?order={order}&limit={limit}");
            (client.get(&path)?, show::entries)
        }
        CacheVerb::Look { address } => {
            let path = format!("/v1/cache/entry?address={}", escaped(place(&address)));
            (client.get(&path)?, show::look)
        }
        CacheVerb::Preview(targets) => (post("/v1/cache/preview", &targets.body())?, show::preview),
        CacheVerb::Purge(targets) => (post("/v1/cache/purge", &targets.body())?, show::purged),
        CacheVerb::Warm(warm) => {
            let answer = post("/v1/cache/warm", &warm.body()?)?;
            args.server.print(&answer, show::warmed)?;
            let whole = answer["failed"] == 0 && answer["left"] == 0;
            return Ok(if whole {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(EXIT_ATTENTION)
            });
        }
    };
    args.server.print(&answer, show)?;
    Ok(ExitCode::SUCCESS)
}

impl Targets {
    fn body(&self) -> Value {
        let addresses: Vec<_> = self.address.iter().map(|it| place(it)).collect();
        json!({
            "kinds": self.kind,
            "tags": self.tag,
            "addresses": addresses,
            "everything": self.everything,
        })
    }
}

impl WarmArgs {
    fn body(&self) -> anyhow::Result<Value> {
        let listed = match &self.file {
            None => String::new(),
            Some(path) => read(path)?,
        };
        let listed = listed.lines().map(str::trim).filter(|it| !it.is_empty());
        let all = self.addresses.iter().map(String::as_str).chain(listed);
        let addresses: Vec<_> = all.map(place).collect();
        if addresses.is_empty() && self.hottest.is_none() {
            bail!("no address to warm: the file has none");
        }
        Ok(json!({"addresses": addresses, "hottest": self.hottest.unwrap_or(0)}))
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    if path == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        return Ok(text);
    }
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Path and query of an address that may have a scheme and a host.
fn place(address: &str) -> &str {
    let http = address.strip_prefix("http://");
    match http.or_else(|| address.strip_prefix("https://")) {
        Some(rest) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => address,
    }
}

/// A text as it may stand in a query (RFC 3986).
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_path_and_query_of_a_url() {
        for (address, wanted) in [
            ("/v1/board?limit=2", "/v1/board?limit=2"),
            (
                "http://localhost:8080/v1/board?limit=2",
                "/v1/board?limit=2",
            ),
            ("https://odds.example", "/"),
        ] {
            assert_eq!(place(address), wanted);
        }
        assert_eq!(escaped("/v1/b?a=1&b=ü"), "/v1/b%3Fa%3D1%26b%3D%C3%BC");
    }
}
