//! Signing in and out, by forms that need no script.

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use super::{
    Pages,
    preferences::{Preferences, local},
    shell::Shell,
};
use crate::{ApiState, auth, error::ApiError, guard, routes::FORGET};

/// What the address can say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct SignInQuery {
    #[serde(default)]
    back: String,
    /// Not empty where a session has ended.
    #[serde(default)]
    ended: String,
}

/// The form.
#[derive(Deserialize)]
pub(super) struct Shown {
    key: String,
    #[serde(default)]
    back: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    shell: Shell<'a>,
    back: &'a str,
    /// Why the form is shown again.
    word: Option<String>,
    hours: String,
}

/// `GET /sign-in`.
pub(super) async fn show(
    State((pages, state)): State<(Pages, ApiState)>,
    Query(query): Query<SignInQuery>,
    headers: HeaderMap,
) -> Response {
    let asked = (&*query.back, &headers);
    let word =
        (!query.ended.is_empty()).then(|| "The session has ended: sign in again.".to_owned());
    page(&pages, &state, asked, (StatusCode::OK, word))
}

/// `POST /sign-in`: goes back to where it was asked for, or says why not.
pub(super) async fn enter(
    State((pages, state)): State<(Pages, ApiState)>,
    headers: HeaderMap,
    Form(form): Form<Shown>,
) -> Response {
    let cookies = match auth::sign_in(&state, &form.key, &headers).await {
        Ok((_, _, cookies)) => cookies,
        Err(error) => {
            guard::log_if_ours(&error);
            let status = error.kind().status;
            let word = format!("Not signed in: {}.", error.detail());
            return page(&pages, &state, (&form.back, &headers), (status, Some(word)));
        }
    };
    let to = HeaderValue::try_from(local(&form.back)).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, cookies, [(header::LOCATION, to)]).into_response()
}

/// `POST /sign-out`.
pub(super) async fn leave(
    State((_, state)): State<(Pages, ApiState)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (_, cookies) = auth::sign_out(&state, &headers).await?;
    let to = [(header::LOCATION, HeaderValue::from_static("/")), FORGET];
    Ok((StatusCode::SEE_OTHER, cookies, to).into_response())
}

/// Where to sign in, to come back to a path.
pub(crate) fn sign_in_address(back: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    format!("/sign-in?{}", query.append_pair("back", back).finish())
}

fn page(
    pages: &Pages,
    state: &ApiState,
    (back, headers): (&str, &HeaderMap),
    (status, word): (StatusCode, Option<String>),
) -> Response {
    let back = local(back);
    let preferences = Preferences::read(headers);
    let title = "Sign in".to_owned();
    let page = SignInPage {
        shell: pages.shell("sign-in", title, back.to_owned(), preferences),
        back,
        word,
        hours: length(state.options.sessions.time.as_secs()),
    };
    pages.respond(&page, status, headers)
}

/// A length of time for people, to the minute.
fn length(seconds: u64) -> String {
    let minutes = seconds.div_ceil(60);
    let (number, unit) = match minutes {
        it if it % 60 == 0 => (it / 60, "hour"),
        it => (it, "minute"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn lengths_read_well() {
        let read = [43_200, 3_600, 5_400, 60, 1].map(length);
        assert_eq!(
            read,
            ["12 hours", "1 hour", "90 minutes", "1 minute", "1 minute"]
        );
    }
}
