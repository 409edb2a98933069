//! What browsers are told about pages of other origins.

use std::num::NonZeroU32;

use api::{ApiOptions, Front, RateOptions, ReadAccess, Scope};
use axum::{
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};

use crate::app::App;

const PAGE: &str = "https://edge.example";
const PATH: &str = "/v1/competitions";

async fn front(allowed: &[&str]) -> (App, Front) {
    let app = App::with(ApiOptions {
        read_access: ReadAccess::Keyed,
        allowed_origins: allowed.iter().map(|it| (*it).to_owned()).collect(),
        rates: RateOptions {
            per_key: None,
            per_address: NonZeroU32::new(1),
        },
        ..ApiOptions::default()
    })
    .await;
    let front = Front::new(app.state.clone());
    (app, front)
}

async fn ask(
    front: &Front,
    (method, path): (Method, &str),
    headers: &[(&str, &str)],
) -> (StatusCode, HeaderMap) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = front.answer(request.body(Body::empty()).unwrap()).await;
    (answer.status(), answer.headers().clone())
}

fn said<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|it| it.to_str().unwrap())
}

#[tokio::test]
async fn pages_of_an_origin_that_is_named_may_read_every_answer_and_refusal() {
    let (app, front) = front(&[PAGE, "http://localhost:5173"]).await;
    let key = format!("Bearer {}", app.key(&[Scope::Read], 1).await);
    let page = ("origin", PAGE);
    let (status, headers) = ask(
        &front,
        (Method::GET, PATH),
        &[page, ("authorization", &key)],
    )
    .await;
    assert_eq!(status, StatusCode::OK);
    let etag = said(&headers, "etag").unwrap().to_owned();
    let again: &[_] = &[page, ("authorization", &key), ("if-none-match", &etag)];
    for (path, asked, expected) in [
        (PATH, again, StatusCode::NOT_MODIFIED),
        (PATH, &[page], StatusCode::UNAUTHORIZED),
        ("/v1/nothing", &[page], StatusCode::NOT_FOUND),
    ] {
        let (status, headers) = ask(&front, (Method::GET, path), asked).await;
        assert_eq!(status, expected, "{path}");
        let allowed = said(&headers, "access-control-allow-origin");
        assert_eq!(allowed, Some(PAGE), "{path}");
        assert_eq!(said(&headers, "access-control-expose-headers"), Some("*"));
        // Nobody's cookies are to come along.
        assert_eq!(said(&headers, "access-control-allow-credentials"), None);
        let mut vary = headers.get_all("vary").iter();
        assert!(vary.any(|it| it.to_str().unwrap().contains("origin")));
    }
    let infer = (Method::POST, "/v2/models/none/infer");
    let (_, headers) = ask(&front, infer, &[page]).await;
    assert_eq!(said(&headers, "access-control-allow-origin"), Some(PAGE));
}

#[tokio::test]
async fn what_a_page_may_send_is_told_without_a_key_and_counts_as_no_request() {
    let (_app, front) = front(&[PAGE]).await;
    for _ in 0..3 {
        let (status, headers) = ask(
            &front,
            (Method::OPTIONS, "/v1/quotes"),
            &[
                ("origin", PAGE),
                ("access-control-request-method", "POST"),
                (
                    "access-control-request-headers",
                    "authorization,idempotency-key",
                ),
            ],
        )
        .await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(said(&headers, "access-control-allow-origin"), Some(PAGE));
        let methods = said(&headers, "access-control-allow-methods").unwrap();
        assert!(methods.contains("POST") && methods.contains("DELETE"));
        let sent = said(&headers, "access-control-allow-headers");
        assert_eq!(sent, Some("authorization,idempotency-key"));
        assert_eq!(said(&headers, "access-control-max-age"), Some("3600"));
    }
}

#[tokio::test]
async fn pages_of_other_origins_are_told_nothing() {
    for allowed in [&[][..], &[PAGE]] {
        let (_app, front) = front(allowed).await;
        for origin in ["https://evil.example", "http://edge.example", "null"] {
            for method in [Method::GET, Method::OPTIONS] {
                let asked = [
                    ("origin", origin),
                    ("access-control-request-method", "POST"),
                ];
                let (_, headers) = ask(&front, (method, PATH), &asked).await;
                let allowed = said(&headers, "access-control-allow-origin");
                assert_eq!(allowed, None, "{origin}");
            }
        }
    }
}
