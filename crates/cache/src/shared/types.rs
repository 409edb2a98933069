//! What goes in and out of the shared tier: plain values, one error, one face to be told of changes.

use std::time::{Duration, Instant};

use bytes::Bytes;

/// An entry as the shared tier keeps it: bytes ready to be decoded, and what they depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The value as its kind's codec wrote it, not compressed.
    pub bytes: Bytes,
    /// A number of the value's type and encoding; a frame of another one is a miss.
    pub schema: u64,
    /// The slots of everything it was made from, its own key's included; at most [`SLOTS_MAX`].
    pub slots: Vec<u32>,
    /// How old the value is: since its load began when put, since then by the server's clock when got.
    pub age: Duration,
    /// The age from which it should be made again.
    pub soft: Duration,
    /// The age from which it is gone.
    pub hard: Duration,
}

/// How many slots an entry may depend on.
pub const SLOTS_MAX: usize = 64;

/// What a loader was told when it began, without which nothing can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fence {
    pub(crate) key: Bytes,
    pub(crate) incarnation: Incarnation,
    pub(crate) clock: u64,
    pub(crate) token: u64,
    /// The database position that the load must have seen, the highest any invalidation named.
    pub position: Option<u64>,
}

/// The name of one unbroken memory of the server; a flush, restart or failover makes another.
pub(crate) type Incarnation = [u8; 16];

/// What the server says to somebody who is about to load a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begin {
    /// Load it; the fence is what [`super::Shared::put`] wants back.
    Granted(Fence),
    /// Another replica is loading it; look again after `retry_after`, the lease ends by then.
    Held {
        /// What is left of the other's lease.
        retry_after: Duration,
    },
    /// Another replica's load failed, and nothing that it named has changed since.
    Failed {
        /// What it said of that.
        text: String,
        /// How much longer that is to hold.
        hold: Duration,
    },
    /// Somebody put it meanwhile, fresh and younger than its soft age.
    Ready(Frame),
}

/// What somebody wants who is about to load a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish<'a> {
    /// For how long the load is to be this replica's alone; [`super::Shared::renew`] prolongs it.
    pub lease: Duration,
    /// The age from which an entry is not wanted, where that is less than its soft age.
    pub younger_than: Option<Duration>,
    /// The slots by which another's load or failure is outdated, as far as they are known.
    pub slots: &'a [u32],
}

impl Wish<'_> {
    /// Wants any entry that is young, or else to load for as long as `lease`.
    pub const fn new(lease: Duration) -> Self {
        Self {
            lease,
            younger_than: None,
            slots: &[],
        }
    }
}

/// What became of a frame that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// It is there for every replica.
    Kept,
    /// Something it was made from has changed since its load began, or a newer one is there.
    Outdated,
}

/// What is no longer as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Which entries it touches.
    pub touched: Touched,
    /// More slots, whose entries in memory may stand in while they cannot be made anew.
    pub gently: Vec<u32>,
    /// The database position at which the change can be seen, where there is one.
    pub position: Option<u64>,
}

/// Which entries a change touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// Those that depend on one of these slots.
    Slots(Vec<u32>),
    /// All there are.
    Everything,
}

/// How far an invalidation has come when [`super::Shared::invalidate`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// Replicas that have applied it, this process included.
    pub replicas: usize,
    /// Replicas that said nothing until their lease had run out: they trust their memory no more.
    pub lapsed: usize,
    /// Whether the server is away, so that the change waits in this process and **is not
    /// acknowledged**: others hear of it when the server is back, or by another way.
    pub queued: bool,
    /// Time from the call to the return.
    pub took: Duration,
}

/// Who keeps copies in this process and must hear of every change.
///
/// The methods are called on the connection's tasks, one at a time: they must neither block nor
/// call back into the shared tier.
pub trait Listener: Send + Sync {
    /// Drops what the change touches. Called for the process's own changes too, after the server
    /// has them and before the invalidation returns; called more than once for some.
    fn changed(&self, change: &Change);
    /// Drops everything: what was missed cannot be told.
    fn forget_all(&self);
    /// Memory holds nothing that was invalidated, provably until then.
    fn proven_until(&self, instant: Instant);
    /// From now on nothing in memory is proven, until `proven_until` is called again.
    fn unproven(&self);
}

/// Why the shared tier could not do its part; the caller goes on without it.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// Nothing was asked of the server: it cannot be reached, or the breaker is open.
    #[error("the shared tier is away")]
    Away,
    /// Nothing was asked of the server: too much is under way already.
    #[error("the shared tier has {waiting} requests waiting, as many as may wait")]
    Busy {
        /// How many wait.
        waiting: usize,
    },
    /// The server did not answer in time; what it did is not known.
    #[error("the shared tier did not answer within {0:?}")]
    TimedOut(Duration),
    /// The server's memory is full, so it stored nothing.
    #[error("the shared tier is full")]
    Full,
    /// The server answered what it cannot have meant.
    #[error("the shared tier answered garbage to {0}")]
    Garbled(&'static str),
    /// The server answered with an error.
    #[error("the shared tier refused")]
    Refused(#[source] redis::RedisError),
    /// The caller's key, value or list is longer than may be.
    #[error("{what} has a size of {size}, more than {max}")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size, in bytes or items.
        size: usize,
        /// The largest that may be.
        max: usize,
    },
    /// The setting that says where the server is cannot be read.
    #[error("the address of the shared tier {0}")]
    Address(String),
}

/// How the shared tier does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedHealth {
    /// Whether it answers.
    pub up: bool,
    /// How long it has been up or away.
    pub since: Duration,
    /// Whether memory is proven right now.
    pub proven: bool,
    /// The highest change of the server that this process has applied.
    pub clock: u64,
    /// Changes waiting in this process for the server to return.
    pub queued: usize,
    /// Why it is away, in words.
    pub trouble: Option<String>,
    /// What it has done so far.
    pub counts: SharedCounts,
}

/// Counts of the shared tier since the process began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SharedCounts {
    /// Looks for an entry.
    pub gets: u64,
    /// Looks that found one that was fresh.
    pub hits: u64,
    /// Looks that found one that a change had outdated.
    pub outdated: u64,
    /// Looks that found something that is no frame of that key and schema.
    pub mismatches: u64,
    /// Frames kept.
    pub puts: u64,
    /// Frames not kept, for something they were made from had changed.
    pub puts_outdated: u64,
    /// Frames not kept, for the server was full.
    pub puts_full: u64,
    /// Changes sent by this process.
    pub invalidations: u64,
    /// Changes heard from others.
    pub heard: u64,
    /// Times a change had been missed and was fetched from the log.
    pub gaps: u64,
    /// Times everything had to be forgotten.
    pub forgets: u64,
    /// Times a replica's lease was waited out.
    pub lapses: u64,
    /// Connections made.
    pub connections: u64,
    /// Requests that ran out of time.
    pub timeouts: u64,
    /// Answers that made no sense.
    pub garbage: u64,
    /// Bytes of frames received.
    pub bytes_in: u64,
    /// Bytes of frames sent.
    pub bytes_out: u64,
}
