//! What speaks for and against a candidate, and how long.

use std::{fs, time::Duration};

use tempfile::TempDir;

use super::{
    BAD_ROW, BATCHED, DIRECT, PANIC, SLOW, TRANSIENT, ask,
    delays::DELAYED,
    serve,
    trials::{canary, keyed, shadow, until, view},
};
use crate::{ContentHash, Fallback, InferRequest, InferenceError, ModelServer, Outcome};

#[tokio::test]
async fn a_score_that_is_no_number_opens_no_gate_whoever_has_it() {
    let guard = "[guard]\nscore_margin = 100.0\nscores_min = 1\n";
    for factors in [["2", "nan"], ["nan", "2"], ["nan", "nan"]] {
        let config = format!("{}{guard}", shadow(""));
        let (_folder, server) = serve(&config, &factors, 10).await;
        server.infer(keyed(1.0, "game")).await.unwrap();
        until(|| view(&server, 2).shadow_rows == 1).await;
        let outcome = Outcome::Value(2.0);
        assert_eq!(server.observe("m", "game", outcome).unwrap(), 2);
        let error = server.promote("m", 2, false).await.unwrap_err();
        let wanted = "version 2 scores worse by inf, 100 is allowed";
        assert_eq!(error.to_string(), wanted, "{factors:?}");
        server.close().await;
    }
}

#[tokio::test]
async fn a_canary_that_foretells_no_numbers_is_stopped() {
    let config = canary("score_margin = 100.0\nscores_min = 1\n");
    let config = config.replace("share = 1.0", "share = 0.5");
    let (_folder, server) = serve(&config, &["2", "nan"], 10).await;
    let mut asked = [false; 2];
    for number in 0..100 {
        let key = format!("game {number}");
        let reply = server.infer(keyed(1.0, &key)).await.unwrap();
        asked[reply.version as usize - 1] = true;
        server.observe("m", &key, Outcome::Value(2.0)).unwrap();
        if asked == [true; 2] {
            break;
        }
    }
    until(|| view(&server, 2).canary_stopped.is_some()).await;
    server.close().await;
}

#[tokio::test]
async fn a_canary_that_was_stopped_takes_no_traffic_from_the_next() {
    let config = |version: u64| {
        let canary = "{ version = VERSION, share = 1.0, failures_max = 1 }";
        let canary = canary.replace("VERSION", &version.to_string());
        format!("canary = {canary}\n{DIRECT}[labels]\nstable = 1\n[versions]\nlatest = 3\n")
    };
    let (folder, server) = serve(&config(2), &["2", "-1", "3", "-1"], 10).await;
    // The stop cannot be kept, so that the settings alone say what is the canary.
    fs::create_dir(folder.path().join("m/state.json")).unwrap();
    let answered = async || server.infer(ask(&[1.0])).await.unwrap().version;
    let late = server.pipeline.models.repository.entry("m").unwrap();
    assert_eq!((answered().await, answered().await), (1, 1));
    assert!(server.metrics().contains("canary_stops_total 1\n"));
    fs::write(folder.path().join("m/config.toml"), config(3)).unwrap();
    server.refresh().await.unwrap();
    assert_eq!(answered().await, 3);
    // What the first failed at, and is told of only now, is no stop of the one that is there.
    fs::write(folder.path().join("m/config.toml"), config(4)).unwrap();
    server.refresh().await.unwrap();
    assert_eq!((answered().await, answered().await), (1, 1));
    let state = server.pipeline.states.known("m").unwrap();
    server
        .pipeline
        .stop_canary(&late, &state, "it failed".to_owned());
    assert!(server.metrics().contains("canary_stops_total 2\n"));
    let reply = server.infer(ask(&[1.0])).await.unwrap();
    assert_eq!((reply.version, reply.fallback), (1, None));
    server.close().await;
}

#[tokio::test]
async fn a_fallback_is_asked_within_its_own_bound() {
    for full in [false, true] {
        let config = format!("fallback = \"other\"\n{DIRECT}");
        let (folder, server) = serve(&config, &["-1"], 10).await;
        let other = folder.path().join("other");
        fs::create_dir_all(other.join("1")).unwrap();
        fs::write(other.join("1/model.txt"), "5").unwrap();
        let config = match full {
            true => format!("{DELAYED}requests_max = 1\n"),
            false => format!("{DIRECT}[limits]\nrequests_max = 1\n"),
        };
        fs::write(other.join("config.toml"), config).unwrap();
        server.refresh().await.unwrap();
        if full {
            let server = server.clone();
            tokio::spawn(async move {
                let model = "other".to_owned();
                server
                    .infer(InferRequest {
                        model,
                        ..ask(&[1.0])
                    })
                    .await
            });
        }
        while full && server.admit("other").is_ok() {
            tokio::task::yield_now().await;
        }
        let reply = server.infer(ask(&[1.0])).await;
        let by = reply.as_ref().ok().and_then(|it| it.fallback.clone());
        assert_eq!(by, (!full).then_some(Fallback::OtherModel), "{reply:?}");
        server.close().await;
    }
}

