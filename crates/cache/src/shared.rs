//! The tier that replicas share: Redis or Valkey, and the bus over which they hear of changes.
//!
//! It answers only what is fresh by the server's own versions, says when it cannot, and never makes
//! a caller wait longer than a command may take. Order comes from a counter in the server
//! (`script/*.lua`); clocks of two machines are never compared. A server that may have lost
//! something (flushed, restarted, failed over) counts as another one: nothing it holds is believed.

mod bus;
mod codec;
mod counters;
mod epoch;
mod inner;
mod keeper;
mod lease;
mod link;
mod locate;
mod looker;
mod options;
mod outbox;
mod script;
mod sender;
mod service;
mod trial;
mod types;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use self::codec::{Decoded, decode};
pub use self::options::SharedOptions;
pub use self::service::{Allowance, Claim, ClaimToken, Claims, Rate, RateLimit, Sessions};
pub use self::types::{
    Acknowledged, Begin, Change, Fence, Frame, Listener, SLOTS_MAX, SharedCounts, SharedError,
    SharedHealth, Stored, Touched, Wish,
};

use self::codec::{STORED, Seal, encode};
use self::counters::Counters;
use self::epoch::Judged;
use self::inner::Inner;
use self::link::Link;
use self::looker::Look;
use self::outbox::Outcome;

/// A key, at most, in bytes: one of the cache, and the schema of its value.
pub const KEY_BYTES_MAX: usize = crate::KEY_BYTES_MAX + 8;

/// Slots that one change may name; more are a change of everything.
pub const CHANGE_SLOTS_MAX: usize = 1 << 16;

/// The shared tier; clones are the same one. Its tasks end with the last of them.
#[derive(Clone)]
pub struct Shared {
    inner: Arc<Inner>,
    looks: mpsc::Sender<Look>,
    _tasks: Arc<Tasks>,
}

