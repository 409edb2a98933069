use std::sync::Arc;

use super::*;

fn check(error: InferenceError, status: u16, code: Code) -> OipError {
    let error = OipError::from(error);
    assert_eq!((error.status.as_u16(), error.code), (status, code));
    error
}

#[test]
fn every_error_has_its_status_on_both_faces() {
    let model: Arc<str> = "m".into();
    let wait = Duration::from_millis(1_500);
    let unknown = InferenceError::UnknownModel("m".to_owned());
    check(unknown, 404, Code::NotFound);
    check(
        InferenceError::BadRequest("x".to_owned()),
        400,
        Code::InvalidArgument,
    );
    check(InferenceError::Deadline, 504, Code::DeadlineExceeded);
    check(InferenceError::Stopping, 503, Code::Unavailable);
    check(
        InferenceError::Unloaded(model.clone()),
        503,
        Code::Unavailable,
    );
    check(
        InferenceError::Refused("x".to_owned()),
        409,
        Code::FailedPrecondition,
    );
    let failed = |transient| InferenceError::Failed {
        model: model.clone(),
        version: 1,
        reason: "x".into(),
        transient,
    };
    check(failed(false), 500, Code::Internal);
    check(failed(true), 503, Code::Unavailable);
    let server = InferenceError::ServerBusy {
        bound: 1,
        retry_after: wait,
    };
    check(server, 503, Code::Unavailable);
    let busy = InferenceError::ModelBusy {
        model: model.clone(),
        bound: 1,
        retry_after: wait,
    };
    let busy = check(busy, 429, Code::ResourceExhausted);
    assert_eq!(busy.clone().into_response().headers()["retry-after"], "2");
    let status = Status::from(busy);
    assert_eq!(
        status.metadata().get("grpc-retry-pushback-ms").unwrap(),
        "1500"
    );
}
