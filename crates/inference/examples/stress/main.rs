//! The server of models under what breaks others: swaps, loads and unloads under full load, ten
//! thousand models in a small budget, three times more requests than it can take.
//!
//! `stress swaps|zipf|eviction|batching|kept|overload [FOLDER [COUNT]]`; FOLDER holds the models, and is made;
//! COUNT of requests (zipf) or swaps and cycles (swaps) where another than the full size is wanted.
#![expect(
    clippy::print_stdout,
    reason = "a program whose answer is what it prints"
)]

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use inference::{Eviction, InferenceError, ModelServer, VersionRef};

use made::{Chance, Zipf, ask, model, numbers, options, processor, put, quantile, resident_bytes};

mod load;
mod made;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let folder = arguments.next().map_or_else(
        || std::env::temp_dir().join(format!("stress-{what}")),
        PathBuf::from,
    );
    let count = arguments.next().and_then(|it| it.parse().ok());
    // Only what an earlier run of this program left is taken away.
    let _ = std::fs::remove_dir_all(folder.join("models"));
    let folder = folder.join("models");
    match what.as_str() {
        "swaps" => swaps(&folder, count).await,
        "zipf" => zipf(&folder, count).await,
        "eviction" => eviction(&folder).await,
        "batching" => load::batching(&folder).await,
        "kept" => load::kept(&folder).await,
        "overload" => load::overload(&folder).await,
        _ => println!("stress swaps|zipf|eviction|batching|kept|overload [FOLDER [COUNT]]"),
    }
    let _ = std::fs::remove_dir_all(&folder);
}

/// Asks `m` until told to stop; an answer whose rows differ is mixed.
async fn keep_asking(server: Arc<ModelServer>, stop: Arc<AtomicBool>, seed: u64) -> [u64; 3] {
    let mut chance = Chance(seed);
    let [mut answered, mut failed, mut mixed] = [0; 3];
    while !stop.load(Ordering::Relaxed) {
        match server.infer(ask("m", 4, &mut chance)).await {
            Ok(reply) => {
                answered += 1;
                let rows = numbers(&reply);
                mixed += u64::from(rows.iter().any(|it| *it != rows[0] || it.fract() != 0.0));
            }
            Err(error) => {
                println!("failed: {error}");
                failed += 1;
            }
        }
        if answered % 64 == 0 {
            tokio::task::yield_now().await;
        }
    }
    [answered, failed, mixed]
}

