//! The developers' console: what the feed sends of any key, frame by frame, and buttons that break
//! the connection. Its program does all of it; without script it says how to see the same by `curl`.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use serde::Deserialize;

use super::{Pages, preferences::Preferences, shell::Shell};

/// Keys that are proposed.
const PROPOSED: [&str; 4] = [
    "scoreboard?limit=30",
    "board?limit=10",
    "edges?limit=10",
    "fixtures?limit=10",
];

/// What the address can say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ConsoleQuery {
    #[serde(default)]
    key: String,
}

#[derive(Template)]
#[template(path = "console.html")]
struct ConsolePage<'a> {
    shell: Shell<'a>,
    key: String,
    /// The key as a query carries it.
    query: String,
    proposed: [&'static str; 4],
}

/// `GET /console`.
pub(super) async fn show(
    State(pages): State<Pages>,
    Query(query): Query<ConsoleQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let preferences = Preferences::read(&headers);
    let path = uri.path_and_query().map_or("/console", |it| it.as_str());
    let shell = pages.shell(
        "console",
        "Console".to_owned(),
        path.to_owned(),
        preferences,
    );
    let key = Some(query.key).filter(|it| !it.is_empty());
    let key = key.unwrap_or_else(|| PROPOSED[0].to_owned());
    let mut query = form_urlencoded::Serializer::new(String::new());
    let page = ConsolePage {
        shell,
        query: query.append_pair("k", &key).finish(),
        key,
        proposed: PROPOSED,
    };
    pages.respond(&page, StatusCode::OK, &headers)
}
