use std::time::Duration;

use tokio::time::sleep;

use super::{
    BAD_ROW, DIRECT, InferRequest, ModelServer, PANIC, TRANSIENT, ask, evidence::replace, numbers,
    serve,
};
use crate::{Fallback, InferenceError, Outcome, VersionView};

/// Version 2 in the shadow of version 1, on all requests.
pub(super) fn shadow(more: &str) -> String {
    format!("shadow = {{ version = 2, share = 1.0{more} }}\n{DIRECT}[labels]\nstable = 1\n")
}

pub(super) fn canary(guard: &str) -> String {
    let canary = "canary = { version = 2, share = 1.0 }\n";
    format!("{canary}{DIRECT}[breaker]\nfailures = 0\n[labels]\nstable = 1\n[guard]\n{guard}")
}

pub(super) fn view(server: &ModelServer, version: u64) -> VersionView {
    server
        .versions(Some("m"))
        .unwrap()
        .remove(version as usize - 1)
}

pub(super) fn keyed(value: f64, key: &str) -> InferRequest {
    InferRequest {
        key: Some(key.to_owned()),
        ..ask(&[value])
    }
}

/// Waits for what happens beside requests.
pub(super) async fn until(what: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if what() {
            return;
        }
        sleep(Duration::from_millis(5)).await;
    }
    panic!("it never happened");
}

#[tokio::test]
async fn a_shadow_is_compared_behind_the_answers_and_gates_promotion() {
    let config = shadow(", rows_min = 10, difference_max = 0.1");
    let (_folder, server) = serve(&config, &["2", "2.5"], 10).await;
    let refused = server.promote("m", 2, false).await.unwrap_err();
    let wanted = "version 2 was compared on 0 rows where 10 are wanted";
    assert_eq!(refused.to_string(), wanted);
    for _ in 0..4 {
        let reply = server.infer(ask(&[1.0, 2.0, 3.0])).await.unwrap();
        assert_eq!((reply.version, numbers(&reply)), (1, &[2.0, 4.0, 6.0][..]));
    }
    until(|| view(&server, 2).shadow_rows == 12).await;
    let it = view(&server, 2);
    assert_eq!(
        (it.shadow_difference, it.shadow_difference_max),
        (Some(1.0), Some(1.5))
    );
    assert_eq!((it.traffic_share, view(&server, 1).shadow_rows), (0.0, 0));
    let refused = server.promote("m", 2, false).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "version 2 differs by 1 where 0.1 is allowed"
    );
    let told = "sports_edge_model_shadow_rows{model=\"m\",version=\"2\"} 12\n";
    assert!(server.metrics().contains(told));
    server.promote("m", 2, true).await.unwrap();
    assert_eq!(server.infer(ask(&[1.0])).await.unwrap().version, 2);
    server.close().await;
}

#[tokio::test]
async fn a_shadow_that_agrees_promotes_itself_and_one_that_does_not_stays() {
    for (factor, promoted) in [("2.01", true), ("9", false)] {
        let config = shadow(", rows_min = 20, difference_max = 0.1, promote = true");
        let (_folder, server) = serve(&config, &["2", factor], 10).await;
        for number in 0..30 {
            server
                .infer(ask(&[1.0 + f64::from(number) / 100.0]))
                .await
                .unwrap();
            sleep(Duration::from_millis(1)).await;
        }
        if promoted {
            until(|| view(&server, 2).labels == ["stable"]).await;
            assert!(server.config("m").unwrap().shadow.is_none());
            assert!(
                server
                    .metrics()
                    .contains("sports_edge_model_shadow_promotions_total 1\n")
            );
            assert_eq!(server.roll_back("m").await.unwrap(), 1);
        } else {
            until(|| view(&server, 2).shadow_rows == 30).await;
            assert_eq!(server.infer(ask(&[1.0])).await.unwrap().version, 1);
        }
        server.close().await;
    }
}

#[tokio::test]
async fn a_shadow_neither_delays_nor_fails_an_answer() {
    // It fails whatever it is asked.
    let (_folder, server) = serve(&shadow(", rows_min = 1"), &["2", "-1"], 10).await;
    for _ in 0..5 {
        server.infer(ask(&[1.0])).await.unwrap();
    }
    until(|| view(&server, 2).shadow_failed == 5).await;
    assert_eq!(view(&server, 2).shadow_rows, 0);
    let error = server.promote("m", 2, false).await.unwrap_err();
    assert!(matches!(error, InferenceError::Refused(_)), "{error}");
    server.close().await;
}

#[tokio::test]
async fn copies_beyond_the_bound_are_dropped_and_counted() {
    let config = shadow("");
    let (_folder, server) = serve(&config, &["2", "3"], 10).await;
    // Nothing yields between these requests, so that nobody takes a copy.
    for number in 0..300 {
        server.infer(ask(&[f64::from(number)])).await.unwrap();
    }
    until(|| view(&server, 2).shadow_rows + view(&server, 2).shadow_dropped == 300).await;
    let dropped = view(&server, 2).shadow_dropped;
    assert!(dropped > 0, "none was dropped");
    let told = format!("sports_edge_model_shadow_dropped_total {dropped}\n");
    assert!(server.metrics().contains(&told));
    server.close().await;
}

