//! Callers that leave while it runs, and a stop that nobody waits out.

use std::{fs, time::Duration};

use tempfile::TempDir;
use tokio::time::{Instant, timeout};

use super::{BATCHED, HELD, InferRequest, ask, numbers, serve, trials::until};
use crate::{InferenceError, batcher::EXPLAINED_ROWS};

/// So many rows, explained.
fn explained(rows: usize) -> InferRequest {
    InferRequest {
        explain: true,
        ..ask(&vec![1.0; rows])
    }
}

/// What the model of version 1 wrote down, a letter for each time.
fn times(folder: &TempDir, what: &str) -> usize {
    fs::read(folder.path().join("m/1").join(what)).map_or(0, |it| it.len())
}

#[tokio::test]
async fn rows_are_explained_by_parts_and_no_more_once_nobody_waits() {
    let rows = 3 * EXPLAINED_ROWS as usize + 1;
    let (folder, server) = serve(BATCHED, &["2"], 10).await;
    let reply = server.infer(explained(rows)).await.unwrap();
    assert_eq!(reply.outputs[1].shape, [rows as u64, 1]);
    assert_eq!(
        reply.outputs[1].values,
        ask(&vec![1.0; rows]).inputs[0].values
    );
    assert_eq!(times(&folder, "explained"), 4);

    let held = folder.path().join("m/1/held");
    fs::write(&held, "").unwrap();
    let left = tokio::spawn({
        let server = server.clone();
        async move { server.infer(explained(rows)).await }
    });
    until(|| times(&folder, "explained") == 5).await;
    left.abort();
    left.await.unwrap_err();
    fs::remove_file(held).unwrap();
    // The one thread is free once it has noticed.
    assert_eq!(numbers(&server.infer(ask(&[1.0])).await.unwrap()), [2.0]);
    assert_eq!(times(&folder, "explained"), 5);
}

#[tokio::test]
async fn what_cannot_be_explained_in_time_is_refused_once_it_is_known_what_a_row_takes() {
    let (folder, server) = serve(BATCHED, &["2"], 10).await;
    let held = folder.path().join("m/1/held");
    fs::write(&held, "").unwrap();
    let first = tokio::spawn({
        let server = server.clone();
        async move { server.infer(explained(1)).await }
    });
    until(|| times(&folder, "explained") == 1).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    fs::remove_file(held).unwrap();
    first.await.unwrap().unwrap();
    // Scores alone would be there in time: a millisecond each.
    let mut request = explained(100);
    request.deadline = Some(Instant::now() + Duration::from_secs(1));
    let lease = server.pipeline.models.cache.try_lease("m", 1).unwrap();
    assert!(lease.cost(&request, 100) > Some(Duration::from_secs(1)));
    let error = server.infer(request).await.unwrap_err();
    assert!(matches!(error, InferenceError::Deadline), "{error}");
    assert_eq!(times(&folder, "explained"), 1);
}

#[tokio::test]
async fn a_run_that_does_not_end_holds_up_no_stop() {
    let (folder, server) = serve(BATCHED, &["2"], 10).await;
    let held = folder.path().join("m/1/held");
    fs::write(&held, "").unwrap();
    let left = tokio::spawn({
        let server = server.clone();
        async move { server.infer(ask(&[HELD])).await }
    });
    until(|| times(&folder, "begun") == 1).await;
    left.abort();
    let stopped = timeout(Duration::from_secs(60), server.close()).await;
    fs::remove_file(held).unwrap();
    stopped.unwrap();
}
