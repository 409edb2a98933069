//! `sports-edge live …`: events and prices of games under way, sent to a running server.

mod feed;
mod intake;
mod poll;
mod replay;

use std::{
    fs::File,
    hash::{BuildHasher, Hasher, RandomState},
    io::Write,
    path::PathBuf,
    process::ExitCode,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::{Args, Subcommand};
use domain::SourceKey;
use tracing::{info, warn};

use super::{
    EXIT_ATTENTION,
    client::{Client, ServerArgs},
    output::say,
};
use crate::{
    config::Config,
    live::{Aside, Sender, Tally, Terms},
};

/// How long a batch may take to be answered.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(30);
/// Lines set aside that are told one by one; the rest are counted.
const ASIDE_TOLD_MAX: u64 = 100;
/// How much of an item that was set aside stands in the log.
const ITEM_CHARS_MAX: usize = 200;
/// Lines that are sent together at most.
const TOGETHER_MAX: usize = 500;
/// How often it is told how far it has come, and how often where it comes no further.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);
const STANDSTILL_EVERY: Duration = Duration::from_secs(60);

/// Which server, and what to send to it.
#[derive(Debug, Args)]
#[command(after_help = "\
Feed and replay read lines of JSON (NDJSON), each an entry of POST /v1/events, of POST /v1/quotes, or a game:

  {\"fixture\": \"final\", \"competition\": \"E0\", \"season\": \"2026/27\", \"kickoff\": \"…\",
   \"home\": \"Arsenal\", \"away\": \"Everton\"}       an entry of POST /v1/fixtures, named `final`
  {\"fixture\": \"final\", \"sequence\": 1, \"at\": \"…\", \"kind\": \"period_start\", \"period\": 1}
  {\"fixture_id\": 8, \"bookmaker\": \"pinnacle\", \"market\": \"h2h\", \"outcomes\": […]}

A game is meant by `fixture_id`, its number, or by `fixture`, the word an earlier line gave it.
All need an API key with the scope `write`, by --key or SPORTS_EDGE_KEY. SIGINT or SIGTERM ends
them once what was read is written. Exit code 3 says that lines were set aside.

docs/api/live.md tells more.")]
pub(crate) struct LiveArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    sending: SendingArgs,
    #[command(subcommand)]
    verb: LiveVerb,
}

/// How to send.
#[derive(Debug, Args)]
struct SendingArgs {
    /// Add lines that are not taken to this file, each as {"line": …, "reason": …, "item": …}
    #[arg(long, value_name = "FILE", global = true)]
    set_aside: Option<PathBuf>,
    /// How long to go on trying while the server does not take a batch, in seconds
    #[arg(long, value_name = "SECONDS", global = true, default_value_t = 300)]
    patience: u64,
    /// What the source is called in GET /v1/sources: letters, digits and _./-
    #[arg(long, value_name = "NAME", global = true, default_value = "feed", value_parser = source)]
    source: SourceKey,
}

fn source(text: &str) -> Result<SourceKey, String> {
    SourceKey::new(text).map_err(|error| error.to_string())
}

/// What to send.
#[derive(Debug, Subcommand)]
enum LiveVerb {
    /// Send lines from standard input as they come
    Feed,
    /// Send a recorded file in its own rhythm, with its times moved to now
    Replay(replay::ReplayArgs),
    /// Ask an address for JSON again and again, and send what is new in it
    Poll(poll::PollArgs),
}

/// Does it.
pub(crate) fn run(args: LiveArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let client = Client::of(&args.server, config)?.waiting(ANSWER_WAIT_MAX);
    let stop = Arc::new(AtomicBool::new(false));
    let terms = Terms {
        patience: Duration::from_secs(args.sending.patience),
        stop: Arc::clone(&stop),
        chance,
        source: args.sending.source,
    };
    let sender = Sender::new(client, terms, listener(args.sending.set_aside)?);
    let mut work = Work {
        sender,
        told: (Instant::now(), Tally::default()),
    };
    let has_lines = !matches!(args.verb, LiveVerb::Poll(_));
    let done = match args.verb {
        LiveVerb::Feed => feed::run(&mut work, &stop),
        LiveVerb::Poll(poll) => {
            let authorities = args.server.authorities(config);
            let header = config.source_header.as_ref();
            poll::run((&poll, authorities, header), &mut work, &stop)
        }
        LiveVerb::Replay(replay) => replay::run(&replay, &mut work, &stop),
    };
    let tally = work.sender.tally;
    if args.server.json {
        say(serde_json::to_string_pretty(&tally)?)?;
    } else {
        say(told(&tally))?;
    }
    if has_lines {
        done.with_context(|| {
            let last = tally.last_line;
            format!("ended after line {last}; lines sent again do no harm")
        })?;
    } else {
        done?;
    }
    Ok(match tally.set_aside {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(EXIT_ATTENTION),
    })
}

/// What sends, and when it last said how far it is, and what.
struct Work {
    sender: Sender<Client>,
    told: (Instant, Tally),
}

impl Work {
    /// Says how far it is, now and then; seldom where it is as far as it was.
    fn tell(&mut self) {
        let (at, known) = &self.told;
        let every = match *known == self.sender.tally {
            true => STANDSTILL_EVERY,
            false => PROGRESS_EVERY,
        };
        if at.elapsed() >= every {
            info!("{}", told(&self.sender.tally));
            self.told = (Instant::now(), self.sender.tally.clone());
        }
    }
}

/// Tells of lines set aside, and adds them to the file asked for: what started this again is to lose
/// none of those before.
fn listener(path: Option<PathBuf>) -> anyhow::Result<impl FnMut(&Aside)> {
    let file = path.map(|path| {
        let file = File::options().append(true).create(true).open(&path);
        file.with_context(|| format!("{} cannot be written", path.display()))
    });
    let mut file = file.transpose()?;
    let mut count = 0;
    Ok(move |aside: &Aside| {
        count += 1;
        if count <= ASIDE_TOLD_MAX {
            let item = aside.item.as_ref().filter(|_| aside.line.is_none());
            let item = item.map(|it| tracing::field::display(told_in_brief(it)));
            warn!(line = aside.line, item, reason = aside.reason, "set aside");
        }
        if count == ASIDE_TOLD_MAX {
            warn!("more lines that are set aside are counted only");
        }
        let words = serde_json::to_string(aside).expect("numbers and texts are JSON");
        if let Some(out) = &mut file
            && let Err(error) = writeln!(out, "{words}")
        {
            warn!(error = %error, "lines set aside cannot be written any more");
            file = None;
        }
    })
}

/// The beginning of an item, to know it by.
fn told_in_brief(item: &serde_json::Value) -> String {
    item.to_string().chars().take(ITEM_CHARS_MAX).collect()
}

/// A tally in words.
fn told(tally: &Tally) -> String {
    let Tally {
        lines,
        fixtures,
        events,
        events_new,
        quotes,
        prices_written,
        set_aside,
        repeats,
        ..
    } = tally;
    format!(
        "{lines} lines: {fixtures} games, {events} events ({events_new} new), {quotes} quotes \
         ({prices_written} prices written); {set_aside} set aside; sent again {repeats} times"
    )
}

/// A number in 0..1, only to keep many clients from trying again at the same moment.
fn chance() -> f64 {
    let noise = RandomState::new().build_hasher().finish();
    f64::from(u32::try_from(noise >> 32).unwrap_or(0)) / f64::from(u32::MAX)
}
