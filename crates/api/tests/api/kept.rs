//! Answers are kept, and never a moment longer than what they were made from stays the same.

use api::{ApiOptions, ReadAccess, Scope};
use axum::http::StatusCode;

use crate::app::{Answer, App};

/// Which tier answered.
fn tier(answer: &Answer) -> &str {
    let timing = answer.header("server-timing");
    timing
        .strip_prefix("cache;desc=")
        .unwrap_or_else(|| panic!("{answer:?}"))
}

async fn quote(app: &App, fixture: i64, price: f64) {
    let writer = app.writer().await;
    let body = format!(
        r#"{{"data": [{{"fixture_id": {fixture}, "bookmaker": "book", "market": "h2h",
            "outcomes": [{{"outcome": "home", "price": {price}}}]}}]}}"#
    );
    let written = app
        .post("/v1/quotes", &body, &[("authorization", &writer)])
        .await;
    assert_eq!(written.status, StatusCode::OK, "{written:?}");
}

#[tokio::test]
async fn an_answer_is_made_once_and_says_which_tier_gave_it() {
    let app = App::open().await;
    let paths = [
        "/v1/competitions".to_owned(),
        "/v1/teams?limit=3".to_owned(),
        "/v1/fixtures".to_owned(),
        format!("/v1/fixtures/{}", app.upcoming()),
        format!("/v1/fixtures/{}/quotes", app.upcoming()),
        format!("/v1/fixtures/{}/markets", app.upcoming()),
        format!("/v1/fixtures/{}/insight", app.upcoming()),
        "/v1/board".to_owned(),
        "/v1/edges".to_owned(),
    ];
    for path in paths {
        let first = app.get(&path).await;
        let again = app.get(&path).await;
        assert_eq!((tier(&first), tier(&again)), ("loader", "memory"), "{path}");
        assert_eq!(first.body, again.body, "{path}");
        assert_eq!(first.header("etag"), again.header("etag"));
        assert_eq!(again.header("age"), "0");
        assert!(again.header("vary").contains("accept-encoding"));
    }
}

#[tokio::test]
async fn a_prediction_is_kept_and_forgotten_with_its_fixture_alone() {
    let app = App::trained().await;
    let other = app.fixtures[app.fixtures.len() - 2];
    let paths = [app.upcoming(), other].map(|it| format!("/v1/fixtures/{it}/prediction"));
    for path in &paths {
        assert_eq!(app.get(path).await.status, StatusCode::OK);
        assert_eq!(tier(&app.get(path).await), "memory");
    }
    quote(&app, app.upcoming(), 2.5).await;
    assert_eq!(tier(&app.get(&paths[0]).await), "loader");
    assert_eq!(tier(&app.get(&paths[1]).await), "memory");
}

#[tokio::test]
async fn a_write_is_seen_by_the_very_next_read_of_everything_made_from_it() {
    let app = App::open().await;
    let fixture = app.upcoming();
    let paths = [
        format!("/v1/fixtures/{fixture}"),
        format!("/v1/fixtures/{fixture}/quotes"),
        format!("/v1/fixtures/{fixture}/markets"),
        format!("/v1/fixtures/{fixture}/insight"),
        "/v1/fixtures".to_owned(),
        "/v1/board".to_owned(),
        "/v1/edges".to_owned(),
        "/v1/competitions".to_owned(),
    ];
    for round in 0..3 {
        for path in &paths {
            app.get(path).await;
            assert_eq!(tier(&app.get(path).await), "memory", "{path}");
        }
        quote(&app, fixture, 2.0 + f64::from(round)).await;
        for path in &paths {
            assert_eq!(tier(&app.get(path).await), "loader", "{path}");
        }
        let quotes = app.get(&paths[1]).await.json();
        let quotes = quotes["data"].as_array().unwrap();
        let ours = |it: &&serde_json::Value| it["bookmaker"] == "book" && it["superseded"] == false;
        let price = &quotes.iter().find(ours).unwrap()["outcomes"][0]["price"];
        assert_eq!(price.as_f64(), Some(2.0 + f64::from(round)), "{quotes:?}");
    }
}

#[tokio::test]
async fn training_makes_predictions_new() {
    let app = App::trained().await;
    let path = format!("/v1/fixtures/{}/prediction", app.upcoming());
    app.get(&path).await;
    assert_eq!(tier(&app.get(&path).await), "memory");
    app.engine.train(std::sync::Arc::new(|_| {})).await.unwrap();
    assert_eq!(tier(&app.get(&path).await), "loader");
}

