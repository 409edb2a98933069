//! What happens when requests come faster than they are answered.

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use inference::{InferenceError, ModelServer};

use super::made::{Chance, ask, model, options, processor, put, quantile};

const LASTS: Duration = Duration::from_secs(4);

/// A server of model `m` like C, with these settings.
async fn serve(folder: &Path, config: &str) -> Arc<ModelServer> {
    put(folder, "m", 1, &model(3, 5_000, 63, None));
    std::fs::write(folder.join("m/config.toml"), config).expect("room");
    let server = ModelServer::open(options(folder, 1 << 30))
        .await
        .expect("a folder");
    server
        .infer(ask("m", 1, &mut Chance(0)))
        .await
        .expect("it answers");
    server
}

/// So many callers, each asking again as soon as it is answered: requests/s and times.
async fn closed(server: &Arc<ModelServer>, callers: u64) -> (f64, Vec<Duration>) {
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..callers)
        .map(|seed| {
            let (server, stop) = (Arc::clone(server), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut chance = Chance(seed);
                let mut times = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let request = ask("m", 1, &mut chance);
                    let began = Instant::now();
                    server.infer(request).await.expect("it answers");
                    times.push(began.elapsed());
                    tokio::task::yield_now().await;
                }
                times
            })
        })
        .collect();
    let began = Instant::now();
    tokio::time::sleep(LASTS).await;
    stop.store(true, Ordering::Relaxed);
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await.expect("it asks to its end"));
    }
    (times.len() as f64 / began.elapsed().as_secs_f64(), times)
}

/// Model C at concurrency 64, each request alone and together.
pub(super) async fn batching(folder: &Path) {
    for mode in [
        "direct", "batched", "direct", "batched", "direct", "batched",
    ] {
        let server = serve(folder, &format!("[batching]\nmode = \"{mode}\"\n")).await;
        let cpu = processor();
        let (per_second, mut times) = closed(&server, 64).await;
        let count = times.len() as f64;
        let spent = (processor() - cpu).as_secs_f64() * 1e6 / count;
        let [half, most] = [0.5, 0.99].map(|it| quantile(&mut times, it));
        println!(
            "{mode}: {per_second:.0} requests/s, p50 {half:.1?}, p99 {most:.1?}, processor {spent:.1} µs a request"
        );
        let view = server
            .statistics(None)
            .expect("no model was named")
            .remove(0);
        println!("  batches {:?}", view.batches);
        server.close().await;
    }
}

/// A model like A: asked, and asked the same again where its results are kept.
pub(super) async fn kept(folder: &Path) {
    const TIMES: u32 = 200_000;
    put(folder, "m", 1, &model(1, 500, 31, None));
    std::fs::write(
        folder.join("m/config.toml"),
        "[batching]\nmode = \"direct\"\n",
    )
    .expect("room");
    put(folder, "k", 1, &model(1, 500, 31, None));
    let config = "[batching]\nmode = \"direct\"\n[results]\nttl_ms = 600000\n";
    std::fs::write(folder.join("k/config.toml"), config).expect("room");
    let mut options = options(folder, 1 << 30);
    options.results_bytes_max = 64 << 20;
    let server = ModelServer::open(options).await.expect("a folder");
    for (name, what) in [("m", "executed"), ("k", "kept")] {
        let request = ask(name, 1, &mut Chance(1));
        server.infer(request.clone()).await.expect("it answers");
        let cpu = processor();
        for _ in 0..TIMES {
            server.infer(request.clone()).await.expect("it answers");
        }
        let spent = (processor() - cpu).as_secs_f64() * 1e9 / f64::from(TIMES);
        println!("{what}: {spent:.0} ns of processor time a request, making the request included");
    }
    server.close().await;
}

/// Three times the requests that can be answered, whoever comes when.
pub(super) async fn overload(folder: &Path) {
    let config = "[batching]\nmode = \"batched\"\nrows_max = 64\n[limits]\nrequests_max = 64\n";
    let server = serve(folder, config).await;
    let (peak, mut times) = closed(&server, 64).await;
    let at_peak = quantile(&mut times, 0.99);
    println!("peak {peak:.0} requests/s, p99 {at_peak:.1?}");
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let refused = Arc::new(Mutex::new(Vec::new()));
    let failed = Arc::new(AtomicU64::new(0));
    let began = Instant::now();
    let mut sent = 0_u64;
    let mut chance = Chance(1);
    let mut tasks = tokio::task::JoinSet::new();
    while began.elapsed() < LASTS {
        let due = (began.elapsed().as_secs_f64() * 3.0 * peak) as u64;
        while sent < due {
            sent += 1;
            let request = ask("m", 1, &mut chance);
            let (server, accepted) = (Arc::clone(&server), Arc::clone(&accepted));
            let (refused, failed) = (Arc::clone(&refused), Arc::clone(&failed));
            tasks.spawn(async move {
                let began = Instant::now();
                let to = match server.infer(request).await {
                    Ok(_) => accepted,
                    Err(InferenceError::ModelBusy { .. }) => refused,
                    Err(_) => {
                        failed.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                };
                to.lock().expect("nobody panics").push(began.elapsed());
            });
        }
        while tasks.try_join_next().is_some() {}
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let lasted = began.elapsed().as_secs_f64();
    while tasks.join_next().await.is_some() {}
    let mut accepted = std::mem::take(&mut *accepted.lock().expect("nobody panics"));
    let mut refused = std::mem::take(&mut *refused.lock().expect("nobody panics"));
    let goodput = accepted.len() as f64 / lasted;
    let [half, most] = [0.5, 0.99].map(|it| quantile(&mut accepted, it));
    println!(
        "offered {:.0}/s, answered {goodput:.0}/s ({:.2} of peak), p50 {half:.1?}, p99 {most:.1?} ({:.2} of peak's)",
        sent as f64 / lasted,
        goodput / peak,
        most.as_secs_f64() / at_peak.as_secs_f64()
    );
    let [half, most] = [0.5, 0.99].map(|it| quantile(&mut refused, it));
    let failed = failed.load(Ordering::Relaxed);
    println!(
        "{} refused, p50 {half:.1?}, p99 {most:.1?}; {failed} failed otherwise",
        refused.len()
    );
    server.close().await;
}
