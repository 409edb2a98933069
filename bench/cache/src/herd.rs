//! Ten thousand callers on one key that has expired, where its load works and where it fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cache::{Cache, CacheOptions, Kind, KindOptions, Rules, Scope};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

const CALLERS: usize = 10_000;
const TAKES: Duration = Duration::from_millis(50);
const LIVES: Duration = Duration::from_millis(20);
/// How long a crowd is waited for: where each caller loads in turn, it takes minutes.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
struct Ill;

impl std::fmt::Display for Ill {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the origin is ill")
    }
}

impl std::error::Error for Ill {}

pub fn run() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_time().build();
    let runtime = runtime.expect("threads can be started");
    println!("| cache | loads for {CALLERS} callers, {PATIENCE:?} at most | where the load fails |");
    println!("|---|---|---|");
    runtime.block_on(async {
        let mut rows = Vec::new();
        for fails in [false, true] {
            let mut row = Vec::new();
            row.push(("ours", ours(fails).await));
            row.push(("quick_cache", quick(fails).await));
            row.push(("moka future", moka(fails).await));
            row.push(("foyer", foyer(fails).await));
            row.push(("amalgam", amalgam(fails).await));
            rows.push(row);
        }
        for (works, fails) in rows[0].iter().zip(&rows[1]) {
            println!("| {} | {} | {} |", works.0, works.1, fails.1);
        }
    });
}

/// A load that counts itself.
async fn load(loads: Arc<AtomicUsize>, fails: bool) -> Result<u64, Ill> {
    loads.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(TAKES).await;
    if fails { Err(Ill) } else { Ok(1) }
}

/// Lets all callers ask at once; says how many loads there were.
async fn crowd<C, F>(cache: C, ask: impl Fn(C, Arc<AtomicUsize>) -> F) -> usize
where
    C: Clone,
    F: Future<Output = ()> + Send + 'static,
{
    let loads = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new(Barrier::new(CALLERS));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (asked, gate) = (ask(cache.clone(), Arc::clone(&loads)), Arc::clone(&gate));
        callers.spawn(async move {
            gate.wait().await;
            asked.await;
        });
    }
    let all = async {
        while let Some(done) = callers.join_next().await {
            done.expect("no caller panics");
        }
    };
    let _ = tokio::time::timeout(PATIENCE, all).await;
    loads.load(Ordering::SeqCst)
}

async fn ours(fails: bool) -> usize {
    let cache = Cache::new(&CacheOptions::default());
    let kind = cache.kind(KindOptions::new("n", Rules::new(LIVES, LIVES)));
    let kind: Kind<u64, Ill> = kind.expect("its name is free");
    let key = kind.key(Scope::Public).part("key").build();
    kind.get_or_load(&key, |_| async { Ok(0) }).await.expect("it loads");
    tokio::time::sleep(LIVES * 3).await;
    crowd((kind, key), move |(kind, key), loads| async move {
        let _ = kind.get_or_load(&key, move |_| load(loads, fails)).await;
    })
    .await
}

/// It has no time to live: the key is not there.
async fn quick(fails: bool) -> usize {
    let cache = Arc::new(quick_cache::sync::Cache::<String, u64>::new(100));
    crowd(cache, move |cache, loads| async move {
        let _ = cache.get_or_insert_async("key", load(loads, fails)).await;
    })
    .await
}

async fn moka(fails: bool) -> usize {
    let cache = moka::future::Cache::<String, u64>::builder().time_to_live(LIVES).build();
    cache.insert("key".to_owned(), 0).await;
    tokio::time::sleep(LIVES * 3).await;
    crowd(cache, move |cache, loads| async move {
        let _ = cache.try_get_with_by_ref("key", load(loads, fails)).await;
    })
    .await
}

/// It has no time to live: the key is not there.
async fn foyer(fails: bool) -> usize {
    let cache: foyer_memory::Cache<String, u64> = foyer_memory::CacheBuilder::new(100).build();
    crowd(cache, move |cache, loads| async move {
        let _ = cache.get_or_fetch("key", move || load(loads, fails)).await;
    })
    .await
}

async fn amalgam(fails: bool) -> usize {
    let lives = amalgam::EntryOptions::new(LIVES);
    let cache = amalgam::Cache::<u64>::builder().default_options(lives).try_build();
    let cache = cache.expect("it is sound");
    cache.set("key", 0).await.expect("it is kept");
    tokio::time::sleep(LIVES * 3).await;
    crowd(cache, move |cache, loads| async move {
        let _ = cache.get_or_set("key", move |_| load(Arc::clone(&loads), fails)).await;
    })
    .await
}
