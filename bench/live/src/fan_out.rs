//! Messages to all readers of one key: one at a time, and far more than can be delivered.

use std::time::Duration;

use serde_json::json;
use tokio::{
    sync::mpsc::{self, UnboundedReceiver},
    time::Instant,
};

use crate::{
    Result, Watched,
    client::{Client, Kind, Source},
    next, path,
    process::Process,
    reader_of, spread,
};

/// Messages before what is measured.
const WARM_UP: usize = 10;

/// What makes a message go to all.
enum Trigger {
    Game(Source),
    Peer(Client, &'static str),
}

/// Connects readers to one key and times messages to all of them.
pub async fn fan_out(
    (address, pid): (&str, u32),
    (readers, times): (usize, usize),
    game: Option<(i64, &str)>,
) -> Result<()> {
    let process = Process(pid);
    let fresh = process.memory_kb()?;
    let (mut trigger, mut heard, state_bytes) = connect(address, readers, game).await?;
    let connected = process.memory_kb()?;
    let (mut first, mut last, mut bytes, mut frames) = (Vec::new(), Vec::new(), 0, 0);
    let mut used = process.time()?;
    for number in 0..WARM_UP + times {
        if number == WARM_UP {
            (first, last, bytes, frames) = (Vec::new(), Vec::new(), 0, 0);
            used = process.time()?;
        }
        let sent = Instant::now();
        match &mut trigger {
            Trigger::Game(source) => source.next(number).await?,
            Trigger::Peer(client, word) => client.say(word).await?,
        }
        let (mut began, mut came) = (None, sent);
        for _ in 0..readers {
            let frame = next(&mut heard, Kind::Change).await?;
            began = Some(began.unwrap_or(frame.at).min(frame.at));
            came = came.max(frame.at);
            bytes += frame.bytes;
            frames += 1;
        }
        first.push((began.unwrap_or(sent) - sent).as_secs_f64() * 1e3);
        last.push((came - sent).as_secs_f64() * 1e3);
    }
    let used = process.time()? - used;
    let told = json!({
        "readers": readers, "messages": times, "bytes": bytes / frames, "state_bytes": state_bytes,
        "delivery_us": used.as_secs_f64() * 1e6 / frames as f64,
        "first_ms": spread(first), "last_ms": spread(last),
        "memory_kb": [fresh, connected, process.memory_kb()?],
    });
    println!("{told}");
    Ok(())
}

/// Readers that have what there is, and the size of that.
async fn connect(
    address: &str,
    readers: usize,
    game: Option<(i64, &str)>,
) -> Result<(Trigger, UnboundedReceiver<Watched>, usize)> {
    let (news, mut heard) = mpsc::unbounded_channel();
    let Some((fixture, key)) = game else {
        let path = path();
        let is_socket_io = path.contains("EIO");
        let mut trigger = Client::open(address, &path, None).await?;
        if is_socket_io {
            trigger.say("40").await?;
        }
        for reader in 0..readers {
            let mut client = Client::open(address, &path, None).await?;
            if is_socket_io {
                client.say("40").await?;
            }
            tokio::spawn(client.watch(reader, news.clone()));
        }
        // Those that have something to say first have said it.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let word = if is_socket_io { "42[\"go\"]" } else { "go" };
        return Ok((Trigger::Peer(trigger, word), heard, 0));
    };
    let source = Source::begin(address, key, fixture).await?;
    let name = format!("fixtures/{fixture}/play");
    for reader in 0..readers {
        let client = reader_of(address, &name, None).await?;
        tokio::spawn(client.watch(reader, news.clone()));
    }
    let mut state_bytes = 0;
    for _ in 0..readers {
        state_bytes = next(&mut heard, Kind::Snapshot).await?.bytes;
    }
    Ok((Trigger::Game(source), heard, state_bytes))
}

/// Has events told as fast as they are taken, and looks at how old what readers get is.
pub async fn flood(
    (address, pid): (&str, u32),
    (readers, seconds): (usize, u64),
    game: (i64, &str),
) -> Result<()> {
    let process = Process(pid);
    let (trigger, mut heard, _) = connect(address, readers, Some(game)).await?;
    let Trigger::Game(mut source) = trigger else {
        unreachable!("a game was named");
    };
    let before = process.memory_kb()?;
    let until = Instant::now() + Duration::from_secs(seconds);
    let telling = async move {
        let mut number = 0;
        while Instant::now() < until || number % 2 == 0 {
            source.next(number).await?;
            number += 1;
        }
        Ok::<_, Box<dyn std::error::Error>>(number)
    };
    let (mut ages, mut most_kb, mut newest) = (Vec::new(), before, vec![(0, 0); readers]);
    let mut take = |frame: Watched| {
        if let (Kind::Change | Kind::Snapshot, Some(id)) = (frame.kind, frame.id) {
            assert!(id > newest[frame.reader], "a reader went back");
            newest[frame.reader] = id;
            ages.extend(frame.age_ms.map(|it| it as f64));
        }
    };
    let mut telling = std::pin::pin!(telling);
    let mut looks = tokio::time::interval(Duration::from_millis(200));
    let events = loop {
        tokio::select! {
            events = &mut telling => break events?,
            Some(frame) = heard.recv() => take(frame),
            _ = looks.tick() => most_kb = most_kb.max(process.memory_kb()?),
        }
    };
    // What is on its way arrives.
    while let Ok(Some(frame)) = tokio::time::timeout(Duration::from_secs(2), heard.recv()).await {
        take(frame);
    }
    let last = newest.iter().max().copied();
    let behind = newest.iter().filter(|it| Some(**it) != last).count();
    let told = json!({
        "readers": readers, "seconds": seconds, "events": events, "frames": ages.len(),
        "folded": 1.0 - ages.len() as f64 / (events * readers) as f64,
        "age_ms": spread(ages), "readers_behind_at_the_end": behind,
        "memory_kb": [before, most_kb, process.memory_kb()?],
    });
    println!("{told}");
    Ok(())
}
