use std::time::{Duration, Instant};

use api::{ApiOptions, ReadAccess, Scope};
use axum::http::StatusCode;

use crate::app::App;

const WRITES: [&str; 3] = ["/v1/fixtures", "/v1/results", "/v1/quotes"];
const READS: [&str; 6] = [
    "/v1/competitions",
    "/v1/teams",
    "/v1/fixtures",
    "/v1/board",
    "/v1/edges",
    "/v1/models",
];

#[tokio::test]
async fn every_write_is_refused_without_a_good_key_of_the_right_scope() {
    let app = App::open().await;
    let reader = app.key(&[Scope::Read], 1).await;
    let revoked = app.key(&[Scope::Write], 2).await;
    assert!(app.engine.revoke_key(&revoked[3..11]).await.unwrap());
    let stranger = api::KeyText::from_random(&[9; api::KEY_RANDOM_BYTES]);
    let cases = [
        ("", StatusCode::UNAUTHORIZED, "key-missing"),
        ("Basic eDp5", StatusCode::UNAUTHORIZED, "key-missing"),
        ("Bearer nonsense", StatusCode::UNAUTHORIZED, "key-refused"),
        (
            &format!("Bearer {}", stranger.reveal()),
            StatusCode::UNAUTHORIZED,
            "key-refused",
        ),
        (
            &format!("Bearer {revoked}"),
            StatusCode::UNAUTHORIZED,
            "key-refused",
        ),
        (
            &format!("Bearer {reader}"),
            StatusCode::FORBIDDEN,
            "scope-missing",
        ),
    ];
    for path in WRITES {
        for (authorization, status, problem) in &cases {
            let headers: &[_] = &[("authorization", *authorization)];
            let headers = if authorization.is_empty() {
                &[]
            } else {
                headers
            };
            let answer = app.post(path, r#"{"data": []}"#, headers).await;
            assert_eq!(
                (answer.status, answer.problem().as_str()),
                (*status, *problem),
                "{path}"
            );
            assert!(
                answer.header("www-authenticate").starts_with("Bearer "),
                "{answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_write_key_and_an_admin_key_open_every_write_in_either_header() {
    let app = App::open().await;
    let keys = [
        app.key(&[Scope::Write], 1).await,
        app.key(&[Scope::Admin], 2).await,
    ];
    for path in WRITES {
        for key in &keys {
            for (name, value) in [
                ("authorization", format!("Bearer {key}")),
                ("authorization", format!("bearer   {key}")),
                ("x-api-key", key.clone()),
            ] {
                let answer = app.post(path, r#"{"data": []}"#, &[(name, &value)]).await;
                assert_eq!(answer.problem(), "malformed-body", "{path} {name}");
            }
        }
    }
}

#[tokio::test]
async fn where_reads_are_not_open_they_need_a_key_with_the_scope() {
    let options = ApiOptions {
        read_access: ReadAccess::Keyed,
        ..ApiOptions::default()
    };
    let app = App::with(options).await;
    let reader = format!("Bearer {}", app.key(&[Scope::Read], 1).await);
    let writer = format!("Bearer {}", app.key(&[Scope::Write], 2).await);
    for path in READS {
        assert_eq!(app.get(path).await.problem(), "key-missing", "{path}");
        let refused = app.get_with(path, &[("authorization", &writer)]).await;
        assert_eq!(refused.problem(), "scope-missing", "{path}");
        let answer = app.get_with(path, &[("authorization", &reader)]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
    }
    for path in ["/health/live", "/openapi.json", "/docs/problems"] {
        assert_eq!(app.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn who_may_change_models_may_see_them_and_read_nothing_else() {
    let options = ApiOptions {
        read_access: ReadAccess::Keyed,
        ..ApiOptions::default()
    };
    let app = App::with(options).await;
    let keeper = format!("Bearer {}", app.key(&[Scope::Models], 1).await);
    let writer = format!("Bearer {}", app.key(&[Scope::Write], 2).await);
    for (path, status) in [
        ("/v1/models", StatusCode::OK),
        ("/v1/models/none/versions", StatusCode::NOT_FOUND),
        ("/v1/models/none/statistics", StatusCode::NOT_FOUND),
        ("/v1/models/none/config", StatusCode::NOT_FOUND),
        ("/v2", StatusCode::OK),
        ("/v2/models/none", StatusCode::NOT_FOUND),
        ("/v2/models/stats", StatusCode::NOT_FOUND),
    ] {
        let answer = app.get_with(path, &[("authorization", &keeper)]).await;
        assert_eq!(answer.status, status, "{path}");
        let answer = app.get_with(path, &[("authorization", &writer)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    let path = "/v1/models/none/report";
    let answer = app.get_with(path, &[("authorization", &keeper)]).await;
    assert_ne!(answer.status, StatusCode::FORBIDDEN);
    let answer = app.get_with(path, &[("authorization", &writer)]).await;
    assert_eq!(answer.problem(), "scope-missing");
    let answer = app
        .get_with("/v1/teams", &[("authorization", &keeper)])
        .await;
    assert_eq!(answer.problem(), "scope-missing");
    let path = "/v2/models/none/infer";
    let answer = app.post(path, "{}", &[("authorization", &keeper)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn where_reads_are_open_a_key_that_does_not_count_is_still_refused() {
    let app = App::open().await;
    let answer = app
        .get_with("/v1/teams", &[("x-api-key", "se_wrong")])
        .await;
    assert_eq!(answer.problem(), "key-refused");
    let writer = app.writer().await;
    let answer = app
        .get_with("/v1/teams", &[("authorization", &writer)])
        .await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_sent_as_a_password_reads_but_does_not_write() {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let options = ApiOptions {
        read_access: ReadAccess::Keyed,
        ..ApiOptions::default()
    };
    let app = App::with(options).await;
    let key = app.key(&[Scope::Read, Scope::Write], 1).await;
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("me:{key}")));
    let answer = app
        .get_with("/v1/teams", &[("authorization", &basic)])
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = app
        .post("/v1/quotes", "{}", &[("authorization", &basic)])
        .await;
    assert_eq!(answer.problem(), "key-missing");
    for nonsense in ["Basic !", "Basic bm9jb2xvbg=="] {
        let answer = app
            .get_with("/v1/teams", &[("authorization", nonsense)])
            .await;
        assert_eq!(answer.problem(), "key-missing");
    }
}

#[tokio::test]
async fn the_use_of_a_key_is_noted() {
    let app = App::open().await;
    let writer = app.writer().await;
    assert_eq!(app.engine.keys().await.unwrap()[0].last_used_at, None);
    for _ in 0..2 {
        app.get_with("/v1/teams", &[("authorization", &writer)])
            .await;
    }
    // It is noted beside the request.
    let began = Instant::now();
    while app.engine.keys().await.unwrap()[0].last_used_at.is_none() {
        assert!(began.elapsed() < Duration::from_secs(60), "nobody notes it");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
