//! Short by default; the full size is `examples/stress`.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{DIRECT, InferReply, ModelServer, ask, numbers, serve};
use crate::{InferenceError, VersionRef};

/// Every row of an answer is that of the version which says it gave it.
fn is_whole(reply: &InferReply) -> bool {
    let factor = [2.0, 3.0][reply.version as usize - 1];
    numbers(reply) == [factor; 3]
}

async fn keep_asking(server: Arc<ModelServer>, stop: Arc<AtomicBool>) -> u64 {
    let mut answered = 0;
    // At least once, however late a busy machine lets it begin.
    while answered == 0 || !stop.load(Ordering::Relaxed) {
        let reply = server.infer(ask(&[1.0; 3])).await.unwrap();
        assert!(is_whole(&reply), "{reply:?}");
        assert_eq!(reply.fallback, None);
        answered += 1;
        tokio::task::yield_now().await;
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promotions_and_roll_backs_under_load_fail_no_request_and_mix_no_answer() {
    for more in ["", "[results]\nttl_ms = 1\n"] {
        let config = format!("{DIRECT}{more}[labels]\nstable = 1\n");
        let (_folder, server) = serve(&config, &["2", "3"], 100).await;
        let stop = Arc::new(AtomicBool::new(false));
        let askers = [0; 2].map(|_| tokio::spawn(keep_asking(server.clone(), stop.clone())));
        for _ in 0..15 {
            server.promote("m", 2, false).await.unwrap();
            assert_eq!(server.infer(ask(&[1.0; 3])).await.unwrap().version, 2);
            server.roll_back("m").await.unwrap();
            assert_eq!(server.infer(ask(&[1.0; 3])).await.unwrap().version, 1);
        }
        stop.store(true, Ordering::Relaxed);
        for asker in askers {
            assert!(asker.await.unwrap() > 0);
        }
        server.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loads_and_unloads_under_load_lose_nothing_but_what_comes_after_an_unload() {
    let (_folder, server) = serve(DIRECT, &["2"], 100).await;
    for _ in 0..50 {
        server.load("m", &VersionRef::Serving).await.unwrap();
        let racing = [0; 4].map(|_| {
            let server = Arc::clone(&server);
            tokio::spawn(async move { server.infer(ask(&[1.0; 3])).await })
        });
        server.unload("m").await.unwrap();
        for one in racing {
            match one.await.unwrap() {
                Ok(reply) => assert!(is_whole(&reply)),
                Err(error) => assert!(matches!(error, InferenceError::Unloaded(_)), "{error}"),
            }
        }
        // Who loaded may hold the version a moment longer than those who waited.
        while server.cache_figures().bytes > 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(server.cache_figures().loads, 50);
}

#[tokio::test]
async fn settings_of_a_model_in_memory_take_effect_without_a_load() {
    let (folder, server) = serve(DIRECT, &["2"], 100).await;
    server.infer(ask(&[1.0])).await.unwrap();
    let full = "[batching]\nmode = \"batched\"\nqueue_max = 0\n";
    fs::write(folder.path().join("m/config.toml"), full).unwrap();
    server.refresh().await.unwrap();
    let error = server.infer(ask(&[1.0])).await.unwrap_err();
    assert!(
        matches!(error, InferenceError::ModelBusy { bound: 0, .. }),
        "{error}"
    );
    assert_eq!(server.cache_figures().loads, 1);
}
