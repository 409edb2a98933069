//! The caches, each filled with values of 400 bytes under text keys and asked for them.

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use cache::{Cache, CacheOptions, Kind, KindOptions, Rules, Scope, Tag};
use tokio::runtime::{Builder, Runtime};

pub const VALUE_BYTES: usize = 400;
const LIVES: Duration = Duration::from_secs(3_600);

pub type Value = Arc<[u8; VALUE_BYTES]>;

/// A cache that holds everything it is asked for.
pub trait Peer: Send + Sync {
    fn name(&self) -> &'static str;

    /// Asks for the keys at these places, one after the other; says the sum of a byte of each.
    fn ask(&self, keys: &[String], order: &[u32]) -> u64;
}

pub fn value(number: usize) -> Value {
    Arc::new([number as u8; VALUE_BYTES])
}

pub fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("threads can be started")
}

/// How ours is asked.
#[derive(Clone, Copy)]
pub enum Way {
    /// `get_or_load`, the key made from text each time.
    Loading,
    /// `get_or_load`, the key at hand.
    LoadingKeyed,
    /// `get`, the key made from text each time.
    Getting,
    /// `read`, which lends the value, the key made from text each time.
    Reading,
    /// `read`, the key at hand.
    ReadingKeyed,
}

pub struct Ours {
    kind: Kind<[u8; VALUE_BYTES], Infallible>,
    keys: Vec<cache::Key>,
    way: Way,
}

impl Ours {
    pub fn all(keys: &[String]) -> Vec<Box<dyn Peer>> {
        let options = CacheOptions {
            memory_bytes_max: 1 << 30,
            ..CacheOptions::default()
        };
        let cache = Cache::new(&options);
        let kind = cache.kind(KindOptions::new("value", Rules::new(LIVES, LIVES * 2)));
        let kind: Kind<[u8; VALUE_BYTES], Infallible> = kind.expect("its name is free");
        let mut made = Vec::new();
        runtime().block_on(async {
            for (number, key) in keys.iter().enumerate() {
                let key = kind.key(Scope::Public).part(key.as_str()).build();
                let tag = Tag::new("fixture", number as u64);
                let load = move |loading: cache::Loading| async move {
                    loading.tag(&tag);
                    Ok([number as u8; VALUE_BYTES])
                };
                kind.get_or_load(&key, load).await.expect("it loads");
                made.push(key);
            }
        });
        let ways = [
            Way::Loading,
            Way::LoadingKeyed,
            Way::Getting,
            Way::Reading,
            Way::ReadingKeyed,
        ];
        let peer = |way| {
            Box::new(Self {
                kind: kind.clone(),
                keys: made.clone(),
                way,
            }) as Box<dyn Peer>
        };
        ways.into_iter().map(peer).collect()
    }

    fn key(&self, text: &str) -> cache::Key {
        self.kind.key(Scope::Public).part(text).build()
    }
}

impl Peer for Ours {
    fn name(&self) -> &'static str {
        match self.way {
            Way::Loading => "ours, get_or_load",
            Way::LoadingKeyed => "ours, get_or_load, key made before",
            Way::Getting => "ours, get",
            Way::Reading => "ours, read",
            Way::ReadingKeyed => "ours, read, key made before",
        }
    }

    fn ask(&self, keys: &[String], order: &[u32]) -> u64 {
        let load = |_| async { unreachable!("everything is kept") };
        let each = order.iter().map(|at| *at as usize);
        match self.way {
            Way::Loading => runtime().block_on(async {
                let mut sum = 0;
                for at in each {
                    let hit = self.kind.get_or_load(&self.key(&keys[at]), load).await;
                    sum += u64::from(hit.expect("it is kept")[0]);
                }
                sum
            }),
            Way::LoadingKeyed => runtime().block_on(async {
                let mut sum = 0;
                for at in each {
                    let hit = self.kind.get_or_load(&self.keys[at], load).await;
                    sum += u64::from(hit.expect("it is kept")[0]);
                }
                sum
            }),
            Way::Getting => each
                .map(|at| self.kind.get(&self.key(&keys[at])).expect("it is kept"))
                .map(|hit| u64::from(hit[0]))
                .sum(),
            Way::Reading => each
                .map(|at| self.kind.read(&self.key(&keys[at]), |it| u64::from(it[0])))
                .map(|it| it.expect("it is kept"))
                .sum(),
            Way::ReadingKeyed => each
                .map(|at| self.kind.read(&self.keys[at], |it| u64::from(it[0])))
                .map(|it| it.expect("it is kept"))
                .sum(),
        }
    }
}

