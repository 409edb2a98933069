//! The model's report card: how good its forecasts were, and what betting on them would bring.

mod betting;
mod body;

use std::collections::HashMap;

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::Response,
};
use domain::FixtureId;
use engine::{EngineError, FixtureView, Report};
use serde::Deserialize;

use super::{
    Pages,
    asked::{Asked, misread},
    preferences::Preferences,
    shell::Shell,
};

pub(super) use self::body::Body;

/// The most misses whose teams are looked up.
const MISSES_MAX: usize = 12;

/// What the address can say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ReportQuery {
    #[serde(default)]
    sport: String,
    #[serde(default)]
    model: String,
}

/// Teams of the fixtures a report names.
pub(super) type Names = HashMap<FixtureId, FixtureView>;

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    shell: Shell<'a>,
    report: Option<Body>,
    /// Whether fixtures are links.
    linked: bool,
}

impl ReportQuery {
    /// What of it the report does not judge.
    fn notices(&self, body: &Body) -> Vec<String> {
        let sport = body.sports.iter().any(|it| it.key == self.sport);
        let model = body.models.iter().any(|it| it.key == self.model);
        let shown = |name: &str| format!("{name} is shown");
        let what = format!("a model judged on {}", body.sport);
        [
            misread(
                &self.sport,
                sport,
                "a sport judged here",
                &shown(&body.sport),
            ),
            misread(&self.model, model, &what, &shown(&body.model)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// `GET /report`.
pub(super) async fn show(
    State(pages): State<Pages>,
    Asked(query): Asked<ReportQuery>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let preferences = Preferences::read(&headers);
    let report = match pages.engine.report().await {
        Ok(report) => Some(report),
        Err(EngineError::NoModel) => None,
        Err(error) => return pages.failed(&error, &headers),
    };
    let body = match &report {
        Some(report) => match body(&pages, report, &query).await {
            Ok(body) => body,
            Err(error) => return pages.failed(&error, &headers),
        },
        None => None,
    };
    let path = uri
        .path_and_query()
        .map_or("/report", |it| it.as_str())
        .to_owned();
    let mut shell = pages.shell("report", "Report card".to_owned(), path, preferences);
    shell.notices = body.as_ref().map_or_else(Vec::new, |it| query.notices(it));
    let page = ReportPage {
        shell,
        report: body,
        linked: true,
    };
    pages.respond(&page, StatusCode::OK, &headers)
}

/// The report with competitions by name.
async fn body(
    pages: &Pages,
    report: &Report,
    query: &ReportQuery,
) -> Result<Option<Body>, EngineError> {
    let names = names(pages, report, query).await?;
    let mut body = Body::new(report, &query.sport, &query.model, &names);
    let known = pages.engine.competitions().await?;
    for row in body.iter_mut().flat_map(|it| &mut it.seasons) {
        let mut own = known.iter().map(|it| &it.competition);
        if let Some(it) = own.find(|it| it.key.as_str() == row.competition) {
            row.competition.clone_from(&it.name);
        }
    }
    Ok(body)
}

/// Looks up the teams of the worst misses of what is shown; a fixture that is gone is left out.
async fn names(pages: &Pages, report: &Report, query: &ReportQuery) -> Result<Names, EngineError> {
    let mut names = Names::new();
    for fixture in body::misses(report, &query.sport, &query.model) {
        match pages.engine.fixture(fixture).await {
            Ok(view) => {
                names.insert(fixture, view);
            }
            Err(EngineError::UnknownFixture(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests;