/// Replaces a version's file, and waits until the new one is in memory.
pub(super) async fn replace(folder: &TempDir, server: &ModelServer, version: u64, text: &str) {
    let beside = folder.path().join("beside");
    fs::write(&beside, text).unwrap();
    let file = format!("m/{version}/model.txt");
    fs::rename(beside, folder.path().join(file)).unwrap();
    server.refresh().await.unwrap();
    let wanted = ContentHash::of(text.as_bytes()).to_string();
    until(|| view(server, version).sha256 == wanted).await;
}

#[tokio::test]
async fn a_shadow_is_compared_and_scored_anew_when_a_file_or_the_shadow_changes() {
    let guard = "[guard]\nscore_margin = 0.0\nscores_min = 1\n";
    let config = format!("{}{guard}", shadow(", rows_min = 1, difference_max = 0.1"));
    let (folder, server) = serve(&config, &["2", "2"], 10).await;
    let gather = async || {
        server.infer(keyed(1.0, "game")).await.unwrap();
        until(|| view(&server, 2).shadow_rows == 1).await;
        let outcome = Outcome::Value(2.0);
        assert_eq!(server.observe("m", "game", outcome).unwrap(), 2);
        assert_eq!((view(&server, 1).scored, view(&server, 2).scored), (1, 1));
    };
    let refused = async |what: &str| {
        assert_eq!(view(&server, 2).shadow_rows, 0, "{what}");
        let error = server.promote("m", 2, false).await.unwrap_err();
        let wanted = "version 2 was compared on 0 rows where 1 are wanted";
        assert_eq!(error.to_string(), wanted, "{what}");
    };
    gather().await;
    replace(&folder, &server, 2, "2.0").await;
    refused("the shadow's file").await;
    assert_eq!((view(&server, 1).scored, view(&server, 2).scored), (1, 0));
    replace(&folder, &server, 1, "2.0").await;
    gather().await;
    replace(&folder, &server, 1, "2.00").await;
    refused("the file of what serves").await;
    replace(&folder, &server, 2, "2.00").await;
    gather().await;
    let again = server.config("m").unwrap().shadow.clone();
    server.shadow("m", again).await.unwrap();
    refused("the shadow, set anew").await;
    server.close().await;
}

