use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use super::{
    BATCHED, DIRECT, InferReply, InferRequest, ModelServer, SLOW, TRANSIENT, ask, numbers, serve,
};
use crate::{Fallback, InferenceError, StatisticsView, VersionRef, pipeline::ResultFigures};

const KEPT: &str = "[results]\nttl_ms = 60000\n";

fn counted(server: &ModelServer) -> StatisticsView {
    server.statistics(Some("m")).unwrap().remove(0)
}

fn figures(server: &ModelServer) -> ResultFigures {
    server.pipeline.result_figures()
}

fn replace(folder: &TempDir, text: &str) {
    let beside = folder.path().join("beside");
    fs::write(&beside, text).unwrap();
    fs::rename(beside, folder.path().join("m/1/model.txt")).unwrap();
}

async fn value(server: &ModelServer, request: InferRequest) -> InferReply {
    server.infer(request).await.unwrap()
}

#[tokio::test]
async fn the_same_again_is_answered_from_what_was_kept() {
    for config in [DIRECT, BATCHED] {
        let (_folder, server) = serve(&format!("{config}{KEPT}"), &["3"], 10).await;
        let first = value(&server, ask(&[1.0, 2.0])).await;
        let again = value(&server, ask(&[1.0, 2.0])).await;
        assert_eq!((first.cached, again.cached), (false, true));
        assert_eq!((again.version, numbers(&again)), (1, &[3.0, 6.0][..]));
        let it = counted(&server);
        assert_eq!((it.cache_hit_count, it.cache_miss_count), (1, 1));
        assert_eq!((it.success_count, it.execution_count), (2, 1));
        assert_eq!(figures(&server).entries, 1);
        server.close().await;
    }
}

#[tokio::test]
async fn whatever_changes_the_answer_is_part_of_its_name() {
    let config = format!("{DIRECT}{KEPT}[labels]\nstable = 1\n");
    let (_folder, server) = serve(&config, &["2", "3"], 10).await;
    let with = |change: fn(&mut InferRequest)| {
        let mut request = ask(&[1.0]);
        change(&mut request);
        request
    };
    let requests = [
        with(|_| {}),
        with(|it| it.version = VersionRef::Number(2)),
        with(|it| it.outputs.push("y".to_owned())),
        ask(&[-0.0]),
        ask(&[0.0]),
        ask(&[1.0, 1.0]),
    ];
    for request in &requests {
        assert!(!value(&server, request.clone()).await.cached, "{request:?}");
    }
    for request in requests {
        assert!(value(&server, request.clone()).await.cached, "{request:?}");
    }
    // The version asked for by number is the one that serves.
    let same = with(|it| it.version = VersionRef::Number(1));
    assert!(value(&server, same).await.cached);
}

