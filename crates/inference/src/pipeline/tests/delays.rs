//! Batches that wait for more rows.

use std::fs;

use super::{BATCHED, InferRequest, ask, numbers, serve};

/// No test waits for as long.
pub(super) const DELAYED: &str = "[batching]\nmode = \"batched\"\nrows_max = 2\ndelay_us = 60000000\n\
    [limits]\ndeadline_ms = 0\n";

#[tokio::test]
async fn a_batch_that_waits_for_rows_lets_other_models_run_and_goes_once_it_has_them() {
    let (folder, server) = serve(DELAYED, &["2"], 10).await;
    let other = folder.path().join("other");
    fs::create_dir_all(other.join("1")).unwrap();
    fs::write(other.join("1/model.txt"), "5").unwrap();
    fs::write(other.join("config.toml"), BATCHED).unwrap();
    server.refresh().await.unwrap();
    let first = tokio::spawn({
        let server = server.clone();
        async move { server.infer(ask(&[1.0])).await }
    });
    let state = loop {
        if let Some(state) = server.pipeline.states.find("m", 1)
            && state.queue.waits() == 1
        {
            break state;
        }
        tokio::task::yield_now().await;
    };
    // The one thread is free for another model.
    for value in [1.0, 2.0] {
        let reply = server.infer(InferRequest {
            model: "other".to_owned(),
            ..ask(&[value])
        });
        assert_eq!(numbers(&reply.await.unwrap()), [5.0 * value]);
    }
    assert_eq!(state.queue.waits(), 1);
    let second = server.infer(ask(&[3.0])).await.unwrap();
    assert_eq!(numbers(&second), [6.0]);
    assert_eq!(numbers(&first.await.unwrap().unwrap()), [2.0]);
    let counted = &server.statistics(Some("m")).unwrap()[0];
    assert_eq!(counted.batches, [(2, 1)]);
    server.close().await;
}

#[tokio::test]
async fn a_batch_that_waits_for_rows_holds_up_no_stop() {
    let (_folder, server) = serve(DELAYED, &["2"], 10).await;
    let left = tokio::spawn({
        let server = server.clone();
        async move { server.infer(ask(&[1.0])).await }
    });
    while server
        .pipeline
        .states
        .find("m", 1)
        .is_none_or(|it| it.queue.waits() == 0)
    {
        tokio::task::yield_now().await;
    }
    server.close().await;
    let error = left.await.unwrap().unwrap_err();
    assert!(matches!(error, crate::InferenceError::Stopping), "{error}");
}