/// 1,000 swaps of a model under full load, then 1,000 loads and unloads of another beside it.
async fn swaps(folder: &Path, count: Option<u64>) {
    let times = count.unwrap_or(1_000);
    put(folder, "m", 1, &model(1, 500, 31, Some(1.0)));
    put(folder, "u", 1, &model(2, 500, 31, Some(7.0)));
    let server = ModelServer::open(options(folder, 1 << 30))
        .await
        .expect("a folder");
    let stop = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..4)
        .map(|seed| tokio::spawn(keep_asking(Arc::clone(&server), Arc::clone(&stop), seed)))
        .collect();
    let cpu = processor();
    let began = Instant::now();
    let mut before = 0;
    for swap in 2..=times + 1 {
        put(folder, "m", 1, &model(swap, 500, 31, Some(swap as f64)));
        server.refresh().await.expect("a folder");
        loop {
            let reply = server
                .infer(ask("m", 1, &mut Chance(swap)))
                .await
                .expect("it serves");
            if numbers(&reply) == [swap as f64] {
                break;
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        if swap == 50 {
            before = resident_bytes();
        }
    }
    println!(
        "{times} swaps in {:.1?}, processor {:.1?}",
        began.elapsed(),
        processor() - cpu
    );
    println!(
        "resident after 50 swaps {before}, after all {}",
        resident_bytes()
    );
    cycles(&server, times).await;
    stop.store(true, Ordering::Relaxed);
    let mut sums = [0; 3];
    for asker in askers {
        let counts = asker.await.expect("it counts to its end");
        sums = std::array::from_fn(|at| sums[at] + counts[at]);
    }
    let [answered, failed, mixed] = sums;
    println!("{answered} answered, {failed} failed, {mixed} mixed");
    server.close().await;
}

/// Loads and unloads `u`, each time with a request under way.
async fn cycles(server: &Arc<ModelServer>, times: u64) {
    let mut before = 0;
    let refused = Arc::new(AtomicU64::new(0));
    for cycle in 0..times {
        server
            .load("u", &VersionRef::Serving)
            .await
            .expect("it loads");
        let (other, refused) = (Arc::clone(server), Arc::clone(&refused));
        let racing = tokio::spawn(async move {
            match other.infer(ask("u", 4, &mut Chance(cycle))).await {
                Ok(reply) => assert_eq!(numbers(&reply), [7.0; 4]),
                Err(InferenceError::Unloaded(_)) => {
                    refused.fetch_add(1, Ordering::Relaxed);
                }
                Err(error) => panic!("{error}"),
            }
        });
        server.unload("u").await.expect("it is known");
        racing.await.expect("answered, or unloaded by hand");
        if cycle == 50 {
            before = resident_bytes();
        }
    }
    let late = refused.load(Ordering::Relaxed);
    println!("{times} loads and unloads: {late} asked after the unload, which says so");
    println!(
        "resident after 50 cycles {before}, after all {}",
        resident_bytes()
    );
}

/// 10,000 models like A under 1 GiB, asked by Zipf's law.
async fn zipf(folder: &Path, count: Option<u64>) {
    const MODELS: usize = 10_000;
    const KINDS: u64 = 16;
    const BUDGET: u64 = 1 << 30;
    let requests = count.unwrap_or(100_000);
    for kind in 0..KINDS {
        put(
            folder,
            &format!("m{kind}"),
            1,
            &model(kind, 500, 31, Some(kind as f64)),
        );
    }
    for number in KINDS as usize..MODELS {
        let version = folder.join(format!("m{number}")).join("1");
        std::fs::create_dir_all(&version).expect("room");
        let like = folder.join(format!("m{}/1/model.trees", number as u64 % KINDS));
        std::fs::hard_link(like, version.join("model.trees")).expect("the same filesystem");
    }
    let empty = resident_bytes();
    let server = ModelServer::open(options(folder, BUDGET))
        .await
        .expect("a folder");
    println!("{MODELS} models known, {} bytes resident", resident_bytes());
    let law = Arc::new(Zipf::new(MODELS));
    let most = Arc::new(AtomicU64::new(0));
    let failed = Arc::new(AtomicU64::new(0));
    let cpu = processor();
    let clients: Vec<_> = (0..4)
        .map(|seed| {
            let (server, law) = (Arc::clone(&server), Arc::clone(&law));
            let (most, failed) = (Arc::clone(&most), Arc::clone(&failed));
            tokio::spawn(async move {
                let mut chance = Chance(seed);
                for number in 0..requests / 4 {
                    let which = law.draw(&mut chance);
                    let request = ask(&format!("m{which}"), 1, &mut chance);
                    match server.infer(request).await {
                        Ok(reply) => assert_eq!(numbers(&reply), [(which as u64 % KINDS) as f64]),
                        Err(error) => {
                            println!("failed: {error}");
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    if number % 64 == 0 {
                        most.fetch_max(resident_bytes(), Ordering::Relaxed);
                    }
                }
            })
        })
        .collect();
    for client in clients {
        client.await.expect("it asks to its end");
    }
    let figures = server.cache_figures();
    println!(
        "{requests} requests of 4 clients, processor {:.1?}: {figures:?}",
        processor() - cpu
    );
    let (most, failed) = (most.load(Ordering::Relaxed), failed.load(Ordering::Relaxed));
    println!("{failed} failed; resident at most {most}, of which {empty} without models");
    println!(
        "that is {:.3} of the budget",
        (most - empty) as f64 / BUDGET as f64
    );
    one_by_one(&server, &law, requests / 5).await;
    server.close().await;
}

/// How long a request takes whose model is in memory, and one whose model is not.
async fn one_by_one(server: &ModelServer, law: &Zipf, requests: u64) {
    let (mut hits, mut lazily) = (Vec::new(), Vec::new());
    let mut chance = Chance(99);
    for _ in 0..requests {
        let request = ask(&format!("m{}", law.draw(&mut chance)), 1, &mut chance);
        let loads = server.cache_figures().loads;
        let began = Instant::now();
        server.infer(request).await.expect("it answers");
        let took = began.elapsed();
        if server.cache_figures().loads == loads {
            hits.push(took);
        } else {
            lazily.push(took);
        }
    }
    for (name, times) in [("in memory", &mut hits), ("lazily loaded", &mut lazily)] {
        let [half, most] = [0.5, 0.99].map(|it| quantile(times, it));
        println!(
            "{name}: {} requests, p50 {half:.1?}, p99 {most:.1?}",
            times.len()
        );
    }
}

/// Least recently used against cost, on models of mixed sizes asked by Zipf's law.
async fn eviction(folder: &Path) {
    const MODELS: usize = 120;
    let mut sizes = Chance(5);
    for number in 0..MODELS {
        // From a hundred trees of 15 leaves to two thousand of 63.
        let trees = 100 << (sizes.next() % 5);
        let leaves = [15, 31, 63][sizes.next() as usize % 3];
        put(
            folder,
            &format!("m{number}"),
            1,
            &model(number as u64, trees, leaves, None),
        );
    }
    let law = Zipf::new(MODELS);
    for budget in [16_u64 << 20, 48 << 20] {
        for (name, eviction) in [("lru", Eviction::Lru), ("cost", Eviction::Cost)] {
            let mut options = options(folder, budget);
            options.eviction = eviction;
            let server = ModelServer::open(options).await.expect("a folder");
            let mut chance = Chance(1);
            let cpu = processor();
            for _ in 0..4_000 {
                let request = ask(&format!("m{}", law.draw(&mut chance)), 1, &mut chance);
                server.infer(request).await.expect("it answers");
            }
            let it = server.cache_figures();
            let hits = it.hits as f64 / (it.hits + it.misses) as f64;
            println!(
                "{name} in {} MiB: hits {hits:.4}, loads {}, load time {:.2?}, processor {:.2?}",
                budget >> 20,
                it.loads,
                it.load_time,
                processor() - cpu
            );
            server.close().await;
        }
    }
}