#[tokio::test]
async fn results_score_what_was_foretold_by_what_serves_and_in_the_shadow() {
    let config = format!(
        "{}[guard]\nscore_margin = 0.0\nscores_min = 3\n",
        shadow("")
    );
    let (_folder, server) = serve(&config, &["2", "3"], 10).await;
    for (number, value) in [1.0, 2.0, 3.0].into_iter().enumerate() {
        let key = format!("game {number}");
        server.infer(keyed(value, &key)).await.unwrap();
        until(|| view(&server, 2).shadow_rows == number as u64 + 1).await;
        let error = server.observe("m", &key, Outcome::Class(5)).unwrap_err();
        assert!(matches!(error, InferenceError::BadRequest(_)), "{error}");
        // Version 1 says 2 × value, version 2 says 3 × value.
        let outcome = Outcome::Value(2.0 * value);
        assert_eq!(server.observe("m", &key, outcome).unwrap(), 2);
        assert_eq!(server.observe("m", &key, outcome).unwrap(), 0);
    }
    assert_eq!(
        server
            .observe("m", "unheard of", Outcome::Class(1))
            .unwrap(),
        0
    );
    server
        .observe("n", "game 1", Outcome::Class(1))
        .unwrap_err();
    let [first, second] = [1, 2].map(|it| view(&server, it));
    assert_eq!((first.scored, first.squared_error), (3, Some(0.0)));
    assert_eq!((second.scored, second.squared_error), (3, Some(14.0 / 3.0)));
    assert_eq!(second.log_loss, None);
    let error = server.promote("m", 2, false).await.unwrap_err();
    assert!(
        error.to_string().contains("scores worse by 4.66"),
        "{error}"
    );
    let told = "sports_edge_model_squared_error_total{model=\"m\",version=\"2\"} 14\n";
    assert!(server.metrics().contains(told));
    server.close().await;
}

#[tokio::test]
async fn a_canary_that_fails_too_often_is_stopped_for_good_and_says_why() {
    let config = canary("error_rate_max = 0.2\nrequests_min = 10\n");
    let (folder, server) = serve(&config, &["2", "3"], 10).await;
    let fine = server.infer(ask(&[1.0])).await.unwrap();
    assert_eq!((fine.version, numbers(&fine)), (2, &[3.0][..]));
    // What fails wherever it is asked does not speak against the canary.
    for _ in 0..20 {
        server.infer(ask(&[BAD_ROW])).await.unwrap_err();
        server.infer(ask(&[TRANSIENT])).await.unwrap_err();
    }
    assert_eq!(server.infer(ask(&[1.0])).await.unwrap().version, 2);
    std::fs::write(folder.path().join("beside"), "-1").unwrap();
    std::fs::rename(
        folder.path().join("beside"),
        folder.path().join("m/2/model.txt"),
    )
    .unwrap();
    server.refresh().await.unwrap();
    let mut by_another = 0;
    for _ in 0..400 {
        let reply = server.infer(ask(&[1.0])).await.unwrap();
        by_another += u32::from(reply.fallback == Some(Fallback::PreviousVersion));
        sleep(Duration::from_millis(1)).await;
    }
    assert!((2..40).contains(&by_another), "{by_another}");
    until(|| view(&server, 2).canary_stopped.is_some()).await;
    let stopped = view(&server, 2);
    assert_eq!(stopped.traffic_share, 0.0);
    assert!(
        stopped
            .canary_stopped
            .unwrap()
            .ends_with("of its requests failed, 0.2 may")
    );
    assert!(
        server
            .metrics()
            .contains("sports_edge_model_canary_stops_total 1\n")
    );
    let options = server.options().clone();
    server.close().await;

    let again = ModelServer::open_with(options, super::read).await.unwrap();
    let reply = again.infer(ask(&[1.0])).await.unwrap();
    assert_eq!((reply.version, reply.fallback), (1, None));
    assert!(view(&again, 2).canary_stopped.is_some());
    again.canary("m", None).await.unwrap();
    assert!(view(&again, 2).canary_stopped.is_none());
}

#[tokio::test]
async fn a_canary_that_scores_worse_is_stopped() {
    let config = canary("score_margin = 0.5\nscores_min = 4\n");
    let (_folder, server) = serve(
        &config.replace("share = 1.0", "share = 0.5"),
        &["2", "3"],
        10,
    )
    .await;
    let mut asked = [0, 0];
    for number in 0..100 {
        let key = format!("game {number}");
        let reply = server.infer(keyed(1.0, &key)).await.unwrap();
        asked[reply.version as usize - 1] += 1;
        server.observe("m", &key, Outcome::Value(2.0)).unwrap();
        let enough = asked.iter().all(|it| *it >= 4);
        assert_eq!(server.metrics().contains("canary_stops_total 1\n"), enough);
        if enough {
            break;
        }
    }
    until(|| view(&server, 2).canary_stopped.is_some()).await;
    let reason = view(&server, 2).canary_stopped.unwrap();
    assert_eq!(reason, "its score is worse by 1.0000, 0.5 is allowed");
}

#[tokio::test]
async fn a_canary_is_not_stopped_by_what_the_version_that_serves_fails_on_as_well() {
    let canary = "[canary]\nversion = 2\nshare = 1.0\nfailures_max = 2\n[labels]\nstable = 1\n";
    let config = format!("{DIRECT}{canary}[breaker]\nfailures = 0\n");
    let (folder, server) = serve(&config, &["2", "2.5"], 10).await;
    for _ in 0..5 {
        for bad in [BAD_ROW, PANIC, TRANSIENT] {
            server.infer(ask(&[bad])).await.unwrap_err();
        }
        assert_eq!(server.infer(ask(&[1.0])).await.unwrap().version, 2);
    }
    assert!(view(&server, 2).canary_stopped.is_none());
    // It panics where the other answers.
    replace(&folder, &server, 2, "inf").await;
    for _ in 0..2 {
        let reply = server.infer(ask(&[1.0])).await.unwrap();
        assert_eq!(reply.fallback, Some(Fallback::PreviousVersion));
    }
    until(|| view(&server, 2).canary_stopped.is_some()).await;
    let reason = view(&server, 2).canary_stopped.unwrap();
    assert_eq!(reason, "it failed 2 times in a row");
}
