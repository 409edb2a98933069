//! Signing in at a browser: what a session may, who may use it, and how it ends.

use std::time::Duration;

use api::{ApiOptions, ReadAccess, Scope, SessionOptions};
use axum::http::{Method, StatusCode, header};

use crate::app::{Answer, App};

const SESSION: &str = "/v1/session";
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const OTHER: (&str, &str) = ("sec-fetch-site", "cross-site");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const HTML: (&str, &str) = ("accept", "text/html");

async fn keyed() -> App {
    App::with(ApiOptions {
        read_access: ReadAccess::Keyed,
        ..ApiOptions::default()
    })
    .await
}

/// What a browser sends back of the cookies it was given.
pub(crate) fn cookies(answer: &Answer) -> String {
    let lines = answer.headers.get_all(header::SET_COOKIE).into_iter();
    let pairs: Vec<&str> = lines
        .map(|it| it.to_str().unwrap().split(';').next().unwrap())
        .collect();
    pairs.join("; ")
}

async fn sign_in(app: &App, key: &str) -> Answer {
    app.post(SESSION, &format!(r#"{{"key": "{key}"}}"#), &[OWN])
        .await
}

#[tokio::test]
async fn a_session_may_what_its_key_may_and_only_from_our_own_pages() {
    let app = keyed().await;
    let key = app.key(&[Scope::Read, Scope::Write], 1).await;
    let answer = sign_in(&app, &key).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    assert_eq!(
        answer.json()["scopes"],
        serde_json::json!(["read", "write"])
    );
    assert!(!String::from_utf8_lossy(&answer.body).contains(&key));
    let hidden = answer.header("set-cookie");
    assert!(
        hidden.contains("; HttpOnly") && hidden.contains("; SameSite=Lax"),
        "{hidden}"
    );
    let cookie = cookies(&answer);
    assert!(!cookie.contains(&key), "the key itself is no cookie");
    let signed_in = ("cookie", cookie.as_str());

    assert_eq!(
        app.get_with("/v1/teams", &[signed_in]).await.status,
        StatusCode::OK
    );
    let who = app.get_with(SESSION, &[signed_in]).await;
    assert_eq!(who.json()["key"], key[3..11]);
    // What is malformed was let in; nothing is said of it to others.
    for from in [vec![signed_in, OWN], vec![signed_in]] {
        let written = app.post("/v1/quotes", r#"{"data": []}"#, &from).await;
        assert_eq!(written.problem(), "malformed-body", "{from:?}");
    }
    for from in [OTHER, ("origin", "https://evil.example")] {
        let written = app
            .post("/v1/quotes", r#"{"data": []}"#, &[signed_in, from])
            .await;
        assert_eq!(
            (written.status, &*written.problem()),
            (StatusCode::FORBIDDEN, "other-site")
        );
        let out = app
            .ask((Method::DELETE, SESSION), "", &[signed_in, from])
            .await;
        assert_eq!(out.problem(), "other-site");
    }
    let models = app
        .ask((Method::POST, "/v1/models/m/unload"), "", &[signed_in, OWN])
        .await;
    assert_eq!(models.problem(), "scope-missing");
    let cache = app.get_with("/v1/cache", &[signed_in, OWN]).await;
    assert_eq!(cache.problem(), "scope-missing");
    // A key in a header goes before a session.
    let stranger = [signed_in, OWN, ("x-api-key", "se_wrong")];
    assert_eq!(
        app.get_with("/v1/teams", &stranger).await.problem(),
        "key-refused"
    );
}

#[tokio::test]
async fn nobody_signs_in_with_a_key_that_does_not_count_or_for_another_site() {
    let app = App::open().await;
    let key = app.key(&[Scope::Read], 1).await;
    let revoked = app.key(&[Scope::Read], 2).await;
    app.engine.revoke_key(&revoked[3..11]).await.unwrap();
    for key in ["", "se_wrong", &revoked] {
        let answer = sign_in(&app, key).await;
        assert_eq!(answer.problem(), "key-refused", "{key}");
        assert_eq!(cookies(&answer), "");
    }
    let body = format!(r#"{{"key": "{key}"}}"#);
    assert_eq!(
        app.post(SESSION, &body, &[OTHER]).await.problem(),
        "other-site"
    );
    let more = format!(r#"{{"key": "{key}", "scope": "admin"}}"#);
    assert_eq!(
        app.post(SESSION, &more, &[OWN]).await.problem(),
        "malformed-body"
    );
    for cookie in ["", "sports-edge-session=AAAA"] {
        let answer = app.get_with(SESSION, &[("cookie", cookie)]).await;
        assert_eq!(answer.problem(), "session-ended");
    }
}

#[tokio::test]
async fn a_session_ends_by_signing_out_with_its_key_and_when_another_takes_its_place() {
    let app = keyed().await;
    let key = app.key(&[Scope::Read], 1).await;
    let ended = async |cookie: &str| {
        let answer = app.get_with("/v1/teams", &[("cookie", cookie)]).await;
        assert_eq!(answer.problem(), "session-ended");
        assert!(answer.header("www-authenticate").starts_with("Bearer "));
    };
    let first = cookies(&sign_in(&app, &key).await);
    let body = format!(r#"{{"key": "{key}"}}"#);
    let again = app.post(SESSION, &body, &[OWN, ("cookie", &first)]).await;
    let second = cookies(&again);
    assert_ne!(first, second);
    ended(&first).await;

    let out = app
        .ask((Method::DELETE, SESSION), "", &[OWN, ("cookie", &second)])
        .await;
    assert_eq!(out.json()["ended"], true);
    assert_eq!(out.header("clear-site-data"), "\"cache\", \"storage\"");
    assert_eq!(cookies(&out), "sports-edge-session=; signed-in=");
    ended(&second).await;
    let out = app.ask((Method::DELETE, SESSION), "", &[OWN]).await;
    assert_eq!(out.json()["ended"], false);

    let third = cookies(&sign_in(&app, &key).await);
    app.engine.revoke_key(&key[3..11]).await.unwrap();
    ended(&third).await;
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let app = App::with(ApiOptions {
        read_access: ReadAccess::Keyed,
        sessions: SessionOptions {
            time: Duration::from_millis(1),
            ..SessionOptions::default()
        },
        ..ApiOptions::default()
    })
    .await;
    let key = app.key(&[Scope::Read], 1).await;
    let cookie = cookies(&sign_in(&app, &key).await);
    let ends = async {
        loop {
            let answer = app.get_with("/v1/teams", &[("cookie", &cookie)]).await;
            if answer.status != StatusCode::OK {
                break assert_eq!(answer.problem(), "session-ended");
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), ends)
        .await
        .unwrap();
}

#[tokio::test]
async fn where_reads_are_open_a_session_that_ended_is_no_reason_to_refuse_them() {
    let app = App::open().await;
    let cookie = format!("sports-edge-session={}", "A".repeat(43));
    let answer = app.get_with("/v1/teams", &[("cookie", &cookie)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    let written = app
        .post("/v1/quotes", "{}", &[("cookie", &cookie), OWN])
        .await;
    assert_eq!(written.problem(), "session-ended");
}

#[tokio::test]
async fn pages_lead_to_the_form_and_the_form_leads_back() {
    let app = keyed().await;
    let sent = app.get_with("/edges?sort=edge", &[HTML]).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER);
    assert_eq!(
        sent.header("location"),
        "/sign-in?back=%2Fedges%3Fsort%3Dedge"
    );
    let form = app.get_with(sent.header("location"), &[HTML]).await;
    assert_eq!(form.status, StatusCode::OK);
    let text = String::from_utf8(form.body).unwrap();
    assert!(
        text.contains(r#"name="back" value="/edges?sort=edge""#),
        "{text}"
    );

    let key = app.key(&[Scope::Read], 1).await;
    let send = async |body: String, from: (&str, &str)| {
        app.ask((Method::POST, "/sign-in"), body, &[FORM, HTML, from])
            .await
    };
    let refused = send("key=se_wrong&back=%2Fedges".to_owned(), OWN).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let text = String::from_utf8(refused.body.clone()).unwrap();
    assert!(
        text.contains("Not signed in: the API key is mistyped"),
        "{text}"
    );
    assert!(!text.contains("se_wrong"), "a key is not shown again");
    let foreign = send(format!("key={key}"), OTHER).await;
    assert_eq!(
        (foreign.status, &*cookies(&foreign)),
        (StatusCode::FORBIDDEN, "")
    );

    let back = send(format!("key=+{key}+&back=%2Fedges%3Fsort%3Dedge"), OWN).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert_eq!(back.header("location"), "/edges?sort=edge");
    assert!(cookies(&back).contains("signed-in="));
    for back in [
        "https%3A%2F%2Fevil.example",
        "%2F%09%2Fevil.example",
        "%2F%5Cevil.example",
    ] {
        let elsewhere = send(format!("key={key}&back={back}"), OWN).await;
        assert_eq!(elsewhere.header("location"), "/", "{back}");
    }
    // Over plain HTTP a browser says by the origin alone whose form it is, and over TLS behind a proxy
    // that it is TLS: pages let it, by the referrer policy.
    let form = app.get_with("/sign-in", &[HTML]).await;
    assert_eq!(form.header("referrer-policy"), "same-origin");
    let tls = [FORM, HTML, OWN, ("origin", "https://edge.example")];
    let tls = app
        .ask((Method::POST, "/sign-in"), format!("key={key}"), &tls)
        .await;
    assert!(tls.header("set-cookie").ends_with("; Secure"));
}

#[tokio::test]
async fn over_http_2_which_has_no_header_for_the_host_a_browser_signs_in_and_writes() {
    let app = keyed().await;
    let key = app.key(&[Scope::Read, Scope::Write], 1).await;
    let at = |path: &str| format!("https://edge.example:8443{path}");
    let body = format!(r#"{{"key": "{key}"}}"#);
    // An older browser, which says by the origin alone whose page asks.
    let own = ("origin", "https://edge.example:8443");
    let answer = app.post(&at(SESSION), &body, &[own]).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let cookie = cookies(&answer);
    assert!(
        cookie.starts_with("__Host-sports-edge-session-8443="),
        "{cookie}"
    );
    let signed_in = ("cookie", cookie.as_str());
    let who = app.get_with(&at(SESSION), &[signed_in]).await;
    assert_eq!(who.json()["key"], key[3..11]);
    let written = |origin| {
        let (app, headers) = (&app, [signed_in, ("origin", origin)]);
        let address = at("/v1/quotes");
        async move {
            app.post(&address, r#"{"data": []}"#, &headers)
                .await
                .problem()
        }
    };
    assert_eq!(written(own.1).await, "malformed-body", "it was let in");
    assert_eq!(written("https://edge.example").await, "other-site");
}

#[tokio::test]
async fn pages_show_who_is_signed_in_and_say_when_that_ended() {
    let app = keyed().await;
    let key = app.key(&[Scope::Read], 1).await;
    let cookie = cookies(&sign_in(&app, &key).await);
    let page = app.get_with("/edges", &[HTML, ("cookie", &cookie)]).await;
    let text = String::from_utf8(page.body).unwrap();
    assert!(
        text.contains(&format!("Signed in with the key se_{}", &key[3..11])),
        "{text}"
    );
    // The cache's page is for those who operate the server.
    let cache = app.get_with("/cache", &[HTML, ("cookie", &cookie)]).await;
    assert_eq!(cache.status, StatusCode::FORBIDDEN);
    let out = app
        .ask(
            (Method::POST, "/sign-out"),
            "",
            &[HTML, ("cookie", &cookie), OWN],
        )
        .await;
    assert_eq!(
        (out.status, out.header("location")),
        (StatusCode::SEE_OTHER, "/")
    );
    let gone = app.get_with("/edges", &[HTML, ("cookie", &cookie)]).await;
    assert_eq!(
        gone.header("location"),
        "/sign-in?back=%2Fedges&ended=1",
        "it is told why"
    );
    assert_eq!(cookies(&gone), "sports-edge-session=; signed-in=");
    let told = app.get_with(gone.header("location"), &[HTML]).await;
    let text = String::from_utf8(told.body).unwrap();
    assert!(text.contains("The session has ended"), "{text}");
}

#[tokio::test]
async fn an_operator_sees_the_cache_by_a_session() {
    let app = keyed().await;
    let key = app.key(&[Scope::Admin], 1).await;
    let cookie = cookies(&sign_in(&app, &key).await);
    let page = app.get_with("/cache", &[HTML, ("cookie", &cookie)]).await;
    assert_eq!(page.status, StatusCode::OK);
    let answer = app.get_with("/v1/cache", &[("cookie", &cookie), OWN]).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn a_key_signs_in_only_so_often_and_what_nobody_knows_is_not_kept() {
    let app = App::open().await;
    let key = app.key(&[Scope::Read], 1).await;
    let first = cookies(&sign_in(&app, &key).await);
    for _ in 1..60 {
        assert_eq!(sign_in(&app, &key).await.status, StatusCode::CREATED);
    }
    let refused = sign_in(&app, &key).await;
    assert_eq!(refused.problem(), "too-many-requests");
    assert_eq!(refused.header("retry-after"), "60");
    let other = app.key(&[Scope::Read], 2).await;
    assert_eq!(sign_in(&app, &other).await.status, StatusCode::CREATED);

    let made_up = format!("sports-edge-session={}", "A".repeat(43));
    let out = [OWN, ("cookie", made_up.as_str())];
    let out = app.ask((Method::DELETE, SESSION), "", &out).await;
    assert_eq!(out.json()["ended"], false);
    let who = app.get_with(SESSION, &[("cookie", &first)]).await;
    assert_eq!(who.status, StatusCode::OK, "{who:?}");
}

#[tokio::test]
async fn a_session_gets_no_ticket_which_would_outlive_it() {
    let app = keyed().await;
    let key = app.key(&[Scope::Read], 1).await;
    let cookie = cookies(&sign_in(&app, &key).await);
    let from = [OWN, ("cookie", cookie.as_str())];
    let ticket = app.post("/v1/live/tickets", "", &from).await;
    assert_eq!(ticket.problem(), "ticket-needless");
}
