use std::{sync::atomic::AtomicU64, thread};

use tempfile::TempDir;
use trees::Precision;

use super::*;
use crate::{
    Eviction, LoadState, Values,
    fixtures::{options, put, row, stump},
    loader,
    repository::Repository,
};

struct Bench {
    folder: TempDir,
    repository: Repository,
    cache: ModelCache,
}

impl Bench {
    /// Models `m0`, `m1`, …, each answering its own number.
    fn new(models: usize, change: impl FnOnce(&mut ServerOptions)) -> Self {
        Self::reading(models, loader::read, change)
    }

    fn reading(models: usize, read: Reader, change: impl FnOnce(&mut ServerOptions)) -> Self {
        let folder = TempDir::new().unwrap();
        for model in 0..models {
            let bytes = stump(model as f64, model as f64, Precision::Double);
            put(folder.path(), &format!("m{model}"), 1, &bytes);
        }
        let mut options = options(&folder);
        change(&mut options);
        let it = Self {
            repository: Repository::open(folder.path()).unwrap(),
            cache: ModelCache::new(options, read),
            folder,
        };
        it.sync();
        it
    }

    fn sync(&self) {
        self.repository.refresh().unwrap();
        let entries = self.repository.entries();
        self.cache
            .sync(entries.values().flat_map(|it| it.sources()).collect());
    }

    async fn answer(&self, model: &str) -> f64 {
        answer(&self.cache.lease(model, 1).await.unwrap())
    }
}

fn answer(lease: &Lease) -> f64 {
    match &lease.backend.run(&row(1.0)).unwrap()[0].values {
        Values::Fp64(it) => it[0],
        other => panic!("{other:?}"),
    }
}

/// Bytes of one model.
async fn size() -> u64 {
    let bench = Bench::new(1, |_| {});
    bench.cache.lease("m0", 1).await.unwrap().size_bytes()
}

#[tokio::test]
async fn many_waiters_cost_one_load() {
    let bench = Bench::new(1, |_| {});
    let cache = &bench.cache;
    let waiters: Vec<_> = (0..100)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.lease("m0", 1).await.map(|it| answer(&it)) })
        })
        .collect();
    for waiter in waiters {
        assert_eq!(waiter.await.unwrap().unwrap(), 0.0);
    }
    let figures = cache.figures();
    assert_eq!((figures.loads, figures.in_use, figures.resident), (1, 0, 1));
    assert!(cache.try_lease("m0", 1).is_some());
    assert!(cache.try_lease("m0", 2).is_none() && cache.try_lease("m1", 1).is_none());
}

#[tokio::test]
async fn the_one_used_longest_ago_makes_room() {
    let size = size().await;
    let bench = Bench::new(3, |it| it.budget_bytes = 2 * size);
    bench.answer("m0").await;
    bench.answer("m1").await;
    bench.answer("m0").await;
    bench.answer("m2").await;
    let kept = [0, 1, 2].map(|it| bench.cache.try_lease(&format!("m{it}"), 1).is_some());
    assert_eq!(kept, [true, false, true]);
    let figures = bench.cache.figures();
    assert_eq!((figures.evictions, figures.bytes), (1, 2 * size));
}

