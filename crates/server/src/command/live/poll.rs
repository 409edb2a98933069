//! `sports-edge live poll`: a source that is asked again and again, read by a mapping.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read, Seek},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;
use engine::{Clock, chain};
use serde_json::Value;
use store::FetchState;
use tracing::warn;
use ureq::http::{HeaderName, HeaderValue};

use super::{Work, chance, intake};
use crate::{
    Authorities, SystemClock,
    command::Misuse,
    config::Secret,
    live::{self, Aside, Mapping, Numbered, Reading, Unread},
    source::{FetchOptions, Fetched, Fetcher, Location},
};

/// The largest answer that is taken.
const ANSWER_BYTES_MAX: u64 = 16 << 20;
/// The largest mapping.
const MAPPING_BYTES_MAX: u64 = 4 << 20;
/// The longest pause after failures.
const PAUSE_MAX: Duration = Duration::from_secs(300);
/// After how long games and prices are told again of which some were refused.
const AGAIN_AFTER: Duration = Duration::from_secs(300);
/// By how much of itself an interval is longer or shorter, so that many do not ask at once.
const JITTER: f64 = 0.1;
/// How much of an answer that is no JSON is looked at, and of what it is said to be.
const GLANCE_BYTES_MAX: u64 = 512;
const CONTENT_TYPE_CHARS_MAX: usize = 100;
/// How often a pause looks whether to stop.
const STEP: Duration = Duration::from_millis(50);

/// What to ask, and how to read the answer.
#[derive(Debug, Args)]
#[command(after_help = "\
The mapping is a TOML file that says where in the source's JSON what stands, by JSON pointers:

  items = \"/events\"                    the list of items; \"\" is the answer itself
  fixture = \"/match/id\"                what names an item's game: our number, or
  fixtures = { \"m-77\" = 8 }            the source's names and our numbers, or
  [game]                               what to write the game as:
  competition = { constant = \"E0\" }    also season, kickoff, home, away
  [kinds]                              the source's words; others are passed over
  GOAL = \"scored\"
  START = { kind = \"period_start\", period = 1 }
  [sides]
  H = \"home\"
  [[event]]                            what an item gives rise to, by the members of
  sequence = \"/id\"                     POST /v1/events and clock_period, clock_seconds
  at = \"/time\"                         RFC 3339, or s or ms since 1970; now where not said
  kind = \"/type\"
  side = \"/team\"
  [outcomes]
  Draw = \"draw\"                        also [markets], [bookmakers]; sides are known from [game]
  [[quote]]                            the prices an item tells, by POST /v1/quotes; `*` is
  bookmaker = \"/books/*/key\"           each element of a list. Also line, taken_at, stage,
  market = \"/books/*/markets/*/key\"    suspended (true), or in place of outcome and price
  outcome = \"/books/*/markets/*/outcomes/*/name\"      home, draw, away, over, under, yes, no
  price = \"/books/*/markets/*/outcomes/*/price\"

An event told in other words later, or than the server has it, is sent with a higher revision.
Without `sequence` an item is the state of its game and sent whenever it changes; so is a price, and with each new moment of its
source. With `absent_is_suspended = true` a market no longer told of is suspended. The documentation
of the live feed has more members. The address is asked with If-None-Match and the header that
SPORTS_EDGE_SOURCE_HEADER holds (`x-api-key: …`, say); one that fails is asked again after
growing pauses, up to five minutes.

Examples:
  sports-edge live poll --mapping scores.toml https://scores.example/live.json --every 5
  sports-edge live poll --mapping scores.toml URL --once --source scores
  sports-edge live poll --mapping odds.toml https://odds.example/football.json --every 60")]
pub(super) struct PollArgs {
    /// The address, http or https
    url: String,
    /// How to read what it answers
    #[arg(long, value_name = "FILE")]
    mapping: PathBuf,
    /// Seconds from one question to the next, give or take a tenth
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=86_400))]
    every: u32,
    /// How long an answer may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
        value_parser = clap::value_parser!(u32).range(1..=600))]
    timeout: u32,
    /// Ask once
    #[arg(long)]
    once: bool,
}

