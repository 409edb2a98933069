use axum::{body::Body, http::StatusCode};
use tokio::runtime::Builder;
use tonic::codegen::tokio_stream;

use super::*;
use crate::oip::room::Room;

/// A body of pieces; its length is not known beforehand.
fn pieces(all: &[Result<&'static str, &'static str>]) -> Body {
    let all: Vec<_> = all.iter().map(|it| it.map(Bytes::from)).collect();
    Body::from_stream(tokio_stream::iter(all))
}

fn run<T>(work: impl Future<Output = T>) -> T {
    Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(work)
}

#[test]
fn only_plain_requests_for_inference_take_the_short_way() {
    let of = |model, version| Some(Place { model, version });
    assert_eq!(place("/v2/models/m/infer"), of("m", None));
    assert_eq!(place("/v2/models/m/versions/3/infer"), of("m", Some("3")));
    for path in [
        "/v2/models/m",
        "/v2/models//infer",
        "/v2/models/infer",
        "/v2/models/m%20n/infer",
        "/v2/models/m/versions//infer",
        "/v2/models/m/versions/3/4/infer",
        "/v2/models/m/labels/3/infer",
        "/v1/models/m/infer",
    ] {
        assert_eq!(place(path), None, "{path}");
    }
}

#[test]
fn a_body_in_pieces_is_put_together_and_a_broken_one_is_an_error() {
    let read = |all: &[Result<&'static str, &'static str>]| {
        run(whole(pieces(all), &Room::default().hold()))
    };
    assert_eq!(read(&[]).unwrap(), "");
    assert_eq!(read(&[Ok("a")]).unwrap(), "a");
    assert_eq!(read(&[Ok("ab"), Ok(""), Ok("c")]).unwrap(), "abc");
    let broken = read(&[Ok("a"), Err("gone")]);
    assert!(matches!(broken, Err(Unread::Broken(_))));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_is_waited_for_up_to_a_bound() {
    let drips = tokio_stream::StreamExt::then(tokio_stream::iter(0..), |_| async {
        tokio::time::sleep(BODY_TIME_MAX / 9).await;
        Ok::<_, BoxError>(Bytes::from_static(b"drip"))
    });
    assert!(matches!(
        whole(Body::from_stream(drips), &Room::default().hold()).await,
        Err(Unread::Late)
    ));
}

#[test]
fn a_body_beyond_the_bound_is_not_kept() {
    let long = Body::from(vec![0; BODY_BYTES_MAX + 1]);
    assert!(matches!(
        run(whole(long, &Room::default().hold())),
        Err(Unread::TooLong)
    ));
    let half = || Ok::<_, BoxError>(Bytes::from(vec![0; BODY_BYTES_MAX / 2 + 1]));
    let halves = Body::from_stream(tokio_stream::iter([half(), half()]));
    assert!(matches!(
        run(whole(halves, &Room::default().hold())),
        Err(Unread::TooLong)
    ));
}

#[test]
fn a_panic_is_an_error() {
    let panics = async { panic!("no") };
    assert!(run(caught::<()>(panics)).is_err());
    assert_eq!(run(caught(async { 7 })).unwrap(), 7);
}

#[test]
fn a_refusal_lets_the_body_by_up_to_a_bound() {
    let refused = |body| run(refuse(OipError::not_ready(), body)).status();
    let pieces = pieces(&[Ok("a"), Ok("b")]);
    assert_eq!(refused(pieces), StatusCode::SERVICE_UNAVAILABLE);
    let endless = Body::from_stream(tokio_stream::iter(std::iter::repeat_with(|| {
        Ok::<_, BoxError>(Bytes::from_static(&[0; 1 << 16]))
    })));
    assert_eq!(refused(endless), StatusCode::SERVICE_UNAVAILABLE);
}