#[tokio::test]
async fn by_cost_what_is_in_demand_stays() {
    let size = size().await;
    let bench = Bench::new(3, |it| {
        it.budget_bytes = 2 * size;
        it.eviction = Eviction::Cost;
    });
    for _ in 0..5_000 {
        bench.answer("m0").await;
    }
    bench.answer("m1").await;
    bench.answer("m2").await;
    let kept = [0, 1, 2].map(|it| bench.cache.try_lease(&format!("m{it}"), 1).is_some());
    assert_eq!(kept, [true, false, true]);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_use_is_never_evicted() {
    let size = size().await;
    let bench = Bench::new(2, |it| it.budget_bytes = size);
    let held = bench.cache.lease("m0", 1).await.unwrap();
    let error = bench.cache.load("m1", 1).await.unwrap_err();
    assert!(matches!(error, InferenceError::NoRoom { wanted_bytes, .. } if wanted_bytes == size));
    assert!(bench.cache.try_lease("m0", 1).is_some());
    drop(held);
    bench.cache.load("m1", 1).await.unwrap();
    assert!(bench.cache.try_lease("m0", 1).is_none());
}

#[tokio::test]
async fn what_does_not_fit_at_all_evicts_nothing() {
    let size = size().await;
    let bench = Bench::new(3, |it| {
        it.budget_bytes = 3 * size;
        it.load_wait_max = Duration::from_millis(5);
    });
    let large: Vec<u8> = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../trees/tests/golden/lightgbm/binary.txt"
    ))
    .unwrap();
    let folder = bench.folder.path().join("large/1");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("model.txt"), large).unwrap();
    bench.sync();
    let held = bench.cache.lease("m0", 1).await.unwrap();
    bench.answer("m1").await;
    bench.answer("m2").await;
    for _ in 0..2 {
        let error = bench.cache.load("large", 1).await.unwrap_err();
        assert!(
            matches!(error, InferenceError::NoRoom { wanted_bytes, .. } if wanted_bytes > 3 * size)
        );
    }
    // Nor does one that would fit alone, while others are in use.
    let second = bench.cache.lease("m1", 1).await.unwrap();
    let reserved = bench.cache.inner.reserve(None, 2 * size);
    assert!(reserved.is_none());
    let kept = [0, 1, 2].map(|it| bench.cache.try_lease(&format!("m{it}"), 1).is_some());
    assert_eq!((kept, bench.cache.figures().evictions), ([true; 3], 0));
    drop((held, second));
    assert!(bench.cache.inner.reserve(None, 2 * size).is_some());
}