/// Asks until told to stop.
pub(super) fn run(
    (args, authorities, header): (&PollArgs, Authorities, Option<&Secret>),
    work: &mut Work,
    stop: &Arc<AtomicBool>,
) -> anyhow::Result<()> {
    let web = ["http://", "https://"]
        .iter()
        .any(|it| args.url.starts_with(it));
    if !web {
        let text = format!("{:?} is no http or https address", args.url);
        bail!(Misuse(text));
    }
    let mapping = mapping(args)?;
    if args.once && mapping.compares_answers() {
        let text = "absent_is_suspended compares answers: leave --once away".to_owned();
        bail!(Misuse(text));
    }
    let mut poll = Poll {
        url: &args.url,
        fetcher: Fetcher::new(options(args, authorities, header)?)?,
        reading: Reading::new(mapping),
        refused_at: None,
        known: None,
        items: 0,
        fault: None,
    };
    let source = Location::Url(args.url.clone()).text();
    intake::on_signal(stop, || {})?;
    let every = Duration::from_secs(args.every.into());
    let mut failures = 0;
    while !stop.load(Ordering::Relaxed) {
        let pause = match poll.ask() {
            Ok(answer) => {
                failures = 0;
                if let Some(answer) = answer {
                    poll.take(&answer, work)?;
                }
                every
            }
            Err(error) if args.once => {
                return Err(error.context(format!("the source {source} does not answer well")));
            }
            Err(error) => {
                failures += 1;
                warn!(
                    failures,
                    source,
                    error = chain(error.as_ref()),
                    "the source does not answer well"
                );
                let longer = every.saturating_mul(2_u32.saturating_pow(failures));
                longer.min(PAUSE_MAX.max(every))
            }
        };
        if args.once {
            return Ok(());
        }
        rest(
            pause.mul_f64(1.0 + JITTER * (2.0 * chance() - 1.0)),
            work,
            stop,
        );
    }
    Ok(())
}

fn options(
    args: &PollArgs,
    authorities: Authorities,
    header: Option<&Secret>,
) -> anyhow::Result<FetchOptions> {
    let timeout = Duration::from_secs(args.timeout.into());
    let header = header.map(|Secret(text)| {
        let wrong = || Misuse("SPORTS_EDGE_SOURCE_HEADER is no header, `name: value`".to_owned());
        read_header(text).ok_or_else(wrong)
    });
    Ok(FetchOptions {
        header: header.transpose()?,
        connect_timeout: timeout,
        read_timeout: timeout,
        total_timeout: timeout,
        attempts_max: 1,
        bytes_max: ANSWER_BYTES_MAX,
        authorities,
        ..FetchOptions::default()
    })
}

/// A header as it stands in a request.
fn read_header(text: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = text.split_once(':')?;
    let mut value: HeaderValue = value.trim().parse().ok()?;
    value.set_sensitive(true);
    Some((name.trim().parse().ok()?, value))
}

fn mapping(args: &PollArgs) -> anyhow::Result<Mapping> {
    let name = args.mapping.display();
    let cannot = || Misuse(format!("the mapping {name} cannot be read"));
    let size = fs::metadata(&args.mapping).with_context(cannot)?.len();
    if size > MAPPING_BYTES_MAX {
        let text = format!("the mapping {name} has more than {MAPPING_BYTES_MAX} bytes");
        bail!(Misuse(text));
    }
    let text = fs::read_to_string(&args.mapping).with_context(cannot)?;
    let wrong = |fault| Misuse(format!("the mapping {name} is wrong: {fault}"));
    Mapping::parse(&text).map_err(|fault| wrong(fault).into())
}

/// A source that is asked.
struct Poll<'a> {
    url: &'a str,
    fetcher: Fetcher,
    reading: Reading,
    known: Option<FetchState>,
    /// Items that were read, to number them.
    items: u64,
    /// When something was refused that may be taken later, as when its competition is not there yet.
    refused_at: Option<Instant>,
    /// What was wrong with the last answer, so that it is told of once.
    fault: Option<String>,
}