#[tokio::test]
async fn an_answer_is_kept_for_its_time_and_never_without_room() {
    let config = format!("{DIRECT}[results]\nttl_ms = 20\n");
    let (_folder, server) = serve(&config, &["2"], 10).await;
    value(&server, ask(&[1.0])).await;
    sleep(Duration::from_millis(30)).await;
    assert!(!value(&server, ask(&[1.0])).await.cached);
    let large = vec![1.0; 1 << 16];
    for _ in 0..3 {
        value(&server, ask(&large)).await;
    }
    for number in 0..20_000 {
        value(&server, ask(&[f64::from(number)])).await;
    }
    let it = figures(&server);
    assert!(it.bytes <= 1 << 20 && it.entries > 1_000, "{it:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_equal_requests_at_once_are_one_execution() {
    for config in [DIRECT, BATCHED] {
        let (_folder, server) = serve(&format!("{config}{KEPT}"), &["2"], 2_000).await;
        let joined = Arc::new(AtomicUsize::new(0));
        let tasks: Vec<_> = (0..1_000)
            .map(|number| {
                let (server, joined) = (server.clone(), joined.clone());
                tokio::spawn(async move {
                    // Some leave long before there is an answer, once all have asked.
                    let patience = async {
                        joined.fetch_add(1, Ordering::SeqCst);
                        while number % 10 != 0 || joined.load(Ordering::SeqCst) < 1_000 {
                            sleep(Duration::from_millis(1)).await;
                        }
                    };
                    tokio::select! {
                        biased;
                        reply = server.infer(ask(&[SLOW])) => Some(reply),
                        () = patience => None,
                    }
                })
            })
            .collect();
        let mut answered = 0;
        for task in tasks {
            if let Some(reply) = task.await.unwrap() {
                assert_eq!(numbers(&reply.unwrap()), [2.0 * SLOW]);
                answered += 1;
            }
        }
        assert!(answered >= 900, "{answered}");
        let it = counted(&server);
        assert_eq!(it.execution_count, 1, "{config}");
        assert_eq!(it.cache_miss_count, 1);
        server.close().await;
    }
}

#[tokio::test]
async fn an_execution_that_everybody_left_is_given_up_and_begun_anew() {
    let config = format!("{BATCHED}{KEPT}");
    let (_folder, server) = serve(&config, &["2"], 10).await;
    let busy = server.infer(ask(&[SLOW]));
    let left = async {
        sleep(Duration::from_millis(10)).await;
        timeout(Duration::from_millis(20), server.infer(ask(&[1.0]))).await
    };
    let (busy, left) = tokio::join!(busy, left);
    busy.unwrap();
    left.unwrap_err();
    assert!(!value(&server, ask(&[1.0])).await.cached);
    assert_eq!(
        counted(&server).execution_count,
        2,
        "ran for a caller that left"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_shared_and_not_kept() {
    let config = format!("{BATCHED}[breaker]\nfailures = 0\n{KEPT}");
    let (_folder, server) = serve(&config, &["2"], 100).await;
    let fails = async |server: &ModelServer| {
        let error = server.infer(ask(&[SLOW, TRANSIENT])).await.unwrap_err();
        assert!(matches!(error, InferenceError::Failed { .. }), "{error}");
    };
    tokio::join!(fails(&server), fails(&server), fails(&server));
    let it = counted(&server);
    assert_eq!((it.execution_count, it.fail_count), (1, 3));
    fails(&server).await;
    assert_eq!(counted(&server).execution_count, 2);
}

#[tokio::test]
async fn who_has_more_time_than_the_one_it_waited_for_goes_on() {
    let (_folder, server) = serve(&format!("{BATCHED}{KEPT}"), &["2"], 10).await;
    let soon = |request: InferRequest, ms| InferRequest {
        deadline: Some(tokio::time::Instant::now() + Duration::from_millis(ms)),
        ..request
    };
    let busy = server.infer(ask(&[SLOW]));
    let after = async |request: InferRequest, ms| {
        sleep(Duration::from_millis(10)).await;
        server.infer(soon(request, ms)).await
    };
    let (hasty, patient) = (after(ask(&[1.0]), 30), after(ask(&[1.0]), 30_000));
    let (busy, hasty, patient) = tokio::join!(busy, hasty, patient);
    busy.unwrap();
    assert!(matches!(hasty, Err(InferenceError::Deadline)), "{hasty:?}");
    assert_eq!(numbers(&patient.unwrap()), [2.0]);
}

#[tokio::test]
async fn results_go_with_their_version_and_with_the_content_of_its_file() {
    let config = format!("{DIRECT}{KEPT}[versions]\nlatest = 1\n");
    let (folder, server) = serve(&config, &["2"], 10).await;
    value(&server, ask(&[1.0])).await;
    replace(&folder, "30");
    server.refresh().await.unwrap();
    let mut reply = value(&server, ask(&[1.0])).await;
    while numbers(&reply) != [30.0] {
        assert_eq!(numbers(&reply), [2.0]);
        sleep(Duration::from_millis(1)).await;
        reply = value(&server, ask(&[1.0])).await;
    }
    assert!(!reply.cached);
    assert!(figures(&server).entries > 0);
    fs::create_dir(folder.path().join("m/2")).unwrap();
    fs::write(folder.path().join("m/2/model.txt"), "4").unwrap();
    server.refresh().await.unwrap();
    assert_eq!((figures(&server).entries, figures(&server).bytes), (0, 0));
    assert_eq!(numbers(&value(&server, ask(&[1.0])).await), [4.0]);
}

#[tokio::test]
async fn the_last_good_answer_is_the_last_resort_and_says_so() {
    let config = "last_good = true\nfallback = \"none\"\n";
    let (folder, server) = serve(&format!("{config}{DIRECT}"), &["2"], 10).await;
    value(&server, ask(&[1.0])).await;
    replace(&folder, "no factor");
    server.unload("m").await.unwrap();
    server
        .load("m", &VersionRef::Serving)
        .await
        .expect_err("it is no model");
    let reply = value(&server, ask(&[1.0])).await;
    assert_eq!(reply.fallback, Some(Fallback::LastGood));
    assert_eq!((numbers(&reply), reply.version), (&[2.0][..], 1));
    assert!(reply.cached);
    let error = server.infer(ask(&[2.0])).await.unwrap_err();
    assert!(matches!(error, InferenceError::NotLoaded { .. }), "{error}");
    assert_eq!(figures(&server).stale, 1);
    assert_eq!(counted(&server).fallback_count, 1);
}

#[tokio::test]
async fn a_last_good_answer_that_is_too_old_is_none() {
    for (stale_ms, answered) in [(60_000, true), (0, false)] {
        let config = format!("last_good = true\n{DIRECT}[results]\nstale_ms = {stale_ms}\n");
        let (folder, server) = serve(&config, &["2"], 10).await;
        value(&server, ask(&[1.0])).await;
        replace(&folder, "-1");
        server.unload("m").await.unwrap();
        server.load("m", &VersionRef::Serving).await.unwrap();
        let reply = server.infer(ask(&[1.0])).await;
        assert_eq!(reply.is_ok(), answered, "{reply:?}");
    }
}
