//! What the tasks of the shared tier have in common.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use arc_swap::ArcSwapOption;
use sha1_smol::Sha1;
use tokio::sync::Notify;

use super::bus::Bus;
use super::counters::Counters;
use super::link::Link;
use super::options::{Place, SharedOptions};
use super::outbox::Outbox;
use super::script::Scripts;
use super::types::{Incarnation, SharedError, SharedHealth};

/// The parts, shared by the tasks and the callers.
pub(crate) struct Inner {
    pub(crate) options: SharedOptions,
    pub(crate) place: Place,
    pub(crate) keys: Keys,
    pub(crate) scripts: Arc<Scripts>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) bus: Arc<Bus>,
    pub(crate) outbox: Outbox,
    /// This process's name among the members.
    pub(crate) member: String,
    link: ArcSwapOption<Link>,
    /// The server was there and is away.
    pub(crate) lost: Notify,
    status: Mutex<Status>,
    ticks: AtomicU64,
    numbers: AtomicU64,
}

struct Status {
    /// `None` before the first attempt has come to an end.
    up: Option<bool>,
    since: Instant,
    trouble: Option<String>,
}

/// Names of keys and channels; the braces keep them on one node of a cluster.
pub(crate) struct Keys {
    /// What a cluster places the namespace by.
    pub(crate) namespace: String,
    /// What all names begin with.
    root: String,
    pub(crate) versions: Vec<u8>,
    pub(crate) log: Vec<u8>,
    pub(crate) members: Vec<u8>,
    /// Which part of a feed of changes was made known.
    pub(crate) span: Vec<u8>,
    pub(crate) bus: Vec<u8>,
    /// Where this process hears that others have applied its changes.
    pub(crate) own: Vec<u8>,
}

impl Keys {
    fn new(options: &SharedOptions, member: &str) -> Self {
        let SharedOptions {
            namespace, part, ..
        } = options;
        let root = match part.as_str() {
            "" => format!("{{{namespace}}}"),
            part => format!("{{{namespace}}}:{part}"),
        };
        let key = |end: &str| format!("{root}:{end}").into_bytes();
        Self {
            namespace: namespace.clone(),
            versions: key("versions"),
            log: key("log"),
            members: key("members"),
            span: key("span"),
            bus: key("bus"),
            own: key(&format!("bus:{member}")),
            root,
        }
    }

    /// Where a member hears of acknowledgements.
    pub(crate) fn channel_of(&self, member: &str) -> Vec<u8> {
        self.under("bus", member.as_bytes())
    }

    /// The key `end` of a family of keys.
    pub(crate) fn under(&self, family: &str, end: &[u8]) -> Vec<u8> {
        let mut key = format!("{}:{family}:", self.root).into_bytes();
        key.extend_from_slice(end);
        key
    }
}

impl Inner {
    pub(crate) fn new(options: SharedOptions) -> Result<Self, SharedError> {
        let place = options.place()?;
        let member: String = options.identity[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let counters = Arc::new(Counters::default());
        Ok(Self {
            place,
            keys: Keys::new(&options, &member),
            scripts: Arc::new(Scripts::new()),
            bus: Arc::new(Bus::new(member.clone(), counters.clone())),
            counters,
            outbox: Outbox::new(options.queued_slots_max),
            member,
            link: ArcSwapOption::empty(),
            lost: Notify::new(),
            status: Mutex::new(Status {
                up: None,
                since: Instant::now(),
                trouble: None,
            }),
            ticks: AtomicU64::new(0),
            numbers: AtomicU64::new(0),
            options,
        })
    }

    /// The connection, where there is one that works.
    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        self.link.load_full().filter(|link| !link.broken())
    }

    /// The connection, or that there is none.
    pub(crate) fn need_link(&self) -> Result<Arc<Link>, SharedError> {
        self.link().ok_or(SharedError::Away)
    }

    /// From now on `link` is used.
    pub(crate) fn up(&self, link: &Arc<Link>) {
        self.link.store(Some(link.clone()));
        self.turn(true, None);
    }

    /// From now on there is no connection.
    pub(crate) fn down(&self, trouble: &SharedError) {
        let was_up = self.link.swap(None).is_some();
        self.bus.disprove();
        if was_up {
            self.lost.notify_waiters();
        }
        let cause = std::error::Error::source(trouble).map(|it| format!(": {it}"));
        self.turn(
            false,
            Some(format!("{trouble}{}", cause.unwrap_or_default())),
        );
    }

    fn turn(&self, up: bool, trouble: Option<String>) {
        let mut status = self.status.lock().expect("nothing in it panics");
        if status.up != Some(up) {
            status.since = Instant::now();
            match &trouble {
                Some(trouble) => tracing::warn!(trouble, "shared cache away"),
                None => tracing::info!("shared cache there"),
            }
        }
        status.up = Some(up);
        status.trouble = trouble;
    }

    /// How it does.
    pub(crate) fn health(&self) -> SharedHealth {
        let (up, since, trouble) = {
            let status = self.status.lock().expect("nothing in it panics");
            let up = status.up == Some(true);
            (up, status.since.elapsed(), status.trouble.clone())
        };
        SharedHealth {
            up: up && self.link().is_some(),
            since,
            proven: self.bus.proven(),
            clock: self.bus.followed().map_or(0, |(_, applied)| applied),
            queued: self.outbox.len(),
            trouble,
            counts: self.counters.read(),
        }
    }

    /// A number that no entry of this member among the members had before.
    pub(crate) fn next_tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed)
    }

    /// A name that no incarnation had before: this process's identity and a number.
    pub(crate) fn incarnation(&self) -> Incarnation {
        let mut hash = Sha1::new();
        hash.update(b"incarnation");
        hash.update(&self.options.identity);
        hash.update(&self.next_number().to_be_bytes());
        let digest = hash.digest().bytes();
        digest[..16].try_into().expect("a digest has twenty bytes")
    }

    /// A number that was not given before; for tokens, beside the member's name.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}
