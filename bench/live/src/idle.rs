//! Readers while nothing happens.

use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    Result,
    client::{Client, Kind},
    next,
    process::Process,
};

/// What each follows.
const KEYS: [&str; 4] = ["board", "edges", "fixtures", "board?limit=50"];
/// How long they are left alone.
const IDLE: Duration = Duration::from_secs(30);

/// Connects readers as an application would, and tells what they cost.
pub async fn idle((address, pid): (&str, u32), readers: usize, key: &str) -> Result<()> {
    let process = Process(pid);
    let (news, mut heard) = mpsc::unbounded_channel();
    let ask = json!({"op": "sub", "k": KEYS}).to_string();
    // The answers that are followed are made for the first.
    let mut fresh = 0;
    for reader in 0..=readers {
        let mut client = Client::open(address, "/v1/live", Some(key)).await?;
        client.say(&ask).await?;
        tokio::spawn(client.watch(reader, news.clone()));
        for _ in KEYS {
            next(&mut heard, Kind::Snapshot).await?;
        }
        if reader == 0 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            fresh = process.memory_kb()?;
        }
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (connected, used) = (process.memory_kb()?, process.time()?);
    tokio::time::sleep(IDLE).await;
    let idle = process.time()? - used;
    let each = connected.saturating_sub(fresh) as f64 * 1024.0 / readers as f64;
    let told = json!({
        "readers": readers, "subscriptions": KEYS.len(), "memory_kb": [fresh, connected],
        "bytes_each": each,
        "processor_ms_a_second": idle.as_secs_f64() * 1e3 / IDLE.as_secs_f64(),
    });
    println!("{told}");
    Ok(())
}