#[tokio::test]
async fn a_pinned_version_is_loaded_at_once_and_stays() {
    let size = size().await;
    let bench = Bench::new(2, |it| {
        it.budget_bytes = size;
        it.load_wait_max = Duration::from_millis(20);
    });
    std::fs::write(bench.folder.path().join("m0/config.toml"), "pin = true").unwrap();
    bench.sync();
    while !bench.cache.is_warm() {
        tokio::task::yield_now().await;
    }
    assert!(bench.cache.try_lease("m0", 1).is_some());
    let error = bench.cache.load("m1", 1).await.unwrap_err();
    assert!(matches!(error, InferenceError::NoRoom { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_load_is_not_tried_again_at_once_and_the_wait_doubles() {
    let bench = Bench::new(1, |_| {});
    put(bench.folder.path(), "m0", 1, b"no model");
    bench.sync();
    let mut waits = Vec::new();
    for _ in 0..4 {
        let error = bench.cache.lease("m0", 1).await.unwrap_err();
        let InferenceError::NotLoaded {
            retry_after: Some(wait),
            ..
        } = error
        else {
            panic!("{error}");
        };
        bench.cache.lease("m0", 1).await.unwrap_err();
        waits.push(wait.as_secs());
        tokio::time::advance(wait).await;
    }
    assert_eq!(waits, [1, 2, 3, 3]);
    assert_eq!(bench.cache.figures().load_failures, 4);
    let slot = bench.cache.slot("m0", 1).unwrap();
    assert_eq!(slot.progress().0, LoadState::Failed);
    put(
        bench.folder.path(),
        "m0",
        1,
        &stump(7.0, 7.0, Precision::Double),
    );
    bench.sync();
    assert_eq!(bench.answer("m0").await, 7.0);
}

#[tokio::test]
async fn a_waiter_gives_up_but_the_load_goes_on() {
    fn slowly(source: &Source) -> Result<Loaded, String> {
        thread::sleep(Duration::from_millis(100));
        loader::read(source)
    }
    let bench = Bench::reading(1, slowly, |it| it.load_wait_max = Duration::from_millis(5));
    let error = bench.cache.lease("m0", 1).await.unwrap_err();
    assert_eq!(error.to_string(), "model m0 version 1 is loading");
    bench.cache.load("m0", 1).await.unwrap();
    assert_eq!(bench.cache.figures().loads, 1);
}

#[tokio::test]
async fn a_load_that_panics_is_a_failure() {
    fn broken(_: &Source) -> Result<Loaded, String> {
        panic!("by test")
    }
    let bench = Bench::reading(1, broken, |_| {});
    let error = bench.cache.lease("m0", 1).await.unwrap_err();
    assert!(
        error.to_string().ends_with("reading it broke off"),
        "{error}"
    );
}

#[tokio::test]
async fn unloaded_by_hand_waits_for_a_load_and_gives_its_memory_back() {
    let bench = Bench::new(1, |_| {});
    let held = bench.cache.lease("m0", 1).await.unwrap();
    bench.cache.unload("m0");
    let error = bench.cache.lease("m0", 1).await.unwrap_err();
    assert!(matches!(error, InferenceError::Unloaded(_)), "{error}");
    assert_eq!(answer(&held), 0.0);
    assert_eq!(bench.cache.figures().bytes, held.size_bytes());
    drop(held);
    assert_eq!(bench.cache.figures().bytes, 0);
    bench.cache.load("m0", 1).await.unwrap();
    assert_eq!(bench.answer("m0").await, 0.0);
}

#[tokio::test]
async fn after_close_nothing_loads() {
    let bench = Bench::new(1, |_| {});
    bench.cache.close().await;
    let error = bench.cache.lease("m0", 1).await.unwrap_err();
    assert!(matches!(error, InferenceError::Stopping), "{error}");
}

#[tokio::test]
async fn a_deleted_version_stops_serving() {
    let bench = Bench::new(1, |_| {});
    bench.answer("m0").await;
    std::fs::remove_dir_all(bench.folder.path().join("m0/1")).unwrap();
    bench.sync();
    let error = bench.cache.lease("m0", 1).await.unwrap_err();
    assert_eq!(error.to_string(), "model m0 has no version 1");
    assert_eq!(bench.cache.figures().bytes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_changed_file_takes_over_without_a_gap_or_a_mixed_answer() {
    let bench = Bench::new(1, |_| {});
    bench.answer("m0").await;
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (cache, stop) = (bench.cache.clone(), Arc::clone(&stop));
            thread::spawn(move || {
                let mut last = 0.0;
                while !stop.load(Ordering::Relaxed) {
                    let lease = cache.try_lease("m0", 1).expect("there is no gap");
                    let (first, second) = (answer(&lease), answer(&lease));
                    assert!(first == second && first >= last, "{first} {second} {last}");
                    last = first;
                }
            })
        })
        .collect();
    for swap in 1..=30 {
        let wanted = f64::from(swap);
        put(
            bench.folder.path(),
            "m0",
            1,
            &stump(wanted, wanted, Precision::Double),
        );
        bench.sync();
        while answer(&bench.cache.try_lease("m0", 1).unwrap()) != wanted {
            tokio::task::yield_now().await;
        }
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(bench.cache.figures().resident, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_requests_race_loads_unloads_and_evictions_without_a_failure() {
    const MODELS: u64 = 12;
    let size = size().await;
    let bench = Bench::new(MODELS as usize, |it| {
        it.budget_bytes = 4 * size;
        it.load_wait_max = Duration::from_secs(60);
    });
    let refused = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..1_000_u64)
        .map(|task| {
            let (cache, refused) = (bench.cache.clone(), Arc::clone(&refused));
            tokio::spawn(async move {
                let number = task * 7919 % MODELS;
                let model = format!("m{number}");
                match task % 20 {
                    // Unload and load again: between the two a request may be refused.
                    0 => cache.unload("m3"),
                    1 => cache.load("m3", 1).await.or_else(only_unloaded).unwrap(),
                    _ => match cache.lease(&model, 1).await {
                        Ok(lease) => {
                            assert_eq!(answer(&lease), number as f64);
                            tokio::task::yield_now().await;
                            assert_eq!(answer(&lease), number as f64);
                        }
                        Err(error) => {
                            assert_eq!(number, 3, "{error}");
                            only_unloaded(error).unwrap();
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                    },
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let figures = bench.cache.figures();
    assert!(figures.evictions > 0 && figures.in_use == 0, "{figures:?}");
    assert!(figures.bytes <= 4 * size, "{figures:?}");
    assert!(refused.load(Ordering::Relaxed) <= 1_000 / MODELS + 1);
}

/// Prints what it measures: `cargo test --release -p inference --lib the_hit_path -- --nocapture`.
#[tokio::test]
#[expect(clippy::print_stderr, reason = "it measures")]
async fn the_hit_path_takes_no_lock_and_little_time() {
    const TIMES: u32 = 1_000_000;
    let bench = Bench::new(50, |_| {});
    bench.answer("m7").await;
    let before = spent();
    for _ in 0..TIMES {
        drop(bench.cache.try_lease("m7", 1).unwrap());
    }
    let took = (spent() - before) / TIMES;
    eprintln!("a lease on what is in memory: {took:?} of processor time");
    assert!(took < Duration::from_micros(2), "{took:?}");
}

/// Time that this thread has been on a processor.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

fn only_unloaded(error: InferenceError) -> Result<(), InferenceError> {
    match error {
        InferenceError::Unloaded(_) => Ok(()),
        other => Err(other),
    }
}