#[tokio::test]
async fn a_breaker_is_open_for_the_file_that_failed_alone() {
    let config = format!("{DIRECT}[breaker]\nfailures = 1\nopen_ms = 3600000\n");
    let (folder, server) = serve(&config, &["-1"], 10).await;
    server.infer(ask(&[1.0])).await.unwrap_err();
    let error = server.infer(ask(&[1.0])).await.unwrap_err();
    assert!(
        matches!(error, InferenceError::BreakerOpen { .. }),
        "{error}"
    );
    assert!(view(&server, 1).breaker_open);
    replace(&folder, &server, 1, "2").await;
    assert!(!view(&server, 1).breaker_open);
    server.infer(ask(&[1.0])).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_try_that_says_nothing_of_the_version_gives_its_turn_to_the_next() {
    let breaker = "[breaker]\nfailures = 1\nopen_ms = 3600000\n";
    let config = format!("{BATCHED}{breaker}[limits]\ndeadline_ms = 0\n");
    let (_folder, server) = serve(&config, &["2"], 10).await;
    let open = async || {
        server.infer(ask(&[TRANSIENT])).await.unwrap_err();
        let error = server.infer(ask(&[1.0])).await.unwrap_err();
        assert!(
            matches!(error, InferenceError::BreakerOpen { .. }),
            "{error}"
        );
        tokio::time::advance(Duration::from_secs(3_600)).await;
    };
    let misnamed = || {
        let mut request = ask(&[1.0]);
        request.inputs[0].name = "z".to_owned();
        request
    };
    // Refused before it could try, or not told by it what the version is worth.
    for request in [misnamed(), ask(&[BAD_ROW])] {
        open().await;
        let error = server.infer(request).await.unwrap_err();
        let fine = !matches!(error, InferenceError::BreakerOpen { .. });
        assert!(fine, "{error}");
        server.infer(ask(&[1.0])).await.unwrap();
    }
    // Its caller left.
    open().await;
    tokio::select! {
        biased;
        reply = server.infer(ask(&[SLOW])) => panic!("{reply:?}"),
        () = std::future::ready(()) => {}
    }
    server.infer(ask(&[1.0])).await.unwrap();
    assert!(!view(&server, 1).breaker_open);
    server.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_is_counted_once_however_it_fails_and_when_it_came_is_known() {
    for more in ["", "[results]\nttl_ms = 60000\n"] {
        let retry = "[retry]\nattempts = 2\nbackoff_ms = 0\n";
        let breaker = "[breaker]\nfailures = 3\nopen_ms = 3600000\n";
        let mode = "[batching]\nmode = \"direct\"\n";
        let config = format!("{mode}{retry}{breaker}{more}");
        let (_folder, server) = serve(&config, &["-1"], 10).await;
        let counted = || server.statistics(Some("m")).unwrap().remove(0);
        assert_eq!((counted().fail_count, counted().idle), (0, None));
        server.infer(ask(&[1.0])).await.unwrap_err();
        assert_eq!((counted().fail_count, counted().execution_count), (1, 3));
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(counted().idle > Some(Duration::from_secs(59)));
        let error = server.infer(ask(&[1.0])).await.unwrap_err();
        assert!(
            matches!(error, InferenceError::BreakerOpen { .. }),
            "{error}"
        );
        assert_eq!((counted().fail_count, counted().execution_count), (2, 3));
        assert!(counted().idle < Some(Duration::from_secs(59)));
        let mut request = ask(&[1.0]);
        request.inputs.clear();
        server.infer(request).await.unwrap_err();
        assert_eq!(counted().fail_count, 3);
    }
}

#[tokio::test]
async fn what_a_file_foretold_that_was_replaced_scores_nobody() {
    let (folder, server) = serve(DIRECT, &["2"], 10).await;
    server.infer(keyed(1.0, "game")).await.unwrap();
    replace(&folder, &server, 1, "3").await;
    let outcome = Outcome::Value(2.0);
    assert_eq!(server.observe("m", "game", outcome).unwrap(), 0);
    assert_eq!(view(&server, 1).scored, 0);
    server.foretell("m", 1, "game", &[3.0]);
    assert_eq!(server.observe("m", "game", outcome).unwrap(), 1);
    assert_eq!(view(&server, 1).squared_error, Some(1.0));
}

#[tokio::test]
async fn a_number_that_is_given_again_has_no_past() {
    let (folder, server) = serve(&shadow(", rows_min = 1"), &["2", "2"], 10).await;
    server.infer(keyed(1.0, "game")).await.unwrap();
    until(|| view(&server, 2).shadow_rows == 1).await;
    server
        .observe("m", "game", Outcome::Value(2.0))
        .expect("both said so");
    let again = server.config("m").unwrap().shadow.clone();
    server.shadow("m", None).await.unwrap();
    server.remove("m", 2).await.unwrap();
    fs::create_dir(folder.path().join("m/2")).unwrap();
    fs::write(folder.path().join("m/2/model.txt"), "9").unwrap();
    server.refresh().await.unwrap();
    server.shadow("m", again).await.unwrap();
    assert_eq!(
        (view(&server, 2).shadow_rows, view(&server, 2).scored),
        (0, 0)
    );
    let error = server.promote("m", 2, false).await.unwrap_err();
    assert!(error.to_string().contains("on 0 rows"), "{error}");
    server.close().await;
}

#[tokio::test]
async fn a_result_whose_loss_overflows_is_refused_and_scores_nothing() {
    let (_folder, server) = serve(&shadow(""), &["2", "3"], 10).await;
    server.infer(keyed(1.0, "game")).await.unwrap();
    until(|| view(&server, 2).shadow_rows == 1).await;
    let error = server.observe("m", "game", Outcome::Value(1e200));
    let wanted = "the squared error of 1e200 is no finite number";
    assert_eq!(error.unwrap_err().to_string(), wanted);
    let outcome = Outcome::Value(2.0);
    assert_eq!(server.observe("m", "game", outcome).unwrap(), 2);
    assert_eq!(view(&server, 2).squared_error, Some(1.0));
    server.close().await;
}

#[tokio::test]
async fn a_panic_on_rows_opens_no_breaker_and_says_what_it_was() {
    for mode in [DIRECT, BATCHED] {
        let config = format!("{mode}[breaker]\nfailures = 2\nopen_ms = 3600000\n");
        let (folder, server) = serve(&config, &["2"], 10).await;
        for _ in 0..4 {
            let error = server.infer(ask(&[PANIC])).await.unwrap_err();
            let told = "model m version 1 failed: it panicked: asked to";
            assert_eq!(error.to_string(), told);
        }
        server.infer(ask(&[1.0])).await.unwrap();
        // One that panics whatever it is asked is left alone.
        replace(&folder, &server, 1, "inf").await;
        for _ in 0..2 {
            let error = server.infer(ask(&[1.0])).await.unwrap_err();
            assert!(
                error.to_string().ends_with("whatever it is asked"),
                "{error}"
            );
        }
        assert!(view(&server, 1).breaker_open);
    }
}