/// A peer by a function that asks it once.
struct Plain<C, F>(&'static str, C, F);

impl<C: Send + Sync, F: Fn(&C, &str) -> Value + Send + Sync> Peer for Plain<C, F> {
    fn name(&self) -> &'static str {
        self.0
    }

    fn ask(&self, keys: &[String], order: &[u32]) -> u64 {
        let ask = |at: &u32| u64::from((self.2)(&self.1, &keys[*at as usize])[0]);
        order.iter().map(ask).sum()
    }
}

/// A peer by an asynchronous function that asks it once.
struct Waiting<C, F>(&'static str, C, F);

impl<C: Send + Sync, F: AsyncFn(&C, &str) -> Value + Send + Sync> Peer for Waiting<C, F> {
    fn name(&self) -> &'static str {
        self.0
    }

    fn ask(&self, keys: &[String], order: &[u32]) -> u64 {
        runtime().block_on(async {
            let mut sum = 0;
            for at in order {
                sum += u64::from((self.2)(&self.1, &keys[*at as usize]).await[0]);
            }
            sum
        })
    }
}

fn quick(keys: &[String]) -> quick_cache::sync::Cache<String, Value> {
    let cache = quick_cache::sync::Cache::new(keys.len() * 2);
    for (number, key) in keys.iter().enumerate() {
        cache.insert(key.clone(), value(number));
    }
    cache
}

pub fn theirs(keys: &[String]) -> Vec<Box<dyn Peer>> {
    let room = keys.len() as u64 * 2;
    let each = || keys.iter().enumerate();
    let sync = moka::sync::Cache::builder().max_capacity(room);
    let sync = sync.time_to_live(LIVES).build();
    let future = moka::future::Cache::builder().max_capacity(room);
    let future = future.time_to_live(LIVES).build();
    let foyer: foyer_memory::Cache<String, Value> =
        foyer_memory::CacheBuilder::new(room as usize).build();
    let lives = amalgam::EntryOptions::new(LIVES);
    let amalgam = amalgam::Cache::<Value>::builder().default_options(lives);
    let amalgam = amalgam.max_capacity(room).try_build().expect("it is sound");
    runtime().block_on(async {
        for (number, key) in each() {
            sync.insert(key.clone(), value(number));
            future.insert(key.clone(), value(number)).await;
            foyer.insert(key.clone(), value(number));
            amalgam
                .set(key.as_str(), value(number))
                .tags([format!("fixture-{number}")])
                .await
                .expect("it is kept");
        }
    });
    sync.run_pending_tasks();
    vec![
        Box::new(Plain("quick_cache, get", quick(keys), |it: &_, key: &str| {
            quick_cache::sync::Cache::<String, Value>::get(it, key).expect("it is kept")
        })),
        Box::new(Waiting(
            "quick_cache, get_or_insert_async",
            quick(keys),
            async |it: &quick_cache::sync::Cache<String, Value>, key: &str| {
                let make = async { Err::<Value, ()>(()) };
                it.get_or_insert_async(key, make).await.expect("it is kept")
            },
        )),
        Box::new(Plain(
            "moka sync, get",
            sync,
            |it: &moka::sync::Cache<String, Value>, key: &str| it.get(key).expect("it is kept"),
        )),
        Box::new(Waiting(
            "moka future, get_with",
            future,
            async |it: &moka::future::Cache<String, Value>, key: &str| {
                it.get_with_by_ref(key, async { unreachable!("it is kept") }).await
            },
        )),
        Box::new(Plain(
            "foyer, get",
            foyer,
            |it: &foyer_memory::Cache<String, Value>, key: &str| {
                it.get(key).expect("it is kept").value().clone()
            },
        )),
        Box::new(Waiting(
            "amalgam, get_or_set",
            amalgam,
            async |it: &amalgam::Cache<Value>, key: &str| {
                let make = |_| async { Ok::<Value, Infallible>(black_box(value(0))) };
                it.get_or_set(key, make).await.expect("it is kept")
            },
        )),
    ]
}