#[tokio::test]
async fn what_another_process_writes_is_followed() {
    let app = App::open().await;
    let path = format!("/v1/fixtures/{}/quotes", app.upcoming());
    app.engine.follow().await.unwrap();
    let before = app.get(&path).await;
    let beside = format!("/v1/fixtures/{}/quotes", app.fixtures[0]);
    app.get(&beside).await;
    app.engine.follow().await.unwrap();
    assert_eq!(tier(&app.get(&path).await), "memory");

    let other = engine::Engine::new(
        app.store.clone(),
        std::sync::Arc::new(engine::FixedClock(app.now)),
        engine::EngineOptions::default(),
    );
    let price = domain::Price::new(3.25).unwrap();
    let command = engine::QuoteCommand {
        fixture: domain::FixtureId(app.upcoming()),
        bookmaker: domain::BookmakerKey::new("book").unwrap(),
        market: domain::Market::H2H,
        stage: domain::QuoteStage::Intermediate,
        taken_at: None,
        prices: vec![(domain::Outcome::Home, price.decimal())],
    };
    let source = domain::SourceKey::new("api").unwrap();
    other.put_quotes(&source, vec![command]).await.unwrap();
    app.engine.follow().await.unwrap();
    let after = app.get(&path).await;
    assert_eq!(tier(&after), "loader");
    assert_ne!(before.body, after.body);
    assert_eq!(tier(&app.get(&beside).await), "memory");

    other.train(std::sync::Arc::new(|_| {})).await.unwrap();
    app.get("/v1/models/elo/report").await;
    assert_eq!(tier(&app.get("/v1/models/elo/report").await), "memory");
    other.train(std::sync::Arc::new(|_| {})).await.unwrap();
    app.engine.follow().await.unwrap();
    assert_eq!(tier(&app.get("/v1/models/elo/report").await), "loader");
}

