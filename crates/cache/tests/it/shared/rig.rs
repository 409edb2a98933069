//! What the tests of the shared tier start from: a server, replicas of the cache, a recorder.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use cache::shared::{
    Begin, Change, Fence, Frame, Listener, Shared, SharedOptions, Stored, Touched, Wish,
};
use cache::{Cache, CacheError, CacheOptions, Key, Kind, KindOptions, Loading, Rules, Scope, Tag};

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
        gently: Vec::new(),
        position: None,
    }
}

pub(super) fn everything() -> Change {
    Change {
        touched: Touched::Everything,
        gently: Vec::new(),
        position: None,
    }
}

/// A fence for a load of `key`.
pub(super) async fn granted(shared: &Shared, key: &str) -> Fence {
    match shared
        .begin(key.as_bytes(), SCHEMA, &Wish::new(Duration::from_secs(5)))
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

/// What a loader of the joined cache fails with.
#[derive(Debug, thiserror::Error)]
#[error("the origin | is ill")]
pub(super) struct Ill;

/// A cache joined to a server, with one kind of numbers whose values replicas share.
#[derive(Clone)]
pub(super) struct Joined {
    pub(super) cache: Cache,
    pub(super) numbers: Kind<u64, Ill>,
}

pub(super) fn rules() -> Rules {
    Rules {
        hard_timeout: Duration::from_secs(10),
        ..Rules::new(Duration::from_secs(60), Duration::from_secs(120))
    }
}

impl Joined {
    /// One whose server need not be there.
    pub(super) fn begin(url: &str, rules: Rules) -> Self {
        Self::begin_with(options(url), rules)
    }

    fn begin_with(options: SharedOptions, rules: Rules) -> Self {
        let cache = Cache::new(&CacheOptions {
            slots: SLOTS,
            ..CacheOptions::default()
        });
        let numbers = KindOptions::new("number", rules).share(
            1,
            |number: &u64, to| to.extend_from_slice(&number.to_be_bytes()),
            |bytes| Some(u64::from_be_bytes(bytes[..].try_into().ok()?)),
        );
        let numbers = cache.kind(numbers).unwrap();
        let shared = Shared::connect(options).unwrap();
        cache.attach(shared).unwrap();
        Self { cache, numbers }
    }

    /// One whose memory is proven, and that waits for the server however long a crowd keeps it.
    pub(super) async fn start_patient(url: &str, rules: Rules) -> Self {
        let patient = SharedOptions {
            command_timeout: Duration::from_secs(20),
            ..options(url)
        };
        let joined = Self::begin_with(patient, rules);
        joined.ready().await;
        joined
    }

    /// One whose memory is proven.
    pub(super) async fn start(url: &str, rules: Rules) -> Self {
        let joined = Self::begin(url, rules);
        joined.ready().await;
        joined
    }

    pub(super) async fn ready(&self) {
        let shared = self.cache.shared().unwrap();
        assert!(
            shared.ready(Duration::from_secs(10)).await,
            "{:?}",
            shared.health()
        );
    }

    pub(super) fn key(&self, number: u64) -> Key {
        self.numbers.key(Scope::Public).part(number).build()
    }

    /// Asks for `number`, which would be loaded as `value` and carries the tag of its row.
    pub(super) async fn ask(&self, number: u64, value: u64) -> cache::Hit<u64> {
        let load = move |loading: Loading| async move {
            loading.tag(&row(number));
            Ok(value)
        };
        let key = self.key(number);
        self.numbers.get_or_load(&key, load).await.unwrap()
    }

    /// Asks for `number`, whose load would fail.
    pub(super) async fn fail(&self, number: u64) -> Result<cache::Hit<u64>, CacheError<Ill>> {
        let key = self.key(number);
        self.numbers.get_or_load(&key, |_| async { Err(Ill) }).await
    }

    pub(super) fn statistics(&self) -> cache::KindStatistics {
        self.cache.statistics().remove(0)
    }
}

/// What the value of `number` is made from.
pub(super) fn row(number: u64) -> Tag {
    Tag::new("row", number)
}
