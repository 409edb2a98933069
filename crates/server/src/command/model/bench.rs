//! `sports-edge model bench`: requests at a steady rate, whether or not answers come (open loop).
//!
//! Latency counts from the moment a request was due, so that a server that stalls is seen to.

mod connection;
mod outcome;
mod rows;

use std::{
    path::PathBuf,
    process::ExitCode,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::Args;

use self::{
    connection::{Answer, Connection},
    outcome::Outcome,
};
use super::Name;
use crate::command::{
    EXIT_ATTENTION,
    client::Client,
    output::{put, say},
};

/// How to measure.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// Name of the model
    name: Name,
    /// Requests a second
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// For how long
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Rows in a request
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rows: u32,
    /// Requests at work at the same time, at most: connections, each with a thread
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=512))]
    concurrency: u32,
    /// Rows to send, from a file like golden.json, in place of random ones
    #[arg(long, value_name = "FILE")]
    golden: Option<PathBuf>,
    /// Begin of the random rows: the same seed gives the same rows
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// When requests are due, and which is next.
struct Schedule {
    start: Instant,
    rate: u32,
    count: u64,
    next: AtomicU64,
}

impl Schedule {
    /// The next request and when it is due.
    fn take(&self) -> Option<(u64, Instant)> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let after = Duration::from_secs_f64(index as f64 / f64::from(self.rate));
        (index < self.count).then(|| (index, self.start + after))
    }

    /// When no more are sent.
    fn end(&self) -> Instant {
        self.start + Duration::from_secs_f64(self.count as f64 / f64::from(self.rate))
    }
}

/// Measures and reports.
pub(super) fn run(args: &BenchArgs, client: &Client, json: bool) -> anyhow::Result<ExitCode> {
    let Some(address) = client.server().plain() else {
        bail!("bench speaks plain HTTP; name the server itself, not the proxy in front of it");
    };
    let metadata = client.get(&format!("/v2/models/{}", args.name.0))?;
    let requests = Arc::new(rows::requests(args, client, &metadata, &address)?);
    first(&address, &requests[0])?;
    let schedule = Arc::new(Schedule {
        start: Instant::now(),
        rate: args.rate,
        count: u64::from(args.rate) * u64::from(args.seconds),
        next: AtomicU64::new(0),
    });
    let whole = Arc::new(Mutex::new(Outcome::default()));
    let workers: Vec<_> = (0..args.concurrency)
        .map(|_| {
            let (schedule, requests) = (Arc::clone(&schedule), Arc::clone(&requests));
            let (whole, address) = (Arc::clone(&whole), address.clone());
            thread::spawn(move || {
                let part = work(&schedule, &requests, &address);
                whole
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .add(part);
            })
        })
        .collect();
    for worker in workers {
        if worker.join().is_err() {
            bail!("a thread of the bench panicked");
        }
    }
    let took = schedule.start.elapsed();
    let outcome = std::mem::take(&mut *whole.lock().unwrap_or_else(PoisonError::into_inner));
    let failed = outcome.failed > 0;
    let report = outcome.report(args, took);
    if json {
        say(serde_json::to_string_pretty(&report)?)?;
    } else {
        put(outcome::text(&report))?;
    }
    Ok(if failed {
        ExitCode::from(EXIT_ATTENTION)
    } else {
        ExitCode::SUCCESS
    })
}

/// One request before the others, whose fault ends the bench; it also loads the model.
fn first(address: &str, request: &[u8]) -> anyhow::Result<()> {
    let mut connection = Connection::open(address).context("no connection")?;
    match connection
        .ask(request)
        .context("the first request failed")?
    {
        Answer { status: 200, .. } => Ok(()),
        Answer { status, text } => bail!("the first request is answered {status}: {text}"),
    }
}

/// Sends what is due until nothing is any more.
fn work(schedule: &Schedule, requests: &[Vec<u8>], address: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let mut connection = None;
    let end = schedule.end();
    while let Some((index, due)) = schedule.take() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if Instant::now() > end {
            outcome.unsent += 1;
            continue;
        }
        let request = &requests[index as usize % requests.len()];
        match ask(&mut connection, address, request) {
            Ok(answer) => outcome.answered(answer.status, due.elapsed()),
            Err(_) => {
                outcome.failed += 1;
                connection = None;
            }
        }
    }
    outcome
}

fn ask(
    connection: &mut Option<Connection>,
    address: &str,
    request: &[u8],
) -> std::io::Result<Answer> {
    if connection.is_none() {
        *connection = Some(Connection::open(address)?);
    }
    let open = connection.as_mut().expect("it was just opened");
    open.ask(request)
}