impl Poll<'_> {
    /// The answer, unless it is as it was.
    fn ask(&mut self) -> anyhow::Result<Option<Value>> {
        let seen = |it: &&FetchState| {
            // At half the time, for what has not changed may be told of by then in any answer.
            SystemClock.now().duration_since(it.fetched_at) < self.reading.confirm_after() / 2
        };
        let known = self.known.as_ref().filter(seen);
        let known = known.filter(|_| !self.is_to_tell_again());
        let fetched = self.fetcher.fetch(self.url, known, chance)?;
        let Fetched::Fresh {
            mut file,
            etag,
            last_modified,
            content_type,
        } = fetched
        else {
            return Ok(None);
        };
        let unreadable = "the temporary file cannot be read";
        file.rewind().context(unreadable)?;
        let answer = match serde_json::from_reader(BufReader::new(&mut file)) {
            Ok(answer) => answer,
            Err(error) => {
                let is_html = is_html(file).context(unreadable)?;
                return Err(anyhow::Error::new(error).context(no_json(content_type, is_html)));
            }
        };
        self.known = Some(FetchState {
            url: self.url.to_owned(),
            etag,
            last_modified,
            fetched_at: SystemClock.now(),
        });
        Ok(Some(answer))
    }

    /// Whether something was refused some time ago.
    fn is_to_tell_again(&self) -> bool {
        self.refused_at
            .is_some_and(|it| it.elapsed() >= AGAIN_AFTER)
    }

    /// Sends what is new in an answer; items are counted as lines are.
    fn take(&mut self, answer: &Value, work: &mut Work) -> anyhow::Result<()> {
        if self.is_to_tell_again() {
            self.refused_at = None;
            self.reading.tell_again();
        }
        let mut said = match self.reading.read(answer, SystemClock.now()) {
            Ok(said) => said,
            Err(reason) => {
                if self.fault.as_ref() != Some(&reason) {
                    work.sender.put_aside(unnumbered(reason.clone(), None));
                    self.fault = Some(reason);
                }
                return Ok(());
            }
        };
        self.fault = None;
        if let Some(why) = self.reading.hint() {
            warn!(why, "no price was read of the answer");
        }
        for (fixture, number) in self.reading.listed_twice() {
            warn!(
                fixture,
                number, "an event is listed twice in one answer, in other words: the last counts"
            );
        }
        let before = self.items;
        self.send(before, said.games(), work)?;
        for game in self.reading.unmet(&said) {
            if let Some(listed) = work.sender.events_of(&game)? {
                self.reading.meet(&game, &listed);
            }
        }
        let lines = self.reading.fresh(said);
        self.send(before, lines, work)
    }

    /// Sends lines of items, of which there were so many `before` this answer.
    fn send(&mut self, before: u64, read: Vec<live::Read>, work: &mut Work) -> anyhow::Result<()> {
        let mut lines = Vec::new();
        for (index, line) in read {
            let number = before + index as u64 + 1;
            work.sender.tally.lines += 1;
            match line {
                Ok(line) => lines.push(Numbered { number, line }),
                Err(Unread { reason, item }) => {
                    work.sender.put_aside(unnumbered(reason, Some(item)));
                }
            }
        }
        let count = lines.last().map_or(0, |it| it.number);
        self.items = self.items.max(count);
        let refused = work.sender.tally.set_aside;
        for batch in lines.chunks(super::TOGETHER_MAX) {
            work.sender.send(batch.to_vec())?;
        }
        if work.sender.tally.set_aside > refused {
            self.refused_at.get_or_insert_with(Instant::now);
        }
        Ok(())
    }
}

/// Whether an answer begins as a page of HTML does.
fn is_html(mut answer: File) -> io::Result<bool> {
    answer.rewind()?;
    let mut beginning = Vec::new();
    answer.take(GLANCE_BYTES_MAX).read_to_end(&mut beginning)?;
    let beginning = String::from_utf8_lossy(&beginning).to_lowercase();
    let beginning = beginning.trim_start_matches('\u{feff}').trim_start();
    let starts = ["<!doctype html", "<html"];
    Ok(starts.iter().any(|it| beginning.starts_with(it)))
}

/// What came in place of JSON.
fn no_json(content_type: Option<String>, is_html: bool) -> String {
    let html = if is_html { " but HTML" } else { "" };
    let said: Option<String> =
        content_type.map(|it| it.chars().take(CONTENT_TYPE_CHARS_MAX).collect());
    let said = said.map_or_else(
        || "without a content-type".to_owned(),
        |it| format!("content-type {it}"),
    );
    format!("the answer is no JSON{html} ({said})")
}

/// What is set aside that was no line.
fn unnumbered(reason: String, item: Option<Value>) -> Aside {
    Aside {
        line: None,
        reason,
        item,
    }
}

/// Waits, unless told to stop.
fn rest(pause: Duration, work: &mut Work, stop: &AtomicBool) {
    let began = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        let left = pause.saturating_sub(began.elapsed());
        if left.is_zero() {
            return;
        }
        work.tell();
        sleep(left.min(STEP));
    }
}
