use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use engine::{
    Engine, EngineOptions, FixedClock,
    caching::{Tag, Target},
};
use testkit::{LeagueOptions, league};
use tower::ServiceExt;

use super::*;
use crate::{ApiOptions, ReadAccess, router};

struct Both {
    state: ApiState,
    router: Router,
    _folder: tempfile::TempDir,
}

/// A status, its headers but for what differs from request to request, and the body.
type Said = (StatusCode, Vec<(String, String)>, Vec<u8>);

async fn said(response: Response) -> Said {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let mut headers = parts.headers;
    if parts.status == StatusCode::NOT_MODIFIED {
        // The router adds that there are none; the front takes it away again.
        headers.remove("content-length");
    }
    (parts.status, sorted(&headers), body.to_vec())
}

fn sorted(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |it: &axum::http::HeaderValue| it.to_str().unwrap().to_owned();
    let each = headers
        .iter()
        .map(|(name, it)| (name.to_string(), text(it)));
    let mut all: Vec<_> = each.filter(|it| it.0 != "x-request-id").collect();
    all.sort();
    all
}

impl Both {
    async fn open(options: ApiOptions) -> Self {
        let (store, folder) = testkit::store().await;
        let league = league(&LeagueOptions::default());
        testkit::fill(&store, &league).await;
        let clock = Arc::new(FixedClock(league.recorded_at));
        let engine = Engine::new(Arc::new(store), clock, EngineOptions::default());
        let state = ApiState::new(Arc::new(engine), options);
        let router = router(state.clone());
        Self {
            state,
            router,
            _folder: folder,
        }
    }

    fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    async fn by_router(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Said {
        let request = Self::request(method, path, headers);
        said(self.router.clone().oneshot(request).await.unwrap()).await
    }

    async fn short(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Option<Said> {
        let (parts, _) = Self::request(method, path, headers).into_parts();
        match answer_at_hand(&self.state, &parts).await {
            Some(response) => Some(said(response).await),
            None => None,
        }
    }
}

fn open() -> ApiOptions {
    ApiOptions {
        read_access: ReadAccess::Open,
        ..ApiOptions::default()
    }
}

#[tokio::test]
async fn both_ways_give_the_same_answer() {
    let both = Both::open(open()).await;
    for path in [
        "/v1/competitions",
        "/v1/fixtures?limit=50",
        "/v1/fixtures/1",
    ] {
        assert_eq!(
            both.short("GET", path, &[]).await,
            None,
            "it is not made yet"
        );
        let (status, headers, body) = both.by_router("GET", path, &[]).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let etag = &headers.iter().find(|it| it.0 == "etag").unwrap().1;
        assert_ne!(body, b"");
        for (method, asked) in [
            ("GET", vec![]),
            ("HEAD", vec![]),
            ("GET", vec![("accept-encoding", "gzip, br")]),
            ("GET", vec![("accept-encoding", "gzip")]),
            ("GET", vec![("if-none-match", etag.as_str())]),
            ("GET", vec![("if-none-match", "\"other\"")]),
            (
                "GET",
                vec![("if-none-match", "*"), ("accept-encoding", "br")],
            ),
        ] {
            let router = both.by_router(method, path, &asked).await;
            let short = both.short(method, path, &asked).await;
            assert_eq!(short, Some(router), "{method} {path} {asked:?}");
        }
        // What changes it makes neither way serve it.
        both.state
            .engine
            .cache()
            .remove(&[Target::Everything])
            .await;
        assert_eq!(both.short("GET", path, &[]).await, None);
    }
    let text = both.state.metrics();
    let counted = r#"route="/v1/fixtures/{id}",status="304"} 4"#;
    assert!(
        text.replace(' ', "").contains(&counted.replace(' ', "")),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_not_plainly_a_kept_read_is_left_to_the_router() {
    let both = Both::open(ApiOptions {
        concurrent_requests_max: 1,
        ..open()
    })
    .await;
    let path = "/v1/competitions";
    both.by_router("GET", path, &[]).await;
    assert!(both.short("GET", path, &[]).await.is_some());
    let position = [("sports-edge-position", "1")];
    assert_eq!(both.short("GET", path, &position).await, None);
    assert_eq!(both.short("POST", path, &[]).await, None);
    assert_eq!(both.short("GET", "/health/live", &[]).await, None);
    let bad_key = [("x-api-key", "none of ours")];
    assert_eq!(both.short("GET", path, &bad_key).await, None);
    let busy = both.state.requests.acquire().await.unwrap();
    assert_eq!(both.short("GET", path, &[]).await, None);
    drop(busy);
    assert!(both.short("GET", path, &[]).await.is_some());
    let _ = both
        .state
        .engine
        .cache()
        .remove(&[Tag::new("none", 1_u64).into()])
        .await;
    assert!(both.short("GET", path, &[]).await.is_some());
}

#[tokio::test]
async fn nobody_reads_without_the_key_that_reading_takes() {
    let both = Both::open(ApiOptions::default()).await;
    let path = "/v1/competitions";
    // Made by the server itself, as when it warms up.
    let made = router::ask(both.state.reads(), path, None).await.unwrap();
    assert_eq!(made.status(), StatusCode::OK);
    assert_eq!(both.short("GET", path, &[]).await, None);
    let (status, ..) = both.by_router("GET", path, &[]).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}
