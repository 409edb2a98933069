//! What the log says of the Open Inference Protocol.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use axum::{body::Body, http::Request};
use serde_json::Value;
use tracing::subscriber::DefaultGuard;

use crate::oip::state;

/// Lines of a log, from the least of levels given.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn begin() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let written = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_max_level(tracing::Level::INFO)
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(written))
    }

    /// What was said of answers since the last look.
    fn answers(&self) -> Vec<Value> {
        let text = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(text).unwrap();
        let lines = text.lines().map(|it| serde_json::from_str(it).unwrap());
        let is_answer = |it: &Value| it["message"].as_str().unwrap().ends_with(" answered");
        lines.filter(is_answer).collect()
    }
}

#[tokio::test]
async fn what_was_refused_has_a_line_that_says_who_asked_what_and_what_went_well_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let state = state(&folder, api::ReadAccess::Open).await;
    let (front, grpc) = (
        api::Front::new(state.clone()),
        api::Grpc::new(state.clone()),
    );
    let router = api::router(state);
    let (log, _kept) = Log::begin();
    let ask = async |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("x-request-id", "mine");
        let request = request.body(Body::from("{}")).unwrap();
        tower::ServiceExt::oneshot(router.clone(), request)
            .await
            .unwrap();
    };
    ask("GET", "/v2").await;
    assert_eq!(log.answers(), [Value::Null; 0]);
    ask("GET", "/v2/models/none").await;
    let told = log.answers();
    assert_eq!((told.len(), &told[0]["status"]), (1, &404.into()));
    assert_eq!(told[0]["span"]["path"], "/v2/models/none");
    assert_eq!(told[0]["reason"], "model none is not known");
    ask("GET", "/v1/fixtures?limit=x").await;
    let reason = log.answers()[0]["reason"].as_str().unwrap().to_owned();
    assert!(
        reason.starts_with("bad-query: the query cannot be read: limit: "),
        "{reason}"
    );

    let path = "/v2/models/none/infer";
    let request = Request::post(path).header("x-request-id", "mine");
    let answer = front.answer(request.body(Body::from("{}")).unwrap()).await;
    let told = log.answers();
    assert_eq!(
        (told.len(), &told[0]["status"]),
        (1, &answer.status().as_u16().into())
    );
    assert!(told[0]["reason"].as_str().is_some(), "{told:?}");
    let span = &told[0]["span"];
    assert_eq!((&span["path"], &span["id"]), (&path.into(), &"mine".into()));

    for (method, code) in [("ServerLive", None), ("Strange", Some("Unimplemented"))] {
        let path = format!("/inference.GRPCInferenceService/{method}");
        let call = Request::post(&path).header("content-type", "application/grpc");
        grpc.answer(call.body(Body::from(vec![0; 5])).unwrap())
            .await;
        let told = log.answers();
        assert_eq!(told.first().map(|it| it["code"].as_str().unwrap()), code);
        assert!(told.iter().all(|it| it["reason"].is_string()), "{told:?}");
        assert!(told.iter().all(|it| it["span"]["path"] == *path));
    }
}
