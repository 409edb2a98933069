//! Many readers over WebSockets, and what they cost a server.
//!
//! Servers to compare with: `live bare PORT`, a loop of sends, the floor; `live stock PORT`, axum's
//! own handler; those in `peers/`. They send a message to all for each `go`.
//!
//! Clients, each of which prints one line of JSON. ADDRESS is where the server listens, PID is its
//! process, whose processor time and memory are the kernel's figures:
//! `live fan-out ADDRESS PID READERS TIMES` with a peer, PATH `/v1/live` or Socket.IO's in the
//! environment; `live fan-out ADDRESS PID READERS TIMES FIXTURE KEY` with ours: readers of one key,
//! and one message after the other to all of them. `live idle ADDRESS PID READERS KEY`: readers with
//! a key and four subscriptions. `live flood ADDRESS PID READERS SECONDS FIXTURE KEY`: events as
//! fast as they are taken. `live restart ADDRESS READERS FIXTURE KEY`: readers that connect again
//! when the server, stopped and started by somebody else, is there again.

mod bare;
mod client;
mod fan_out;
mod idle;
mod process;
mod restart;
mod stock;

use std::{env, time::Duration};

use client::{Client, Kind, Watched};
use tokio::sync::mpsc::UnboundedReceiver;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// How long a reader may have to wait for a frame.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build()?;
    match *words {
        ["bare", port] => bare::serve(port.parse()?),
        ["stock", port] => stock::serve(port.parse()?),
        ["fan-out", address, pid, readers, times, ref game @ ..] => {
            let counts = (readers.parse()?, times.parse()?);
            let game = match *game {
                [] => None,
                [fixture, key] => Some((fixture.parse()?, key)),
                _ => return usage(),
            };
            runtime.block_on(fan_out::fan_out((address, pid.parse()?), counts, game))
        }
        ["idle", address, pid, readers, key] => {
            runtime.block_on(idle::idle((address, pid.parse()?), readers.parse()?, key))
        }
        ["flood", address, pid, readers, seconds, fixture, key] => {
            let counts = (readers.parse()?, seconds.parse()?);
            let game = (fixture.parse()?, key);
            runtime.block_on(fan_out::flood((address, pid.parse()?), counts, game))
        }
        ["restart", address, readers, fixture, key] => {
            runtime.block_on(restart::restart(address, readers.parse()?, (fixture.parse()?, key)))
        }
        _ => usage(),
    }
}

fn usage() -> Result<()> {
    Err("usage: see the first lines of bench/live/src/main.rs".into())
}

/// The next frame of a kind.
async fn next(heard: &mut UnboundedReceiver<Watched>, kind: Kind) -> Result<Watched> {
    loop {
        let frame = tokio::time::timeout(PATIENCE, heard.recv()).await;
        let frame = frame.map_err(|_| "a reader got nothing")?.ok_or("all readers ended")?;
        if frame.kind == Kind::End {
            return Err("a reader's connection ended".into());
        }
        if frame.kind == kind {
            return Ok(frame);
        }
    }
}

/// Where readers connect.
fn path() -> String {
    env::var("READERS_PATH").unwrap_or_else(|_| "/v1/live".into())
}

/// Connects a reader of one key, resuming from what it holds of it.
async fn reader_of(address: &str, key: &str, held: Option<(u64, u64)>) -> Result<Client> {
    let mut client = Client::open(address, "/v1/live", None).await?;
    let since = held.map(|(moment, digest)| serde_json::json!({key: format!("{moment}.{digest:012x}")}));
    let ask = match since {
        Some(since) => serde_json::json!({"op": "sub", "k": [key], "since": since}),
        None => serde_json::json!({"op": "sub", "k": [key]}),
    };
    client.say(&ask.to_string()).await?;
    Ok(client)
}

/// Shares of sorted milliseconds.
fn spread(mut times: Vec<f64>) -> serde_json::Value {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| match times.len() {
        0 => None,
        count => Some(times[((count - 1) as f64 * share).round() as usize]),
    };
    serde_json::json!({"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0)})
}
