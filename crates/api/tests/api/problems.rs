use axum::{
    body::Body,
    http::{Method, Request, StatusCode},
};

use crate::app::App;

/// Asks, and holds the problem against the one expected.
async fn check(app: &App, path: &str, status: u16, slug: &str) {
    let answer = app.get(path).await;
    let expected = (StatusCode::from_u16(status).unwrap(), slug.to_owned());
    assert_eq!((answer.status, answer.problem()), expected, "{path}");
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_by_name() {
    let app = App::open().await;
    for (query, parameter) in [
        ("limt=1", "limt"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=ten", "limit"),
        ("limit=1&limit=2", "limit"),
        ("status=lost", "status"),
        ("order=random", "order"),
        ("team=Arsenal", "team"),
        ("competition=a%20b", "competition"),
        ("competition=", "competition"),
        ("season=%00", "season"),
        ("from=yesterday", "from"),
        ("until=2024-01-01", "until"),
        ("cursor=made-up", "cursor"),
    ] {
        let answer = app.get(&format!("/v1/fixtures?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["parameter"], parameter, "{problem}");
    }
}

#[tokio::test]
async fn every_route_refuses_parameters_it_does_not_know() {
    let app = App::open().await;
    let id = app.upcoming();
    for path in [
        "/v1/competitions".to_owned(),
        "/v1/teams".to_owned(),
        "/v1/fixtures".to_owned(),
        "/v1/edges".to_owned(),
        "/v1/board".to_owned(),
        "/v1/models".to_owned(),
        "/v1/models/blend/report".to_owned(),
        "/health/live".to_owned(),
        "/health/ready".to_owned(),
        "/v1/competitions/T0/standings".to_owned(),
        "/v1/teams/1/form".to_owned(),
        "/v1/teams/1/meetings".to_owned(),
        format!("/v1/fixtures/{id}"),
        format!("/v1/fixtures/{id}/quotes"),
        format!("/v1/fixtures/{id}/markets"),
        format!("/v1/fixtures/{id}/prediction"),
        format!("/v1/fixtures/{id}/insight"),
    ] {
        check(&app, &format!("{path}?what=1"), 400, "bad-query").await;
    }
}

#[tokio::test]
async fn filters_of_other_lists_are_checked_too() {
    let app = App::open().await;
    let many = vec!["E0"; 51].join(",");
    for path in [
        "/v1/edges?min_edge=much",
        "/v1/edges?min_edge=NaN",
        "/v1/edges?min_edge=-2",
        "/v1/edges?market=corners",
        "/v1/edges?market=totals",
        "/v1/edges?flagged=maybe",
        "/v1/board?limit=1000",
        "/v1/teams?sport=curling",
        &format!("/v1/board?competition={many}"),
    ] {
        check(&app, path, 400, "bad-query").await;
    }
    check(&app, "/v1/teams?cursor=00", 400, "bad-cursor").await;
    check(&app, "/v1/edges?cursor=zz", 400, "bad-cursor").await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let app = App::open().await;
    for path in [
        "/nowhere",
        "/v1",
        "/v1/",
        "/v1/fixtures/",
        "/docs/nothing.js",
        "/v1/teams/1",
    ] {
        check(&app, path, 404, "unknown-route").await;
    }
    for end in ["", "/quotes", "/prediction", "/insight"] {
        check(
            &app,
            &format!("/v1/fixtures/0{end}"),
            404,
            "unknown-fixture",
        )
        .await;
        check(&app, &format!("/v1/fixtures/first{end}"), 400, "bad-path").await;
        check(&app, &format!("/v1/fixtures/%FF{end}"), 400, "bad-path").await;
    }
}

#[tokio::test]
async fn without_a_model_a_prediction_says_how_to_get_one() {
    let app = App::open().await;
    let id = app.upcoming();
    check(
        &app,
        &format!("/v1/fixtures/{id}/prediction"),
        503,
        "no-model",
    )
    .await;
    check(&app, "/v1/models/blend/report", 503, "no-model").await;
}

#[tokio::test]
async fn a_method_a_path_does_not_take_is_refused_with_those_it_takes() {
    let app = App::open().await;
    for (method, path, allowed) in [
        (Method::DELETE, "/v1/fixtures", "GET,HEAD,POST"),
        (Method::POST, "/v1/teams", "GET,HEAD"),
        (Method::GET, "/v1/results", "POST"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::empty())
            .unwrap();
        let answer = app.send(request).await;
        assert_eq!(answer.problem(), "method-not-allowed", "{path}");
        assert_eq!(answer.header("allow"), allowed);
    }
}

#[tokio::test]
async fn a_problem_is_complete() {
    let app = App::open().await;
    let answer = app
        .get_with("/v1/fixtures/0?x=y", &[("x-request-id", "mine.1")])
        .await;
    insta::assert_json_snapshot!(answer.json());
    let answer = app
        .get_with("/v1/fixtures/0", &[("x-request-id", "mine.2")])
        .await;
    insta::assert_json_snapshot!(answer.json());
}

#[tokio::test]
async fn a_failing_database_is_a_problem_that_keeps_its_causes_to_itself() {
    let app = App::open().await;
    store::Store::close(&*app.store).await;
    let answer = app.get("/v1/competitions").await;
    assert_eq!(answer.problem(), "store-failed");
    assert_eq!(
        answer.json()["detail"],
        "the database failed; the log has more"
    );
    let ready = app.get("/health/ready").await;
    assert_eq!(ready.problem(), "not-ready");
}
