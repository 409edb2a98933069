//! What the API says of itself: the OpenAPI document, Swagger UI from the copy in the binary, and
//! the page that explains every problem. Nothing is loaded from elsewhere.

use std::{fmt::Write as _, sync::Arc};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderValue, header},
    middleware,
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use crate::{
    error::ApiError,
    guard::conditional,
    problem::{PROBLEM_KINDS, PROBLEMS_PATH},
};

/// Swagger UI sets styles from its script; everything else comes from here.
const VIEWER_POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";
const PAGE_POLICY: &str = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
/// Documentation changes with the release only.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=300");

#[derive(Clone)]
struct Docs {
    document: Arc<str>,
    viewer: Arc<utoipa_swagger_ui::Config<'static>>,
}

/// Serves `document` as `/openapi.json`, its viewer at `/docs`, and the page of problems.
pub(crate) fn router(document: String) -> Router {
    let viewer = utoipa_swagger_ui::Config::from("/openapi.json")
        .validator_url("none")
        .display_operation_id(true)
        .filter(true)
        .try_it_out_enabled(true);
    let docs = Docs {
        document: document.into(),
        viewer: Arc::new(viewer),
    };
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/docs", get(|| async { Redirect::permanent("/docs/") }))
        .route("/docs/", get(index))
        .route("/docs/{*file}", get(file))
        .route(PROBLEMS_PATH, get(problems))
        .layer(middleware::from_fn(conditional))
        .with_state(docs)
}

async fn openapi(State(docs): State<Docs>) -> Response {
    let json = HeaderValue::from_static("application/json");
    let headers = [(header::CONTENT_TYPE, json), (header::CACHE_CONTROL, KEEP)];
    (headers, docs.document.to_string()).into_response()
}

async fn index(State(docs): State<Docs>) -> Result<Response, ApiError> {
    viewer_file("index.html", &docs)
}

async fn file(State(docs): State<Docs>, Path(file): Path<String>) -> Result<Response, ApiError> {
    viewer_file(&file, &docs)
}

fn viewer_file(name: &str, docs: &Docs) -> Result<Response, ApiError> {
    let file = utoipa_swagger_ui::serve(name, Arc::clone(&docs.viewer));
    let file = file.ok().flatten().ok_or(ApiError::UnknownRoute)?;
    let headers = [
        (header::CONTENT_TYPE, file.content_type),
        (header::CONTENT_SECURITY_POLICY, VIEWER_POLICY.to_owned()),
    ];
    let keep = [(header::CACHE_CONTROL, KEEP)];
    Ok((headers, keep, file.bytes.into_owned()).into_response())
}

async fn problems() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    ];
    (headers, [(header::CACHE_CONTROL, KEEP)], problems_page()).into_response()
}

fn problems_page() -> String {
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>Problems · Sports Edge</title></head><body><main><h1>Problems</h1>\
         <p>Every error of the API is a problem document (RFC 9457) whose <code>type</code> leads \
         to one of these.</p>",
    );
    for kind in PROBLEM_KINDS {
        let help = code_spans(kind.help);
        write!(
            page,
            "<section id=\"{0}\"><h2><a href=\"#{0}\">{0}</a></h2>\
             <p><strong>{1}: {2}</strong></p><p>{help}</p></section>",
            kind.slug,
            kind.status.as_u16(),
            kind.title,
        )
        .expect("writing to a string does not fail");
    }
    page.push_str("</main></body></html>");
    page
}

/// Turns text in backquotes into code.
fn code_spans(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts
        .map(|(at, part)| {
            if at % 2 == 1 {
                format!("<code>{part}</code>")
            } else {
                part.into()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_a_place_for_every_kind_of_problem() {
        let page = problems_page();
        for kind in PROBLEM_KINDS {
            assert!(
                page.contains(&format!("id=\"{}\"", kind.slug)),
                "{}",
                kind.slug
            );
            assert_eq!(kind.help.matches('`').count() % 2, 0, "{}", kind.slug);
        }
        assert!(page.contains("<code>errors</code>"));
    }
}