#[tokio::test]
async fn an_answer_is_not_given_to_who_may_not_read() {
    let app = App::with(ApiOptions {
        read_access: ReadAccess::Keyed,
        ..ApiOptions::default()
    })
    .await;
    let reader = format!("Bearer {}", app.key(&[Scope::Read], 3).await);
    let writer = format!("Bearer {}", app.key(&[Scope::Write], 4).await);
    let path = "/v1/teams";
    let answer = app.get_with(path, &[("authorization", &reader)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.header("cache-control").starts_with("private, "));
    assert!(answer.header("vary").contains("authorization"));
    assert_eq!(app.get(path).await.status, StatusCode::UNAUTHORIZED);
    let refused = app.get_with(path, &[("authorization", &writer)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let again = app.get_with(path, &[("authorization", &reader)]).await;
    assert_eq!(tier(&again), "memory");
}

#[tokio::test]
async fn what_is_not_there_is_not_kept_and_everybody_learns_why() {
    let app = App::open().await;
    for path in ["/v1/fixtures/999999", "/v1/fixtures?limit=many"] {
        let (first, second) = tokio::join!(app.get(path), app.get(path));
        for answer in [first, second] {
            assert!(answer.status.is_client_error(), "{answer:?}");
            answer.problem();
            assert_eq!(answer.header("cache-control"), "no-store");
        }
    }
}

#[tokio::test]
async fn a_crowd_that_asks_for_one_answer_makes_it_once() {
    let app = App::open().await;
    let asked = (0..64).map(|_| app.get("/v1/board"));
    let answers = futures(asked).await;
    assert!(answers.iter().all(|it| it.status == StatusCode::OK));
    let board = app
        .engine
        .cache()
        .statistics()
        .into_iter()
        .find(|it| it.kind == "answer.board");
    assert_eq!(board.unwrap().loads, 1);
}

/// Polls all together until all are done.
async fn futures<F: Future<Output = Answer>>(all: impl Iterator<Item = F>) -> Vec<Answer> {
    let mut waiting: Vec<_> = all.map(|it| (Box::pin(it), None)).collect();
    std::future::poll_fn(|context| {
        for (future, done) in &mut waiting {
            if done.is_none()
                && let std::task::Poll::Ready(answer) = future.as_mut().poll(context)
            {
                *done = Some(answer);
            }
        }
        match waiting.iter().all(|it| it.1.is_some()) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    waiting.into_iter().filter_map(|it| it.1).collect()
}

#[tokio::test]
async fn an_address_too_long_is_answered_without_being_kept() {
    let app = App::open().await;
    let path = format!("/v1/teams?search={}", "a".repeat(1000));
    let answer = app.get(&path).await;
    assert_eq!(answer.header("server-timing"), "");
    assert!(!answer.header("etag").is_empty());
}

#[tokio::test]
async fn head_tells_the_length_of_what_is_kept() {
    let app = App::open().await;
    let whole = app.get("/v1/fixtures").await;
    let head = app
        .ask((axum::http::Method::HEAD, "/v1/fixtures"), "", &[])
        .await;
    assert_eq!((tier(&head), head.body.len()), ("memory", 0));
    assert_eq!(head.header("content-length"), whole.body.len().to_string());
}

#[tokio::test]
async fn operators_see_what_is_kept_and_purge_it() {
    let app = App::open().await;
    let admin = format!("Bearer {}", app.key(&[Scope::Admin], 9).await);
    let auth = [("authorization", admin.as_str())];
    let fixture = format!("/v1/fixtures/{}", app.upcoming());
    let fill = || async {
        for path in [fixture.as_str(), "/v1/teams"] {
            app.get(path).await;
            assert_eq!(tier(&app.get(path).await), "memory");
        }
    };
    fill().await;
    let status = app.get_with("/v1/cache", &auth).await.json();
    assert!(status["memory_bytes"].as_u64().unwrap() > 500, "{status}");
    let kinds = status["kinds"].as_array().unwrap();
    let of = |name: &str| kinds.iter().find(|it| it["kind"] == name).unwrap();
    assert_eq!(of("answer.fixture")["hits"], 1);
    assert_eq!(of("answer.fixture")["loads"], 1);
    assert_eq!(of("answer.teams")["entries"], 1);

    let purge = |body: String| app.post("/v1/cache/purge", body.leak(), &auth);
    let tag = format!(r#"{{"tags": ["fixture:{}"]}}"#, app.upcoming());
    for (body, left) in [
        (tag, ["loader", "memory"]),
        (
            r#"{"kinds": ["answer.teams"]}"#.to_owned(),
            ["memory", "loader"],
        ),
        (r#"{"everything": true}"#.to_owned(), ["loader", "loader"]),
    ] {
        fill().await;
        assert_eq!(purge(body).await.status, StatusCode::OK);
        let tiers = [
            tier(&app.get(&fixture).await).to_owned(),
            tier(&app.get("/v1/teams").await).to_owned(),
        ];
        assert_eq!(tiers, left);
    }
}

#[tokio::test]
async fn a_purge_that_cannot_be_meant_is_refused() {
    let app = App::open().await;
    let admin = format!("Bearer {}", app.key(&[Scope::Admin], 9).await);
    let auth = [("authorization", admin.as_str())];
    for (body, pointer) in [
        ("{}", ""),
        (r#"{"kinds": ["answer.teams", "answers"]}"#, "/kinds/1"),
        (r#"{"tags": ["weather:1"]}"#, "/tags/0"),
    ] {
        let answer = app.post("/v1/cache/purge", body, &auth).await;
        assert_eq!(answer.problem(), "invalid-entries");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
    }
    let writer = app.writer().await;
    let answer = app
        .post("/v1/cache/purge", "{}", &[("authorization", &writer)])
        .await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(app.get("/v1/cache").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_answer_too_large_to_keep_is_sent_all_the_same() {
    let app = App::open().await;
    let writer = app.writer().await;
    let fixture = app.upcoming();
    for batch in 0..15 {
        let quote = |at: u32| {
            let book = format!("book_{}", batch * 1_000 + at);
            format!(
                r#"{{"fixture_id": {fixture}, "bookmaker": "{book}", "market": "h2h", "outcomes": [
                    {{"outcome": "home", "price": 2.5}}, {{"outcome": "draw", "price": 3.5}},
                    {{"outcome": "away", "price": 3.1}}]}}"#
            )
        };
        let quotes: Vec<String> = (0..1_000).map(quote).collect();
        let body = format!(r#"{{"data": [{}]}}"#, quotes.join(","));
        let written = app
            .post("/v1/quotes", &body, &[("authorization", &writer)])
            .await;
        assert_eq!(written.status, StatusCode::OK);
    }
    let path = format!("/v1/fixtures/{fixture}/quotes");
    for _ in 0..2 {
        let answer = app.get(&path).await;
        assert_eq!((answer.status, tier(&answer)), (StatusCode::OK, "loader"));
        assert!(answer.body.len() > 4 << 20, "{}", answer.body.len());
    }
}
