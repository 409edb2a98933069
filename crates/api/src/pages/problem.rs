//! Failures as pages, for people who came with a browser.

use askama::Template;
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use engine::EngineError;

use super::{
    Pages,
    preferences::Preferences,
    shell::{Shell, Style},
};
use crate::ProblemKind;

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    shell: Shell<'a>,
    status: u16,
    title: &'static str,
    detail: String,
    help: String,
}

/// What a failure is called and what to do about it.
struct Words {
    status: StatusCode,
    title: &'static str,
    help: &'static str,
}

/// The page of an engine's failure.
pub(super) fn of_engine(pages: &Pages, error: &EngineError, headers: &HeaderMap) -> Response {
    let words = words(error);
    let detail =
        if words.status.is_server_error() && words.status != StatusCode::SERVICE_UNAVAILABLE {
            tracing::error!(error = error as &dyn std::error::Error, "page failed");
            String::new()
        } else {
            error.to_string()
        };
    page(pages, &words, detail, headers)
}

/// The page of a status that did not come from the engine, such as a path nobody knows.
pub(super) fn of_status(pages: &Pages, status: StatusCode, headers: &HeaderMap) -> Response {
    let words = match status {
        StatusCode::NOT_FOUND => Words {
            status,
            title: "There is nothing here",
            help: "The address may be mistyped, or what it named is gone.",
        },
        _ => fault(status),
    };
    page(pages, &words, String::new(), headers)
}

/// Whether a problem at `path` is shown as a page: to browsers, outside the API.
pub(crate) fn wants_page(path: &str, asked: &HeaderMap) -> bool {
    let machine = ["/v1/", "/health/", "/assets/"]
        .iter()
        .any(|it| path.starts_with(it));
    let accept = asked.get(header::ACCEPT).and_then(|it| it.to_str().ok());
    !machine && accept.is_some_and(|it| it.contains("text/html"))
}

/// The page of a problem of the API, for people who came with a browser.
pub(crate) fn problem_page(kind: ProblemKind, detail: String, asked: &HeaderMap) -> Response {
    let style = Style::new();
    let preferences = Preferences::read(asked);
    let page = ProblemPage {
        shell: Shell::bare(kind.title, &style, preferences),
        status: kind.status.as_u16(),
        title: kind.title,
        detail,
        help: plain(kind.help),
    };
    style.respond(&page, kind.status, asked)
}

/// Text without the marks of code.
fn plain(text: &str) -> String {
    text.replace('`', "")
}

fn page(pages: &Pages, words: &Words, detail: String, headers: &HeaderMap) -> Response {
    let preferences = Preferences::read(headers);
    let page = ProblemPage {
        shell: pages.shell(
            "problem",
            words.title.to_owned(),
            "/".to_owned(),
            preferences,
        ),
        status: words.status.as_u16(),
        title: words.title,
        detail,
        help: words.help.to_owned(),
    };
    pages.respond(&page, words.status, headers)
}

fn words(error: &EngineError) -> Words {
    match error {
        EngineError::UnknownFixture(_)
        | EngineError::UnknownModel(_)
        | EngineError::UnknownCompetition(_)
        | EngineError::UnknownSeason(..)
        | EngineError::UnknownTeam(_) => Words {
            status: StatusCode::NOT_FOUND,
            title: "There is nothing here",
            help: "The address may be mistyped, or what it named is gone.",
        },
        EngineError::BadCursor(_) => Words {
            status: StatusCode::BAD_REQUEST,
            title: "This page of the list cannot be found",
            help: "Start again from the first page of the list.",
        },
        EngineError::NoModel => Words {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "No model has been trained",
            help: "Run sports-edge train, then come back.",
        },
        EngineError::NotPredictable { .. } => Words {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            title: "This fixture cannot be predicted",
            help: "Import more results of its teams, then train again.",
        },
        _ => fault(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn fault(status: StatusCode) -> Words {
    Words {
        status,
        title: "Something went wrong on our side",
        help: "The log has the cause; sports-edge doctor checks the installation. Try again in a moment.",
    }
}