/// The tasks behind the tier.
struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("namespace", &self.inner.keys.namespace)
            .field("health", &self.health())
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Begins to keep a connection to the server, which need not be there yet.
    ///
    /// # Errors
    /// Where the address or the namespace cannot be read, or the identity is all zeros.
    pub fn connect(options: SharedOptions) -> Result<Self, SharedError> {
        let (looks, waiting) = mpsc::channel(options.waiting_max.max(1));
        let inner = Arc::new(Inner::new(options)?);
        let tasks = vec![
            tokio::spawn(keeper::keep(inner.clone())),
            tokio::spawn(sender::send(inner.clone())),
            tokio::spawn(sender::acknowledge(inner.clone())),
            tokio::spawn(looker::look(inner.clone(), waiting)),
        ];
        Ok(Self {
            inner,
            looks,
            _tasks: Arc::new(Tasks(tasks)),
        })
    }

    /// Slots of its table of versions.
    pub fn slots(&self) -> u32 {
        self.inner.options.slots
    }

    /// Tells `listener` of every change from now on; its memory starts empty and unproven.
    pub fn attach(&self, listener: Arc<dyn Listener>) {
        self.inner.bus.attach(listener);
    }

    /// Waits until the server is there and memory is proven, at most `within`; says whether it is.
    pub async fn ready(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        while !(self.inner.link().is_some() && self.inner.bus.proven()) {
            if Instant::now() >= deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        true
    }

    /// Looks for the entry of `key`, made under `schema`; only one that is fresh is found.
    ///
    /// # Errors
    /// Where the server cannot tell.
    pub async fn get(&self, key: &[u8], schema: u64) -> Result<Option<Frame>, SharedError> {
        check_size("the key", key.len(), KEY_BYTES_MAX)?;
        let link = self.inner.need_link()?;
        Counters::add(&self.inner.counters.gets);
        let (found, answer) = oneshot::channel();
        let look = Look {
            key: self.inner.keys.under("entry", key),
            found,
        };
        self.looks.try_send(look).map_err(|_| SharedError::Busy {
            waiting: self.looks.max_capacity(),
        })?;
        // Waiting in line counts as waiting for the server.
        let timeout = self.inner.options.command_timeout;
        let Some(bytes) = tokio::time::timeout(timeout, answer)
            .await
            .map_err(|_| SharedError::TimedOut(timeout))?
            .unwrap_or(Err(SharedError::Away))?
        else {
            return Ok(None);
        };
        let Some(entry) = self.read(&link, &bytes, key, schema) else {
            return Ok(None);
        };
        // Asked before it is judged: what was acknowledged before this call is known by then. Asked
        // after, the proof could be a new one, won by a change that the judgement has not seen.
        let proven = link.epoch.proven();
        let judged = match link.epoch.judge(&entry) {
            Judged::Fresh if proven => Judged::Fresh,
            Judged::Outdated => Judged::Outdated,
            _ => self.confirm(&link, &entry).await?,
        };
        if judged != Judged::Fresh {
            Counters::add(&self.inner.counters.outdated);
            return Ok(None);
        }
        Counters::add(&self.inner.counters.hits);
        Ok(Some(entry.frame))
    }

    /// Asks the server whether an entry is fresh.
    async fn confirm(&self, link: &Link, entry: &Decoded) -> Result<Judged, SharedError> {
        let keys = [self.inner.keys.versions.as_slice()];
        let answer = link.run(&self.inner.scripts.fresh, &keys, |cmd| {
            cmd.arg(&entry.incarnation[..]).arg(entry.built);
            cmd.arg(&entry.frame.slots);
        });
        match answer.await?.verdict() {
            "fresh" => Ok(Judged::Fresh),
            _ => Ok(Judged::Outdated),
        }
    }

    /// Reads an entry and brings its age up to date; `None` where it is none of that key and schema.
    fn read(&self, link: &Link, bytes: &Bytes, key: &[u8], schema: u64) -> Option<Decoded> {
        Counters::add_many(&self.inner.counters.bytes_in, bytes.len());
        let entry = decode(bytes, key, self.inner.options.value_bytes_max)
            .filter(|entry| entry.frame.schema == schema)
            .and_then(|mut entry| {
                entry.frame.age += link.since(entry.stored_ms)?;
                (entry.frame.age < entry.frame.hard).then_some(entry)
            });
        if entry.is_none() {
            Counters::add(&self.inner.counters.mismatches);
        }
        entry
    }

    /// Asks to load the value of `key`: one replica at a time may, for as long as its lease.
    ///
    /// # Errors
    /// Where the server cannot tell; the caller then loads without it and stores nothing in it.
    pub async fn begin(
        &self,
        key: &[u8],
        schema: u64,
        wish: &Wish<'_>,
    ) -> Result<Begin, SharedError> {
        check_size("the key", key.len(), KEY_BYTES_MAX)?;
        let link = self.inner.need_link()?;
        let entry_key = self.inner.keys.under("entry", key);
        let keys = [
            self.inner.keys.versions.as_slice(),
            &entry_key,
            &self.inner.keys.under("lease", key),
        ];
        let token = self.inner.next_number();
        let answer = link.run(&self.inner.scripts.begin, &keys, |cmd| {
            let younger_than = wish.younger_than.map(|it| millis(it).to_string());
            cmd.arg(&link.epoch.incarnation[..])
                .arg(self.token(token))
                .arg(millis(wish.lease).max(1))
                .arg(younger_than.as_deref().unwrap_or(""))
                .arg(wish.slots);
        });
        let answer = answer.await?;
        match answer.verdict() {
            "failed" => Ok(Begin::Failed {
                text: answer.text(1)?.to_owned(),
                hold: Duration::from_millis(answer.number(2)?),
            }),
            "granted" => Ok(Begin::Granted(Fence {
                key: Bytes::copy_from_slice(key),
                incarnation: link.epoch.incarnation,
                clock: answer.number(1)?,
                token,
                position: answer.optional(2)?.max(self.inner.bus.position()),
            })),
            "held" => Ok(Begin::Held {
                retry_after: Duration::from_millis(answer.number(1).unwrap_or(1)),
            }),
            "ready" => {
                let bytes = answer.bytes.map(Bytes::from).unwrap_or_default();
                match self.read(&link, &bytes, key, schema) {
                    Some(entry) => Ok(Begin::Ready(entry.frame)),
                    None => {
                        // What nobody can read stands in the way of what could be stored.
                        let mut cmd = redis::cmd("UNLINK");
                        cmd.arg(&entry_key);
                        link.ask(&cmd).await?;
                        Ok(Begin::Held {
                            retry_after: Duration::ZERO,
                        })
                    }
                }
            }
            _ => Err(link.distrust(SharedError::Garbled("begin"))),
        }
    }

    /// Stores what a load that began with `fence` made, unless something it was made from has
    /// changed since.
    ///
    /// # Errors
    /// Where it could not be stored, or it is not known whether it was.
    pub async fn put(&self, fence: &Fence, frame: &Frame) -> Result<Stored, SharedError> {
        check_size("the entry's slots", frame.slots.len(), SLOTS_MAX)?;
        let size_max = self.inner.options.value_bytes_max;
        check_size("the value", frame.bytes.len(), size_max)?;
        let link = self.inner.need_link()?;
        let time_to_live = millis(frame.hard.saturating_sub(frame.age));
        if link.epoch.incarnation != fence.incarnation || time_to_live == 0 {
            Counters::add(&self.inner.counters.puts_outdated);
            return Ok(Stored::Outdated);
        }
        let seal = Seal {
            key: &fence.key,
            incarnation: &fence.incarnation,
            built: fence.clock,
        };
        let bytes = encode(frame, seal, self.inner.options.compress_bytes_min);
        let keys = [
            self.inner.keys.versions.as_slice(),
            &self.inner.keys.under("entry", &fence.key),
            &self.inner.keys.under("lease", &fence.key),
        ];
        let answer = link.run(&self.inner.scripts.put, &keys, |cmd| {
            cmd.arg(&fence.incarnation[..])
                .arg(fence.clock)
                .arg(self.holder(fence))
                .arg(time_to_live)
                .arg(&bytes[..STORED.start])
                .arg(&bytes[STORED.end..])
                .arg(&frame.slots);
        });
        match answer.await?.verdict() {
            "kept" => {
                Counters::add(&self.inner.counters.puts);
                Counters::add_many(&self.inner.counters.bytes_out, bytes.len());
                Ok(Stored::Kept)
            }
            "outdated" => {
                Counters::add(&self.inner.counters.puts_outdated);
                Ok(Stored::Outdated)
            }
            "full" => {
                Counters::add(&self.inner.counters.puts_full);
                Err(SharedError::Full)
            }
            _ => Err(link.distrust(SharedError::Garbled("put"))),
        }
    }

    /// Makes a change known to all replicas; returns when each has applied it or can trust its
    /// memory no more, within 250 ms and a command's time. With the server away it returns at once,
    /// saying that the change is queued.
    ///
    /// # Errors
    /// Where the change names a slot that does not exist, or too many.
    pub async fn invalidate(&self, change: &Change) -> Result<Acknowledged, SharedError> {
        let began = Instant::now();
        self.check(change)?;
        let up = || self.inner.link().is_some();
        let outcome = match self.inner.outbox.push(change, up) {
            Some(ticket) => ticket.await.unwrap_or(Outcome::Queued),
            None => Outcome::Queued,
        };
        if outcome == Outcome::Queued {
            // Nobody else heard of it; this process has, at least.
            self.inner.bus.local(change);
        }
        Ok(outcome.acknowledged(began))
    }

    /// Like [`Self::invalidate`], for a change that every replica learns of out of the same feed, as
    /// everything after number `span.start` up to `span.end`. One of them makes it known; the others
    /// only apply it.
    ///
    /// # Errors
    /// As for [`Self::invalidate`].
    pub async fn invalidate_once(
        &self,
        change: &Change,
        span: &Range<u64>,
    ) -> Result<Acknowledged, SharedError> {
        let began = Instant::now();
        self.check(change)?;
        let Some(link) = self.inner.link() else {
            return self.invalidate(change).await;
        };
        match sender::send_once(&self.inner, &link, change, span).await {
            Ok(Some(outcome)) => Ok(outcome.acknowledged(began)),
            Ok(None) => {
                self.inner.bus.local(change);
                let outcome = Outcome::Settled {
                    replicas: 1,
                    lapsed: 0,
                };
                Ok(outcome.acknowledged(began))
            }
            Err(_) => self.invalidate(change).await,
        }
    }

    fn check(&self, change: &Change) -> Result<(), SharedError> {
        let Touched::Slots(slots) = &change.touched else {
            return Ok(());
        };
        let count = slots.len() + change.gently.len();
        check_size("the change's slots", count, CHANGE_SLOTS_MAX)?;
        let last = slots.iter().chain(&change.gently).max();
        let last = last.map_or(0, |slot| *slot as usize);
        check_size("a slot", last, self.inner.options.slots as usize - 1)
    }

    /// Comes when the server is found to be away, the next time after this was called: memory is
    /// believed no more, unless somebody vouches for it ([`crate::Cache::vouch`]).
    pub fn lost(&self) -> impl Future<Output = ()> + '_ {
        self.inner.lost.notified()
    }

    /// How the tier does, and what it has done.
    pub fn health(&self) -> SharedHealth {
        self.inner.health()
    }

    /// The text by which a lease is known to be this process's.
    fn token(&self, number: u64) -> String {
        format!("{}:{number}", self.inner.member)
    }
}

fn check_size(what: &'static str, size: usize, max: usize) -> Result<(), SharedError> {
    if size > max {
        return Err(SharedError::TooLarge { what, size, max });
    }
    Ok(())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
