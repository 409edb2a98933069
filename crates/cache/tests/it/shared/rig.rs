//! What the tests of the shared tier start from: a server, replicas of the cache, a recorder.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cache::shared::{
    Begin, Change, Fence, Frame, Listener, Shared, SharedOptions, Stored, Touched,
};

pub(super) const SCHEMA: u64 = 7;
pub(super) const SLOTS: u32 = 1 << 10;

/// Options for a server at `url`, of a process that no other test has.
pub(super) fn options(url: &str) -> SharedOptions {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let mut identity = [0; 16];
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    identity[..8].copy_from_slice(&number.to_be_bytes());
    identity[8..12].copy_from_slice(&std::process::id().to_be_bytes());
    SharedOptions {
        slots: SLOTS,
        // The machine that tests run on is busy.
        command_timeout: Duration::from_millis(150),
        ..SharedOptions::new(url, identity)
    }
}

/// A replica whose connection is up and whose memory is proven.
pub(super) async fn replica(url: &str) -> (Shared, Arc<Memory>) {
    let shared = Shared::connect(options(url)).unwrap();
    let memory = Arc::new(Memory::default());
    shared.attach(memory.clone());
    assert!(
        shared.ready(Duration::from_secs(10)).await,
        "{:?}",
        shared.health()
    );
    (shared, memory)
}

/// Waits until something holds, at most ten seconds; says how long it took.
pub(super) async fn until(what: &str, holds: impl Fn() -> bool) -> Duration {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "not within time: {what}"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    began.elapsed()
}

/// A frame that lives long.
pub(super) fn frame(text: &str, slots: &[u32]) -> Frame {
    Frame {
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        schema: SCHEMA,
        slots: slots.to_vec(),
        age: Duration::ZERO,
        soft: Duration::from_secs(30),
        hard: Duration::from_secs(60),
    }
}

pub(super) fn change(slots: &[u32]) -> Change {
    Change {
        touched: Touched::Slots(slots.to_vec()),
        position: None,
    }
}

pub(super) fn everything() -> Change {
    Change {
        touched: Touched::Everything,
        position: None,
    }
}

/// A fence for a load of `key`.
pub(super) async fn granted(shared: &Shared, key: &str) -> Fence {
    match shared
        .begin(key.as_bytes(), SCHEMA, Duration::from_secs(5))
        .await
        .unwrap()
    {
        Begin::Granted(fence) => fence,
        other => panic!("not granted: {other:?}"),
    }
}

/// Loads and stores `key`.
pub(super) async fn store(shared: &Shared, key: &str, text: &str, slots: &[u32]) {
    let fence = granted(shared, key).await;
    let stored = shared.put(&fence, &frame(text, slots)).await.unwrap();
    assert_eq!(stored, Stored::Kept);
}

/// What is found under `key`.
pub(super) async fn look(shared: &Shared, key: &str) -> Option<String> {
    let found = shared.get(key.as_bytes(), SCHEMA).await.unwrap();
    found.map(|it| String::from_utf8(it.bytes.to_vec()).unwrap())
}

/// A memory that only remembers what it was told.
#[derive(Default)]
pub(super) struct Memory {
    pub(super) changes: Mutex<Vec<Change>>,
    pub(super) forgets: AtomicU64,
    pub(super) until: Mutex<Option<Instant>>,
}

impl Memory {
    /// Whether it may trust what it holds.
    pub(super) fn proven(&self) -> bool {
        self.until
            .lock()
            .unwrap()
            .is_some_and(|it| it > Instant::now())
    }

    pub(super) fn heard(&self, change: &Change) -> bool {
        self.changes.lock().unwrap().contains(change)
    }

    pub(super) fn forgets(&self) -> u64 {
        self.forgets.load(Ordering::SeqCst)
    }
}

impl Listener for Memory {
    fn changed(&self, change: &Change) {
        self.changes.lock().unwrap().push(change.clone());
    }

    fn forget_all(&self) {
        self.forgets.fetch_add(1, Ordering::SeqCst);
    }

    fn proven_until(&self, instant: Instant) {
        *self.until.lock().unwrap() = Some(instant);
    }

    fn unproven(&self) {
        *self.until.lock().unwrap() = None;
    }
}
