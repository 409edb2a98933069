//! A proxy that does harm on command: what a network, a firewall or a broken server does, at the
//! moment that a test wants it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::SplitMix;

/// What the proxy does to bytes that pass.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Chaos {
    /// How long each piece is held back, each way.
    pub delay: Duration,
    /// Whether nothing passes, on connections that stay open (half open).
    pub silent: bool,
    /// Whether new connections are refused by being closed at once.
    pub closed: bool,
    /// The share of pieces from the server of which some bytes are replaced by chance.
    pub garbage: f64,
    /// The share of pieces from the server that vanish.
    pub lost: f64,
    /// The share of pieces after which the connection is reset.
    pub reset: f64,
    /// Bytes a piece has at most, written one by one; zero is as they come.
    pub piece_bytes_max: usize,
    /// Whether messages of subscriptions are cut out of what the server sends. Only with pieces as
    /// they come.
    pub deaf: bool,
}

/// The proxy; stops when dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<String>,
    chaos: watch::Sender<Chaos>,
    /// Raised to end all connections there are.
    cuts: watch::Sender<u64>,
    random: Mutex<SplitMix>,
}

impl Proxy {
    /// Starts one before `target`, a host and port; what it does by chance is drawn from `seed`.
    ///
    /// # Panics
    /// Where no port is free.
    pub async fn start(target: &str, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("there is a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let shared = Arc::new(Shared {
            target: Mutex::new(target.to_owned()),
            chaos: watch::Sender::new(Chaos::default()),
            cuts: watch::Sender::new(0),
            random: Mutex::new(SplitMix::new(seed)),
        });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Self { port, shared, task }
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address())
    }

    /// Does this from now on, to connections there are and to come.
    pub fn set(&self, chaos: Chaos) {
        self.shared.chaos.send_replace(chaos);
    }

    /// Ends all connections there are.
    pub fn cut(&self) {
        self.shared.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Leads new connections to `target`, and ends those there are.
    pub fn lead_to(&self, target: &str) {
        target.clone_into(&mut self.shared.target.lock().expect("nothing in it panics"));
        self.cut();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        if !shared.chaos.borrow().closed {
            connections.spawn(serve(client, shared.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

/// Carries bytes both ways until either end, or a cut, ends it.
async fn serve(client: TcpStream, shared: Arc<Shared>) {
    let mut cuts = shared.cuts.subscribe();
    let target = shared.target.lock().expect("nothing in it panics").clone();
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true);
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = carry(from_client, to_server, &shared, Way::Up) => {}
        () = carry(from_server, to_client, &shared, Way::Down) => {}
        _ = cuts.changed() => {}
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Up,
    Down,
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, way: Way) {
    let mut chaos = shared.chaos.subscribe();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(read) => read,
        };
        if chaos.wait_for(|it| !it.silent).await.is_err() {
            return;
        }
        let now = *chaos.borrow();
        if now.delay > Duration::ZERO {
            tokio::time::sleep(now.delay).await;
        }
        let mut piece = buffer[..read].to_vec();
        let mut end = false;
        {
            let mut random = shared.random.lock().expect("nothing in it panics");
            let mut by_chance = |share: f64| share > 0.0 && random.between(0.0, 1.0) < share;
            let down = way == Way::Down;
            if down && by_chance(now.lost) {
                continue;
            }
            end |= by_chance(now.reset);
            if down && by_chance(now.garbage) {
                spoil(&mut piece, &mut random);
            }
        }
        if now.deaf && way == Way::Down {
            piece = without_messages(&piece);
        }
        let size = match now.piece_bytes_max {
            0 => piece.len().max(1),
            size => size,
        };
        for part in piece.chunks(size) {
            if to.write_all(part).await.is_err() {
                return;
            }
            if now.piece_bytes_max > 0 {
                tokio::task::yield_now().await;
            }
        }
        if end {
            return;
        }
    }
}

/// Replaces a few bytes by others.
fn spoil(piece: &mut [u8], random: &mut SplitMix) {
    let mut below = |end: usize| {
        let end = u64::try_from(end).expect("a piece is small");
        usize::try_from(random.next_u64() % end).expect("below the end")
    };
    for _ in 0..=below(4) {
        let at = below(piece.len());
        piece[at] = u8::try_from(below(256)).expect("below 256");
    }
}

/// Cuts out what begins as a message of a subscription; what belongs to it follows it.
fn without_messages(piece: &[u8]) -> Vec<u8> {
    const MESSAGE: &[u8] = b">3\r\n$7\r\nmessage\r\n";
    let mut rest: VecDeque<u8> = piece.iter().copied().collect();
    let mut out = Vec::with_capacity(piece.len());
    while !rest.is_empty() {
        let bytes = rest.make_contiguous();
        if bytes.starts_with(MESSAGE) {
            let mut end = MESSAGE.len();
            for _ in 0..2 {
                end += bulk(&bytes[end.min(bytes.len())..]);
            }
            rest.drain(..end.min(rest.len()));
        } else {
            out.extend(rest.pop_front());
        }
    }
    out
}

/// How many bytes the string at the beginning takes up, its length included.
fn bulk(bytes: &[u8]) -> usize {
    let line = bytes.iter().position(|byte| *byte == b'\n');
    let Some(line) = line else {
        return bytes.len();
    };
    let size = std::str::from_utf8(&bytes[1..line]).ok();
    let size = size.and_then(|it| it.trim().parse::<usize>().ok());
    line + 1 + size.unwrap_or(0) + 2
}
