//! Sessions: small bytes under a name that is a secret, for a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use redis::Value;
use sha1_smol::Sha1;
use tokio::sync::Mutex;

use super::super::types::SharedError;
use super::super::{Shared, millis};
use super::TWIN_MAX;
use super::twin::Twin;

/// What is told to the server in one go, at most, as somebody waits for it.
const SENT_MAX: usize = 64;
/// The check that stands before what is stored: of the name and the bytes.
const CHECK: usize = 20;

/// Sessions of all replicas. With the server away a replica knows those that it used lately; what
/// was ended meanwhile stays ended, and the server learns of it when it is back.
pub struct Sessions {
    shared: Option<Shared>,
    twin: Twin<Copy>,
    /// Changes that began to be told to the server, and up to which all of them were.
    begun: AtomicU64,
    told: AtomicU64,
    /// Held by who tells the server what it has not heard of.
    telling: Mutex<()>,
}

/// A session as this process knows it.
#[derive(Clone)]
struct Copy {
    /// `None` where it was ended.
    bytes: Option<Bytes>,
    /// The server has not heard of it.
    unsent: bool,
    /// Which change of this process it is, later ones higher; zero where it was read.
    change: u64,
}

impl Sessions {
    /// Sessions over all replicas where there is a shared tier.
    pub fn new(shared: Option<Shared>) -> Self {
        Self {
            shared,
            twin: Twin::new(TWIN_MAX),
            begun: AtomicU64::new(0),
            told: AtomicU64::new(0),
            telling: Mutex::new(()),
        }
    }

    /// Begins or replaces a session, which ends after `time_to_live`.
    pub async fn put(&self, name: &str, bytes: Bytes, time_to_live: Duration) {
        self.keep(name, Some(bytes), Instant::now() + time_to_live)
            .await;
    }

    /// What a session holds, where it has not ended.
    pub async fn get(&self, name: &str) -> Option<Bytes> {
        let Some(shared) = &self.shared else {
            return self.twin.get(name)?.bytes;
        };
        self.send_unsent(shared).await;
        let known = self.twin.get(name);
        if let Some(Copy {
            bytes,
            unsent: true,
            ..
        }) = &known
        {
            return bytes.clone();
        }
        // Ended or replaced while it was read.
        let before = known.as_ref().map_or(0, |it| it.change);
        let is_newer = |it: &Copy| it.unsent || (it.change != 0 && it.change != before);
        match fetch(shared, name).await {
            Ok(Some((bytes, end))) => {
                let copy = Copy {
                    bytes: Some(bytes.clone()),
                    unsent: false,
                    change: 0,
                };
                self.twin.update(name, |held| match held {
                    Some(held) if is_newer(held) => (None, held.bytes.clone()),
                    _ => (Some((copy, end)), Some(bytes)),
                })
            }
            Ok(None) => {
                self.twin.remove_if(name, |it| !is_newer(it));
                None
            }
            Err(_) => known?.bytes,
        }
    }

    /// Ends a session; `time_to_live` is the longest that one may last.
    pub async fn remove(&self, name: &str, time_to_live: Duration) {
        self.keep(name, None, Instant::now() + time_to_live).await;
    }

    async fn keep(&self, name: &str, bytes: Option<Bytes>, end: Instant) {
        // Noted first: whoever asked for it may leave while it is under way.
        let change = self.begun.fetch_add(1, Ordering::AcqRel) + 1;
        let copy = Copy {
            bytes,
            unsent: self.shared.is_some(),
            change,
        };
        self.twin.put(name, copy.clone(), end);
        if let Some(shared) = &self.shared
            && send(shared, name, &copy, end).await.is_ok()
        {
            self.sent(name, copy, end);
        }
    }

    /// Notes that the server has heard of a change, unless there was another since.
    fn sent(&self, name: &str, copy: Copy, end: Instant) {
        let sent = Copy {
            unsent: false,
            ..copy
        };
        self.twin.update(name, |held| {
            let is_last = held.is_none_or(|it| it.change == sent.change);
            (is_last.then_some((sent, end)), ())
        });
    }

    /// Tells the server what happened while it was away.
    async fn send_unsent(&self, shared: &Shared) {
        let begun = self.begun.load(Ordering::Acquire);
        if shared.inner.link().is_none() || begun == self.told.load(Ordering::Acquire) {
            return;
        }
        let Ok(_telling) = self.telling.try_lock() else {
            return;
        };
        let unsent = self.twin.select(|it| it.unsent);
        let is_all = unsent.len() <= SENT_MAX;
        for (name, copy, end) in unsent.into_iter().take(SENT_MAX) {
            if send(shared, &name, &copy, end).await.is_err() {
                return;
            }
            self.sent(&name, copy, end);
        }
        if is_all {
            self.told.fetch_max(begun, Ordering::AcqRel);
        }
    }
}

async fn send(shared: &Shared, name: &str, copy: &Copy, end: Instant) -> Result<(), SharedError> {
    let link = shared.inner.need_link()?;
    let key = shared.inner.keys.under("session", name.as_bytes());
    let mut cmd;
    match &copy.bytes {
        Some(bytes) => {
            let left = end.saturating_duration_since(Instant::now());
            cmd = redis::cmd("SET");
            cmd.arg(key).arg(sealed(name, bytes));
            cmd.arg("PX").arg(millis(left).max(1));
        }
        None => {
            cmd = redis::cmd("UNLINK");
            cmd.arg(key);
        }
    }
    link.ask(&cmd).await.map(|_| ())
}

async fn fetch(shared: &Shared, name: &str) -> Result<Option<(Bytes, Instant)>, SharedError> {
    let link = shared.inner.need_link()?;
    let key = shared.inner.keys.under("session", name.as_bytes());
    let mut left = redis::cmd("PTTL");
    left.arg(&key);
    // Asked first: should the session be replaced in between, the copy only ends early.
    let left = match link.ask(&left).await? {
        Value::Int(left) => u64::try_from(left).unwrap_or(0),
        _ => return Err(link.distrust(SharedError::Garbled("PTTL"))),
    };
    let mut get = redis::cmd("GET");
    get.arg(&key);
    match link.ask(&get).await? {
        Value::Nil => Ok(None),
        Value::BulkString(held) => {
            let bytes = unsealed(name, Bytes::from(held))
                .ok_or_else(|| link.distrust(SharedError::Garbled("GET")))?;
            Ok(Some((bytes, Instant::now() + Duration::from_millis(left))))
        }
        _ => Err(link.distrust(SharedError::Garbled("GET"))),
    }
}

fn check(name: &str, bytes: &[u8]) -> [u8; CHECK] {
    let mut hash = Sha1::from(name.len().to_be_bytes());
    hash.update(name.as_bytes());
    hash.update(bytes);
    hash.digest().bytes()
}

fn sealed(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut sealed = check(name, bytes).to_vec();
    sealed.extend_from_slice(bytes);
    sealed
}

fn unsealed(name: &str, held: Bytes) -> Option<Bytes> {
    let bytes = (held.len() >= CHECK).then(|| held.slice(CHECK..))?;
    (held[..CHECK] == check(name, &bytes)).then_some(bytes)
}
