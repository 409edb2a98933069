//! What speaks for and against a candidate, and how long.

use super::{
    serve,
    trials::{canary, keyed, shadow, until, view},
};
use crate::Outcome;

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
