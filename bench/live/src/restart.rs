//! Readers of a game whose server is started anew.

use std::time::Duration;

use serde_json::json;
use tokio::{
    sync::mpsc::{self, UnboundedSender},
    time::{Instant, sleep},
};

use crate::{
    Result, Watched,
    client::{Kind, Source},
    next, reader_of, spread,
};

/// Pauses between attempts to connect.
const PAUSE: Duration = Duration::from_millis(100);

/// Connects readers, has a goal told, waits for the server to be gone and there again, connects all
/// again with what they hold, and has another goal told.
pub async fn restart(address: &str, readers: usize, (fixture, key): (i64, &str)) -> Result<()> {
    let name = format!("fixtures/{fixture}/play");
    let (news, mut heard) = mpsc::unbounded_channel();
    let mut source = Source::begin(address, key, fixture).await?;
    for reader in 0..readers {
        let client = reader_of(address, &name, None).await?;
        tokio::spawn(client.watch(reader, news.clone()));
    }
    for _ in 0..readers {
        next(&mut heard, Kind::Snapshot).await?;
    }
    source.next(0).await?;
    let mut held = vec![(0, 0); readers];
    for _ in 0..readers {
        let frame = next(&mut heard, Kind::Change).await?;
        held[frame.reader] = frame.id.ok_or("a change without a number")?;
    }
    eprintln!("ready");
    let mut ended = 0;
    while ended < readers {
        let frame = heard.recv().await.ok_or("all readers ended")?;
        ended += usize::from(frame.kind == Kind::End);
    }
    let gone = Instant::now();
    for (reader, held) in held.iter().enumerate() {
        let again = again(address.to_owned(), name.clone(), (reader, *held), news.clone());
        tokio::spawn(again);
    }
    let (mut whole, mut resumed, mut times) = (0, 0, Vec::new());
    while times.len() < readers {
        let frame = heard.recv().await.ok_or("all readers ended")?;
        match frame.kind {
            Kind::Snapshot => whole += 1,
            Kind::Same | Kind::Change => resumed += 1,
            _ => continue,
        }
        times.push((frame.at - gone).as_secs_f64() * 1e3);
    }
    // All hear of what comes next.
    let mut source = Source::begin(address, key, fixture).await?;
    source.next(0).await?;
    let mut heard_again = vec![false; readers];
    while heard_again.iter().any(|it| !it) {
        let frame = next(&mut heard, Kind::Change).await?;
        heard_again[frame.reader] = true;
    }
    let told = json!({
        "readers": readers, "whole_states": whole, "resumed": resumed, "back_after_ms": spread(times),
    });
    println!("{told}");
    Ok(())
}

async fn again(
    address: String,
    name: String,
    (reader, held): (usize, (u64, u64)),
    news: UnboundedSender<Watched>,
) {
    loop {
        let client = reader_of(&address, &name, Some(held)).await.map_err(|it| it.to_string());
        match client {
            Ok(client) => return client.watch(reader, news).await,
            Err(_) => sleep(PAUSE).await,
        }
    }
}
