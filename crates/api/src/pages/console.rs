//! The developers' console: what the feed sends of any key, frame by frame, and buttons that break
//! the connection. Its program does all of it; without script it says how to see the same by `curl`.

use askama::Template;
use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode, Uri, header},
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
    /// Where the page came from, such as `localhost:8080`.
    host: String,
    proposed: [&'static str; 4],
}

/// The host that the page was asked of, as a shell takes it between quotes.
fn host(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    let is_plain = |it: &&str| !it.contains('\'');
    host.filter(is_plain).unwrap_or("localhost:8080").to_owned()
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
        host: host(&headers),
        key,
        proposed: PROPOSED,
    };
    pages.respond(&page, StatusCode::OK, &headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::tests::empty_world;

    #[tokio::test]
    async fn the_line_for_a_shell_asks_where_the_page_came_from() {
        let world = empty_world().await;
        let asked = axum::http::Request::get("/console").header(header::ACCEPT, "text/html");
        let page = world
            .send(asked.header(header::HOST, "localhost:9137"))
            .await;
        assert!(
            page.body
                .contains("http://localhost:9137</span>/v1/live?k=")
        );
    }
}
