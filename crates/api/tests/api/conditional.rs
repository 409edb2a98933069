use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};

use crate::app::App;

#[tokio::test]
async fn a_read_carries_a_strong_tag_and_may_be_kept_but_must_be_asked_for() {
    let app = App::open().await;
    let answer = app.get("/v1/competitions").await;
    let tag = answer.header("etag");
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=60, stale-while-revalidate=300, stale-if-error=3600"
    );
    let live = app.get("/v1/board").await;
    assert_eq!(
        live.header("cache-control"),
        "public, max-age=0, stale-while-revalidate=5, stale-if-error=300"
    );
    assert_eq!(app.get("/v1/competitions").await.header("etag"), tag);
    assert_ne!(app.get("/v1/teams").await.header("etag"), tag);
}

#[tokio::test]
async fn an_answer_the_client_has_comes_without_a_body() {
    let app = App::open().await;
    let tag = app.get("/v1/teams").await.header("etag").to_owned();
    let weak = format!("W/{tag}");
    let listed = format!("\"other\", {tag}");
    for known in [tag.as_str(), &weak, &listed, "*"] {
        let answer = app.get_with("/v1/teams", &[("if-none-match", known)]).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{known}");
        assert!(answer.body.is_empty());
        assert!(answer.header("etag").contains(tag.trim_matches('"')));
        assert!(answer.header("cache-control").starts_with("public, "));
    }
    for unknown in ["\"other\"", "", "\"other-br\""] {
        let answer = app
            .get_with("/v1/teams", &[("if-none-match", unknown)])
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{unknown}");
    }
}

#[tokio::test]
async fn a_compressed_answer_has_a_tag_of_its_own_that_is_known_again() {
    let app = App::open().await;
    let plain = app.get("/v1/fixtures").await;
    for coding in ["br", "gzip"] {
        let accept = ("accept-encoding", coding);
        let answer = app.get_with("/v1/fixtures", &[accept]).await;
        assert_eq!(answer.header("content-encoding"), coding);
        assert!(answer.body.len() < plain.body.len());
        let tag = answer.header("etag");
        assert_eq!(
            tag,
            format!("{}-{coding}\"", plain.header("etag").trim_end_matches('"'))
        );
        let again = app
            .get_with("/v1/fixtures", &[accept, ("if-none-match", tag)])
            .await;
        assert_eq!(
            (again.status, again.header("etag")),
            (StatusCode::NOT_MODIFIED, tag)
        );
    }
}

#[tokio::test]
async fn a_write_changes_the_tag() {
    let app = App::open().await;
    let writer = app.writer().await;
    let path = format!("/v1/fixtures/{}/quotes", app.upcoming());
    let before = app.get(&path).await.header("etag").to_owned();
    let body = format!(
        r#"{{"data": [{{"fixture_id": {}, "bookmaker": "book", "market": "h2h",
            "outcomes": [{{"outcome": "home", "price": 2.5}}]}}]}}"#,
        app.upcoming()
    );
    let written = app
        .post("/v1/quotes", &body, &[("authorization", &writer)])
        .await;
    assert_eq!(written.status, StatusCode::OK, "{written:?}");
    assert_ne!(app.get(&path).await.header("etag"), before);
}

#[tokio::test]
async fn head_answers_like_get_without_the_body() {
    let app = App::open().await;
    let request = Request::builder().method(Method::HEAD).uri("/v1/teams");
    let head = app.send(request.body(Body::empty()).unwrap()).await;
    let get = app.get("/v1/teams").await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.header("etag"), get.header("etag"));
}

#[tokio::test]
async fn problems_and_health_are_never_kept() {
    let app = App::open().await;
    for path in ["/v1/fixtures/0", "/health/live", "/nowhere"] {
        let answer = app.get(path).await;
        assert_eq!(
            (answer.header("cache-control"), answer.header("etag")),
            ("no-store", "")
        );
    }
}
